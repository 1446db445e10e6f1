"""What lets the Pulumi engine run Python programs without the official language host."""
