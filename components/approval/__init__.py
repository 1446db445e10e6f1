"""A shell session only after somebody else said yes: the second system."""
