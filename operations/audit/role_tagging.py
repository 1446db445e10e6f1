"""Roles that a principal assumes after it has set a tag of the role or of its session, and the findings with that tag."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from common.iam.choices import situations
from common.iam.documents import parse
from common.iam.evaluation import Target, grants
from common.iam.patterns import literal
from common.iam.variables import keys_of
from operations.audit.evaluator import Evaluator, finding
from operations.audit.request_context import RequestKnowledge, granted_with_tag
from operations.audit.role_assumption import role_assumption
from operations.audit.rules import RULES
from operations.audit.rules.keys import APPROVAL_KEY
from operations.audit.severity import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from common.iam.documents import Policy
    from common.iam.evaluation import AllowingStatement
    from common.iam.principals import Principal
    from operations.audit.audit_context import AuditContext
    from operations.audit.findings import BypassFinding

_RULE: Final = "iam-assume-role"
_ACTIONS: Final = ("iam:TagRole", "iam:UntagRole")
_TRUST: Final = "iam:UpdateAssumeRolePolicy"
_OWN_TAG: Final = "aws:principaltag/"


def role_tagging(principal: Principal, audit: AuditContext) -> list[BypassFinding]:
    """Return a finding for each role that a principal can tag and assume, where a tag decides what is allowed."""
    if audit.privileged.get(principal.arn) is Severity.CRITICAL:
        return []  # it is reported for what it is allowed itself, and could tag most roles
    allowed = frozenset[str]().union(*(each.allowed((*_ACTIONS, _TRUST)) for each in principal.permissions.identity))
    found: list[BypassFinding | None] = []
    if allowed & {*_ACTIONS}:
        reached = (role for role in audit.trust_index.roles_for(principal) if _counts(role, principal, audit))
        found += [_tagged(principal, role, audit) for role in reached if role_assumption(principal, role, audit)]
    if _TRUST in allowed:
        found += [_trusted(principal, role, audit) for role in audit.roles if _counts(role, principal, audit)]
    return [each for each in found if each is not None]


def _counts(role: Principal, principal: Principal, audit: AuditContext) -> bool:
    return role is not principal and not audit.is_privileged(role) and bool(_tags(role))


def _tagged(principal: Principal, role: Principal, audit: AuditContext) -> BypassFinding | None:
    """Return a finding where the principal tags the role."""
    target = Target((literal(role.arn),))
    used: list[AllowingStatement] = [
        grant
        for action in _ACTIONS
        for tag in sorted(_tags(role))
        for grant in granted_with_tag(principal, audit, action, target=target, tag=tag)
    ]
    permissions = replace(role.permissions, identity=tuple(dict.fromkeys((*role.permissions.identity, *_rights(used)))))
    return _gained(principal, role, replace(role, permissions=permissions), used, audit)


def _trusted(principal: Principal, role: Principal, audit: AuditContext) -> BypassFinding | None:
    """Return a finding where the principal replaces the trust policy so that it admits session tags."""
    permissions, knowledge = principal.permissions, RequestKnowledge(principal, audit, _TRUST)
    used = grants(permissions, _TRUST, Target((literal(role.arn),)), situations(permissions, _TRUST, knowledge))
    statement = {"Effect": "Allow", "Principal": {"AWS": principal.arn}, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    trust = parse({"Statement": statement}, name=f"trust of {role.name}", kind="trust")
    return _gained(principal, role, replace(role, trust=trust), used, audit)


def _gained(
    principal: Principal, role: Principal, changed: Principal, used: list[AllowingStatement], audit: AuditContext
) -> BypassFinding | None:
    """Return a finding where the changed role is allowed more by its own policies."""
    if not used:
        return None
    own = {each.name for each in role.permissions.identity}
    had = {each.rule: each.severity for each in Evaluator(role, audit).findings(RULES)}
    gained = [
        each
        for each in Evaluator(changed, audit).findings(RULES)
        if each.severity > max(had.get(each.rule, Severity.LOW), Severity.LOW)
        and all(matched.policy in own for matched in each.matched_statements)
    ]
    if not gained:
        return None
    worst = max(each.severity for each in gained)
    severity = worst if any(each.certain for each in used) else worst.lowered()
    result = finding(_RULE, severity, principal, used)
    rules = ", ".join(sorted({each.rule for each in gained}))
    return replace(result, path=(role.arn,), note=f"with tags that the principal sets, {role.name}: {rules}")


def _tags(role: Principal) -> frozenset[str]:
    """Return the tags of a role, without the approval tag, that its policies compare."""
    keys = frozenset[str]().union(
        *(keys_of(each) for policy in role.permissions.identity for each in policy.statements)
    )
    return frozenset(each.removeprefix(_OWN_TAG) for each in keys if each.startswith(_OWN_TAG) and each != APPROVAL_KEY)


def _rights(used: list[AllowingStatement]) -> Iterator[Policy]:
    """Return the policies that allow the tagging, reduced to those statements."""
    for policy in dict.fromkeys(each.policy for each in used):
        about = tuple(each for each in policy.statements if any(each.covers(action) for action in _ACTIONS))
        yield replace(policy, name=f"tagging by {policy.name}", statements=about)
