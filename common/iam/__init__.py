"""IAM policy evaluation: documents, patterns, conditions, principals, trust policies. Pure."""
