"""Descriptions of resource types, one module per kind of resource. `registry.py` maps tokens to modules."""
