"""Authorization requests of a call of the local AWS: principal, action, resource, condition keys.

`authorization.toml` maps each API operation to the actions that IAM evaluates. An operation that it lacks is recorded
as unknown, so that a test fails instead of ignoring it.
"""
