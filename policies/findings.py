"""What a check sees of a resource, and what it may say about it.

In preview a property may not be known yet. The policy SDK raises when such a property is touched, and gives up the
whole rule; here the value is `UNKNOWN` instead, so that a check decides property by property and a rule never goes
quiet because of an unknown elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, cast

from pulumi_policy import proxy
from pulumi_policy.proxy import UnknownValueError

from components.problems import shown


class Unknown(Enum):
    """The type of `UNKNOWN`."""

    UNKNOWN = "known after the update"


UNKNOWN: Final = Unknown.UNKNOWN
"""In place of a value that preview cannot know, also inside lists and mappings."""


@dataclass(frozen=True)
class Violation:
    """A property that is not as it has to be.

    Attributes:
        property: its path in the resource.
        found: the value, for a reader.
        expected: what would be right, for a reader.
        about: the resource, where a check looks at a whole stack; None there: the stack itself.
    """

    property: str
    found: str
    expected: str
    about: Resource | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Unseen:
    """A property that decides, and that preview does not know; the rule is applied in the update.

    Attributes:
        property: its path in the resource.
        about: as of a violation.
    """

    property: str
    about: Resource | None = field(default=None, compare=False, repr=False)


Finding = Violation | Unseen
Findings = Iterator[Finding]

_SENTINELS: Final = frozenset(
    {
        proxy.UNKNOWN_BOOLEAN_VALUE,
        proxy.UNKNOWN_NUMBER_VALUE,
        proxy.UNKNOWN_STRING_VALUE,
        proxy.UNKNOWN_ARRAY_VALUE,
        proxy.UNKNOWN_ASSET_VALUE,
        proxy.UNKNOWN_ARCHIVE_VALUE,
        proxy.UNKNOWN_OBJECT_VALUE,
    }
)
_IDENTITIES: Final = ("id", "arn", "name")


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource, or a part of one.

    Attributes:
        type: its token, `aws:kms/key:Key`.
        name: in the program.
        properties: inputs as the SDK hands them over, or a mapping from inside one of them.
        settings: the rule's parameters.
        path: what to put before the names of properties, where they come from inside an input.
        urn: of the resource.
        sources: where a check looks at a whole stack: the URNs of the resources that a property's value comes from.
        added_tags: tags that resources of their own give it.
        is_output: whether the properties are outputs, which the provider fills in, and not inputs.
    """

    type: str
    name: str
    properties: Mapping[str, Any]
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    path: str = ""
    urn: str = ""
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]], repr=False)
    added_tags: Mapping[Any, Any] = field(default_factory=dict[Any, Any], repr=False)
    is_output: bool = False

    def value(self, name: str) -> Any:
        """The property as plain data, with `UNKNOWN` for what is not known; None where it is absent or null."""
        value = _read(self.properties, name)
        if name != "tags" or not self.added_tags:
            return value
        own: dict[Any, Any] = {UNKNOWN: UNKNOWN} if value is UNKNOWN else dict(value or {})
        return {**own, **self.added_tags}

    def given(self, name: str) -> Any:
        """Return the property that the program gave; None for one that preview does not know as the provider fills it in."""
        value = self.value(name)
        return None if self.is_output and value is UNKNOWN and not self.sources.get(name) else value

    def violation(self, name: str, expected: str) -> Violation:
        """Says that the property is not as expected."""
        value = self.value(name)
        return Violation(f"{self.path}{name}", described(value), expected, about=self)

    def unseen(self, name: str) -> Unseen:
        """Says that the property decides and is not known."""
        return Unseen(f"{self.path}{name}", about=self)

    def require(self, name: str, holds: Callable[[Any], bool], expected: str) -> Findings:
        """The property has to be known and to hold; one that is not known is reported as unseen."""
        value = self.value(name)
        if value is UNKNOWN:
            yield self.unseen(name)
        elif not holds(value):
            yield self.violation(name, expected)

    def require_given(self, name: str, expected: str) -> Findings:
        """The property has to name something; what is not known yet will be the name of what is yet to be made."""
        if not is_given(self.value(name)):
            yield self.violation(name, expected)

    def refers(self, name: str, other: Resource) -> bool:
        """Whether a property is another resource's ID, ARN or name, or one of them, or will be."""
        value = self.value(name)
        given = cast("list[Any]", value) if isinstance(value, list) else [value]
        identities = [other.value(each) for each in _IDENTITIES]
        return other.urn in self.sources.get(name, ()) or any(
            isinstance(one, str) and one in given for one in identities
        )


def described(value: Any) -> str:
    """A value for a reader of a message."""
    return "no value" if value is None else shown(value)


def is_given(value: Any) -> bool:
    """Whether a text names something, or will."""
    return value is UNKNOWN or (isinstance(value, str) and value.strip() != "")


def is_true(value: Any) -> bool:
    """Whether a switch is on: neither an absent one nor the text "true" is."""
    return value is True


def _read(container: Any, key: Any) -> Any:
    try:
        value = container[key]
    except (KeyError, IndexError):
        return None
    except UnknownValueError:
        return UNKNOWN
    return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        mapping = cast("Mapping[str, Any]", value)
        return {key: _read(mapping, key) for key in mapping}
    if isinstance(value, Sequence) and not isinstance(value, str):
        elements = cast("Sequence[Any]", value)
        return [_read(elements, index) for index in range(len(elements))]
    if isinstance(value, str) and value in _SENTINELS:
        return UNKNOWN  # when it remediates, the SDK hands them over as they come
    if isinstance(value, float) and value.is_integer():
        return int(value)  # numbers travel as floats
    return value
