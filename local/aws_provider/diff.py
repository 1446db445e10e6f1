"""Diff: properties that differ between state and inputs, and their effect.

As in Terraform, the *outputs* in the state are compared with the new inputs, so that drift found by a refresh is
visible. An input that is not set equals any value if it is optional and computed, else only an empty value.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from local.aws_provider.failure import RejectedValue
from local.aws_provider.model import Property, ResourceType
from local.aws_provider.wire import Values, defaults_key, holds_unknown, is_list, is_map

_plain = Property()


class ChangeKind(Enum):
    """Kind of a change of a value."""

    ADD = "add"
    DELETE = "delete"
    UPDATE = "update"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Result of a comparison, for the engine."""

    details: Mapping[str, ChangeKind]
    """Kind of change by property path, in the engine's notation."""
    changed: frozenset[str]
    replacing: frozenset[str]
    delete_first: bool
    problems: list[RejectedValue]


def compare(
    resource: ResourceType,
    olds: Values,
    news: Values,
    *,
    provider_region: str | None = None,
    ignored: Iterable[str] = (),
) -> Comparison:
    """Compare old outputs with new inputs."""
    details: dict[str, ChangeKind] = {}
    hidden = tuple(ignored)
    for name, prop in resource.all_properties.items():
        if not prop.is_input:
            continue
        old, new = olds.get(name), news.get(name)
        if name == "region":
            # No Region means the provider's, in a program as well as in the state of pulumi-aws 6.
            old, new = old or provider_region, new or provider_region
        found = differences(prop, old, new, name)
        details.update({path: kind for path, kind in found.items() if not _is_ignored(path, hidden)})
    changed = frozenset(_top(path) for path in details)
    replacing = changed & (
        {name for name, prop in resource.all_properties.items() if prop.replaces} | resource.replaces_when(olds, news)
    )
    return Comparison(
        details=details,
        changed=changed,
        replacing=replacing,
        delete_first=bool(replacing) and (resource.delete_first or _named_by_program(resource, news)),
        problems=resource.plan(olds, news),
    )


def _named_by_program(resource: ResourceType, news: Values) -> bool:
    """Return whether the program sets the name: old and new resource cannot have it at the same time."""
    defaulted = news.get(defaults_key)
    if not is_list(defaulted):
        return False
    return any(
        prop.naming is not None and name in news and name not in defaulted
        for name, prop in resource.all_properties.items()
    )


def _is_ignored(path: str, ignored: tuple[str, ...]) -> bool:
    """Return whether a path is equal to or below an ignored one."""
    return any(path == prefix or path.startswith((f"{prefix}.", f"{prefix}[")) or prefix == "*" for prefix in ignored)


def _top(path: str) -> str:
    return path.split(".", 1)[0].split("[", 1)[0]


def is_empty(value: Any) -> bool:
    """Return whether a value is missing or the zero value of its kind: Terraform does not distinguish them."""
    if is_map(value):
        return not set(value) - {defaults_key}
    return value is None or value in ("", False, 0) or value == []


def differences(prop: Property, old: Any, new: Any, path: str) -> dict[str, ChangeKind]:
    """Return the paths that differ; empty if the values are equivalent."""
    if (new is None and prop.computed) or (is_empty(old) and is_empty(new)):
        return {}
    if _same(prop, old, new):
        return {}
    if is_map(new) and is_map(old):
        return _map_differences(prop, old, new, path)
    if is_list(new) and is_list(old):
        compare_items = _set_differences if prop.unordered else _list_differences
        return compare_items(prop.items or _plain, old, new, path)
    changed = ChangeKind.DELETE if new is None else ChangeKind.UPDATE
    return {path: ChangeKind.ADD if is_empty(old) else changed}


def _same(prop: Property, old: Any, new: Any) -> bool:
    """Return whether two values are equal, or equivalent for this property."""
    if old is None or new is None or holds_unknown(new):
        return False
    if old == new:
        return True
    if prop.same is not None:
        return prop.same(old, new)
    return prop.stored_as is not None and prop.stored_as(old) == prop.stored_as(new)


def equal(prop: Property, old: Any, new: Any) -> bool:
    """Return whether two values are equivalent; an unknown value is never equal."""
    if new is None or old is None:
        return is_empty(old) and is_empty(new)
    return not differences(prop, old, new, "")


def _map_differences(prop: Property, old: Values, new: Values, path: str) -> dict[str, ChangeKind]:
    found: dict[str, ChangeKind] = {}
    for name in sorted({*old, *new} - {defaults_key}):
        inner = (prop.fields or {}).get(name) if prop.fields is not None else prop.items
        where = f"{path}.{name}" if name.replace("_", "").isalnum() else f'{path}["{name}"]'
        if prop.fields is None and (name in old) != (name in new):
            # A map entry with an empty value is still an entry, as with tags.
            found[where] = ChangeKind.ADD if name in new else ChangeKind.DELETE
        elif inner is None or inner.is_input:
            found.update(differences(inner or _plain, old.get(name), new.get(name), where))
    return found


def _list_differences(items: Property, old: list[Any], new: list[Any], path: str) -> dict[str, ChangeKind]:
    found: dict[str, ChangeKind] = {}
    for index in range(max(len(old), len(new))):
        where = f"{path}[{index}]"
        if index >= len(new):
            found[where] = ChangeKind.DELETE
        elif index >= len(old):
            found[where] = ChangeKind.ADD
        else:
            found.update(differences(items, old[index], new[index], where))
    return found


def _set_differences(items: Property, old: list[Any], new: list[Any], path: str) -> dict[str, ChangeKind]:
    """Return the elements without an equal on the other side; removing and adding at one index is an update."""
    unmatched = list(range(len(old)))
    added: list[int] = []
    for index, value in enumerate(new):
        match = next((other for other in unmatched if equal(items, old[other], value)), None)
        if match is None:
            added.append(index)
        else:
            unmatched.remove(match)
    found = {f"{path}[{index}]": ChangeKind.DELETE for index in unmatched}
    for index in added:
        where = f"{path}[{index}]"
        found[where] = ChangeKind.UPDATE if where in found else ChangeKind.ADD
    return found
