"""How a document's content becomes text."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


MAX_BYTES: Final = 64 * 1024
"""Size limit of a document (API reference, CreateDocument, MaxDocumentSizeExceeded)."""


def serialized(content: Mapping[str, Any]) -> str:
    """The text to publish: the same for the same content, and readable in the console."""
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)


def content_sha256(text: str) -> str:
    """The hash that Systems Manager reports for a document's text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def same_content(one: object, other: object) -> bool:
    """Whether two JSON values are the same; unlike Python, JSON tells `false` from `0`."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
