"""Condition keys of a request, as far as they are known."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Known:
    """The key is present.

    Attributes:
        values: Values; one unless `many`.
        many: Whether the key is multivalued, so that only set operators apply (IAM User Guide, "Multivalued
            context keys").
    """

    values: tuple[str, ...]
    many: bool = False


@dataclass(frozen=True)
class Absent:
    """The request lacks the key."""


@dataclass(frozen=True)
class UnknownValue:
    """It is unknown whether the request has the key, and with which value."""


@dataclass(frozen=True)
class OneOf:
    """The key is present with one of several values; empty: any value."""

    values: tuple[str, ...] = ()


Value = Known | OneOf | Absent | UnknownValue

ABSENT: Final = Absent()
UNKNOWN: Final = UnknownValue()
PRESENT: Final = OneOf()
"""The request has the key, with an unknown value."""


def known(*values: str) -> Known:
    """Return a key that is present with these values."""
    return Known(values, many=len(values) != 1)


@dataclass(frozen=True)
class RequestContext:
    """Condition keys of a request.

    Attributes:
        values: Values by key in lower case.
        prefixes: Values by prefix of the key, `aws:resourcetag/`.
        otherwise: Value of every other key.
    """

    values: Mapping[str, Value] = field(default_factory=dict[str, Value])
    prefixes: Mapping[str, Value] = field(default_factory=dict[str, Value])
    otherwise: Value = UNKNOWN

    def value(self, key: str) -> Value:
        """Return the value of a key, regardless of case."""
        name = key.lower()
        found = self.values.get(name)
        if found is not None:
            return found
        return next((value for prefix, value in self.prefixes.items() if name.startswith(prefix)), self.otherwise)
