"""`doctor`: reasons why sessions on a node would fail or would not be logged."""
