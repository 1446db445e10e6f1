"""Executor of Systems Manager Automation runbooks (schema 0.3) on the local AWS: the actions that this project uses."""
