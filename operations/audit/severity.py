"""Severity of findings."""

from __future__ import annotations

from enum import IntEnum


class Severity(IntEnum):
    """Severities in ascending order."""

    LOW = 0
    """Information."""
    MEDIUM = 1
    """Partial, or depends on facts that IAM data does not show."""
    HIGH = 2
    """A shell, code on a node, or the approval, with one common fact more."""
    CRITICAL = 3
    """A shell, code on a node, or the approval itself, with no further permission."""

    @property
    def word(self) -> str:
        """Name in lower case: `critical`."""
        return self.name.lower()

    def lowered(self) -> Severity:
        """Return the next lower severity, for findings that are not certain."""
        return Severity(max(self - 1, Severity.LOW))


def severity_of(word: str) -> Severity:
    """Return the severity with a name.

    Raises:
        KeyError: There is none.
    """
    return Severity[word.upper()]
