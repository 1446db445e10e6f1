"""Pulumi engine with Python programs, without the official language host."""
