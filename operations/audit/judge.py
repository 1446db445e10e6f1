"""Judges one principal by the rules."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, takewhile
from typing import TYPE_CHECKING, Final

from components.iam.choices import situations
from components.iam.evaluation import Grant, Target, grants
from components.iam.patterns import literal, matches
from components.iam.variables import expand, keys_of, names_in
from operations.audit.catalogue import Exempt, On, Shape
from operations.audit.findings import Finding, Letting
from operations.audit.hidden import hidden
from operations.audit.knowledge import RequestKnowledge, granted_with_tag
from operations.audit.rules import ACTIONS, RULES
from operations.audit.rules.keys import APPROVAL_KEY
from operations.audit.severity import Severity
from operations.audit.targets import passable, target, targets_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from components.iam.documents import Statement
    from components.iam.principals import Principal
    from operations.audit.catalogue import Need, Rule, Way
    from operations.audit.world import World

RELATIVE: Final = frozenset(
    {
        *(On.OTHER_USERS, On.TRUSTED_ROLES, On.PRIVILEGED_GROUPS, On.PASSABLE, On.CARRIED),
        *(On.MY_ROLES, On.MY_USERS, On.MY_GROUPS, On.MY_POLICIES),
    }
)
"""What depends on what others can do, and so is judged again when that is known."""


_RULES_ABOUT: Final = {
    action: frozenset(
        rule.id for rule in RULES if any(action in need.actions for way in rule.ways for need in way.needs)
    )
    for action in ACTIONS
}
"""The rules that look at an action: most principals are allowed few of them."""


def allowed(principal: Principal) -> frozenset[str]:
    """The actions of the rules that any statement allows at all: most principals have few."""
    return frozenset[str]().union(*(policy.allowed(ACTIONS) for policy in principal.permissions.identity))


@dataclass(frozen=True)
class _Result:
    """A way that a principal has."""

    severity: Severity
    grants: tuple[Grant, ...]


class Judge:
    """Judges a principal; remembers what it has looked up."""

    def __init__(self, principal: Principal, world: World) -> None:
        self._principal, self._world = principal, world
        self._known: dict[int, list[Grant]] = {}
        self._allowed = allowed(principal)

    def findings(self, rules: Iterable[Rule]) -> list[Finding]:
        """The ways around that the principal has, in the rules' order."""
        found: list[Finding] = []
        told: dict[str, set[Statement]] = {}
        about = frozenset[str]().union(*(_RULES_ABOUT[action] for action in self._allowed))
        for rule in rules:
            if rule.id not in about or self._is_exempt(rule):
                continue
            silent = {statement for other in rule.silent_under for statement in told.get(other, ())}
            result = self._result(rule, silent)
            if result is not None:
                told[rule.id] = {each.statement for each in result.grants}
                found.append(finding(rule.id, result.severity, self._principal, list(result.grants)))
        return found

    def _is_exempt(self, rule: Rule) -> bool:
        is_runbook = self._principal.arn == self._world.runbook_role
        by_design = (
            Exempt.APPROVER in rule.exempt and self._principal in self._world.approvers,
            Exempt.OPERATOR in rule.exempt and self._principal in self._world.operators,
        )
        return (
            (any(by_design) and not self._has_more(rule))
            or (Exempt.RUNBOOK_ROLE in rule.exempt and is_runbook)
            or (Exempt.NOT_RUNBOOK_ROLE in rule.exempt and not is_runbook)
            or (Exempt.AUTOMATION_MODE in rule.exempt and self._world.protected.starts_by_runbook)
        )

    def _has_more(self, rule: Rule) -> bool:
        """Whether the principal has one of the rule's ways that take more than its part in the workflow does."""
        return any(len(way.needs) > 1 and self._met_all(way, set()) is not None for way in rule.ways)

    def _result(self, rule: Rule, silent: set[Statement]) -> _Result | None:
        """The worst of a rule's ways; several that are as bad count together."""
        severity: Severity | None = None
        together: dict[tuple[Statement, str], Grant] = {}
        for way in rule.ways:
            if severity is not None and (way.fallback or way.severity < severity):
                continue
            result = self._met_all(way, silent)
            if result is None or (severity is not None and result.severity < severity):
                continue
            if result.severity != severity:
                severity, together = result.severity, {}
            together.update({(each.statement, each.action): each for each in result.grants})
        return None if severity is None else _Result(severity, tuple(together.values()))

    def _met_all(self, way: Way, silent: set[Statement]) -> _Result | None:
        severity, found = way.severity, list[Grant]()
        if any(self._allowed.isdisjoint(need.actions) for need in way.needs):
            return None
        for need in way.needs:
            met = [each for each in self._met(need) if each.statement not in silent]
            if not met:
                return None
            certain = [each for each in met if each.certain]
            found += certain or met
            if need.on is On.PASSABLE and self._passes_critical(need):
                severity = Severity.CRITICAL
        if any(each.doubts for each in found):
            severity = severity.lowered()
        return _Result(severity, tuple(found))

    def _met(self, need: Need) -> list[Grant]:
        known = self._known.get(id(need))
        if known is None:
            actions = [action for action in need.actions if action in self._allowed]
            wanted = target(need.on, need.service, self._principal, self._world) if actions else None
            known = self._grants(need, actions, wanted) if wanted else []
            self._known[id(need)] = known
        return known

    def _grants(self, need: Need, actions: Iterable[str], wanted: Target) -> list[Grant]:
        found = (grant for action in actions for grant in self._granted_all(need, action, wanted))
        return [each for each in found if _has_shape(each, need.shape)]

    def _granted_all(self, need: Need, action: str, wanted: Target) -> Iterator[Grant]:
        """What lets an action reach every part of a target; nothing where one part is out of reach."""
        parts = targets_of(action, wanted, self._world)
        several = list(takewhile(bool, (self._granted(need, action, part) for part in parts)))
        return chain.from_iterable(several if len(several) == len(parts) else ())

    def _granted(self, need: Need, action: str, part: Target) -> list[Grant]:
        principal, world = self._principal, self._world
        if need.tag:
            return granted_with_tag(principal, world, action, target=part, tag=need.tag, given=need.given)
        knowledge = RequestKnowledge(principal, world, action, need.given)
        permissions = principal.permissions
        return grants(permissions, action, part, situations(permissions, action, knowledge))

    def _passes_critical(self, need: Need) -> bool:
        """Whether a role that is passed can do the worst itself."""
        world = self._world
        critical = tuple(
            literal(arn)
            for arn in passable(world, need.service)
            if arn == world.runbook_role or world.privileged.get(arn) is Severity.CRITICAL
        )
        return bool(critical) and any(each.certain for each in self._grants(need, need.actions, Target(critical)))


def finding(rule: str, severity: Severity, principal: Principal, found: list[Grant]) -> Finding:
    """A finding with the statements that let it."""
    return Finding(
        rule=rule,
        severity=severity,
        lettings=_lettings(principal, found),
        doubts=tuple(dict.fromkeys(doubt for each in found for doubt in each.doubts)),
        hidden=hidden(principal, found),
    )


def _lettings(principal: Principal, found: list[Grant]) -> tuple[Letting, ...]:
    actions: dict[Statement, dict[str, None]] = {}
    policies = {each.statement: each.policy for each in found}
    for each in found:
        actions.setdefault(each.statement, {})[each.action] = None
    return tuple(
        Letting(
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


def _has_shape(grant: Grant, shape: Shape | None) -> bool:
    statement = grant.statement
    if shape is Shape.BESIDE_VARIABLE:
        return statement.all_but_resources or any(
            APPROVAL_KEY not in names_in(each)
            and (pattern := expand(each, grant.context).pattern) is not None
            and matches(pattern, grant.example)
            for each in statement.resources
        )
    return shape is None or _speaks_of_approval(statement) == (shape is Shape.VARIABLE)


def _speaks_of_approval(statement: Statement) -> bool:
    return APPROVAL_KEY in keys_of(statement) or APPROVAL_KEY in str(statement.raw).lower()
