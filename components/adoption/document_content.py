"""Serialization of a document's content."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

DOCUMENT_NAME: Final = "SSM-SessionManagerRunShell"
"""Name of the preferences document."""

_SPELLINGS: Final = 1_000
"""Bytes for another spelling of the same content: one empty line for each version that a document may have."""


def serialized(content: Mapping[str, Any]) -> str:
    """Return the text to publish: the same for the same content, and readable in the console."""
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)


def published_bytes(content: Mapping[str, Any]) -> int:
    """Return the size of the text to publish, in its longest spelling."""
    return len(serialized(content).encode()) + _SPELLINGS


def content_sha256(text: str) -> str:
    """Return the hash that Systems Manager reports for a document's text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def same_content(one: object, other: object) -> bool:
    """Return whether two JSON values are equal; unlike Python, JSON distinguishes `false` from `0`."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
