"""Role assumption between many principals and many roles.

Most principals have unconditional statements (`sts:AssumeRole` on some ARNs, without a Deny or a boundary), and most roles
trust the whole account. For those only the ARNs matter, so each distinct set of resources is compared once, and the result
has one entry per set: one per pair would be a million for a thousand of each. The other principals are evaluated one by one
by `common.iam.trust`, which decides every pair alike; a property-based test compares both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from common.iam.context import RequestContext
from common.iam.evaluation import AllowingStatement
from common.iam.patterns import matches
from common.iam.principals import Principal
from common.iam.trust import ASSUME, Admission, admission, named_by
from common.iam.variables import keys_of
from operations.audit.request_context import RequestKnowledge

if TYPE_CHECKING:
    from collections.abc import Iterable

    from common.iam.choices import Knowledge
    from common.iam.documents import Policy, Statement
    from operations.audit.audit_context import AuditContext

Onward = Mapping[Principal, tuple[Principal, ...]]
"""Roles, with the roles that are assumed after each."""

Resources = tuple[tuple[str, ...], bool]
"""Resource patterns of an unconditional statement, and whether they are of NotResource."""


@dataclass(frozen=True)
class AssumptionStep:
    """A role that a principal can assume, with the roles that are assumed after it."""

    admission: Admission
    onward: tuple[Principal, ...] = ()

    @property
    def path(self) -> tuple[Principal, ...]:
        """Roles in order of assumption."""
        return (self.admission.role, *self.onward)

    @property
    def end(self) -> Principal:
        """The protected role."""
        return self.path[-1]


@dataclass(frozen=True, kw_only=True)
class RoleAssumptions:
    """Role assumptions of all principals.

    Attributes:
        plain: Unconditional statements, of principals that have no others about role assumption.
        by_resources: Roles that unconditional statements reach.
        special: Assumptions of the other principals.
    """

    plain: Mapping[Principal, tuple[tuple[Policy, Statement], ...]]
    by_resources: Mapping[Resources, Onward]
    special: Mapping[Principal, list[AssumptionStep]]


def role_assumptions(
    audit: AuditContext,
    principals: Iterable[Principal],
    counting: Iterable[Principal],
) -> RoleAssumptions:
    """Return the principals that can assume a protected role, directly or by role chaining."""
    search = _AssumptionSearch(audit, list(principals), dict.fromkeys(counting, ()))
    search.run()
    return RoleAssumptions(plain=search.plain, by_resources=search.by_resources, special=search.special)


def role_assumption(principal: Principal, role: Principal, audit: AuditContext) -> Admission | None:
    """Return how a principal can assume a role; None: it cannot."""
    if role is principal or role.trust is None:
        return None
    if not any(named_by(principal, each) for each in role.trust.covering(ASSUME)):
        return None

    def knowledge(action: str) -> Knowledge:
        return RequestKnowledge(principal, audit, action)

    return admission(principal, role, knowledge)


def plain_step(policy: Policy, statement: Statement, role: Principal, onward: tuple[Principal, ...]) -> AssumptionStep:
    """Return the step by an unconditional statement into a role that trusts the whole account."""
    trusting = next(each for each in role.trust.covering(ASSUME)) if role.trust else statement
    grant = AllowingStatement(
        action=ASSUME, policy=policy, statement=statement, example=role.arn, context=RequestContext()
    )
    return AssumptionStep(Admission(role=role, trust=trusting, grant=grant), onward)


def resources_of(statement: Statement) -> Resources:
    """Return the resource patterns of an unconditional statement."""
    return statement.resources, statement.all_but_resources


class _AssumptionSearch:
    """Search from the protected roles backward, until no further role reaches them."""

    def __init__(
        self, audit: AuditContext, principals: list[Principal], counting: dict[Principal, tuple[Principal, ...]]
    ) -> None:
        self._audit, self._counting = audit, counting
        self._all = frozenset(principals)
        found = {each: _plain_statements(each) for each in principals}
        self.plain = {each: statements for each, statements in found.items() if statements is not None}
        self._others = frozenset(each for each, statements in found.items() if statements is None)
        self.by_resources: dict[Resources, dict[Principal, tuple[Principal, ...]]] = {}
        self._roles: dict[Resources, list[Principal]] = {}
        for each, statements in self.plain.items():
            for _, statement in statements:
                self.by_resources.setdefault(resources_of(statement), {})
                if each.kind == "role":
                    self._roles.setdefault(resources_of(statement), []).append(each)
        self.special: dict[Principal, list[AssumptionStep]] = {}
        self._account = {audit.account.id, audit.protected.iam_root}

    def run(self) -> None:
        waiting = list(self._counting)
        while waiting:
            fresh: dict[Principal, tuple[Principal, ...]] = {}
            for role in waiting:
                plain = _leaves_it_to(role, self._account)
                if plain:
                    self._by_resources(role, fresh)
                self._one_by_one(role, self._others if plain else self._all, fresh)
            self._counting.update(fresh)
            waiting = list(fresh)

    def _by_resources(self, role: Principal, fresh: dict[Principal, tuple[Principal, ...]]) -> None:
        onward = self._counting[role]
        for resources, reached in self.by_resources.items():
            patterns, all_but = resources
            if any(matches(each, role.arn) for each in patterns) == all_but:
                continue
            reached[role] = onward
            for each in self._roles.pop(resources, ()):
                if each is role:
                    self._roles.setdefault(resources, []).append(each)
                elif each not in self._counting:
                    fresh.setdefault(each, (role, *onward))

    def _one_by_one(
        self, role: Principal, principals: frozenset[Principal], fresh: dict[Principal, tuple[Principal, ...]]
    ) -> None:
        for each in self._audit.trust_index.principals_for(role):
            found = role_assumption(each, role, self._audit) if each in principals else None
            if found is None:
                continue
            self.special.setdefault(each, []).append(AssumptionStep(found, self._counting[role]))
            if each.kind == "role" and each not in self._counting:
                fresh.setdefault(each, (role, *self._counting[role]))


def _leaves_it_to(role: Principal, account: set[str]) -> bool:
    """Return whether a role's only statement trusts the whole account."""
    statements = role.trust.covering(ASSUME) if role.trust else ()
    if len(statements) != 1:
        return False
    (statement,) = statements
    named = statement.principals
    if named is None or named.negated or not statement.allows or keys_of(statement):
        return False
    return bool(named.aws) and {*named.aws} <= account


def _plain_statements(principal: Principal) -> tuple[tuple[Policy, Statement], ...] | None:
    """Return the statements that allow role assumption; None where a Deny, a boundary, conditions or variables matter too."""
    permissions = principal.permissions
    own = [(policy, each) for policy in permissions.identity for each in policy.covering(ASSUME)]
    if permissions.boundary or not all(map(_is_open, permissions.ceilings)):
        return None
    return tuple(own) if all(each.allows and not keys_of(each) for _, each in own) else None


def _is_open(level: tuple[Policy, ...]) -> bool:
    """Return whether a level of service control policies allows every role assumption, as FullAWSAccess does."""
    statements = [each for policy in level for each in policy.covering(ASSUME)]
    everything = any(each.resources == ("*",) and not each.conditions for each in statements)
    return everything and all(each.allows for each in statements)
