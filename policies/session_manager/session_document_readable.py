"""The content of Session documents, runbooks and change templates can be read by the other rules.

The rules about preferences and runbooks do not report a document that this rule reports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_policy import Severity

from components.approval.names import AUTOMATION, CHANGE_TEMPLATE
from components.session_manager.document import DOCUMENT_TYPE
from policies.findings import UNKNOWN, Violation
from policies.rule import Rule
from policies.session_manager.session_documents import DOCUMENT, OWN_DOCUMENT, content_of

if TYPE_CHECKING:
    from policies.findings import Findings, Resource

RULE = Rule(
    id="session-document-readable",
    title="Session documents and runbooks are valid in their stated format",
    severity=Severity.HIGH,
    risk="the sessions that the document opens, or the approval that the runbook requests, cannot be checked",
    remedy="Write the content as one JSON object, or as a YAML mapping with documentFormat YAML, and no key twice",
    source='Systems Manager User Guide, "Session document schema"',
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-schema.html",
)

_UNREADABLE: Final = Violation(
    "content",
    "text that cannot be read",  # which may hold anything, so it is not repeated
    "a mapping in the format that documentFormat states (JSON where it states none)",
)


_KINDS: Final = (DOCUMENT_TYPE, AUTOMATION, CHANGE_TEMPLATE, UNKNOWN)


@RULE.on(DOCUMENT, OWN_DOCUMENT)
def _can_be_read(document: Resource) -> Findings:
    if document.value("documentType") not in _KINDS:
        return
    if document.value("content") is UNKNOWN:
        yield document.unseen("content")
    elif content_of(document) is None:
        undecided = document.value("documentType") is UNKNOWN
        yield document.unseen("documentType") if undecided else _UNREADABLE
