"""Why a session on a node would fail or go unlogged."""
