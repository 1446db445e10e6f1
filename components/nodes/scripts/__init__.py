"""Scripts of the remediation's runbook, as data."""
