"""Values of JSON, as text or decoded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterator


def decoded(value: Any) -> Any:
    """Return a value decoded; other values, and text that is not JSON, are returned unchanged."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def leaves(value: Any) -> Iterator[Any]:
    """Yield all values in mappings and lists, however deep, that are neither."""
    if isinstance(value, Mapping):
        for each in cast("Mapping[str, Any]", value).values():
            yield from leaves(each)
    elif isinstance(value, list):
        for each in cast("list[Any]", value):
            yield from leaves(each)
    else:
        yield value


def listed(value: Any) -> list[Any]:
    """Return a list as it is, no value as an empty list, and another value as a list of one."""
    if value is None:
        return []
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def mapping(value: Any) -> dict[str, Any]:
    """Return a mapping as it is, and any other value as an empty one."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
