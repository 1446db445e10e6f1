"""Evaluation of one principal by the rules."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, takewhile
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from common.iam.conditions import holds
from common.iam.context import ABSENT
from common.iam.evaluation import AllowingStatement, Target
from common.iam.patterns import literal, matches
from common.iam.truth import Truth
from common.iam.variables import expand, keys_of, names_in
from operations.audit.catalog import APPROVAL_KEY, Exempt, Severity, StatementKind, TargetKind
from operations.audit.findings import BypassFinding, MatchedStatement
from operations.audit.request_context import allowed, granted, granted_with_tag
from operations.audit.rules import ACTIONS, RULES, position
from operations.audit.targets import passable, target, targets_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from common.iam.documents import Policy, Statement
    from common.iam.principals import Principal
    from operations.audit.audit_context import AuditContext
    from operations.audit.catalog import AuditRule, EscalationPath, Requirement

RELATIVE: Final = frozenset(
    {
        *(
            TargetKind.OTHER_USERS,
            TargetKind.TRUSTED_ROLES,
            TargetKind.PRIVILEGED_GROUPS,
            TargetKind.PASSABLE,
            TargetKind.CARRIED,
        ),
        *(TargetKind.MY_ROLES, TargetKind.MY_USERS, TargetKind.MY_GROUPS, TargetKind.MY_POLICIES),
    }
)
"""Target kinds that depend on what others can do, and are evaluated again when that is known."""


_RULES_ABOUT: Final = {
    action: frozenset(
        rule.id
        for rule in RULES
        if any(
            action in requirement.actions for escalation in rule.escalations for requirement in escalation.requirements
        )
    )
    for action in ACTIONS
}
"""IDs of the rules about an action: most principals are allowed few of them."""


_RESOURCE_TAGS: Final = ("aws:resourcetag/", "ssm:resourcetag/", "ec2:resourcetag/")
_ARN_PARTS: Final = 6


@dataclass(frozen=True)
class _FoundPath:
    """An escalation path that a principal has."""

    severity: Severity
    grants: tuple[AllowingStatement, ...]


class Evaluator:
    """Evaluates a principal, with a cache of what was looked up."""

    def __init__(self, principal: Principal, audit: AuditContext) -> None:
        self._principal, self._audit = principal, audit
        self._known: dict[int, list[AllowingStatement]] = {}
        self._allowed = allowed(principal, ACTIONS)

    def findings(self, rules: Iterable[AuditRule]) -> Iterator[BypassFinding]:
        """Yield the findings of the principal, in the order of the rules, each evaluated when it is asked for."""
        reported: dict[str, set[Statement]] = {}
        about = frozenset[str]().union(*(_RULES_ABOUT[action] for action in self._allowed))
        for rule in rules:
            if rule.id not in about or self._is_exempt(rule):
                continue
            silent = {statement for other in rule.silent_under for statement in reported.get(other, ())}
            result = self._result(rule, silent)
            if result is not None:
                reported[rule.id] = {each.statement for each in result.grants}
                yield finding(rule.id, result.severity, self._principal, list(result.grants))

    def _is_exempt(self, rule: AuditRule) -> bool:
        is_runbook = self._principal.arn == self._audit.runbook_role
        by_design = (
            Exempt.APPROVER in rule.exempt and self._principal in self._audit.approvers,
            Exempt.OPERATOR in rule.exempt and self._principal in self._audit.operators,
        )
        return (
            (any(by_design) and not self._has_more(rule))
            or (Exempt.RUNBOOK_ROLE in rule.exempt and is_runbook)
            or (Exempt.NOT_RUNBOOK_ROLE in rule.exempt and not is_runbook)
            or (Exempt.AUTOMATION_MODE in rule.exempt and self._audit.protected.starts_by_runbook)
            or (Exempt.JUST_IN_TIME_MODE in rule.exempt and self._audit.protected.is_just_in_time)
        )

    def _has_more(self, rule: AuditRule) -> bool:
        """Return whether the principal has a path of the rule that its part in the workflow does not need."""
        return any(
            len(escalation.requirements) > 1 and self._met_all(escalation, set()) is not None
            for escalation in rule.escalations
        )

    def _result(self, rule: AuditRule, silent: set[Statement]) -> _FoundPath | None:
        """Return the worst of a rule's paths; paths of the same severity are one finding."""
        severity: Severity | None = None
        together: dict[tuple[Statement, str], AllowingStatement] = {}
        for escalation in rule.escalations:
            if severity is not None and (escalation.fallback or escalation.severity < severity):
                continue
            result = self._met_all(escalation, silent)
            if result is None or (severity is not None and result.severity < severity):
                continue
            if result.severity != severity:
                severity, together = result.severity, {}
            together.update({(each.statement, each.action): each for each in result.grants})
        return None if severity is None else _FoundPath(severity, tuple(together.values()))

    def _met_all(self, escalation: EscalationPath, silent: set[Statement]) -> _FoundPath | None:
        severity, found = escalation.severity, list[AllowingStatement]()
        if any(self._allowed.isdisjoint(requirement.actions) for requirement in escalation.requirements):
            return None
        for requirement in escalation.requirements:
            met = [each for each in self._met(requirement) if each.statement not in silent]
            if not met:
                return None
            certain = [each for each in met if each.certain]
            found += certain or met
            if requirement.on is TargetKind.PASSABLE and self._passes_critical(requirement):
                severity = Severity.CRITICAL
        if any(each.doubts for each in found):
            severity = severity.lowered()
        return _FoundPath(severity, tuple(found))

    def _met(self, requirement: Requirement) -> list[AllowingStatement]:
        known = self._known.get(id(requirement))
        if known is None:
            actions = [action for action in requirement.actions if action in self._allowed]
            wanted = target(requirement.on, requirement.service, self._principal, self._audit) if actions else None
            known = self._grants(requirement, actions, wanted) if wanted else []
            self._known[id(requirement)] = known
        return known

    def _grants(self, requirement: Requirement, actions: Iterable[str], wanted: Target) -> list[AllowingStatement]:
        found = (grant for action in actions for grant in self._granted_all(requirement, action, wanted))
        return [each for each in found if _has_shape(each, requirement.statement_kind)]

    def _granted_all(self, requirement: Requirement, action: str, wanted: Target) -> Iterator[AllowingStatement]:
        """Return the grants of an action on every part of a target; none where one part is not allowed."""
        parts = targets_of(action, wanted, self._audit)
        several = list(takewhile(bool, (self._granted(requirement, action, part) for part in parts)))
        return chain.from_iterable(several if len(several) == len(parts) else ())

    def _granted(self, requirement: Requirement, action: str, part: Target) -> list[AllowingStatement]:
        principal, audit = self._principal, self._audit
        if requirement.tag:
            return granted_with_tag(principal, audit, action, target=part, tag=requirement.tag, given=requirement.given)
        return granted(principal, audit, action, part, requirement.given)

    def _passes_critical(self, requirement: Requirement) -> bool:
        """Return whether a critical role can be passed."""
        audit = self._audit
        critical = tuple(
            literal(arn)
            for arn in passable(audit, requirement.service)
            if arn == audit.runbook_role or audit.privileged.get(arn) is Severity.CRITICAL
        )
        return bool(critical) and any(
            each.certain for each in self._grants(requirement, requirement.actions, Target(critical))
        )


def finding(rule: str, severity: Severity, principal: Principal, found: list[AllowingStatement]) -> BypassFinding:
    """Return a finding with the statements that allow it."""
    return BypassFinding(
        rule=rule,
        severity=severity,
        matched_statements=_matched_statements(principal, found),
        doubts=tuple(dict.fromkeys(doubt for each in found for doubt in each.doubts)),
        obfuscation=_obfuscation(principal, found),
    )


def _matched_statements(principal: Principal, found: list[AllowingStatement]) -> tuple[MatchedStatement, ...]:
    actions: dict[Statement, dict[str, None]] = {}
    policies = {each.statement: each.policy for each in found}
    for each in found:
        actions.setdefault(each.statement, {})[each.action] = None
    return tuple(
        MatchedStatement(
            policy=policies[statement].name,
            kind=policies[statement].kind,
            group=principal.through.get(policies[statement], ""),
            index=statement.index,
            sid=statement.sid,
            actions=tuple(several),
            statement=statement.raw,
        )
        for statement, several in actions.items()
    )


def _has_shape(grant: AllowingStatement, statement_kind: StatementKind | None) -> bool:
    statement = grant.statement
    if statement_kind is StatementKind.BESIDE_VARIABLE:
        return statement.all_but_resources or any(
            APPROVAL_KEY not in names_in(each)
            and (pattern := expand(each, grant.context).pattern) is not None
            and matches(pattern, grant.example)
            for each in statement.resources
        )
    return statement_kind is None or _speaks_of_approval(statement) == (statement_kind is StatementKind.VARIABLE)


def _speaks_of_approval(statement: Statement) -> bool:
    return APPROVAL_KEY in keys_of(statement) or APPROVAL_KEY in str(statement.raw).lower()


def _obfuscation(principal: Principal, granted: list[AllowingStatement]) -> tuple[str, ...]:
    """Return the IDs of `operations.audit.rules.obfuscation` that apply to the granting statements."""
    found: set[str] = set()
    for grant in granted:
        found |= _of_grant(grant)
    if principal.permissions.boundary:
        found.add("boundary-allows-action")
    if principal.permissions.ceilings:
        found.add("scp-allows-action")
    if any(_denies_something(policy) for policy in principal.permissions.every()):
        found.add("deny-does-not-apply")
    if len({grant.policy for grant in granted}) > 1 or any(grant.policy in principal.through for grant in granted):
        found.add("indirect-grant")
    return tuple(sorted(found, key=position))


def _of_grant(grant: AllowingStatement) -> set[str]:
    statement, found = grant.statement, set[str]()
    if statement.all_but_actions:
        found.add("allow-not-action")
    elif not statement.names_exactly(grant.action) or ":iam::aws:policy/" in grant.policy.name:
        found.add("action-wildcard")
    if statement.all_but_resources or any(_is_loose(each) for each in statement.resources):
        found.add("resource-wildcard")
    if statement.conditions:
        found |= _of_conditions(grant, statement)
    if not statement.variables and "${" in str(statement.raw):
        found.add("condition-on-settable-tag")
    return found


def _of_conditions(grant: AllowingStatement, statement: Statement) -> set[str]:
    """Return the IDs for conditions that hold in the request that is allowed."""
    found: set[str] = set()
    for each in statement.conditions:
        if holds(each, grant.context, variables=statement.variables) is not Truth.YES:
            continue
        found.add("condition-always-met")
        if grant.context.value(each.key) == ABSENT and each.operator != "null":
            found.add("condition-absent-key")
        if each.key.startswith(_RESOURCE_TAGS):
            found.add("condition-on-settable-tag")
    return found


def _is_loose(resource: str) -> bool:
    """Return whether a wildcard matches the service or the resource type."""
    if resource == "*":
        return False
    parts = resource.split(":", _ARN_PARTS - 1)
    return len(parts) < _ARN_PARTS or "*" in parts[2] or parts[5].startswith("*")


_DENIES: WeakKeyDictionary[Policy, bool] = WeakKeyDictionary()


def _denies_something(policy: Policy) -> bool:
    """Return whether a policy denies any action of the rules."""
    if policy not in _DENIES:
        denying = [each for each in policy.statements if not each.allows]
        _DENIES[policy] = any(each.covers(action) for each in denying for action in ACTIONS)
    return _DENIES[policy]
