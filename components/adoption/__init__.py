"""Adoption of fixed names that exist already, from an earlier solution, a destroyed stack, or a killed run.

The AWS provider refuses to create what exists. So each such name has an `AdoptedResource` first: an existing resource is
kept, a missing one is created, and the AWS provider's resource then imports it and governs it from there. When the stack
is destroyed, the `AdoptedResource` restores the prior resource. Documents of Systems Manager are adopted, published and
restored by one resource (`document_resource.py`).
"""
