"""The content of Session documents can be read, so that the other rules can judge it.

The rules about preferences stay silent on a document that this rule reports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_policy import Severity

from policies.findings import UNKNOWN, Violation
from policies.rule import Rule
from policies.session_manager.carriers import DOCUMENT, content_of, is_session_document

if TYPE_CHECKING:
    from policies.findings import Findings, Resource

RULE = Rule(
    id="session-document-readable",
    title="Session documents can be read in the format that they state",
    severity=Severity.HIGH,
    risk="nothing can be said about the logging and encryption of the sessions that the document opens",
    remedy="Write the content as one JSON object, or as a YAML mapping with documentFormat YAML",
    source='Systems Manager User Guide, "Session document schema"',
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-schema.html",
)

_UNREADABLE: Final = Violation(
    "content",
    "text that cannot be read",  # which may hold anything, so it is not repeated
    "a mapping in the format that documentFormat states (JSON where it states none)",
)


@RULE.on(DOCUMENT)
def _can_be_read(document: Resource) -> Findings:
    if not is_session_document(document):
        return
    if document.value("content") is UNKNOWN:
        yield document.unseen("content")
    elif content_of(document) is None:
        undecided = document.value("documentType") is UNKNOWN
        yield document.unseen("documentType") if undecided else _UNREADABLE
