"""Outputs: state of a resource in a preview, after a change, and after a refresh."""

from collections.abc import Mapping
from typing import Any

from local.aws_provider.config import ProviderConfig
from local.aws_provider.diff import Comparison, equal, is_empty
from local.aws_provider.model import Property, ResourceType
from local.aws_provider.wire import UNKNOWN, Values, defaults_key, is_list, is_map, without_defaults


def recorded(resource: ResourceType, inputs: Values) -> Values:
    """Return inputs in the form in which outputs store them."""
    known = without_defaults(inputs)
    return {name: _stored(prop, known[name]) for name, prop in resource.all_properties.items() if name in known}


def _stored(prop: Property, value: Any) -> Any:
    return value if value is UNKNOWN or prop.stored_as is None else prop.stored_as(value)


def planned_create(resource: ResourceType, inputs: Values) -> Values:
    """Return the outputs in the preview of a creation: values that AWS sets are unknown."""
    result = recorded(resource, inputs)
    for name, prop in resource.all_properties.items():
        if prop.output or (prop.computed and name not in result):
            result[name] = UNKNOWN
    return result


def planned_update(resource: ResourceType, olds: Values, inputs: Values, comparison: Comparison) -> Values:
    """Return the outputs in the preview of an update: old outputs, changed inputs, and unknown dependent values."""
    new = recorded(resource, inputs)
    result = dict(olds)
    for name in comparison.changed:
        result.pop(name, None)
        if name in new:
            result[name] = new[name]
    for name, causes in resource.moves.items():
        if not comparison.changed.isdisjoint(causes):
            result[name] = UNKNOWN
    return result


def observed(resource: ResourceType, found: Values, known: Values, config: ProviderConfig, region: str) -> Values:
    """Return outputs from AWS' response, keeping the known form of every equivalent value."""
    result: Values = {}
    for name, prop in resource.all_properties.items():
        if name in {"tags", "tagsAll", "region"}:
            continue
        value = known.get(name) if prop.local else _kept(prop, known.get(name), found.get(name))
        if value is not None:
            result[name] = value
    if resource.tagged:
        result["tags"], result["tagsAll"] = config.observed_tags(found.get("tags") or {}, known.get("tags"))
    if resource.regional:
        result["region"] = region
    return result


def _kept(prop: Property, known: Any, found: Any) -> Any:
    stored = _stored(prop, known) if known is not None and known is not UNKNOWN else None
    if stored is not None and equal(prop, stored, found):
        return stored
    return _stored(prop, found) if found is not None else None


def refreshed_inputs(old_inputs: Values, outputs: Values, properties: Mapping[str, Property]) -> Values:
    """Return the inputs after a refresh: those of the program, with the current values of AWS.

    A default with another value is removed from the list of defaults, so that the next check restores the default.
    Source: `extractInputs` of the bridge.
    """
    result: Values = {}
    still: set[str] = set()
    for name, old in old_inputs.items():
        if name == defaults_key:
            continue
        prop = properties.get(name)
        if name in outputs:
            result[name] = _refreshed_value(prop, old, outputs[name])
            if result[name] == old:
                still.add(name)
    if defaults_key in old_inputs:
        result[defaults_key] = sorted(still & set(old_inputs[defaults_key]))
    return result


def _refreshed_value(prop: Property | None, old: Any, new: Any) -> Any:
    if prop is not None and prop.stored_as is not None:
        # Text with another stored form keeps the program's spelling as long as it is equivalent.
        return old if equal(prop, old, new) else new
    if is_map(old) and is_map(new):
        if prop is not None and prop.fields is not None:
            return refreshed_inputs(old, new, prop.fields)
        return {name: new[name] for name in old if name in new}
    if is_list(old) and is_list(new):
        items = prop.items if prop is not None else None
        return [_refreshed_value(items, before, after) for before, after in zip(old, new, strict=False)]
    return new


def imported_inputs(properties: Mapping[str, Property], outputs: Values) -> Values:
    """Return the inputs of an imported resource: all that can be set and differ from their default.

    Source: `extractSchemaInputs` of the bridge.
    """
    result: Values = {}
    for name, prop in properties.items():
        if not prop.is_input or name not in outputs:
            continue
        value = _imported_value(prop, outputs[name])
        unremarkable = value == prop.default if prop.default is not None else is_empty(value)
        if prop.required or not unremarkable:
            result[name] = value
    result[defaults_key] = []
    return result


def _imported_value(prop: Property, value: Any) -> Any:
    if is_map(value) and prop.fields is not None:
        return imported_inputs(prop.fields, value)
    if is_list(value) and prop.items is not None:
        return [_imported_value(prop.items, item) for item in value]
    return value
