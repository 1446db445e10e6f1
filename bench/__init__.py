"""How fast the engine is with this program, as ratios measured side by side: `make bench`."""
