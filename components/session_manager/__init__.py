"""Session Manager preferences and the resources that they name: keys, log group, instance permissions, endpoints."""
