"""One module per kind of resource: descriptions, not mechanics. `registry.py` says which token lives where."""
