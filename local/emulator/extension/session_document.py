"""Validation of Session documents by AWS' documentation.

Source: https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-schema.html; the schema file states
which of its rules are inferred.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any, cast

from jsonschema import Draft202012Validator, ValidationError

SCHEMA = Path(__file__).resolve().parents[1] / "session_document.schema.json"
SCHEMA_VERSION = "1.0"


def problems(content: Any) -> list[str]:
    """Return the problems in the content of a Session document, each with its path, in the order of the paths."""
    errors: list[ValidationError] = list(_validator().iter_errors(content))
    return [f"{error.json_path}: {error.message}" for error in sorted(errors, key=lambda error: error.json_path)]


def supports_schema_version(content: Any) -> bool:
    """Return whether Session documents support the schema version. `problems` reports a missing one."""
    if not isinstance(content, dict):
        return True
    return cast("dict[str, Any]", content).get("schemaVersion", SCHEMA_VERSION) == SCHEMA_VERSION


@cache
def _validator() -> Any:
    return Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
