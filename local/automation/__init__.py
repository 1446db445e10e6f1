"""Runs Systems Manager Automation runbooks (schema 0.3) against the local AWS: the actions that this project uses."""
