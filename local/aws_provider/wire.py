"""Property values on the wire between the engine and a provider.

The engine sends a protobuf `Struct`. Three things in it are not plain JSON: unknown values (a reserved string), secrets
and references (objects with a reserved key). Source: `sdk/go/common/resource/plugin/rpc.go` of Pulumi.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeGuard

from google.protobuf import struct_pb2

type_marker: Final = "4dabf18193072939515e22adb298388d"
secret_marker: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a marker, not a credential
unknown_text: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
unknown_texts: Final = frozenset(
    {
        unknown_text,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)
defaults_key: Final = "__defaults"

Values: TypeAlias = dict[str, Any]
"""Properties of a resource by their camelCase name."""


class UnknownProperty:
    """Single value for "known after the update"."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = UnknownProperty()


@dataclass(frozen=True)
class Secret:
    """A value that the engine must encrypt in its state."""

    value: Any


def read(struct: struct_pb2.Struct) -> Values:
    """Read the properties of a request, without nulls; secrets remain wrapped."""
    result = {name: _read_value(value) for name, value in struct.fields.items()}
    return {name: value for name, value in result.items() if value is not None}


def _read_value(value: struct_pb2.Value) -> Any:
    match value.WhichOneof("kind"):
        case "string_value":
            return UNKNOWN if value.string_value in unknown_texts else value.string_value
        case "bool_value":
            return value.bool_value
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "list_value":
            return [_read_value(item) for item in value.list_value.values]
        case "struct_value":
            return _read_object(value.struct_value)
        case _:
            return None


def _read_object(struct: struct_pb2.Struct) -> Any:
    marker = struct.fields[type_marker].string_value if type_marker in struct.fields else ""
    if marker == secret_marker:
        return Secret(_read_value(struct.fields["value"]))
    if marker:
        raise ValueError("assets, archives and resource references are not an input of any resource here")
    return read(struct)


def write(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """Write properties for a response."""
    struct = struct_pb2.Struct()
    _write_fields(struct, values)
    return struct


def _write_fields(struct: struct_pb2.Struct, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if value is not None:
            _write_value(struct.fields[name], value)


def _write_value(result: struct_pb2.Value, value: Any) -> None:
    """Write a value in place: copying each level into the one above takes most of the time otherwise."""
    if value is None:
        result.null_value = struct_pb2.NULL_VALUE
    elif value is UNKNOWN:
        result.string_value = unknown_text
    elif isinstance(value, Secret):
        result.struct_value.SetInParent()
        _write_fields(result.struct_value, {type_marker: secret_marker, "value": value.value})
    elif isinstance(value, bool):
        result.bool_value = value
    elif isinstance(value, int | float):
        result.number_value = value
    elif isinstance(value, str):
        result.string_value = value
    elif is_list(value):
        result.list_value.SetInParent()  # an empty list is a value, too
        for item in value:
            _write_value(result.list_value.values.add(), item)
    elif is_map(value):
        result.struct_value.SetInParent()
        _write_fields(result.struct_value, value)
    else:
        raise TypeError(f"{type(value).__name__} is no property value")


def is_map(value: object) -> TypeGuard[Values]:
    """Return whether a free-form value is an object."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Return whether a free-form value is a list."""
    return isinstance(value, list)


def plain(value: Any) -> Any:
    """Return a value without secret wrappers, at any depth."""
    if isinstance(value, Secret):
        return plain(value.value)
    if is_map(value):
        return {name: plain(item) for name, item in value.items()}
    if is_list(value):
        return [plain(item) for item in value]
    return value


def without_defaults(value: Any) -> Any:
    """Return a value without the bridge's `__defaults` lists, which outputs do not have."""
    if is_map(value):
        return {name: without_defaults(item) for name, item in value.items() if name != defaults_key}
    if is_list(value):
        return [without_defaults(item) for item in value]
    return value


def holds_unknown(value: Any) -> bool:
    """Return whether any part of a value is unknown."""
    return _any_leaf(value, lambda leaf: leaf is UNKNOWN)


def holds_secret(value: Any) -> bool:
    """Return whether any part of a value is secret."""
    return isinstance(value, Secret) or _any_leaf(value, lambda _: False, secrets=True)


def without_secrets(text: str, marked: Any) -> str:
    """Redact all text in a message that is secret in `marked`."""
    if isinstance(marked, Secret):
        value = plain(marked)
        shown = value if isinstance(value, str) else json.dumps(value, default=repr)
        return text.replace(shown, "[secret]") if shown else text
    inner = marked.values() if is_map(marked) else marked if is_list(marked) else ()
    for item in inner:
        text = without_secrets(text, item)
    return text


def _any_leaf(value: Any, test: Callable[[Any], bool], *, secrets: bool = False) -> bool:
    if isinstance(value, Secret):
        return secrets or _any_leaf(value.value, test)
    if is_map(value):
        return any(_any_leaf(item, test, secrets=secrets) for item in value.values())
    if is_list(value):
        return any(_any_leaf(item, test, secrets=secrets) for item in value)
    return test(value)


def keep_secret(value: Any, marked: Any) -> Any:
    """Mark as secret what is secret in the same place of `marked`.

    A secret element makes the whole list secret, because elements move. Source: `annotateSecrets` of the engine.
    """
    if isinstance(marked, Secret):
        return Secret(plain(value))
    if is_map(marked) and is_map(value):
        return {name: keep_secret(item, marked.get(name)) for name, item in value.items()}
    if is_list(marked) and holds_secret(marked):
        return Secret(plain(value))
    return value


def items_of(value: Any) -> list[Any]:
    """Return the items of a list, or none if the list is missing or unknown."""
    return value if is_list(value) else []


def fields_of(value: Any) -> Values:
    """Return the fields of an object, or none if the object is missing or unknown."""
    return value if is_map(value) else {}
