"""The systems of a stack, each from settings to registered components.

A module a system, imported only where the stack has it: what the modules of `pulumi_aws` for networks take to load is
more than a whole run without them.
"""
