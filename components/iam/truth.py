"""Three results: a condition holds, does not hold, or cannot be told (Kleene's strong logic)."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Truth(IntEnum):
    """Ordered, so that `min` is "and" and `max` is "or"."""

    NO = 0
    UNKNOWN = 1
    YES = 2

    def negated(self) -> Truth:
        """What is unknown stays so."""
        return Truth(Truth.YES - self)


def truth(value: bool) -> Truth:  # noqa: FBT001 -- a conversion
    """A Boolean as one of the three."""
    return Truth.YES if value else Truth.NO


def all_of(values: Iterable[Truth]) -> Truth:
    """YES where there are none."""
    return min(values, default=Truth.YES)


def any_of(values: Iterable[Truth]) -> Truth:
    """NO where there are none."""
    return max(values, default=Truth.NO)
