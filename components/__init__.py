"""Components of Shell Access, and the pure builders that they use."""
