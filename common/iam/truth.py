"""Three-valued logic (Kleene's strong logic): yes, no, unknown."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Truth(IntEnum):
    """Truth value; ordered, so that `min` is "and" and `max` is "or"."""

    NO = 0
    UNKNOWN = 1
    YES = 2

    def negated(self) -> Truth:
        """Return the negation; UNKNOWN stays UNKNOWN."""
        return Truth(Truth.YES - self)


def truth(value: bool) -> Truth:  # noqa: FBT001 -- a conversion
    """Return the truth value of a Boolean."""
    return Truth.YES if value else Truth.NO


def all_of(values: Iterable[Truth]) -> Truth:
    """Return the conjunction; YES without values."""
    return min(values, default=Truth.YES)


def any_of(values: Iterable[Truth]) -> Truth:
    """Return the disjunction; NO without values."""
    return max(values, default=Truth.NO)
