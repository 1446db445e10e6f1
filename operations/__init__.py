"""Operations besides `pulumi`: `python -m operations`."""
