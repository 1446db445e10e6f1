"""Compares what is live with what a stack's settings ask for: facts are read, compared, shown, each apart."""
