"""What the role that deploys a stack may do: its policies, its boundary, and a template that brings it into an account."""
