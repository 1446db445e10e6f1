"""Role assumption: the caller's policies together with the role's trust policy.

IAM User Guide, "AWS JSON policy elements: Principal" and "Policy evaluation logic": a trust policy that names the
account delegates to the account's own policies; one that names a user or role of the account allows it by itself. An
explicit Deny and service control policies restrict both. A permissions boundary restricts a role that is named by its role
ARN, but not a user.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from common.aws.arns import split_arn
from common.iam.choices import combined, situations
from common.iam.conditions import hold
from common.iam.documents import Policy, Statement
from common.iam.evaluation import AllowingStatement, Permissions, Target, grants
from common.iam.patterns import literal, matches
from common.iam.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Callable

    from common.iam.choices import Knowledge
    from common.iam.principals import Principal

ASSUME: Final = "sts:AssumeRole"
_BY_FEDERATION: Final = ("sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity")
_EVERYTHING_ALLOWED: Final = Statement(allows=True, actions=("*",), resources=("*",))


@dataclass(frozen=True, kw_only=True, eq=False)
class Admission:
    """Permission of a principal to assume a role, or to tag its session.

    Attributes:
        role: Role.
        trust: Statement of the role's trust policy.
        grant: Statement of the caller's policies; None where the trust policy is sufficient.
        doubts: Conditions that cannot be evaluated; empty where it is certain.
    """

    role: Principal
    trust: Statement
    grant: AllowingStatement | None
    doubts: tuple[str, ...] = ()


def admission(
    caller: Principal, role: Principal, knowledge: Callable[[str], Knowledge], action: str = ASSUME
) -> Admission | None:
    """Return how a principal of the same account can assume a role, at its most certain; None: it cannot.

    `action` is `sts:AssumeRole` or `sts:TagSession`; `knowledge` has the values of condition keys, by action.
    """
    if role.trust is None or role is caller:
        return None
    best: Admission | None = None
    for statement in role.trust.covering(action):
        if not statement.allows or statement.principals is None:
            continue
        found = _by_statement(caller, role, statement, knowledge(action), action)
        if found is not None and (best is None or len(found.doubts) < len(best.doubts)):
            best = found
    return best


def admits_services(role: Principal) -> frozenset[str]:
    """Return the services that a role trusts: `ssm.amazonaws.com`."""
    return frozenset(
        service
        for statement in (role.trust.covering(ASSUME) if role.trust else ())
        if statement.allows and statement.principals and not statement.principals.negated
        for service in statement.principals.services
    )


def only_services(role: Principal) -> bool:
    """Return whether a role trusts services only."""
    if role.trust is None:
        return False
    allowing = [
        statement
        for action in (ASSUME, *_BY_FEDERATION)
        for statement in role.trust.covering(action)
        if statement.allows and statement.principals
    ]
    named = [each.principals for each in allowing if each.principals]
    return not any(each.aws or each.federated or each.negated for each in named)


def outsiders(role: Principal, account_id: str) -> list[tuple[str, Statement]]:
    """Return the principals of other accounts that a trust policy names, with the statement."""
    return [
        (name, statement)
        for statement in (role.trust.covering(ASSUME) if role.trust else ())
        if statement.allows and statement.principals and not statement.principals.negated
        for name in statement.principals.aws
        if (name == "*" or account_id not in name) and (name == "*" or name.isdigit() or name.startswith("arn:"))
    ]


def _by_statement(
    caller: Principal, role: Principal, statement: Statement, knowledge: Knowledge, action: str
) -> Admission | None:
    how = named_by(caller, statement)
    if how is None:
        return None
    doubts = _trust_doubts(role, statement, knowledge, action)
    if doubts is None:
        return None
    permissions = caller.permissions
    if how == "direct":
        # With an Allow of everything, only the Deny statements of the caller's own policies remain.
        allowed = Policy(name="trust", statements=(_EVERYTHING_ALLOWED,))
        boundary = permissions.boundary if caller.kind == "role" else None
        permissions = Permissions(
            identity=(*permissions.identity, allowed), boundary=boundary, ceilings=permissions.ceilings
        )
    target = Target((literal(role.arn),))
    found = grants(permissions, action, target, situations(permissions, action, knowledge))
    if not found:
        return None
    best = min(found, key=lambda each: (len(each.doubts), each.statement is _EVERYTHING_ALLOWED))
    own = None if best.statement is _EVERYTHING_ALLOWED else best
    return Admission(role=role, trust=statement, grant=own, doubts=(*doubts, *best.doubts))


def _trust_doubts(role: Principal, statement: Statement, knowledge: Knowledge, action: str) -> tuple[str, ...] | None:
    """Return the doubts about the trust policy; None: it certainly does not allow the caller."""
    denies = [each for each in (role.trust.covering(action) if role.trust else ()) if not each.allows]
    best: tuple[str, ...] | None = None
    for situation in combined([statement, *denies], knowledge):
        context = situation.context
        allowing = hold(statement, context)
        denying = [(each, hold(each, context)) for each in denies]
        if allowing is Truth.NO or any(held is Truth.YES for _, held in denying):
            continue
        doubts = list(situation.doubts)
        if allowing is Truth.UNKNOWN:
            doubts += [f"trust {each.text}" for each in statement.conditions]
        doubts += [
            f"trust Deny {one.text}" for each, held in denying if held is Truth.UNKNOWN for one in each.conditions
        ]
        if best is None or len(doubts) < len(best):
            best = tuple(dict.fromkeys(doubts))
    return best


def named_by(caller: Principal, statement: Statement) -> str | None:
    """Return how a statement names a principal: `direct`, `account` (its own policies decide), or empty."""
    named = statement.principals
    if named is None or not statement.allows:
        return None
    account = split_arn(caller.arn).account_id
    everyone = (account, f":iam::{account}:root")
    if named.negated:
        return None if any(_is(caller, each) or each.endswith(everyone) for each in named.aws) else "direct"
    if "*" in named.aws or any(_is(caller, each) for each in named.aws):
        return "direct"
    return "account" if any(each == account or each.endswith(everyone[1]) for each in named.aws) else None


def _is(caller: Principal, name: str) -> bool:
    if name in (caller.arn, caller.unique_id):
        return bool(name)
    # A session of a role, by name: the caller of AssumeRole chooses the name.
    prefix = caller.arn.split(":role/")
    session = f"{prefix[0].replace(':iam:', ':sts:')}:assumed-role/{caller.name}/*"
    return caller.kind == "role" and matches(session, name)
