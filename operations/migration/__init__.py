"""Migration of a stack to another mode of approval, without a moment in which no operator, or every principal, gets a session."""
