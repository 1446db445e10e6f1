"""The words in which a resource type is described.

A type is data: its properties, what AWS calls it makes, and four short functions of AWS calls. All mechanics (checking,
defaults, differences, previews, tags, refresh, import) are written once, elsewhere, and read this data.
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
"""Says in a few words what is wrong with a known value, or nothing."""
Equality: TypeAlias = Callable[[Any, Any], bool]

steps: Final[tuple[Step, ...]] = ("create", "read", "update", "delete")


@dataclass(frozen=True, kw_only=True)
class Naming:
    """How a property gets a name of its own when the program gives none."""

    longest: int = 255
    """Characters allowed, the random suffix included."""
    prefix: str = ""
    """Put in front unless the name has it already."""
    lower: bool = False


@dataclass(frozen=True, kw_only=True)
class Property:
    """One property of a resource: an input, or with `output` something only AWS decides."""

    kind: Kind = "string"
    required: bool = False
    replaces: bool = False
    default: str | bool | int | None = None
    computed: bool = False
    """Optional and computed: unset means "whatever AWS has", and never differs."""
    output: bool = False
    secret: bool = False
    local: bool = False
    """AWS does not tell it: the value of the program is what is stored."""
    unstored: bool = False
    """Write-only: in the inputs, never in the outputs."""
    checks: tuple[Validator, ...] = ()
    same: Equality | None = None
    stored_as: Callable[[Any], Any] | None = None
    """The normal form in which an equal value is kept in the outputs."""
    accepts_object: bool = False
    """An object given by the program is written as JSON text before anything else."""
    items: "Property | None" = None
    fields: "Mapping[str, Property] | None" = None
    unordered: bool = False
    """A set that travels as a list: order means nothing."""
    conflicts: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    naming: Naming | None = None

    @property
    def is_input(self) -> bool:
        """Whether a program may set it."""
        return not self.output


@dataclass(frozen=True)
class Problem:
    """A value that was refused: where, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Change:
    """What an update has to bring about."""

    object_id: str
    old: Values
    new: Values
    changed: frozenset[str]

    def has(self, *names: str) -> bool:
        """Whether any of these properties changed."""
        return not self.changed.isdisjoint(names)


def _no_update(_aws: "Aws", _change: Change) -> None:
    """Everything that may change in place is kept in the state alone."""


def _nothing_planned(_old: Values, _new: Values) -> list[Problem]:
    return []


def _nothing_known(_import_id: str) -> Values:
    return {}


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """Everything there is to know about one resource type."""

    name: str
    """Its token, `aws:<area>/<lower>:<Upper>`."""
    service: str
    """Name of the AWS service as boto3 has it; calls of other services are written `service:Operation`."""
    properties: Mapping[str, Property]
    calls: Mapping[Step, tuple[str, ...]]
    """The AWS operations each step may make. Anything else is refused, so this cannot be wrong."""
    create: "Callable[[Aws, Values], str]"
    """Makes the object and returns its id. Receives the inputs, `tagsAll` being the tags to send."""
    read: "Callable[[Aws, str, Values], Values | None]"
    """What AWS has under an id (given the state known so far), or None when it is gone."""
    delete: "Callable[[Aws, str, Values], None]"
    update: "Callable[[Aws, Change], None]" = _no_update
    settle: "Callable[[Aws, str, Values], None] | None" = None
    """Steps of creation after the object exists; when they fail the object is recorded nevertheless."""
    retag: "Callable[[Aws, str, Values, dict[str, str], list[str]], None] | None" = None
    """Adds and removes tags; a type without it has no tags. Receives id, state, tags to set, keys to remove."""
    regional: bool = True
    gone: frozenset[str] = frozenset()
    """Error codes that mean "there is no such object"."""
    exactly_one: tuple[tuple[str, ...], ...] = ()
    at_least_one: tuple[tuple[str, ...], ...] = ()
    delete_first: bool = False
    plan: Callable[[Values, Values], list[Problem]] = _nothing_planned
    """Rules over old state and new inputs that hold back a preview already."""
    replaces_when: "Callable[[Values, Values], set[str]]" = field(default=lambda _old, _new: set())
    """Inputs whose change replaces under a condition."""
    moves: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Outputs that are unknown in a preview when one of the inputs changes."""
    import_id: Callable[[str], str] = str
    """Turns what a person gives to `pulumi import` into the id."""
    import_state: Callable[[str], Values] = _nothing_known
    """What that text tells of the object beyond its id, for types that are read by their parts."""
    framework: bool = False
    """Written on Terraform's newer plugin framework: its checked inputs hold no `tagsAll`."""

    @property
    def tagged(self) -> bool:
        """Whether objects of this type carry tags."""
        return self.retag is not None

    @cached_property
    def all_properties(self) -> dict[str, Property]:
        """Own properties and those that every type of its sort has."""
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
    """Its token, `aws:<area>/<lower>:<Upper>`."""
    service: str
    inputs: Mapping[str, Property]
    calls: tuple[str, ...]
    run: "Callable[[Aws, Values], Values]"
    regional: bool = True
    gone: frozenset[str] = frozenset()


# Short forms, so that a type reads as a table.


def text(**options: Any) -> Property:
    """A string."""
    return Property(kind="string", **options)


def flag(**options: Any) -> Property:
    """A boolean."""
    return Property(kind="boolean", **options)


def whole(**options: Any) -> Property:
    """An integer."""
    return Property(kind="integer", **options)


def texts(**options: Any) -> Property:
    """A set of strings: the order means nothing."""
    return Property(kind="list", items=Property(), unordered=True, **options)


def text_map(**options: Any) -> Property:
    """A map of strings."""
    return Property(kind="map", items=Property(), **options)


def record(fields: Mapping[str, Property], **options: Any) -> Property:
    """An object with known fields."""
    return Property(kind="object", fields=fields, **options)


def records(fields: Mapping[str, Property], **options: Any) -> Property:
    """A list of objects with known fields."""
    return Property(kind="list", items=record(fields), **options)


def output(kind: Kind = "string") -> Property:
    """Something only AWS decides."""
    return Property(kind=kind, output=True)
