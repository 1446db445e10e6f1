"""`nodes`: all nodes of a stack, worst first."""
