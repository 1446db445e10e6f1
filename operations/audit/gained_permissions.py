"""Findings that a principal gains by changing itself or a role that it can assume.

It removes Deny statements, or sets a tag of the role or of its session that the role's policies compare.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from common.iam.choices import Choice
from common.iam.context import known
from common.iam.documents import parse
from common.iam.evaluation import Target
from common.iam.patterns import literal
from common.iam.variables import keys_of
from operations.audit.catalog import APPROVAL_KEY, Severity
from operations.audit.evaluator import Evaluator, finding
from operations.audit.request_context import allowed, granted, granted_with_tag
from operations.audit.role_assumption import role_assumption
from operations.audit.rules import ACTIONS, BY_ID, RULES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from common.iam.documents import Policy
    from common.iam.evaluation import AllowingStatement
    from common.iam.principals import Principal
    from operations.audit.audit_context import AuditContext
    from operations.audit.findings import BypassFinding

_REMOVES_DENY: Final = "iam-remove-own-deny"
_REMOVING: Final = BY_ID[_REMOVES_DENY].escalations[0].requirements[0].actions
_ASSUMES: Final = "iam-assume-role"
_TAGGING: Final = ("iam:TagRole", "iam:UntagRole")
_TRUST: Final = "iam:UpdateAssumeRolePolicy"
_OWN_TAG: Final = "aws:principaltag/"


def _gained(before: Principal, after: Principal, audit: AuditContext) -> list[BypassFinding]:
    """Return the findings above severity low that a changed principal has, and did not have at this severity."""
    had = {each.rule: each.severity for each in Evaluator(before, audit).findings(RULES)}
    found = Evaluator(after, audit).findings(RULES)
    return [each for each in found if each.severity > max(had.get(each.rule, Severity.LOW), Severity.LOW)]


def _rules(gained: list[BypassFinding]) -> str:
    return ", ".join(sorted({each.rule for each in gained}))


# Deny statements.


def deny_removal(principal: Principal, found: list[BypassFinding], audit: AuditContext) -> list[BypassFinding]:
    """Return a finding where a principal is allowed more without the Deny statements that it can remove."""
    if not allowed(principal, _REMOVING):
        return []
    roles = (
        each
        for each in audit.trust_index.roles_for(principal)
        if _denies(each) and role_assumption(principal, each, audit)
    )
    subjects = [principal, *roles] if _denies(principal) else [*roles]
    removals = [_removal(principal, subject, found, audit) for subject in subjects]
    return [each for each in removals if each is not None]


def _removal(
    principal: Principal, subject: Principal, found: list[BypassFinding], audit: AuditContext
) -> BypassFinding | None:
    """Return the findings of a subject without the policies that the principal can remove from it."""
    removed = _removed(principal, subject, audit)
    if not removed:
        return None
    gained = _gained(subject, _without(subject, removed), audit)
    if subject is principal:
        reported = {each.rule: each.severity for each in found}
        gained = [each for each in gained if each.severity > reported.get(each.rule, Severity.LOW)]
    if not gained:
        return None
    used = [min(several, key=lambda each: len(each.doubts)) for several in removed.values()]
    worst = max(each.severity for each in gained)
    severity = worst.lowered() if any(each.doubts for each in used) else worst
    whose = "" if subject is principal else f" of {subject.name}, which it can assume,"
    names = ", ".join(sorted(each.name.rpartition("/")[2] for each in removed))
    result = finding(_REMOVES_DENY, severity, principal, used)
    return replace(result, note=f"after the removal of {names}{whose}: {_rules(gained)}")


def _removed(principal: Principal, subject: Principal, audit: AuditContext) -> dict[Policy, list[AllowingStatement]]:
    """Return the policies that the principal can remove in turn: each may deny the removal of the next."""
    removed: dict[Policy, list[AllowingStatement]] = {}
    while True:
        caller = _without(principal, removed) if subject is principal else principal
        step: dict[Policy, list[AllowingStatement]] = {}
        for policy in subject.permissions.identity:
            if policy not in removed and _has_deny(policy):
                several = [
                    grant for each in _removals(subject, policy, audit) for grant in _granted(caller, *each, audit)
                ]
                step |= {policy: several} if several else {}
        if not step:
            return removed
        removed.update(step)


def _without(principal: Principal, removed: Iterable[Policy]) -> Principal:
    left = tuple(each for each in principal.permissions.identity if each not in set(removed))
    return replace(principal, permissions=replace(principal.permissions, identity=left))


def _removals(subject: Principal, policy: Policy, audit: AuditContext) -> Iterator[tuple[str, str, str]]:
    """Return the requests that remove a policy: action, resource, ARN of the policy."""
    arn = policy.name if policy.name.startswith("arn:") else ""
    verb, kind = "Detach" if arn else "Delete", subject.kind.capitalize()
    group = subject.through.get(policy)
    if group is None:
        yield f"iam:{verb}{kind}Policy", subject.arn, arn
    elif group_arn := audit.account.groups.get(group, ""):
        yield "iam:RemoveUserFromGroup", group_arn, ""
        yield f"iam:{verb}GroupPolicy", group_arn, arn


def _granted(
    principal: Principal, action: str, resource: str, arn: str, audit: AuditContext
) -> list[AllowingStatement]:
    given = {"iam:policyarn": (Choice(known(arn)),)} if arn else {}
    return granted(principal, audit, action, Target((literal(resource),)), given)


def _denies(principal: Principal) -> bool:
    return any(_has_deny(each) for each in principal.permissions.identity)


def _has_deny(policy: Policy) -> bool:
    return any(not each.allows and any(each.covers(action) for action in ACTIONS) for each in policy.statements)


# Tags.


def role_tagging(principal: Principal, audit: AuditContext) -> list[BypassFinding]:
    """Return a finding for each role that a principal can tag and assume, where a tag decides what is allowed."""
    if audit.privileged.get(principal.arn) is Severity.CRITICAL:
        return []  # it is reported for what it is allowed itself, and could tag most roles
    found: list[BypassFinding | None] = []
    if allowed(principal, _TAGGING):
        reached = (role for role in audit.trust_index.roles_for(principal) if _counts(role, principal, audit))
        found += [_tagged(principal, role, audit) for role in reached if role_assumption(principal, role, audit)]
    if allowed(principal, (_TRUST,)):
        found += [_trusted(principal, role, audit) for role in audit.roles if _counts(role, principal, audit)]
    return [each for each in found if each is not None]


def _counts(role: Principal, principal: Principal, audit: AuditContext) -> bool:
    return role is not principal and not audit.is_privileged(role) and bool(_tags(role))


def _tagged(principal: Principal, role: Principal, audit: AuditContext) -> BypassFinding | None:
    """Return a finding where the principal tags the role."""
    target = Target((literal(role.arn),))
    used: list[AllowingStatement] = [
        grant
        for action in _TAGGING
        for tag in sorted(_tags(role))
        for grant in granted_with_tag(principal, audit, action, target=target, tag=tag)
    ]
    permissions = replace(role.permissions, identity=tuple(dict.fromkeys((*role.permissions.identity, *_rights(used)))))
    return _with_tags(principal, role, replace(role, permissions=permissions), used, audit)


def _trusted(principal: Principal, role: Principal, audit: AuditContext) -> BypassFinding | None:
    """Return a finding where the principal replaces the trust policy so that it admits session tags."""
    used = granted(principal, audit, _TRUST, Target((literal(role.arn),)))
    statement = {"Effect": "Allow", "Principal": {"AWS": principal.arn}, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    trust = parse({"Statement": statement}, name=f"trust of {role.name}", kind="trust")
    return _with_tags(principal, role, replace(role, trust=trust), used, audit)


def _with_tags(
    principal: Principal, role: Principal, changed: Principal, used: list[AllowingStatement], audit: AuditContext
) -> BypassFinding | None:
    """Return a finding where the changed role is allowed more by its own policies."""
    if not used:
        return None
    own = {each.name for each in role.permissions.identity}
    gained = [
        each
        for each in _gained(role, changed, audit)
        if all(matched.policy in own for matched in each.matched_statements)
    ]
    if not gained:
        return None
    worst = max(each.severity for each in gained)
    severity = worst if any(each.certain for each in used) else worst.lowered()
    result = finding(_ASSUMES, severity, principal, used)
    return replace(result, path=(role.arn,), note=f"with tags that the principal sets, {role.name}: {_rules(gained)}")


def _tags(role: Principal) -> frozenset[str]:
    """Return the tags of a role, without the approval tag, that its policies compare."""
    keys = frozenset[str]().union(
        *(keys_of(each) for policy in role.permissions.identity for each in policy.statements)
    )
    return frozenset(each.removeprefix(_OWN_TAG) for each in keys if each.startswith(_OWN_TAG) and each != APPROVAL_KEY)


def _rights(used: list[AllowingStatement]) -> Iterator[Policy]:
    """Return the policies that allow the tagging, reduced to those statements."""
    for policy in dict.fromkeys(each.policy for each in used):
        about = tuple(each for each in policy.statements if any(each.covers(action) for action in _TAGGING))
        yield replace(policy, name=f"tagging by {policy.name}", statements=about)
