"""Sources of scripts that run inside Systems Manager."""
