"""What is known of a request, by condition key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Known:
    """The key is present.

    Attributes:
        values: of it; one unless `many`.
        many: the key can have several values, so that only set operators make sense (IAM User Guide, "Multivalued
            context keys").
    """

    values: tuple[str, ...]
    many: bool = False


@dataclass(frozen=True)
class Absent:
    """The request does not have the key."""


@dataclass(frozen=True)
class Unknown:
    """Whether the request has the key, and with what value, cannot be told."""


@dataclass(frozen=True)
class OneOf:
    """The key is present with exactly one value, which is one of several; where those are not known either, of any.

    Attributes:
        values: the possible values; empty: any value.
    """

    values: tuple[str, ...] = ()


Value = Known | OneOf | Absent | Unknown

ABSENT: Final = Absent()
UNKNOWN: Final = Unknown()
PRESENT: Final = OneOf()
"""The request has the key, with a value that is not known."""


def known(*values: str) -> Known:
    """A key that is present with one value, or with several."""
    return Known(values, many=len(values) != 1)


@dataclass(frozen=True)
class Context:
    """A request's keys.

    Attributes:
        values: by key, in small letters.
        prefixes: by what keys start with, `aws:resourcetag/`.
        otherwise: of every other key.
    """

    values: Mapping[str, Value] = field(default_factory=dict[str, Value])
    prefixes: Mapping[str, Value] = field(default_factory=dict[str, Value])
    otherwise: Value = UNKNOWN

    def value(self, key: str) -> Value:
        """Of a key, whatever the case of its letters."""
        name = key.lower()
        found = self.values.get(name)
        if found is not None:
            return found
        return next((value for prefix, value in self.prefixes.items() if name.startswith(prefix)), self.otherwise)

    def also(self, values: Mapping[str, Value]) -> Context:
        """With further keys, which win."""
        return Context({**self.values, **values}, self.prefixes, self.otherwise)
