"""What an operator runs besides `pulumi`: `python -m operations`."""
