"""Session Manager preferences and everything that they name: keys, log group, instance permissions, endpoints."""
