"""Checks of a whole stack against its account, before the first resource is registered."""
