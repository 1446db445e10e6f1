"""Role assumption between many principals and many roles, and an index of the principals that roles could admit.

Most principals have unconditional statements (`sts:AssumeRole` on some ARNs, without a Deny or a boundary), and most roles
trust the whole account. For those only the ARNs matter, so each distinct set of resources is compared once, and the result
has one entry per set: one per pair would be a million for a thousand of each. The other principals are evaluated one by one
by `common.iam.trust`, which decides every pair alike; a property-based test compares both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from common.aws.arns import split_arn
from common.iam.context import RequestContext
from common.iam.evaluation import AllowingStatement
from common.iam.patterns import matches
from common.iam.principals import Principal
from common.iam.trust import ASSUME, Admission, admission, named_by
from common.iam.variables import keys_of
from operations.audit.request_context import RequestKnowledge

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from common.iam.choices import Knowledge
    from common.iam.documents import Policy, Statement
    from operations.audit.audit_context import AuditContext

Onward = Mapping[Principal, tuple[Principal, ...]]
"""Roles, with the roles that are assumed after each."""

_Patterns = tuple[str, ...]

Resources = tuple[_Patterns, bool]
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


class TrustIndex:
    """An index over the trust policies of an account.

    Results may include principals that cannot assume the role, and never omit one that can: `common.iam.trust` evaluates them.
    """

    def __init__(self, account_id: str, principals: Iterable[Principal]) -> None:
        """Index the roles by the principals that they name, and the principals by the roles that their statements name."""
        self._everyone = tuple(principals)
        self._account = {account_id, *(f"arn:{each}:iam::{account_id}:root" for each in _partitions(self._everyone))}
        self._by_name = {name: each for each in self._everyone for name in (each.arn, each.unique_id) if name}
        self._roles = tuple(each for each in self._everyone if each.kind == "role" and each.trust is not None)
        self._by_role_name = {each.name: each for each in self._roles}
        self._named: dict[Principal, list[Principal]] = {}
        self._open: list[Principal] = []
        self._of_account: list[Principal] = []
        for role in self._roles:
            self._index(role)
        self._holders: dict[_Patterns, list[Principal]] = {}
        for each in self._everyone:
            for key in _keys(each):
                self._holders.setdefault(key, []).append(each)
        self._reach: dict[_Patterns, tuple[Principal, ...]] = {}

    def roles_for(self, principal: Principal) -> Iterator[Principal]:
        """Return the roles that could admit a principal, each once."""
        found = dict.fromkeys((*self._named.get(principal, ()), *self._open))
        for key in _keys(principal):
            found.update(dict.fromkeys(self._reached(key)))
        return iter(found)

    def principals_for(self, role: Principal) -> tuple[Principal, ...]:
        """Return the principals that a role could admit, each once."""
        named, is_open, of_account = self._names(role)
        if is_open:
            return self._everyone
        found = dict.fromkeys(named)
        if of_account:
            for key, holders in self._holders.items():
                if _may_match(key, role.arn):
                    found.update(dict.fromkeys(holders))
        return tuple(found)

    def _index(self, role: Principal) -> None:
        named, is_open, of_account = self._names(role)
        for each in named:
            self._named.setdefault(each, []).append(role)
        if is_open:
            self._open.append(role)
        elif of_account:
            self._of_account.append(role)

    def _names(self, role: Principal) -> tuple[list[Principal], bool, bool]:
        """Return the principals that a trust policy names, whether it names every principal, and whether it names the account."""
        named: list[Principal] = []
        is_open = of_account = False
        for statement in role.trust.covering(ASSUME) if role.trust else ():
            principals = statement.principals
            if not statement.allows or principals is None:
                continue
            is_open = is_open or principals.negated or "*" in principals.aws
            for name in principals.aws:
                if name in self._account or name.endswith(":root"):
                    of_account = True
                elif (principal := self._by_name.get(name) or self._session(name)) is not None:
                    named.append(principal)
        return named, is_open, of_account

    def _session(self, name: str) -> Principal | None:
        """Return the role whose session a trust policy names."""
        before, found, rest = name.partition(":assumed-role/")
        return self._by_role_name.get(rest.partition("/")[0]) if found and ":sts:" in f"{before}:" else None

    def _reached(self, key: _Patterns) -> tuple[Principal, ...]:
        if key not in self._reach:
            self._reach[key] = tuple(role for role in self._of_account if _may_match(key, role.arn))
        return self._reach[key]


def _keys(principal: Principal) -> Iterator[_Patterns]:
    statements = (each for policy in principal.permissions.identity for each in policy.covering(ASSUME))
    return (_key(each) for each in statements if each.allows)


def _key(statement: Statement) -> _Patterns:
    """Return the resource patterns of a statement; with variables or NotResource every role."""
    wide = statement.all_but_resources or any("${" in each for each in statement.resources)
    return ("*",) if wide else statement.resources


def _may_match(key: _Patterns, arn: str) -> bool:
    return any(matches(pattern, arn) for pattern in key)


def _partitions(principals: Iterable[Principal]) -> set[str]:
    return {split_arn(each.arn).partition for each in principals}


class RoleAssumptions:
    """Role assumptions of principals, found backward from the protected roles, until no further role reaches them.

    Attributes:
        plain: Unconditional statements, of principals that have no others about role assumption.
        by_resources: Roles that unconditional statements reach.
        special: Assumptions of the other principals.
    """

    def __init__(self, audit: AuditContext, principals: Iterable[Principal], protected: Iterable[Principal]) -> None:
        """Find the principals that can assume a protected role, directly or by role chaining."""
        self._audit = audit
        self._counting: dict[Principal, tuple[Principal, ...]] = dict.fromkeys(protected, ())
        found = {each: _plain_statements(each) for each in principals}
        self._all = frozenset(found)
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
        self._search()

    def _search(self) -> None:
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
