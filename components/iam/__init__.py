"""What IAM policies allow: documents, patterns, conditions with three results, principals, trust. Pure."""
