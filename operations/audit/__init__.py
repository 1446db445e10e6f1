"""`audit`: who has a way around approved shell access, by what an account's IAM allows."""
