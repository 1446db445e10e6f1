"""Developer tools: checks, generated documentation, lock files, the contract of the AWS provider."""
