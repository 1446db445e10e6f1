"""What ends a command before it has looked at anything."""

from __future__ import annotations

from components.problems import visible


class UnusableError(Exception):
    """The configuration cannot be used; the text is for the person at the terminal, with what to do about it.

    It may repeat what others wrote, so nothing in it steers a terminal.
    """

    def __str__(self) -> str:
        return "\n".join(map(visible, super().__str__().split("\n")))
