"""What every command tells a shell or a pipeline."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of `python -m operations`."""

    AS_ASKED = 0
    """Everything is as the stack's settings ask for."""
    DIFFERENT = 1
    """Something is different, or cannot be told."""
    UNUSABLE = 2
    """The command line or the configuration cannot be used, so nothing was looked at."""
