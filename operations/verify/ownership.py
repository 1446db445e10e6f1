"""Comparison of the tags that record a stack's ownership, which another tool may have removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.adoption.document_ownership import OWNER_TAG, PRIOR_VERSION_TAG
from components.adoption.governance import POLICY_NAME as GOVERNING_STACK
from operations.reading import Unread
from operations.verify.findings import Finding, cannot_tell, compared

if TYPE_CHECKING:
    from collections.abc import Mapping

    from operations.verify.facts import Asked


def owner_finding(check: str, asked: Asked, tags: Mapping[str, str]) -> Finding:
    """Compare the owner tag of a resource with the stack.

    Args:
        check: ID of the finding.
        asked: Settings of the Region of the resource, with the command that repairs it.
        tags: Tags of the resource.
    """
    # The tag also includes the organization and the project, which the stack's name may lack.
    name, holder = asked.stack.rsplit("/", 1)[-1], tags.get(OWNER_TAG)
    same = holder is not None and holder.rsplit("/", 1)[-1] == name
    expected = f"tag {OWNER_TAG} names the stack {name}"
    found = f"tag {OWNER_TAG} is {holder}" if holder else f"no tag {OWNER_TAG}"
    return compared(check, same=same, expected=expected, found=expected if same else found, remedy=asked.repair)


def governing_stack_finding(asked: Asked, tags: Mapping[str, str] | Unread | None) -> Finding:
    """Compare the account's record of its stack; without it, the creation of a second stack may not be denied.

    Args:
        asked: Settings of the Region where the stack keeps resources that exist once per account.
        tags: Tags of the record; None: it does not exist.
    """
    check, expected = "governing-stack", f"policy {GOVERNING_STACK} names the stack"
    if isinstance(tags, Unread):
        return cannot_tell(check, expected, tags)
    if tags is None:
        return compared(check, same=False, expected=expected, found="no such policy", remedy=asked.repair)
    return owner_finding(check, asked, tags)


def document_ownership_findings(check: str, asked: Asked, tags: Mapping[str, str] | Unread | None) -> list[Finding]:
    """Compare the two tags of a document; empty if there is no document, or its tags were not read.

    Args:
        check: Prefix of the findings' IDs, `document`.
        asked: Settings of the Region of the document, with the command that repairs it.
        tags: Tags of the document.
    """
    if tags is None:
        return []
    if isinstance(tags, Unread):
        return [cannot_tell(f"{check}-owner", f"tag {OWNER_TAG} names the stack", tags)]
    prior, expected = tags.get(PRIOR_VERSION_TAG), f"tag {PRIOR_VERSION_TAG} names the version to restore"
    found = f"no tag {PRIOR_VERSION_TAG}" if prior is None else expected
    return [
        owner_finding(f"{check}-owner", asked, tags),
        compared(f"{check}-prior-version", same=prior is not None, expected=expected, found=found, remedy=asked.repair),
    ]
