"""Resources as checks see them, and the findings of checks.

In preview a property may not be known yet. The policy SDK raises when such a property is read, and skips the whole rule;
here the value is `UNKNOWN` instead, so that a check decides property by property.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Final, cast

from pulumi_policy import proxy
from pulumi_policy.proxy import UnknownValueError

from common.json_values import leaves, listed
from common.problems import shown


class Unknown(Enum):
    """Type of `UNKNOWN`."""

    UNKNOWN = "known after the update"


UNKNOWN: Final = Unknown.UNKNOWN
"""Value of a property that is not known in preview, also inside lists and mappings."""


@dataclass(frozen=True)
class Violation:
    """A violation.

    `about` is for checks of a whole stack; None there is the stack itself.
    """

    property: str
    found: str
    expected: str
    about: Resource | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Unseen:
    """A deciding property that preview does not know; the rule is applied in the update."""

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
IDENTITIES: Final = ("id", "arn", "name")
"""Properties by which others refer to a resource."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource, or a part of one.

    Attributes:
        type: Type token, `aws:kms/key:Key`.
        name: Name in the program.
        properties: Inputs as the SDK passes them, or a mapping inside one of them.
        settings: Parameters of the rule.
        path: Prefix of property names, for a mapping inside an input.
        urn: URN.
        sources: URNs of the resources that a property's value comes from, where a check evaluates a whole stack.
        added_tags: Tags that separate resources set.
        is_output: Whether the properties are outputs instead of inputs.
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
        """Return the property as plain data, with `UNKNOWN` for unknown parts; None where it is absent or null."""
        value = _read(self.properties, name)
        if name != "tags" or not self.added_tags:
            return value
        own: dict[Any, Any] = {UNKNOWN: UNKNOWN} if value is UNKNOWN else dict(value or {})
        return {**own, **self.added_tags}

    def given(self, name: str) -> Any:
        """Return a property of the program; None where the provider sets it and preview does not know it."""
        value = self.value(name)
        return None if self.is_output and value is UNKNOWN and not self.sources.get(name) else value

    def part(self, name: str, properties: Mapping[str, Any]) -> Resource:
        """Return a mapping inside a property as a resource of its own, whose findings name the property."""
        return replace(self, properties=properties, path=f"{self.path}{name}.", sources={}, added_tags={})

    def violation(self, name: str, expected: str, *, found: str | None = None) -> Violation:
        """Return a violation of the property, by default with its value as what was found."""
        text = described(self.value(name)) if found is None else found
        return Violation(f"{self.path}{name}", text, expected, about=self)

    def unseen(self, name: str) -> Unseen:
        """Return the finding about an unknown property that decides."""
        return Unseen(f"{self.path}{name}", about=self)

    def require(self, name: str, holds: Callable[[Any], bool], expected: str) -> Findings:
        """Check a property; an unknown property is reported as unseen."""
        value = self.value(name)
        if value is UNKNOWN:
            yield self.unseen(name)
        elif not holds(value):
            yield self.violation(name, expected)

    def require_given(self, name: str, expected: str) -> Findings:
        """Check that the property has a value; a value that is not known yet counts."""
        if not is_given(self.value(name)):
            yield self.violation(name, expected)

    def refers(self, name: str, other: Resource) -> bool:
        """Return whether a property is, or includes, another resource's ID, ARN or name, also where it is not known yet."""
        value = self.value(name)
        given = listed(value)
        identities = [other.value(each) for each in IDENTITIES]
        return other.urn in self.sources.get(name, ()) or any(
            isinstance(one, str) and one in given for one in identities
        )


def described(value: Any) -> str:
    """Return a value as text for a message."""
    return "no value" if value is None else shown(value)


def is_partly_unknown(value: Any) -> bool:
    """Return whether a value, or a part of it, is not known yet."""
    return any(each is UNKNOWN for each in leaves(value))


def is_given(value: Any) -> bool:
    """Return whether a value is a text that is not empty, or not known yet."""
    return value is UNKNOWN or (isinstance(value, str) and value.strip() != "")


def is_true(value: Any) -> bool:
    """Return whether a Boolean is true; the text "true" is not."""
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
        return UNKNOWN  # the SDK passes them unchanged in remediations
    if isinstance(value, float) and value.is_integer():
        return int(value)  # numbers arrive as floats
    return value
