"""Model of a resource type: its properties, and the AWS operations that each step of its life consists of.

A type is a table. What an operation receives and what its answer means follows from the names in botocore's models
(`shapes.py`); only where they do not suffice, a step has a function of its own (`Code`).
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal, TypeAlias

from local.aws_provider.aws import Aws
from local.aws_provider.failure import RejectedValue
from local.aws_provider.wire import Values

Kind: TypeAlias = Literal["string", "boolean", "integer", "number", "list", "map", "object"]
Step: TypeAlias = Literal["create", "read", "update", "delete"]
Validator: TypeAlias = Callable[[Any], str | None]
"""Function that returns the problem with a known value in a few words, or None."""

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
    aws: str = ""
    """Name in AWS where it differs in more than case; a dotted path, or several separated by spaces."""
    required: bool = False
    replaces: bool = False
    default: str | bool | int | None = None
    computed: bool = False
    """Optional and computed: unset accepts any value of AWS, and never differs."""
    output: bool = False
    secret: bool = False
    local: bool = False
    """AWS does not return it; the program's value is stored."""
    checks: tuple[Validator, ...] = ()
    same: Callable[[Any, Any], bool] | None = None
    stored_as: Callable[[Any], Any] | None = None
    """Normal form in which outputs store the value. Values with the same one are equivalent, unless `same` decides."""
    sent_as: Callable[[Any], Any] | None = None
    """Form in which AWS receives the value, where it is not the program's."""
    read_as: Callable[[Any], Any] | None = None
    """Form in which AWS' value is shown."""
    accepts_object: bool = False
    """An object is first converted to JSON text."""
    items: "Property | None" = None
    fields: "Mapping[str, Property] | None" = None
    unordered: bool = False
    """A set that is sent as a list: the order is irrelevant."""
    naming: Naming | None = None

    @property
    def is_input(self) -> bool:
        """A program can set the property."""
        return not self.output


@dataclass(frozen=True)
class Item:
    """One resource in one step."""

    id: str
    values: Values
    """Properties: those of the program to create or update it, else the known ones."""
    old: Values = field(default_factory=dict[str, Any])
    """Known properties before an update."""
    changed: frozenset[str] = frozenset()
    found: Values = field(default_factory=dict[str, Any])
    """Answer of the read operations so far."""

    def has(self, *names: str) -> bool:
        """Return whether any of these properties changed."""
        return not self.changed.isdisjoint(names)


@dataclass(frozen=True, kw_only=True)
class Retry:
    """Error codes after which an operation is repeated."""

    codes: frozenset[str]
    seconds: float
    only_if: Callable[[Values], bool] = lambda _values: True


Argument: TypeAlias = str | bool | int | Callable[[Values], Any]
"""Name of a property (or `id`), a constant, or a function of the properties."""


@dataclass(frozen=True)
class Operation:
    """One AWS operation. Its arguments are the properties of the same name, and those in `arguments`."""

    operation: str
    arguments: Mapping[str, Argument] = field(default_factory=dict[str, Argument])
    result: str = ""
    """Path in the answer: to the ID in `create`, to the resource in `read`. Of a list, the first element counts."""
    within: str = ""
    """Argument that holds the properties."""
    when: str = ""
    """Property that decides: if it is empty or False, the operation is not called, or `otherwise` instead."""
    otherwise: str = ""
    only_changed: bool = False
    """An update sends only the properties that changed."""
    on: str = ""
    """Further properties that it applies, separated by spaces."""
    retry: Retry | None = None
    match: Mapping[str, str] = field(default_factory=dict[str, str])
    """In `read`, of all pages of a listing: the element whose members (paths) have the values of these properties (or `id`)."""

    @property
    def alternative(self) -> "Operation":
        """Operation that is called instead, with the ID alone."""
        return Operation(self.otherwise, {name: source for name, source in self.arguments.items() if source == "id"})


@dataclass(frozen=True)
class Code:
    """A function for what names do not show: returns the ID in `create`, and further values in `read`."""

    run: Callable[[Aws, Item], Any]
    operations: str = ""
    """AWS operations that it calls, separated by spaces."""
    on: str = ""
    """Properties whose change it applies in `update`, separated by spaces."""


Action: TypeAlias = Operation | Code


@dataclass(frozen=True)
class Tagging:
    """AWS operations for tags."""

    add: str = "TagResource"
    remove: str = "UntagResource"
    listing: str = "ListTagsForResource"
    """Empty: the description of the resource has the tags."""
    kind: str = ""
    """Type of resource, for services that require it."""
    change: Callable[[Aws, str, dict[str, str], dict[str, str], list[str]], None] | None = None
    """Removes and adds tags where the operations do not suffice. Receives ID, old tags, tags to set, keys to remove."""
    operations: str = ""
    """Operations of `change`, separated by spaces."""


_word: Final = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """Description of one resource type."""

    name: str
    """Token, `aws:<area>/<lower>:<Upper>`."""
    service: str
    """AWS service, as boto3 names it; operations of other services are written `service:Operation`."""
    properties: Mapping[str, Property]
    outputs: str = ""
    """Names of the values that only AWS sets; `name=path` where AWS' name differs."""
    refused: str = ""
    """Names of the SDK's inputs that are not implemented. Setting one is an error, even if `outputs` shows it."""
    id: str | Callable[[Values], str] = ""
    """ID, as a template of properties or a function of them. Empty: the creation returns it."""
    import_id: str = ""
    """Template of the ID for `pulumi import` where it differs."""
    arn: str = ""
    """Resource part of the ARN as a template of `id`, where AWS does not return the ARN."""
    create: tuple[Action, ...]
    """The first action creates the resource. If a later one fails, the resource is recorded nevertheless."""
    read: tuple[Action, ...]
    update: tuple[Action, ...] = ()
    delete: tuple[Action, ...]
    tagging: Tagging | None = None
    regional: bool = True
    gone: frozenset[str] = frozenset()
    """Error codes for a resource that does not exist."""
    deletion_seconds: float = 0
    """Maximum time after the deletion in which the first action of `read` may still find the resource."""
    is_gone: Callable[[Values], bool] = lambda _found: False
    """Returns whether a described resource counts as one that does not exist."""
    exactly_one: tuple[tuple[str, ...], ...] = ()
    at_least_one: tuple[tuple[str, ...], ...] = ()
    delete_first: bool = False
    plan: Callable[[Values, Values], list[RejectedValue]] = lambda _old, _new: []
    """Rules across old state and new inputs; a violation fails the preview already."""
    replaces_when: Callable[[Values, Values], set[str]] = lambda _old, _new: set()
    """Inputs whose change replaces the resource under a condition."""
    moves: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Outputs that are unknown in a preview if one of the inputs changes."""
    framework: bool = False
    """The type uses Terraform's newer plugin framework: its checked inputs have no `tagsAll`."""

    @property
    def tagged(self) -> bool:
        """Resources of this type have tags."""
        return self.tagging is not None

    @cached_property
    def refused_names(self) -> frozenset[str]:
        """Inputs of the SDK that are not implemented."""
        return frozenset(self.refused.split())

    @cached_property
    def all_properties(self) -> dict[str, Property]:
        """Properties of this type, with outputs and the common ones: Region and tags."""
        result = dict(self.properties)
        for each in self.outputs.split():
            name, _, path = each.partition("=")
            result[name] = Property(output=True, aws=path)
        if self.regional:
            result["region"] = Property(replaces=True, computed=True)
        if self.tagging is not None:
            result["tags"] = Property(kind="map", items=Property())
            result["tagsAll"] = Property(kind="map", items=Property(), computed=True)
        return result

    @cached_property
    def id_properties(self) -> tuple[str, ...]:
        """Properties that the ID for an import consists of, without the ID that AWS decides."""
        return tuple(each for each in _word.findall(self._import_template) if each != "id")

    @property
    def _import_template(self) -> str:
        return self.import_id or (self.id if isinstance(self.id, str) else "")

    def parse_id(self, import_id: str) -> Values | None:
        """Return the properties in the ID for an import, or None if it has another format."""
        pattern = "".join(
            f"(?P<{part}>.+?)" if index % 2 else re.escape(part)
            for index, part in enumerate(_word.split(self._import_template))
        )
        found = re.fullmatch(pattern, import_id) if pattern else None
        return found.groupdict() if found else None if pattern else {}

    def id_format(self) -> str:
        """Return the format of the ID for an import, in words."""
        return _word.sub(lambda word: re.sub(r"([A-Z])", r"_\1", word[1]).upper(), self._import_template)

    def make_id(self, values: Values) -> str:
        """Return the ID that consists of properties; empty if AWS decides it."""
        return self.id.format_map(values) if isinstance(self.id, str) else self.id(values)

    @cached_property
    def calls(self) -> dict[Step, tuple[str, ...]]:
        """AWS operations of each step. All others are rejected, so this list is complete."""
        result: dict[Step, tuple[str, ...]] = {}
        for step in steps:
            actions: tuple[Action, ...] = getattr(self, step)
            named = (name for each in actions for name in _operations(each, alternatives=step == "update"))
            result[step] = tuple(dict.fromkeys(named))
        if self.tagging is not None:
            changing = self.tagging.operations.split() or [self.tagging.add, self.tagging.remove]
            result["update"] = (*result["update"], *changing)
            result["read"] = (*result["read"], *([self.tagging.listing] if self.tagging.listing else []))
        return result


def _operations(action: Action, *, alternatives: bool) -> Collection[str]:
    if isinstance(action, Code):
        return action.operations.split()
    return [action.operation, *([action.otherwise] if action.otherwise and alternatives else [])]


@dataclass(frozen=True, kw_only=True)
class Function:
    """One function (data source) that a program can call."""

    name: str
    """Token, `aws:<area>/<lower>:<Upper>`."""
    service: str
    inputs: Mapping[str, Property]
    calls: tuple[str, ...]
    run: Callable[[Aws], Values]


def same_by(normal_form: Callable[[Any], Any]) -> Callable[[Any, Any], bool]:
    """Return the function that compares two values by a normal form, in which outputs do not store them."""
    return lambda old, new: normal_form(old) == normal_form(new)


# Short forms, so that a type reads like a table.


def text(*checks: Validator, **options: Any) -> Property:
    """Build a string property."""
    return Property(kind="string", checks=checks, **options)


def flag(*checks: Validator, **options: Any) -> Property:
    """Build a Boolean property."""
    return Property(kind="boolean", checks=checks, **options)


def whole(*checks: Validator, **options: Any) -> Property:
    """Build an integer property."""
    return Property(kind="integer", checks=checks, **options)


def texts(*checks: Validator, **options: Any) -> Property:
    """Build a property that is a set of strings: the order is irrelevant."""
    return Property(kind="list", items=Property(), unordered=True, checks=checks, **options)


def text_map(*checks: Validator, **options: Any) -> Property:
    """Build a property that is a map of strings."""
    return Property(kind="map", items=Property(), checks=checks, **options)


def record(fields: Mapping[str, Property], **options: Any) -> Property:
    """Build a property that is an object with known fields."""
    return Property(kind="object", fields=fields, **options)


def records(fields: Mapping[str, Property], **options: Any) -> Property:
    """Build a property that is a list of objects with known fields."""
    return Property(kind="list", items=record(fields), **options)


def name(*checks: Validator, longest: int = 255, **options: Any) -> Property:
    """Build the property that is named automatically unless the program sets it."""
    defaults: dict[str, Any] = {"replaces": True, "naming": Naming(longest=longest)}
    return Property(checks=checks, **{**defaults, **options})


def fixed(value: str | bool | int, **options: Any) -> Property:  # noqa: FBT001 - the value is the point
    """Build a property of which this stand-in supports only the default."""
    kind: Kind = "boolean" if isinstance(value, bool) else "integer" if isinstance(value, int) else "string"

    def check(given: Any) -> str | None:
        return None if given == value else "is not supported by the local stand-in provider, except for its default"

    return Property(kind=kind, default=value, checks=(check,), **options)
