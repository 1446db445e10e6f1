"""All nodes of a stack, the worst first."""
