"""Domain controllers of a Region, compared with the plan of their site."""
