"""The name under which a stack keeps what it governs."""

from __future__ import annotations

import pulumi


def this_stack() -> str:
    """`organization/project/stack`."""
    return f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
