"""A stand-in for `pulumi-resource-aws` that needs nothing but Python: see README.md beside this file."""
