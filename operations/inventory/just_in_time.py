"""Approval policies of just-in-time node access, and the tags of the nodes that they decide about."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from components.just_in_time.decisions import Node, Policies, managed_nodes
from components.just_in_time.documents import ManualRule, UnknownContentError, cedar_text, manual_rule
from components.just_in_time.names import AUTO_APPROVAL_NAME, DENY_ACCESS_NAME, MANUAL_APPROVAL
from operations.inventory.reader import returns_failure
from operations.inventory.session_manager import NO_DOCUMENT

if TYPE_CHECKING:
    from operations.inventory.reader import Reader


@returns_failure
def read_policies(reader: Reader) -> Policies:
    """Read all approval policies of a Region, those of other principals as well."""
    filters = [{"Key": "DocumentType", "Values": [MANUAL_APPROVAL]}, {"Key": "Owner", "Values": ["Self"]}]
    listed = reader.items("ssm", "list_documents", "DocumentIdentifiers", Filters=filters)
    manual: list[ManualRule] = []
    unknown: list[str] = []
    for name in sorted(str(each["Name"]) for each in listed):
        try:
            manual.append(manual_rule(name, _content(reader, name)))
        except UnknownContentError as wrong:
            unknown.append(f"{name}: {wrong}")
    cedar = ""
    try:
        automatic = _content(reader, AUTO_APPROVAL_NAME)
        cedar = cedar_text(automatic) if automatic is not None else ""
    except UnknownContentError as wrong:
        unknown.append(f"{AUTO_APPROVAL_NAME}: {wrong}")
    denies = reader.find("ssm", "describe_document", NO_DOCUMENT, Name=DENY_ACCESS_NAME) is not None
    return Policies(manual=tuple(manual), cedar=cedar, has_deny_policy=denies, unknown=tuple(unknown))


@returns_failure
def read_nodes(reader: Reader) -> tuple[Node, ...]:
    """Read all managed nodes of a Region with their tags."""
    return managed_nodes(reader.region, reader.items)


def _content(reader: Reader, name: str) -> Any:
    answer = reader.find("ssm", "get_document", NO_DOCUMENT, Name=name, DocumentFormat="JSON")
    if answer is None:
        return None
    try:
        return json.loads(str(answer.get("Content", "")))
    except ValueError as wrong:
        raise UnknownContentError(f"it is not JSON ({wrong})") from wrong
