"""The forms in which a program can carry session preferences, brought to one.

Preferences are those of this project's own resource, and the inputs of any Session document that opens a shell: who
may name a document when starting a session is not held to `SSM-SessionManagerRunShell`. Documents for port forwarding
and single commands have no such inputs (Systems Manager User Guide, "Session document schema").
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

import yaml

from components.iam.documents import unique_keys
from components.session_manager.document import DOCUMENT_NAME, DOCUMENT_TYPE
from components.strict_yaml import UniqueKeys
from policies.findings import UNKNOWN, Findings, Resource

if TYPE_CHECKING:
    from collections.abc import Callable

    from policies.rule import Check, Rule

PREFERENCES: Final = "pulumi-python:dynamic/ssm:SessionPreferences"
DOCUMENT: Final = "aws:ssm/document:Document"
OWN_DOCUMENT: Final = "pulumi-python:dynamic/ssm:Document"
"""This project's resource for documents besides the preferences."""

_SHELL: Final = "Standard_Stream"
_NO_INPUTS: Final[dict[str, Any]] = {}


def on_session_preferences(rule: Rule) -> Callable[[Check], Check]:
    """Decorates the check of preferences; it sees them by the document's names, whatever form they come in."""

    def register(check: Check) -> Check:
        rule.on(PREFERENCES)(check)
        rule.on(DOCUMENT)(lambda document: _in_document(document, check))
        return check

    return register


def is_session_document(document: Resource) -> bool:
    """Whether it is one, or may turn out to be."""
    return document.value("documentType") in (DOCUMENT_TYPE, UNKNOWN)


def content_of(document: Resource) -> dict[str, Any] | None:
    """The content of a document whose text is known; None where it is not what its format says, or no mapping.

    A mapping that repeats a key is none: what AWS makes of it is not documented.
    """
    # A format that is not known yet reads as YAML, which JSON is a part of.
    return _parsed(str(document.value("content")), is_json=document.value("documentFormat") in (None, "", "JSON"))


def _in_document(document: Resource, check: Check) -> Findings:
    if not is_session_document(document):
        return
    if document.value("content") is UNKNOWN:
        yield document.unseen("content")
        return
    content = content_of(document)
    if content is None:
        return  # session-document-readable reports it
    if content.get("sessionType") != _SHELL and document.value("name") != DOCUMENT_NAME:
        return
    found = content.get("inputs")
    inputs = cast("dict[str, Any]", found) if isinstance(found, dict) else _NO_INPUTS
    yield from check(
        Resource(
            type=document.type,
            name=document.name,
            properties=inputs,
            settings=document.settings,
            path="content.inputs.",
        )
    )


@lru_cache(maxsize=64)
def _parsed(text: str, *, is_json: bool) -> dict[str, Any] | None:
    """Read once for all rules."""
    try:
        content = json.loads(text, object_pairs_hook=unique_keys) if is_json else yaml.load(text, UniqueKeys)  # noqa: S506 -- a safe loader
    except (ValueError, TypeError, yaml.YAMLError):
        return None
    return cast("dict[str, Any]", content) if isinstance(content, dict) else None
