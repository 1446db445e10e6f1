"""Comparison of deployed resources with a stack's settings, in separate steps: read facts, compare, report."""
