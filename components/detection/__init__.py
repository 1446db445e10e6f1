"""Detection services of AWS around the domain controllers: adopted or enabled, and restored."""
