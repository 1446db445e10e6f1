"""Merge of settings from the general to the specific, with the source of each.

Mappings are merged recursively; any other value (including lists) replaces the previous value; null removes a setting,
as if it had not been set.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


@dataclass(frozen=True, kw_only=True)
class Layer:
    """Settings from one location in the file.

    Attributes:
        origin: Location, such as `overrides.accounts.payments`.
        values: Values by key, as in a stack's configuration.
    """

    origin: str
    values: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Said:
    """Value with its source."""

    value: Any
    origin: str


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Setting of an account.

    Attributes:
        path: Keys from the outermost to the innermost.
        value: Effective value; an empty mapping counts as a value.
        origin: Source of the value.
        replaced: Replaced values, the latest first.
    """

    path: tuple[str, ...]
    value: Any
    origin: str
    replaced: tuple[Said, ...] = ()


@dataclass
class _Node:
    origin: str
    value: Any = None
    children: dict[str, _Node] | None = None
    replaced: tuple[Said, ...] = field(default=())

    def plain(self) -> Any:
        if self.children is None:
            return self.value
        return {key: child.plain() for key, child in self.children.items()}


def merge(layers: Sequence[Layer]) -> dict[str, Any]:
    """Return the effective values.

    Args:
        layers: Layers, the most general first.
    """
    return cast("dict[str, Any]", _tree(layers).plain())


def explain(layers: Sequence[Layer]) -> list[Setting]:
    """Return all effective settings with their sources."""
    return list(_settings(_tree(layers), ()))


def _tree(layers: Sequence[Layer]) -> _Node:
    root = _Node(origin="", children={})
    for layer in layers:
        _put(root, layer.values, layer.origin)
    return root


def _put(node: _Node, values: Mapping[str, Any], origin: str) -> None:
    children = cast("dict[str, _Node]", node.children)
    for key, value in values.items():
        before = children.get(key)
        if value is None:
            children.pop(key, None)
        elif not isinstance(value, dict):
            children[key] = _Node(origin=origin, value=value, replaced=_history(before))
        else:
            if before is None or before.children is None:
                before = children[key] = _Node(origin=origin, children={}, replaced=_history(before))
            _put(before, cast("dict[str, Any]", value), origin)


def _history(before: _Node | None) -> tuple[Said, ...]:
    return (Said(value=before.plain(), origin=before.origin), *before.replaced) if before else ()


def _settings(node: _Node, path: tuple[str, ...]) -> Iterator[Setting]:
    for key, child in (node.children or {}).items():
        here = (*path, key)
        if child.children:
            yield from _settings(child, here)
        else:
            value = child.plain()
            yield Setting(path=here, value=value, origin=child.origin, replaced=child.replaced)
