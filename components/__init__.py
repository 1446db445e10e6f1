"""The components of Shell Access and the pure builders that they render."""
