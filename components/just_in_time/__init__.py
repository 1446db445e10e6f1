"""AWS Systems Manager just-in-time node access: approval policies as documents, and their decisions."""
