"""Exit codes of all commands."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of `python -m operations`."""

    AS_ASKED = 0
    """No differences from the stack's settings."""
    DIFFERENT = 1
    """Differences, or resources that cannot be evaluated."""
    UNUSABLE = 2
    """The command line or the configuration cannot be used; nothing was evaluated."""
