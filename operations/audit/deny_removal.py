"""Deny statements that a principal can remove from itself or from a role that it can assume, and the findings without them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from common.iam.choices import Choice, situations
from common.iam.context import known
from common.iam.evaluation import Target, grants
from common.iam.patterns import literal
from operations.audit.evaluator import Evaluator, allowed, finding
from operations.audit.request_context import RequestKnowledge
from operations.audit.role_assumption import role_assumption
from operations.audit.rules import ACTIONS, RULES
from operations.audit.severity import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from common.iam.documents import Policy
    from common.iam.evaluation import AllowingStatement
    from common.iam.principals import Principal
    from operations.audit.audit_context import AuditContext
    from operations.audit.findings import BypassFinding

RULE: Final = "iam-remove-own-deny"

_REMOVING: Final = frozenset(
    action
    for rule in RULES
    if rule.id == RULE
    for escalation in rule.escalations
    for action in escalation.requirements[0].actions
)


def deny_removal(principal: Principal, found: list[BypassFinding], audit: AuditContext) -> list[BypassFinding]:
    """Return a finding where a principal is allowed more without the Deny statements that it can remove."""
    if not _REMOVING & allowed(principal):
        return []
    subjects = [
        principal,
        *(
            each
            for each in audit.trust_index.roles_for(principal)
            if _denies(each) and role_assumption(principal, each, audit)
        ),
    ]
    removals = [_removal(principal, subject, found, audit) for subject in subjects if _denies(subject)]
    return [each for each in removals if each is not None]


def _removal(
    principal: Principal, subject: Principal, found: list[BypassFinding], audit: AuditContext
) -> BypassFinding | None:
    """Return the findings of a subject without the policies that the principal can remove from it."""
    removed = _removed(principal, subject, audit)
    if not removed:
        return None
    free = _without(subject, removed)
    more = _more(Evaluator(subject, audit).findings(RULES), Evaluator(free, audit).findings(RULES))
    known_already = {each.rule: each.severity for each in found}
    gained = (
        [each for each in more if each.severity > known_already.get(each.rule, -1)] if subject is principal else more
    )
    gained = [each for each in gained if each.severity > Severity.LOW]
    if not gained:
        return None
    used = [min(escalations, key=lambda each: len(each.doubts)) for escalations in removed.values()]
    worst = max(each.severity for each in gained)
    severity = worst.lowered() if any(each.doubts for each in used) else worst
    rules = ", ".join(sorted({each.rule for each in gained}))
    whose = "" if subject is principal else f" of {subject.name}, which it can assume,"
    names = ", ".join(sorted(each.name.rpartition("/")[2] for each in removed))
    result = finding(RULE, severity, principal, used)
    return replace(result, note=f"after the removal of {names}{whose}: {rules}")


def _removed(principal: Principal, subject: Principal, audit: AuditContext) -> dict[Policy, list[AllowingStatement]]:
    """Return the policies that the principal can remove in turn: each may deny the removal of the next."""
    removed: dict[Policy, list[AllowingStatement]] = {}
    while True:
        caller = _without(principal, removed) if subject is principal else principal
        step = {
            policy: escalations
            for policy in subject.permissions.identity
            if policy not in removed and _has_deny(policy)
            if (
                escalations := [
                    grant
                    for escalation in _ways(subject, policy, audit)
                    for grant in _granted(caller, *escalation, audit)
                ]
            )
        }
        if not step:
            return removed
        removed.update(step)


def _without(principal: Principal, removed: Iterable[Policy]) -> Principal:
    left = tuple(each for each in principal.permissions.identity if each not in set(removed))
    return replace(principal, permissions=replace(principal.permissions, identity=left))


def _more(before: Iterable[BypassFinding], after: Iterable[BypassFinding]) -> list[BypassFinding]:
    had = {each.rule: each.severity for each in before}
    return [each for each in after if each.severity > had.get(each.rule, -1)]


def _ways(subject: Principal, policy: Policy, audit: AuditContext) -> Iterator[tuple[str, str, str]]:
    """Return the requests that remove a policy: action, resource, ARN of the policy."""
    arn = policy.name if policy.name.startswith("arn:") else ""
    kind = subject.kind.capitalize()
    group = subject.through.get(policy)
    if group is None:
        yield f"iam:{'Detach' if arn else 'Delete'}{kind}Policy", subject.arn, arn
        return
    place = audit.account.groups.get(group, "")
    if place:
        yield "iam:RemoveUserFromGroup", place, ""
        yield f"iam:{'Detach' if arn else 'Delete'}GroupPolicy", place, arn


def _granted(
    principal: Principal, action: str, resource: str, arn: str, audit: AuditContext
) -> list[AllowingStatement]:
    given = {"iam:policyarn": (Choice(known(arn)),)} if arn else {}
    knowledge = RequestKnowledge(principal, audit, action, given)
    permissions = principal.permissions
    return grants(permissions, action, Target((literal(resource),)), situations(permissions, action, knowledge))


def _denies(principal: Principal) -> bool:
    return any(_has_deny(each) for each in principal.permissions.identity)


def _has_deny(policy: Policy) -> bool:
    return any(not each.allows and any(each.covers(action) for action in ACTIONS) for each in policy.statements)
