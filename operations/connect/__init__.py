"""A session on an instance, through the AWS command line: find it, say the command, run it."""
