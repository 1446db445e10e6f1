"""Comparison of the managed policy for instance roles: its content, and its attachments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from operations.reading import Unread
from operations.verify.findings import Finding, cannot_tell, compared
from operations.verify.ownership import owner_finding
from operations.verify.policy_document import policy_differences

if TYPE_CHECKING:
    from operations.desired import Asked
    from operations.inventory.iam import PolicyFacts


def instance_policy_findings(
    asked: Asked, name: str, wanted: dict[str, Any], roles: tuple[str, ...], live: PolicyFacts | Unread | None
) -> list[Finding]:
    """Compare the policy.

    Args:
        asked: Settings of the Region where the stack keeps resources that exist once per account.
        name: Name of the policy.
        wanted: Its content, as `components.session_manager.instance_policy` builds it.
        roles: Names of the roles that it must be attached to.
        live: The policy of the account.
    """
    expected = f"managed policy {name} exists"
    if isinstance(live, Unread):
        return [cannot_tell("instance-policy", expected, live)]
    if live is None:
        return [compared("instance-policy", same=False, expected=expected, found="no such policy", remedy=asked.repair)]
    findings = [
        compared("instance-policy", same=True, expected=expected, found=expected, remedy=asked.repair),
        _content(asked, wanted, live),
    ]
    if live.tags is not None:
        findings.append(owner_finding("instance-policy-owner", asked, live.tags))
    if roles:
        findings.append(_roles(asked, roles, live))
    return findings


def _content(asked: Asked, wanted: dict[str, Any], live: PolicyFacts) -> Finding:
    check, expected = "instance-policy-content", f"{live.version} allows just what the enabled features need"
    if isinstance(live.content, Unread):
        return cannot_tell(check, expected, live.content)
    unequal = policy_differences(wanted, live.content)
    found = "; ".join(unequal) or expected
    return compared(check, same=not unequal, expected=expected, found=found, remedy=asked.repair)


def _roles(asked: Asked, roles: tuple[str, ...], live: PolicyFacts) -> Finding:
    check, expected = "instance-policy-roles", f"attached to {', '.join(roles)}"
    if isinstance(live.holders, Unread):
        return cannot_tell(check, expected, live.holders)
    attached = {holder.name for holder in live.holders if holder.kind == "role"}
    without = [role for role in roles if role not in attached]
    found = f"not attached to {', '.join(without)}" if without else expected
    return compared(check, same=not without, expected=expected, found=found, remedy=asked.repair)
