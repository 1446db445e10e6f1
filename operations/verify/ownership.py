"""The tags by which a stack knows what it governs: another tool may have removed them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.adoption.governance import POLICY_NAME as GOVERNING_STACK
from components.documents.ownership import OWNER_TAG, PRIOR_VERSION_TAG
from operations.reading import Unread
from operations.verify.findings import Finding, cannot_tell, compared

if TYPE_CHECKING:
    from collections.abc import Mapping

    from operations.verify.facts import Asked


def owner_finding(check: str, asked: Asked, tags: Mapping[str, str]) -> Finding:
    """Compare the owner tag of a resource with the stack.

    Args:
        check: Name of the finding.
        asked: In the Region of the resource.
        tags: Tags of the resource.
    """
    # The tag has the organization and the project too, which the stack's name may lack.
    name, holder = asked.stack.rsplit("/", 1)[-1], tags.get(OWNER_TAG)
    same = holder is not None and holder.rsplit("/", 1)[-1] == name
    expected = f"tag {OWNER_TAG} names the stack {name}"
    found = f"tag {OWNER_TAG} is {holder}" if holder else f"no tag {OWNER_TAG}"
    return compared(check, same=same, expected=expected, found=expected if same else found, remedy=asked.repair)


def governing_stack_finding(asked: Asked, tags: Mapping[str, str] | Unread | None) -> Finding:
    """Compare the account's record of its governing stack; without it a second stack is not refused for certain.

    Args:
        asked: In the Region where global things are kept.
        tags: Tags of the record; None where there is none.
    """
    check, expected = "governing-stack", f"policy {GOVERNING_STACK} names the stack"
    if isinstance(tags, Unread):
        return cannot_tell(check, expected, tags)
    if tags is None:
        return compared(check, same=False, expected=expected, found="no such policy", remedy=asked.repair)
    return owner_finding(check, asked, tags)


def document_ownership_findings(check: str, asked: Asked, tags: Mapping[str, str] | Unread | None) -> list[Finding]:
    """Compare the two tags of a document; nothing where there is no document, or its tags were not read.

    Args:
        check: Beginning of the findings' names, `document`.
        asked: In the Region of the document.
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
