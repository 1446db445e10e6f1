"""Speed of the engine with this program, as ratios measured side by side: `make bench`."""
