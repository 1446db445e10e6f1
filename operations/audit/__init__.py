"""`audit`: principals that bypass session approval, evaluated from an account's IAM data."""
