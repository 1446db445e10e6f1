"""A stand-in for `pulumi-resource-aws` in pure Python; see README.md in this folder."""
