"""Content of `SSM-SessionManagerRunShell`, as plain data.

Source: AWS Systems Manager User Guide, "Session document schema", and the AWS post "How to automate Session Manager
preferences across your organization".
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, cast

from components.adoption.document_content import (
    DOCUMENT_NAME,
    content_sha256,
    same_content,
    serialized,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "DESCRIPTION",
    "DOCUMENT_NAME",
    "DOCUMENT_TYPE",
    "PREFERENCES",
    "Preferences",
    "content_sha256",
    "document",
    "parse",
    "reset_preferences",
    "same_content",
    "serialized",
]

DOCUMENT_TYPE: Final = "Session"

DESCRIPTION: Final = "Session Manager preferences of this Region, kept by Shell Access"

_SCHEMA: Final = {"schemaVersion": "1.0", "sessionType": "Standard_Stream"}
_TEXTS: Final = ("s3BucketName", "s3KeyPrefix", "cloudWatchLogGroupName", "kmsKeyId", "runAsDefaultUser")
_SWITCHES: Final = (
    *("s3EncryptionEnabled", "cloudWatchEncryptionEnabled"),
    *("cloudWatchStreamingEnabled", "runAsEnabled"),
)
_MINUTES: Final = ("idleSessionTimeout", "maxSessionDuration")

_QUOTED_SWITCHES: Final = {"true": True, "false": False, "": False}
_WHOLE_MINUTES: Final = re.compile(r"[1-9][0-9]{0,5}")
_TOO_MANY_MINUTES: Final = 1_000_000

PREFERENCES: Final = (*_TEXTS, *_SWITCHES, *_MINUTES, "shellProfile")
"""Names of all preferences: the inputs of the document."""

Preferences = dict[str, Any]
"""Preferences by the names in `PREFERENCES`: texts, Booleans, minutes as integers (None: no maximum), and
`shellProfile` by operating system (`windows`, `linux`), with non-empty values only."""


def reset_preferences() -> Preferences:
    """Return what the post's solution restores when it is deleted: no logging, no encryption, idle timeout of 20."""
    return {
        **dict.fromkeys(_TEXTS, ""),
        **dict.fromkeys(_SWITCHES, False),
        "idleSessionTimeout": 20,
        "maxSessionDuration": None,
        "shellProfile": {},
    }


def document(values: Preferences) -> dict[str, Any]:
    """Return the document's content. Minutes are strings, and an empty `shellProfile` is omitted."""
    inputs: dict[str, Any] = {name: values[name] for name in (*_TEXTS, *_SWITCHES)}
    for name in _MINUTES:
        inputs[name] = "" if values[name] is None else str(int(values[name]))
    if values["shellProfile"]:
        inputs["shellProfile"] = dict(values["shellProfile"])
    return {**_SCHEMA, "description": DESCRIPTION, "inputs": inputs}


def parse(text: str) -> tuple[Preferences, dict[str, Any]]:
    """Parse a document that any principal may have written.

    Systems Manager accepts quoted Booleans, minutes as numbers, and documents without some of either. They are parsed
    by their meaning, and still reported as foreign.

    Returns:
        The preferences, with empty values for absent ones, and everything in the text that `document` would not write:
        foreign inputs, values of another type, another description or schema. Empty when the text is exactly
        `document` of the preferences.
    """
    try:
        loaded = json.loads(text)
    except ValueError:
        return reset_preferences(), {"text": text}
    if not isinstance(loaded, dict):
        return reset_preferences(), {"text": text}
    content = cast("dict[str, Any]", loaded)
    found = content.get("inputs")
    inputs = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    values = reset_preferences() | {"idleSessionTimeout": None}
    for name in PREFERENCES:
        if name in inputs and is_readable(name, inputs[name]):
            values[name] = _read(name, inputs[name])
    return values, _difference(content, document(values))


def is_readable(name: str, value: Any) -> bool:
    """Return whether a value of an input has a meaning, even if its type is not that of `document`."""
    if name in _SWITCHES:
        return isinstance(value, bool) or (isinstance(value, str) and value.lower() in _QUOTED_SWITCHES)
    if name in _MINUTES:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return 0 < value < _TOO_MANY_MINUTES and value == int(value)
        return isinstance(value, str) and (value == "" or _WHOLE_MINUTES.fullmatch(value) is not None)
    if name == "shellProfile":
        return isinstance(value, dict)
    return isinstance(value, str)


def _read(name: str, value: Any) -> Any:
    if name in _SWITCHES:
        return value if isinstance(value, bool) else _QUOTED_SWITCHES[value.lower()]
    if name in _MINUTES:
        return int(value) if value else None
    if name == "shellProfile":
        return {system: profile for system, profile in value.items() if profile}
    return value


def _difference(content: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    other: dict[str, Any] = {}
    for key in sorted({*content, *ours} - {"inputs"}):
        if not same_content(content.get(key), ours.get(key)):
            other[key] = content.get(key)
    found, desired = content.get("inputs"), ours["inputs"]
    if not isinstance(found, dict):
        return {**other, "inputs": found}
    given = cast("dict[str, Any]", found)
    for key in sorted({*given, *desired}):
        if key not in desired or key not in given or not same_content(given[key], desired[key]):
            other[f"inputs.{key}"] = given.get(key)
    return other
