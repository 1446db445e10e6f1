"""Session preferences of a program, in one form.

Preferences are those of this project's own resource, and the inputs of any Session document that opens a shell, as callers
can start sessions with other documents than `SSM-SessionManagerRunShell`. Documents for port forwarding and single commands
have no such inputs (Systems Manager User Guide, "Session document schema").
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

import yaml
from pulumi_policy import Severity

from common.iam.documents import unique_keys
from common.json_values import mapping
from common.strict_yaml import UniqueKeys
from components.adoption.document_content import text_of_input
from components.approval.names import AUTOMATION, CHANGE_TEMPLATE
from components.session_manager.document import DOCUMENT_NAME, DOCUMENT_TYPE
from policies.findings import UNKNOWN, Findings, Resource, is_given
from policies.rule import Check, Rule

if TYPE_CHECKING:
    from collections.abc import Callable

PREFERENCES: Final = "pulumi-python:dynamic/ssm:SessionPreferences"
DOCUMENT: Final = "aws:ssm/document:Document"
OWN_DOCUMENT: Final = "pulumi-python:dynamic/ssm:Document"
"""Resource type of this project for other documents."""

_SHELL: Final = "Standard_Stream"


def on_session_preferences(rule: Rule) -> Callable[[Check], Check]:
    """Register a check of preferences, which have the names of the document's inputs in every form."""

    def register(check: Check) -> Check:
        rule.on(PREFERENCES)(check)
        rule.on(DOCUMENT)(lambda document: _in_document(document, check))
        return check

    return register


def is_session_document(document: Resource) -> bool:
    """Return whether a resource is, or may be, a Session document."""
    return document.value("documentType") in (DOCUMENT_TYPE, UNKNOWN)


def content_of(document: Resource) -> dict[str, Any] | None:
    """Parse the content of a document; None where it does not have its format, or is no mapping.

    A mapping with repeated keys is refused: how AWS interprets it is not documented.
    """
    # A format that is not known yet is read as YAML, which includes JSON.
    given = str(document.value("content"))
    text = text_of_input(given) if document.type == OWN_DOCUMENT else given
    return _parsed(text, is_json=document.value("documentFormat") in (None, "", "JSON"))


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
    yield from check(document.part("content.inputs", mapping(content.get("inputs"))))


@lru_cache(maxsize=64)
def _parsed(text: str, *, is_json: bool) -> dict[str, Any] | None:
    """Parse a document, once for all rules."""
    try:
        content = json.loads(text, object_pairs_hook=unique_keys) if is_json else yaml.load(text, UniqueKeys)  # noqa: S506 -- a safe loader
    except (ValueError, TypeError, yaml.YAMLError):
        return None
    return cast("dict[str, Any]", content) if isinstance(content, dict) else None


_CHOSEN_BY_CALLER: Final = re.compile(r"\{\{(?!\s*ssm:)")
"""`{{ name }}` is a parameter of the caller; `{{ ssm:name }}` a parameter of Parameter Store."""


def is_fixed(value: Any) -> bool:
    """Return whether a value is set and has no parameter of the caller."""
    return is_given(value) and not (isinstance(value, str) and _CHOSEN_BY_CALLER.search(value))


def require_fixed(preferences: Resource, name: str, expected: str) -> Findings:
    """Check that the preference has a value that the caller cannot change; a value that is not known yet counts."""
    if not is_fixed(preferences.value(name)):
        yield preferences.violation(name, expected)


SESSION_DOCUMENT_READABLE = Rule(
    id="session-document-readable",
    title="Session documents and runbooks are valid in their stated format",
    severity=Severity.HIGH,
    risk="the sessions that the document opens, or the approval that the runbook requests, cannot be checked",
    remedy="Write the content as one JSON object, or as a YAML mapping with documentFormat YAML, and no key twice",
    source='Systems Manager User Guide, "Session document schema"',
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-schema.html",
)
"""The rules about preferences and runbooks do not report a document that this rule reports."""

_KINDS: Final = (DOCUMENT_TYPE, AUTOMATION, CHANGE_TEMPLATE, UNKNOWN)


@SESSION_DOCUMENT_READABLE.on(DOCUMENT, OWN_DOCUMENT)
def _can_be_read(document: Resource) -> Findings:
    if document.value("documentType") not in _KINDS:
        return
    if document.value("content") is UNKNOWN:
        yield document.unseen("content")
    elif content_of(document) is None:
        if document.value("documentType") is UNKNOWN:
            yield document.unseen("documentType")
            return
        expected = "a mapping in the format that documentFormat states (JSON where it states none)"
        # The text may hold anything, so it is not repeated.
        yield document.violation("content", expected, found="text that cannot be read")
