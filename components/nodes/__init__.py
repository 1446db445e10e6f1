"""Nodes that can hold a governed session."""
