"""Published JSON schema of the fleet file, for editors and external validation."""

from __future__ import annotations

import json
from typing import Any, cast

from common.problems import NAMESPACE
from components.settings import SECTIONS
from operations.fleet.settings import FleetSettings

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def fleet_schema() -> dict[str, Any]:
    """Return the schema; constraints between several values are beyond it, and checked by `fleet plan`."""
    schema = cast("dict[str, Any]", _plain(FleetSettings.model_json_schema(by_alias=True)))
    settings = {
        "type": "object",
        "propertyNames": {"pattern": f"^({NAMESPACE}:({'|'.join(SECTIONS)})|aws:.+)$"},
    }
    schema["properties"]["defaults"] |= settings
    overrides = schema["$defs"]["Overrides"]["properties"]
    for each in overrides.values():
        each["additionalProperties"] = settings
    return {"$schema": _DIALECT, "title": "A fleet of Shell Access stacks", **_without(schema, "title")}


def schema_text() -> str:
    """Return the content of docs/fleet.schema.json."""
    return json.dumps(fleet_schema(), indent=2) + "\n"


def _plain(value: Any) -> Any:
    """Return a schema without generated titles, which add nothing, and `allowed`, which repeats other keywords."""
    if isinstance(value, dict):
        values = cast("dict[str, Any]", value)
        return {
            key: {name: _plain(each) for name, each in inner.items()}
            if key in {"properties", "$defs"}
            else _plain(inner)
            for key, inner in values.items()
            if key not in {"title", "allowed"}
        }
    if isinstance(value, list):
        return [_plain(each) for each in cast("list[Any]", value)]
    return value


def _without(schema: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name != key}
