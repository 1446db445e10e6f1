"""Content of `SSM-SessionManagerRunShell`, as plain data.

Source: AWS Systems Manager User Guide, "Session document schema", and the AWS post "How to automate Session Manager
preferences across your organization".
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from common.limits import DOCUMENT
from components.adoption.document_content import (
    DOCUMENT_NAME,
    content_sha256,
    published_bytes,
    same_content,
    serialized,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.session_manager.settings import SessionManagerSettings

__all__ = [
    "DESCRIPTION",
    "DOCUMENT_NAME",
    "DOCUMENT_TYPE",
    "PREFERENCES",
    "LogLocation",
    "Preferences",
    "content_sha256",
    "document",
    "log_locations",
    "parse",
    "preferences",
    "reset_preferences",
    "s3_key_prefix",
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


def preferences(
    settings: SessionManagerSettings, *, account_id: str, region: str, kms_key_id: object = ""
) -> Preferences:
    """Return the preferences that the settings configure for one account and Region.

    Args:
        settings: Settings of the Region.
        account_id: Account of the stack.
        region: Region of the preferences.
        kms_key_id: ID of the key for session data, passed through as it is (it may be an unknown output).
    """
    bucket = settings.s3_bucket_name if settings.s3_logging else ""
    log_group = settings.cw_log_group_name
    profiles = {"windows": settings.win_shell_profile, "linux": settings.linux_shell_profile}
    return {
        "s3BucketName": bucket,
        "s3KeyPrefix": s3_key_prefix(settings, account_id, region) if bucket else "",
        "s3EncryptionEnabled": settings.s3_encryption_enabled if bucket else False,
        "cloudWatchLogGroupName": log_group,
        "cloudWatchEncryptionEnabled": settings.cw_encryption_enabled if log_group else False,
        "cloudWatchStreamingEnabled": settings.cw_streaming_enabled,
        "kmsKeyId": kms_key_id if settings.session_data_encryption else "",
        "runAsEnabled": settings.run_as_enabled,
        "runAsDefaultUser": settings.run_as_default_user if settings.run_as_enabled else "",
        "idleSessionTimeout": settings.idle_session_timeout,
        "maxSessionDuration": settings.max_session_duration,
        "shellProfile": {system: profile for system, profile in profiles.items() if profile},
    }


def s3_key_prefix(settings: SessionManagerSettings, account_id: str, region: str) -> str:
    """Return `<prefix>/<account>/<Region>`, so that accounts of an organization can share a bucket."""
    return "/".join(part for part in (settings.s3_key_prefix, account_id, region) if part)


@dataclass(frozen=True, kw_only=True)
class LogLocation:
    """Location of the logs of a Region's sessions.

    Attributes:
        bucket: Name of the bucket; empty without logs in Amazon S3.
        prefix: Folder of the Region's logs in the bucket, without the last slash.
        log_group: Name of the log group; empty without logs in CloudWatch Logs.
    """

    bucket: str = ""
    prefix: str = ""
    log_group: str = ""


def log_locations(settings: Mapping[str, SessionManagerSettings], account_id: str) -> dict[str, LogLocation]:
    """Return the locations of logs by Region, of the Regions whose sessions are logged.

    Args:
        settings: Settings by Region.
        account_id: Account of the stack.
    """
    found: dict[str, LogLocation] = {}
    for region, each in settings.items():
        bucket = each.s3_bucket_name if each.s3_logging else ""
        if bucket or each.logs_to_cloudwatch:
            prefix = s3_key_prefix(each, account_id, region) if bucket else ""
            found[region] = LogLocation(bucket=bucket, prefix=prefix, log_group=each.cw_log_group_name)
    return found


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


def excess_bytes(settings: SessionManagerSettings) -> int:
    """Return by how many bytes the document of these settings exceeds the limit of Systems Manager; 0 where it fits.

    A shell profile has no limit of its own (User Guide, "Session document schema"); the limit of the document applies.
    """
    widest = preferences(settings, account_id="0" * 12, region="a" * 32, kms_key_id="a" * 36)
    return max(0, published_bytes(document(widest)) - DOCUMENT.maximum)


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
