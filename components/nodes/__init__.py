"""Nodes that are ready for governed sessions."""
