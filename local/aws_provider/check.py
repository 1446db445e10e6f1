"""Check: completes and validates the inputs of a program, and reports all problems at once.

The order is that of Pulumi's Terraform bridge: known names, objects to JSON, defaults and names, then validation. A
default value is listed under `__defaults`, and is taken from the old inputs as long as it is listed there. Automatic names are
those of the bridge, too.
"""

import difflib
import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from local.aws_provider import policy_json
from local.aws_provider.aws import partition_of
from local.aws_provider.config import ProviderConfig
from local.aws_provider.failure import InvalidInputError, RejectedValue
from local.aws_provider.model import Kind, Naming, Property, ResourceType
from local.aws_provider.wire import UNKNOWN, Values, defaults_key, holds_unknown, is_list, is_map, without_defaults

random_characters: Final = 7
NamingMode = Literal["automatic", "propose", "enforce", "disable"]


@dataclass(frozen=True, kw_only=True)
class ResourceInputs:
    """Inputs of one resource to check."""

    logical_name: str
    olds: Values = field(default_factory=dict[str, Any])
    news: Values = field(default_factory=dict[str, Any])
    seed: bytes = b""
    naming_mode: NamingMode = "automatic"
    proposed_name: str = ""


def check(
    resource: ResourceType, request: ResourceInputs, config: ProviderConfig
) -> tuple[Values, list[RejectedValue]]:
    """Return the completed inputs and all problems with them."""
    properties = resource.all_properties
    problems = [
        RejectedValue(name, "is not supported by the local stand-in provider")
        for name, value in request.news.items()
        if name in resource.refused_names and value is not None
    ]
    implemented = {name: value for name, value in request.news.items() if name not in resource.refused_names}
    values = _shape(properties, implemented, "", problems)
    if resource.regional and not values.get("region") and config.region:
        # Only the configured Region: one known from a profile alone appears in outputs, never in inputs.
        values["region"] = config.region
    values[defaults_key] = []
    problems += _name(properties, request, values)
    _apply_defaults(resource, request.olds, values)
    values[defaults_key].sort()
    problems += _relations(resource, {*values, *(name for name, value in request.news.items() if value is not None)})
    problems += _foreign_region(values.get("region"), config)
    problems += validate(properties, values, "")
    if resource.tagged and not resource.framework:
        values["tagsAll"] = config.effective_tags(values.get("tags"))
    return values, problems


def check_arguments(properties: Mapping[str, Property], values: Values) -> tuple[Values, list[RejectedValue]]:
    """Return the completed arguments of a function and all problems, without names and old inputs."""
    problems: list[RejectedValue] = []
    shaped = _shape(properties, values, "", problems)
    return shaped, [*problems, *validate(properties, shaped, "")]


# Names and kinds.


def _shape(properties: Mapping[str, Property], news: Values, path: str, problems: list[RejectedValue]) -> Values:
    """Accept known names only, convert each value to its kind, and set the defaults of nested objects."""
    values: Values = {}
    for name, value in news.items():
        if name == defaults_key or value is None:
            continue
        prop = properties.get(name)
        if prop is None or not prop.is_input:
            problems.append(RejectedValue(path + name, _unknown_name(name, properties)))
        else:
            values[name] = _coerce(prop, value, path + name, problems)
    return {name: value for name, value in values.items() if value is not None}


def _unknown_name(name: str, properties: Mapping[str, Property]) -> str:
    known = properties.get(name)
    if known is not None:
        return f"{name!r} is decided by AWS and cannot be set"
    inputs = [candidate for candidate, prop in properties.items() if prop.is_input]
    close = difflib.get_close_matches(name, inputs, n=1)
    return f"unknown property {name!r}" + (f"; did you mean {close[0]!r}?" if close else "")


def _coerce(prop: Property, value: Any, path: str, problems: list[RejectedValue]) -> Any:
    items = prop.items or Property()
    if value is UNKNOWN:
        return value
    if prop.accepts_object and (is_map(value) or is_list(value)):
        return UNKNOWN if holds_unknown(value) else policy_json.compact(without_defaults(value))
    if prop.kind == "list" and is_list(value):
        return [_coerce(items, item, f"{path}[{index}]", problems) for index, item in enumerate(value)]
    if prop.kind == "map" and is_map(value):
        known = {name: item for name, item in value.items() if item is not None and name != defaults_key}
        return {name: _coerce(items, item, f"{path}.{name}", problems) for name, item in known.items()}
    if prop.kind == "object" and is_map(value):
        shaped = _shape(prop.fields or {}, value, f"{path}.", problems)
        defaults = _constant_defaults(prop.fields or {}, shaped)
        return {**shaped, **defaults, defaults_key: sorted(defaults)}
    scalar = _scalar(prop.kind, value)
    if scalar is None:
        problems.append(RejectedValue(path, f"expected a {prop.kind}, got {value!r}"))
    return scalar


_booleans: Final = {"true": True, "false": False}


def _scalar(kind: Kind, value: Any) -> Any:
    """Return a value converted to its kind, as Terraform converts scalars; None if impossible."""
    if kind == "string" and isinstance(value, bool):
        return "true" if value else "false"
    if kind == "string" and isinstance(value, int | float):
        return str(value)
    if kind == "boolean" and isinstance(value, str):
        return _booleans.get(value)
    if kind in {"integer", "number"} and isinstance(value, str):
        return int(value) if value.lstrip("-").isdigit() else None
    accepted: dict[Kind, Callable[[Any], bool]] = {
        "string": lambda item: isinstance(item, str),
        "boolean": lambda item: isinstance(item, bool),
        "integer": lambda item: isinstance(item, int) and not isinstance(item, bool),
        "number": lambda item: isinstance(item, int | float) and not isinstance(item, bool),
    }
    return value if kind in accepted and accepted[kind](value) else None


# Defaults and names.


def _constant_defaults(fields: Mapping[str, Property], values: Values) -> Values:
    return {name: prop.default for name, prop in fields.items() if prop.default is not None and name not in values}


def _usable_old(olds: Values, name: str) -> bool:
    """Return whether an old input can be kept: any one without a list of defaults, else only a listed one."""
    listed = olds.get(defaults_key)
    return name in olds and (not is_list(listed) or name in listed)


def _apply_defaults(resource: ResourceType, olds: Values, values: Values) -> None:
    for name, prop in resource.properties.items():
        if prop.default is not None and name not in values:
            values[name] = olds[name] if _usable_old(olds, name) else prop.default
            values[defaults_key].append(name)


def _name(properties: Mapping[str, Property], request: ResourceInputs, values: Values) -> list[RejectedValue]:
    problems: list[RejectedValue] = []
    for name, prop in properties.items():
        if prop.naming is None or name in values:
            continue
        try:
            values[name] = _new_name(name, prop.naming, request)
            values[defaults_key].append(name)
        except InvalidInputError as failure:
            problems.append(RejectedValue(name, str(failure)))
    return problems


def _new_name(name: str, rule: Naming, request: ResourceInputs) -> str:
    if name in request.olds:
        # Also the name of an imported resource, and a name that the program set before.
        return request.olds[name]
    if request.naming_mode == "disable":
        raise InvalidInputError("automatic naming is disabled but no explicit name was given")
    if request.naming_mode == "enforce":
        return request.proposed_name
    if request.naming_mode == "propose":
        return proposed_name(request.proposed_name, rule)
    return automatic_name(request.logical_name, rule, request.seed)


def automatic_name(logical_name: str, naming: Naming, seed: bytes) -> str:
    """Return `<logical name>-<7 hex digits>`, with digits derived from the seed of the check.

    Raises:
        InvalidInputError: The name would be too long. It is never shortened.
    """
    name = _decorated(logical_name, naming)
    if len(name) + 1 + random_characters > naming.longest:
        raise InvalidInputError(
            f"name '{name}-' plus {random_characters} random chars is longer than maximum length {naming.longest}"
        )
    digest = hashlib.sha512((seed or os.urandom(32)) + name.encode()).hexdigest()
    return f"{name}-{digest[:random_characters]}"


def proposed_name(proposed: str, naming: Naming) -> str:
    """Return the name that the stack's `pulumi:autonaming` proposes.

    Raises:
        InvalidInputError: The name is too long.
    """
    name = _decorated(proposed, naming)
    if len(name) > naming.longest:
        raise InvalidInputError(f"proposed name '{name}' is longer than maximum length {naming.longest}")
    return name


def _decorated(name: str, naming: Naming) -> str:
    if not name.startswith(naming.prefix):
        name = naming.prefix + name
    return name.lower() if naming.lower else name


# Validation.


def validate(properties: Mapping[str, Property], values: Values, path: str) -> list[RejectedValue]:
    """Validate required properties and single values, at any depth. Unknown values pass."""
    problems: list[RejectedValue] = []
    for name, prop in properties.items():
        if name not in values:
            if prop.required:
                problems.append(RejectedValue(path + name, "missing required property"))
            continue
        problems += _validate_value(prop, values[name], path + name)
    return problems


def _validate_value(prop: Property, value: Any, path: str) -> list[RejectedValue]:
    if value is UNKNOWN:
        return []
    problems: list[RejectedValue] = []
    if prop.kind == "object" and is_map(value):
        problems += validate(prop.fields or {}, value, f"{path}.")
    elif prop.items is not None and is_list(value):
        for index, item in enumerate(value):
            problems += _validate_value(prop.items, item, f"{path}[{index}]")
    elif prop.items is not None and is_map(value):
        for name, item in value.items():
            problems += _validate_value(prop.items, item, f"{path}.{name}")
    if not holds_unknown(value):
        reasons = [reason for test in prop.checks if (reason := test(value))]
        problems += [RejectedValue(path, reason) for reason in reasons]
    return problems


def _foreign_region(region: Any, config: ProviderConfig) -> list[RejectedValue]:
    if not isinstance(region, str) or not config.region or partition_of(region) == partition_of(config.region):
        return []
    return [RejectedValue("region", f"{region} is not in the provider's partition {partition_of(config.region)}")]


def _relations(resource: ResourceType, names: set[str]) -> list[RejectedValue]:
    """Validate ExactlyOneOf and AtLeastOneOf."""
    problems: list[RejectedValue] = []
    for group in resource.exactly_one:
        given = [name for name in group if name in names]
        if len(given) != 1:
            listed = ",".join(group)
            found = "none" if not given else ",".join(given)
            problems.append(RejectedValue(group[0], f"one of `{listed}` must be specified, got {found}"))
    problems += [
        RejectedValue(group[0], f"one of `{','.join(group)}` must be specified")
        for group in resource.at_least_one
        if not any(name in names for name in group)
    ]
    return problems
