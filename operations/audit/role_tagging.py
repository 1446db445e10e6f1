"""Roles of which a principal sets a tag before it assumes them, and what is allowed then."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from components.iam.evaluation import Target
from components.iam.patterns import literal
from components.iam.variables import keys_of
from operations.audit.judge import Judge, finding
from operations.audit.knowledge import granted_with_tag
from operations.audit.rules import RULES
from operations.audit.rules.keys import APPROVAL_KEY
from operations.audit.severity import Severity
from operations.audit.takers import may_take_on

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.iam.documents import Policy
    from components.iam.evaluation import Grant
    from components.iam.principals import Principal
    from operations.audit.findings import Finding
    from operations.audit.world import World

_RULE: Final = "D6"
_ACTIONS: Final = ("iam:TagRole", "iam:UntagRole")
_OWN_TAG: Final = "aws:principaltag/"


def role_tagging(principal: Principal, world: World) -> list[Finding]:
    """Return a finding for each role that a principal can tag and assume, where the tag decides what is allowed.

    Args:
        principal: The user or role.
        world: The account, with who is privileged.
    """
    tagging = tuple(each for each in principal.permissions.identity if each.allowed(_ACTIONS))
    if not tagging:
        return []
    deciding = ((role, tags) for role in world.trust_index.roles_for(principal) if (tags := _tags(role)))
    return [
        found
        for role, tags in deciding
        if role is not principal and not world.is_privileged(role) and may_take_on(principal, role, world)
        if (found := _tagged(principal, role, tags, world)) is not None
    ]


def _tagged(principal: Principal, role: Principal, tags: frozenset[str], world: World) -> Finding | None:
    target = Target((literal(role.arn),))
    used: list[Grant] = [
        grant
        for action in _ACTIONS
        for tag in sorted(tags)
        for grant in granted_with_tag(principal, world, action, target=target, tag=tag)
    ]
    if not used:
        return None
    # As if the role had the principal's tagging right.
    permissions = replace(role.permissions, identity=tuple(dict.fromkeys((*role.permissions.identity, *_rights(used)))))
    own = {each.name for each in role.permissions.identity}
    had = {each.rule: each.severity for each in Judge(role, world).findings(RULES)}
    gained = [
        each
        for each in Judge(replace(role, permissions=permissions), world).findings(RULES)
        if each.severity > max(had.get(each.rule, Severity.LOW), Severity.LOW)
        and all(letting.policy in own for letting in each.lettings)
    ]
    if not gained:
        return None
    worst = max(each.severity for each in gained)
    severity = worst if any(each.certain for each in used) else worst.lowered()
    told = finding(_RULE, severity, principal, used)
    rules = ", ".join(sorted({each.rule for each in gained}))
    return replace(told, path=(role.arn,), note=f"once tagged by the principal, {role.name} is allowed {rules}")


def _tags(role: Principal) -> frozenset[str]:
    """The tags of a role, other than the approval tag, that its policies compare."""
    keys = frozenset[str]().union(
        *(keys_of(each) for policy in role.permissions.identity for each in policy.statements)
    )
    return frozenset(each.removeprefix(_OWN_TAG) for each in keys if each.startswith(_OWN_TAG) and each != APPROVAL_KEY)


def _rights(used: list[Grant]) -> Iterator[Policy]:
    """The policies that allow the tagging, without what else they say."""
    for policy in dict.fromkeys(each.policy for each in used):
        about = tuple(each for each in policy.statements if any(each.covers(action) for action in _ACTIONS))
        yield replace(policy, name=f"tagging by {policy.name}", statements=about)
