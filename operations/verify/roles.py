"""Comparison of the roles that the stack creates: trust policies, permissions, and permissions boundaries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from operations.reading import Unread
from operations.verify.findings import Finding, cannot_tell, compared
from operations.verify.policy_document import policy_differences

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from operations.desired import Asked
    from operations.inventory.iam import RoleFacts


@dataclass(frozen=True, kw_only=True)
class WantedRole:
    """A role as the settings define it.

    Attributes:
        check: ID of the finding about it.
        name: Name of the role.
        trust: Its trust policy.
        attached: ARNs of its managed policies.
        inline: Its inline policies by name.
        boundary: ARN of the permissions boundary; "": none.
    """

    check: str
    name: str
    trust: Mapping[str, Any]
    attached: frozenset[str] = frozenset()
    inline: Mapping[str, Mapping[str, Any]]
    boundary: str = ""


def boundary_arn(boundary: str, policies: str) -> str:
    """Return the ARN of the permissions boundary that `shell-access:permissionsBoundary` names; "" if it names none.

    Args:
        boundary: Name or ARN of a managed policy; "": none.
        policies: Prefix of ARNs of the account's policies, to which a name is appended.
    """
    return boundary if boundary.startswith("arn:") or not boundary else f"{policies}{boundary}"


def role_finding(asked: Asked, wanted: WantedRole, live: RoleFacts | Unread | None) -> Finding:
    """Compare a role: its trust policy, its exact set of policies, and its permissions boundary.

    Args:
        asked: Settings of the Region, with the command that repairs it.
        wanted: The role as the settings define it.
        live: The role of the account.
    """
    expected = f"role {wanted.name} is trusted and allowed as the settings ask"
    if isinstance(live, Unread):
        return cannot_tell(wanted.check, expected, live)
    if live is None:
        return compared(wanted.check, same=False, expected=expected, found="no such role", remedy=asked.repair)
    if isinstance(live.attached, Unread):
        return cannot_tell(wanted.check, expected, live.attached)
    if isinstance(live.inline, Unread):
        return cannot_tell(wanted.check, expected, live.inline)
    repaired = [
        *(f"trust policy: {each}" for each in policy_differences(wanted.trust, live.trust)),
        *(f"{arn} is not attached" for arn in sorted(wanted.attached - live.attached)),
        *_inline_differences(wanted.inline, live.inline),
    ]
    if live.path != "/":
        repaired.append(f"path / expected, {live.path} found")
    if live.boundary != wanted.boundary:
        repaired.append(f"permissions boundary: {wanted.boundary or 'none'} expected, {live.boundary or 'none'} found")
    more, policies = sorted(set(live.inline) - set(wanted.inline)), sorted(live.attached - wanted.attached)
    extra = [f"inline policy {name} is unexpected" for name in more]
    extra += [f"{arn} is attached" for arn in policies]
    # `pulumi up` does not remove policies that are not resources of the stack.
    named = f"--role-name {wanted.name}"
    commands = [asked.repair] if repaired else []
    commands += [f"aws iam delete-role-policy {named} --policy-name {name}" for name in more]
    commands += [f"aws iam detach-role-policy {named} --policy-arn {arn}" for arn in policies]
    found = "; ".join([*repaired, *extra])
    return compared(
        wanted.check, same=not found, expected=expected, found=found or expected, remedy=" && ".join(commands)
    )


def _inline_differences(
    wanted: Mapping[str, Mapping[str, Any]], live: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    for name, policy in sorted(wanted.items()):
        if name not in live:
            yield f"inline policy {name} is missing"
        else:
            yield from (f"inline policy {name}: {each}" for each in policy_differences(policy, live[name]))
