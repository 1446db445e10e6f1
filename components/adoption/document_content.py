"""Serialization of a document's content."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

DOCUMENT_NAME: Final = "SSM-SessionManagerRunShell"
"""Name of the preferences document."""

_TEXT_HEADER: Final = "@document\n"
"""First line of a document's content as an input: neither JSON nor YAML, which the engine would show as a whole object. Of
text, a preview shows the lines that change.
"""

_LARGE: Final = 60_000
"""Characters; a document has 64 KB at most."""
_SPELLINGS: Final = 1_000
"""Bytes for another spelling of the same content: one empty line for each version that a document may have."""


@dataclass(frozen=True, kw_only=True)
class PlannedDocument:
    """A document of Systems Manager.

    `key` is a part of its logical name. A preview shows which of `settings`, which its content is made from, change.
    """

    key: str
    name: str
    type: str
    content: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict[str, Any])


def serialized(content: Mapping[str, Any]) -> str:
    """Return the text to publish: the same for the same content, and readable in the console.

    A large one has lines without indentation, as the size of a document is limited.
    """
    text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)
    return text if len(text) < _LARGE else json.dumps(content, indent=0, sort_keys=True, ensure_ascii=False)


def input_text(content: Mapping[str, Any]) -> str:
    """Return the content as an input of a resource."""
    return _TEXT_HEADER + serialized(content)


def text_of_input(text: str) -> str:
    """Return the JSON text of an input; one without the header is returned unchanged."""
    return text.removeprefix(_TEXT_HEADER)


def same_input(live_text: str) -> str:
    """Return a live text in the spelling of the input; text that is not JSON is returned unchanged."""
    try:
        return input_text(json.loads(live_text))
    except ValueError:
        return live_text


def published_bytes(content: Mapping[str, Any]) -> int:
    """Return the size of the text to publish, in its longest spelling."""
    return len(serialized(content).encode()) + _SPELLINGS


def content_sha256(text: str) -> str:
    """Return the hash that Systems Manager reports for a document's text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def same_content(one: object, other: object) -> bool:
    """Return whether two JSON values are equal; unlike Python, JSON distinguishes `false` from `0`."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
