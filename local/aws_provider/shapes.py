"""Arguments and answers of AWS operations, matched with properties by name.

A property and a member of a botocore shape are the same if their names are, whatever their case; `Property.aws` has the
member's name where it is another one.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from local.aws_provider import policy_json
from local.aws_provider.failure import UnsupportedError
from local.aws_provider.model import Argument, Operation, Property
from local.aws_provider.wire import Values, is_list, is_map

_plain = Property()
_tag_members = frozenset({"tags", "tagslist", "tagstoadd"})
_tag_keys = frozenset({"tagkeys", "tagstoremove"})
_unsent = frozenset({"tags", "tagsAll", "region"})


def member(shape: Any, name: str) -> str | None:
    """Return the member of a structure with this name in any case."""
    lowered = name.lower()
    return next((each for each in shape.members if each.lower() == lowered), None)


def _paths(name: str, prop: Property) -> list[list[str]]:
    return [path.split(".") for path in (prop.aws or name).split()]


def _place(shape: Any, name: str, prop: Property) -> list[str] | None:
    """Return the path of a property in a structure, or None if the structure has no such member."""
    for path in _paths(name, prop):
        inner: Any = shape
        found: list[str] = []
        for part in path:
            known = member(inner, part) if inner.type_name == "structure" else None
            if known is None:
                break
            found.append(known)
            inner = inner.members[known]
        if len(found) == len(path):
            return found
    return None


def holder(shape: Any, call: Operation) -> Any:
    """Return the structure among the arguments of an operation that holds the properties."""
    inner = shape.members[call.within] if call.within else shape
    return inner.member if inner.type_name == "list" else inner


def _sent(shape: Any, properties: Mapping[str, Property]) -> Iterator[tuple[str, list[str]]]:
    for name, prop in properties.items():
        place = None if prop.output or name in _unsent else _place(shape, name, prop)
        if place is not None:
            yield name, place


def properties_of(shape: Any, call: Operation, properties: Mapping[str, Property]) -> set[str]:
    """Return the properties that an operation sets."""
    named = {source for source in call.arguments.values() if isinstance(source, str)}
    return named | set(call.on.split()) | {name for name, _ in _sent(holder(shape, call), properties)}


def arguments(shape: Any, call: Operation, properties: Mapping[str, Property], values: Values) -> Values:
    """Return the arguments of an operation: properties that have a value, and those that the call names."""
    inner = holder(shape, call)
    result: Values = {}
    for name, place in _sent(inner, properties):
        if not is_unset(values.get(name)) and not (place[0] in call.arguments and not call.within):
            _put(inner, result, place, properties[name], values[name])
    if call.within:
        result = {call.within: [result] if shape.members[call.within].type_name == "list" else result}
    for argument, source in call.arguments.items():
        value = _argument(source, values)
        if value is not None:
            result[argument] = _converted(shape.members[argument], _plain, value)
    required = [each for each in shape.required_members if each not in result]
    return result | {each: "" for each in required if shape.members[each].type_name == "string"}


def _argument(source: Argument, values: Values) -> Any:
    if isinstance(source, str):
        value = values.get(source)
        return None if is_unset(value) else value
    return source if isinstance(source, bool | int) else source(values)


def _put(shape: Any, result: Values, place: list[str], prop: Property, value: Any) -> None:
    *parents, last = place
    for part in parents:
        shape, result = shape.members[part], result.setdefault(part, {})
    result[last] = _converted(shape.members[last], prop, value)


def _converted(shape: Any, prop: Property, value: Any) -> Any:
    """Return a value in the form that a shape demands."""
    if prop.sent_as is not None:
        return prop.sent_as(value)
    kind = shape.type_name
    if kind == "list" and prop.kind == "map":
        return pairs(shape, value)
    if kind == "list":
        listed: list[Any] = value if is_list(value) else [value]
        items = prop if prop.kind == "object" else prop.items or _plain
        return [_converted(shape.member, items, item) for item in listed]
    if is_map(value) and kind == "structure" and prop.fields is not None:
        return _structure(shape, prop.fields, value)
    if is_map(value) and kind == "map" and shape.value.type_name == "list":
        return {key: [item] for key, item in value.items()}
    return value


def _structure(shape: Any, fields: Mapping[str, Property], value: Values) -> Values:
    result: Values = {}
    for name, item in value.items():
        place = _place(shape, name, fields[name])
        if place is None:
            raise UnsupportedError(f"{name} is not a member of {shape.name}")
        if not is_unset(item):
            _put(shape, result, place, fields[name], item)
    return result


def is_unset(value: Any) -> bool:
    """Return whether a value is not sent. False and 0 are values."""
    return value is None or value in ("", [], {})


# Tags.


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as most services expect them."""
    return [{"Key": name, "Value": content} for name, content in tags.items()]


def tags_member(shape: Any) -> str | None:
    """Return the argument that holds tags."""
    return next((each for each in shape.members if each.lower() in {*_tag_members, "tagspecifications"}), None)


def pairs(shape: Any, values: Mapping[str, str]) -> Any:
    """Return a map in the form of a list of names and values; a map where the shape is one."""
    if shape.type_name == "map":
        return dict(values)
    key, value = list(shape.member.members)[:2]
    return [{key: name, value: item} for name, item in values.items()]


def tag_arguments(shape: Any, kind: str, tags: Mapping[str, str]) -> Values:
    """Return the argument of a creation that holds the tags."""
    argument = tags_member(shape)
    if argument is None or not tags:
        return {}
    if argument == "TagSpecifications":
        return {argument: [{"ResourceType": kind, "Tags": tag_list(tags)}]}
    return {argument: pairs(shape.members[argument], tags)}


def target_arguments(shape: Any, kind: str, object_id: str, arn: str) -> Values:
    """Return the arguments that identify the resource in an operation for tags."""
    result: Values = {}
    for each in shape.required_members:
        if each == "ResourceType":
            result[each] = kind
        elif each.lower() not in _tag_members | _tag_keys:
            value = arn if each.lower().endswith("arn") else object_id
            result[each] = [value] if shape.members[each].type_name == "list" else value
    return result


def removal_arguments(shape: Any, removed: list[str], old: Mapping[str, str]) -> Values:
    """Return the argument that names the tags to remove: their keys, or keys with values."""
    keys = next((each for each in shape.members if each.lower() in _tag_keys), None)
    if keys is not None:
        return {keys: removed}
    argument = tags_member(shape) or ""
    if argument == "TagsList":
        return {argument: pairs(shape.members[argument], {key: old[key] for key in removed})}
    return {argument: [{"Key": key} for key in removed]}


# Answers.


def at(found: Any, path: str) -> Any:
    """Return what a dotted path leads to, names in any case; of a list, that of every element."""
    for part in path.split(".") if path else ():
        if is_list(found):
            found = [value for each in found if (value := at(each, part)) is not None]
            found = [item for each in found for item in (each if is_list(each) else [each])]
        elif is_map(found):
            lowered = part.lower()
            found = found.get(part, next((value for key, value in found.items() if key.lower() == lowered), None))
        else:
            return None
    return found


def described(properties: Mapping[str, Property], found: Values) -> Values:
    """Return the properties in AWS' description of a resource."""
    result: Values = {}
    for name, prop in properties.items():
        candidates = (at(found, ".".join(path)) for path in _paths(name, prop))
        value = next((_shown(prop, each) for each in candidates if each is not None), None)
        if value is None:
            value = prop.default if prop.default is not None else False if prop.kind == "boolean" else None
        if value is not None:
            result[name] = value
    return result


def _shown(prop: Property, value: Any) -> Any:
    """Return a value of AWS in the form that a property demands."""
    if prop.read_as is not None:
        return prop.read_as(value)
    if prop.kind == "map":
        return from_pairs(value)
    if prop.kind == "object" and is_list(value):
        # AWS has a list where only one element is allowed.
        return _shown(prop, value[0]) if value else None
    if prop.output or isinstance(value, str | datetime):
        return _output(value) if prop.kind != "boolean" else value in (True, "true")
    if is_map(value):
        # IAM's policies are text, but botocore decodes them in the answer.
        return policy_json.compact(value) if prop.kind == "string" else described(prop.fields or {}, value)
    return [_shown(prop.items or _plain, item) for item in value] if is_list(value) else value


def _output(value: Any) -> Any:
    """Return a value without a declared form: keys in camel case, dates as text."""
    if is_map(value):
        return {key[0].lower() + key[1:]: _output(item) for key, item in value.items()}
    if is_list(value):
        return [_output(item) for item in value]
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else value


def from_pairs(value: Any) -> dict[str, str]:
    """Return a map from a list of names and values, as AWS has tags; of a map, several values are joined."""
    if is_map(value):
        return {key: ",".join(item) if is_list(item) else item for key, item in value.items()}
    listed: list[Values] = value or []
    names = (("Key", "Value"), ("TagKey", "TagValue"), ("Name", "Value"), ("key", "value"))
    return {item[key]: item[content] for item in listed for key, content in names if key in item}
