"""How bad a way around is."""

from __future__ import annotations

from enum import IntEnum


class Severity(IntEnum):
    """Ordered, the worst last."""

    LOW = 0
    """Information."""
    MEDIUM = 1
    """Partial, or needs facts that IAM does not show."""
    HIGH = 2
    """A shell, code or the approval, given one common fact more."""
    CRITICAL = 3
    """A shell, code or the approval itself, with no further right."""

    @property
    def word(self) -> str:
        """For people and machines: `critical`."""
        return self.name.lower()

    def lowered(self) -> Severity:
        """One level less bad, as for what cannot be told."""
        return Severity(max(self - 1, Severity.LOW))


def severity_of(word: str) -> Severity:
    """The severity that a word names.

    Raises:
        KeyError: it names none.
    """
    return Severity[word.upper()]
