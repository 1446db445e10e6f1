"""Exit codes of commands, and errors that end a command."""

from enum import IntEnum
from typing import ClassVar

from common.problems import visible


class ExitCode(IntEnum):
    """Exit codes of `python -m operations`."""

    SUCCESS = 0
    """No differences from the stack's settings, or the operation is done."""
    FINDINGS = 1
    """Differences, findings, or resources that cannot be evaluated; a call to AWS that failed."""
    UNUSABLE = 2
    """The command line or the configuration cannot be used; nothing was evaluated."""
    INTERRUPTED = 130
    """Ctrl-C ended the command."""


class CommandError(Exception):
    """An error that ends a command; the message is for the operator, and includes the fix.

    It may repeat text of other principals, so it contains no control characters.
    """

    exit_code: ClassVar = ExitCode.FINDINGS

    def __str__(self) -> str:
        return "\n".join(map(visible, super().__str__().split("\n")))


class UnusableError(CommandError):
    """The command line or the configuration cannot be used."""

    exit_code: ClassVar = ExitCode.UNUSABLE
