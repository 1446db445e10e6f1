"""Name of a stack as owner of what it governs."""

from __future__ import annotations

import pulumi


def this_stack() -> str:
    """Return `organization/project/stack`."""
    return f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
