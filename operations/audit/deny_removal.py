"""Denials that a principal can remove from itself or from a role that it can assume, and what it is allowed then."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from components.iam.choices import Choice, situations
from components.iam.context import known
from components.iam.evaluation import Target, grants
from components.iam.patterns import literal
from operations.audit.judge import Judge, allowed, finding
from operations.audit.knowledge import RequestKnowledge
from operations.audit.rules import ACTIONS, RULES
from operations.audit.severity import Severity
from operations.audit.takers import may_take_on

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from components.iam.documents import Policy
    from components.iam.evaluation import Grant
    from components.iam.principals import Principal
    from operations.audit.findings import Finding
    from operations.audit.world import World

RULE: Final = "D11"

_REMOVING: Final = frozenset(
    action for rule in RULES if rule.id == RULE for way in rule.ways for action in way.needs[0].actions
)


def deny_removal(principal: Principal, found: list[Finding], world: World) -> list[Finding]:
    """Return a finding where a principal is allowed more after it has removed what denies.

    Args:
        principal: The user or role.
        found: What it is allowed already.
        world: The account, with who is privileged.
    """
    if not _REMOVING & allowed(principal):
        return []
    subjects = [
        principal,
        *(
            each
            for each in world.trust_index.roles_for(principal)
            if _denies(each) and may_take_on(principal, each, world)
        ),
    ]
    removals = [_removal(principal, subject, found, world) for subject in subjects if _denies(subject)]
    return [each for each in removals if each is not None]


def _removal(principal: Principal, subject: Principal, found: list[Finding], world: World) -> Finding | None:
    """What a subject is allowed without the policies that the principal can remove from it."""
    removed = _removed(principal, subject, world)
    if not removed:
        return None
    free = _without(subject, removed)
    more = _more(Judge(subject, world).findings(RULES), Judge(free, world).findings(RULES))
    known_already = {each.rule: each.severity for each in found}
    gained = (
        [each for each in more if each.severity > known_already.get(each.rule, -1)] if subject is principal else more
    )
    gained = [each for each in gained if each.severity > Severity.LOW]
    if not gained:
        return None
    used = [min(ways, key=lambda each: len(each.doubts)) for ways in removed.values()]
    worst = max(each.severity for each in gained)
    severity = worst.lowered() if any(each.doubts for each in used) else worst
    rules = ", ".join(sorted({each.rule for each in gained}))
    whose = "" if subject is principal else f" of {subject.name}, which it can assume,"
    names = ", ".join(sorted(each.name.rpartition("/")[2] for each in removed))
    told = finding(RULE, severity, principal, used)
    return replace(told, note=f"without {names}{whose} it is allowed {rules}")


def _removed(principal: Principal, subject: Principal, world: World) -> dict[Policy, list[Grant]]:
    """The policies that the principal can remove, one after the other: one may deny the removal of the next."""
    removed: dict[Policy, list[Grant]] = {}
    while True:
        caller = _without(principal, removed) if subject is principal else principal
        step = {
            policy: ways
            for policy in subject.permissions.identity
            if policy not in removed and _has_deny(policy)
            if (ways := [grant for way in _ways(subject, policy, world) for grant in _granted(caller, *way, world)])
        }
        if not step:
            return removed
        removed.update(step)


def _without(principal: Principal, removed: Iterable[Policy]) -> Principal:
    left = tuple(each for each in principal.permissions.identity if each not in set(removed))
    return replace(principal, permissions=replace(principal.permissions, identity=left))


def _more(before: list[Finding], after: list[Finding]) -> list[Finding]:
    had = {each.rule: each.severity for each in before}
    return [each for each in after if each.severity > had.get(each.rule, -1)]


def _ways(subject: Principal, policy: Policy, world: World) -> Iterator[tuple[str, str, str]]:
    """Each way to remove a policy: action, resource, ARN of the policy."""
    arn = policy.name if policy.name.startswith("arn:") else ""
    kind = subject.kind.capitalize()
    group = subject.through.get(policy)
    if group is None:
        yield f"iam:{'Detach' if arn else 'Delete'}{kind}Policy", subject.arn, arn
        return
    place = world.account.groups.get(group, "")
    if place:
        yield "iam:RemoveUserFromGroup", place, ""
        yield f"iam:{'Detach' if arn else 'Delete'}GroupPolicy", place, arn


def _granted(principal: Principal, action: str, resource: str, arn: str, world: World) -> list[Grant]:
    given = {"iam:policyarn": (Choice(known(arn)),)} if arn else {}
    knowledge = RequestKnowledge(principal, world, action, given)
    permissions = principal.permissions
    return grants(permissions, action, Target((literal(resource),)), situations(permissions, action, knowledge))


def _denies(principal: Principal) -> bool:
    return any(_has_deny(each) for each in principal.permissions.identity)


def _has_deny(policy: Policy) -> bool:
    return any(not each.allows and any(each.covers(action) for action in ACTIONS) for each in policy.statements)
