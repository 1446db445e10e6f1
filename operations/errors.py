"""What ends a command before it has looked at anything."""

from __future__ import annotations


class UnusableError(Exception):
    """The configuration cannot be used; the text is for the person at the terminal, with what to do about it."""
