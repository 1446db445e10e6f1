"""Decisions of just-in-time node access over the nodes that exist."""
