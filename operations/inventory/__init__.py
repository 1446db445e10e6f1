"""Inventory of live resources: facts, and functions that read them."""
