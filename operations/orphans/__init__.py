"""Resources that carry a stack's tags and are not in its state."""
