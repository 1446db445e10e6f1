"""Model of a resource type.

A type is data: its properties, its AWS calls, and four short functions that make them. Validation, defaults, diffs,
previews, tags, refresh and import are implemented once, elsewhere, and read this data.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from local.aws_provider.wire import Values

if TYPE_CHECKING:
    from local.aws_provider.aws import Aws

Kind: TypeAlias = Literal["string", "boolean", "integer", "number", "list", "map", "object"]
Step: TypeAlias = Literal["create", "read", "update", "delete"]
Validator: TypeAlias = Callable[[Any], str | None]
"""Function that returns the problem with a known value in a few words, or None."""
Equality: TypeAlias = Callable[[Any, Any], bool]

steps: Final[tuple[Step, ...]] = ("create", "read", "update", "delete")


@dataclass(frozen=True, kw_only=True)
class Naming:
    """Automatic naming of a property that the program does not set."""

    longest: int = 255
    """Maximum length, including the random suffix."""
    prefix: str = ""
    """Prefix, unless the name already has it."""
    lower: bool = False


@dataclass(frozen=True, kw_only=True)
class Property:
    """One property of a resource: an input, or with `output` a value that only AWS sets."""

    kind: Kind = "string"
    required: bool = False
    replaces: bool = False
    default: str | bool | int | None = None
    computed: bool = False
    """Optional and computed: unset accepts any value of AWS, and never differs."""
    output: bool = False
    secret: bool = False
    local: bool = False
    """AWS does not return it; the program's value is stored."""
    unstored: bool = False
    """Write-only: in the inputs, never in the outputs."""
    checks: tuple[Validator, ...] = ()
    same: Equality | None = None
    stored_as: Callable[[Any], Any] | None = None
    """Normal form in which an equivalent value is stored in the outputs."""
    accepts_object: bool = False
    """An object is first converted to JSON text."""
    items: "Property | None" = None
    fields: "Mapping[str, Property] | None" = None
    unordered: bool = False
    """A set that is sent as a list: the order is irrelevant."""
    conflicts: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    naming: Naming | None = None

    @property
    def is_input(self) -> bool:
        """Whether a program can set the property."""
        return not self.output


@dataclass(frozen=True)
class Problem:
    """A rejected value: its path, and the reason."""

    path: str
    reason: str


@dataclass(frozen=True)
class Change:
    """Changes that an update applies."""

    object_id: str
    old: Values
    new: Values
    changed: frozenset[str]

    def has(self, *names: str) -> bool:
        """Return whether any of these properties changed."""
        return not self.changed.isdisjoint(names)


def _no_update(_aws: "Aws", _change: Change) -> None:
    """Do nothing: all properties that change in place are in the state only."""


def _nothing_planned(_old: Values, _new: Values) -> list[Problem]:
    return []


def _nothing_known(_import_id: str) -> Values:
    return {}


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """Description of one resource type."""

    name: str
    """Token, `aws:<area>/<lower>:<Upper>`."""
    service: str
    """AWS service, as boto3 names it; calls of other services are written `service:Operation`."""
    properties: Mapping[str, Property]
    calls: Mapping[Step, tuple[str, ...]]
    """AWS operations of each step. All other calls are rejected, so this list is complete."""
    create: "Callable[[Aws, Values], str]"
    """Creates the resource and returns its ID. Receives the inputs; `tagsAll` holds the tags to send."""
    read: "Callable[[Aws, str, Values], Values | None]"
    """Returns the resource with an ID (and the known state) as AWS has it, or None if it does not exist."""
    delete: "Callable[[Aws, str, Values], None]"
    update: "Callable[[Aws, Change], None]" = _no_update
    settle: "Callable[[Aws, str, Values], None] | None" = None
    """Steps of the creation after the resource exists; if they fail, the resource is recorded nevertheless."""
    retag: "Callable[[Aws, str, Values, dict[str, str], list[str]], None] | None" = None
    """Adds and removes tags; a type without it has no tags. Receives ID, state, tags to set, keys to remove."""
    regional: bool = True
    gone: frozenset[str] = frozenset()
    """Error codes for a resource that does not exist."""
    exactly_one: tuple[tuple[str, ...], ...] = ()
    at_least_one: tuple[tuple[str, ...], ...] = ()
    delete_first: bool = False
    plan: Callable[[Values, Values], list[Problem]] = _nothing_planned
    """Rules across old state and new inputs; a violation fails the preview already."""
    replaces_when: "Callable[[Values, Values], set[str]]" = field(default=lambda _old, _new: set())
    """Inputs whose change replaces the resource under a condition."""
    moves: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Outputs that are unknown in a preview if one of the inputs changes."""
    import_id: Callable[[str], str] = str
    """Converts the ID given to `pulumi import`."""
    import_state: Callable[[str], Values] = _nothing_known
    """Properties in that ID, for types that are read by several properties."""
    framework: bool = False
    """Whether the type uses Terraform's newer plugin framework: its checked inputs have no `tagsAll`."""

    @property
    def tagged(self) -> bool:
        """Whether resources of this type have tags."""
        return self.retag is not None

    @cached_property
    def all_properties(self) -> dict[str, Property]:
        """Properties of this type, with the common ones: Region and tags."""
        extra: dict[str, Property] = {}
        if self.regional:
            extra["region"] = Property(replaces=True, computed=True)
        if self.tagged:
            extra["tags"] = Property(kind="map", items=Property())
            extra["tagsAll"] = Property(kind="map", items=Property(), computed=True)
        return {**self.properties, **extra}


@dataclass(frozen=True, kw_only=True)
class Function:
    """One function (data source) that a program can call."""

    name: str
    """Token, `aws:<area>/<lower>:<Upper>`."""
    service: str
    inputs: Mapping[str, Property]
    calls: tuple[str, ...]
    run: "Callable[[Aws, Values], Values]"
    regional: bool = True
    gone: frozenset[str] = frozenset()


# Short forms, so that a type reads like a table.


def text(**options: Any) -> Property:
    """Build a string property."""
    return Property(kind="string", **options)


def flag(**options: Any) -> Property:
    """Build a Boolean property."""
    return Property(kind="boolean", **options)


def whole(**options: Any) -> Property:
    """Build an integer property."""
    return Property(kind="integer", **options)


def texts(**options: Any) -> Property:
    """Build a property that is a set of strings: the order is irrelevant."""
    return Property(kind="list", items=Property(), unordered=True, **options)


def text_map(**options: Any) -> Property:
    """Build a property that is a map of strings."""
    return Property(kind="map", items=Property(), **options)


def record(fields: Mapping[str, Property], **options: Any) -> Property:
    """Build a property that is an object with known fields."""
    return Property(kind="object", fields=fields, **options)


def records(fields: Mapping[str, Property], **options: Any) -> Property:
    """Build a property that is a list of objects with known fields."""
    return Property(kind="list", items=record(fields), **options)


def output(kind: Kind = "string") -> Property:
    """Build a property that only AWS sets."""
    return Property(kind=kind, output=True)
