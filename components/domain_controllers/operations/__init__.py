"""Operation of domain controllers: event logs, patches, health and backups."""
