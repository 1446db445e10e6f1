"""Adoption of fixed names that exist already, from an earlier solution, a destroyed stack, or a killed run.

The AWS provider refuses to create what exists. So each such name is claimed first: an existing resource is kept, a
missing one is created, and the AWS provider's resource then imports it and governs it from there. When the stack is
destroyed, the claim restores the prior resource.
"""
