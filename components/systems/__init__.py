"""Systems of a stack, each from its settings to its registered components.

There is one module per system, imported only where the stack has it: importing the network modules of `pulumi_aws`
takes longer than a complete run without them.
"""
