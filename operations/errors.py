"""Errors that abort a command before any AWS call."""

from __future__ import annotations

from common.problems import visible


class UnusableError(Exception):
    """The configuration cannot be used; the message is for the operator, and includes the remediation.

    It may repeat text of others, so it contains no control characters.
    """

    def __str__(self) -> str:
        return "\n".join(map(visible, super().__str__().split("\n")))
