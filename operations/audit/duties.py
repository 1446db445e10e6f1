"""Separation of duties: people who request and approve, through one principal or through roles that they can assume."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from common.aws.arns import split_arn
from common.iam.patterns import overlap
from common.iam.trust import ASSUME
from operations.audit.catalog import Severity
from operations.audit.findings import Audited, BypassFinding, MatchedStatement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from common.iam.documents import Condition, Statement
    from common.iam.principals import Principal
    from operations.audit.audit_context import AuditContext

RULE: Final = "same-person-both-sides"

_ASSUMING: Final = (ASSUME, "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity")
_PERSON_KEYS: Final = frozenset(
    {
        *("aws:userid", "aws:username", "aws:sourceidentity", "sts:sourceidentity", "sts:rolesessionname"),
        *("saml:sub", "identitystore:userid"),
    }
)
"""Condition keys of a trust policy that name a person; so do the `sub` keys of OpenID Connect providers."""

_CALLER_KEY: Final = "aws:principalarn"

Reached = dict["Principal", "tuple[tuple[Principal, ...], bool]"]
"""Roles with the path to each, and whether the path is certain."""


def both_sides(principal: Principal, reached: Reached, audit: AuditContext) -> list[BypassFinding]:
    """Return a finding for a principal that is an operator and an approver."""
    everything: Reached = {principal: ((), True), **reached}
    asking = {each: escalation for each, escalation in everything.items() if each in audit.operators_set}
    approving = {each: escalation for each, escalation in everything.items() if each in audit.approvers}
    if not asking or not approving:
        return []
    operator, (path, asks) = min(asking.items(), key=lambda each: (not each[1][1], len(each[1][0])))
    approver, (other, approves) = min(approving.items(), key=lambda each: (not each[1][1], len(each[1][0])))
    certain = asks and approves
    return [
        BypassFinding(
            rule=RULE,
            severity=Severity.CRITICAL if certain else Severity.CRITICAL.lowered(),
            matched_statements=(*_trusts(operator, path), *_trusts(approver, other)),
            doubts=() if certain else ("conditions of the roles' trust policies",),
            path=tuple(dict.fromkeys(each.arn for each in (*path, *other))),
            note=f"requests as {operator.name}, approves as {approver.name}",
        )
    ]


def people_on_both_sides(audit: AuditContext) -> list[Audited]:
    """Return the people outside the account that an operator's and an approver's role both trust."""
    approving = [(role, person) for role in audit.roles if role in audit.approvers for person in _people(role, audit)]
    found: dict[str, BypassFinding] = {}
    for role in audit.roles:
        if role not in audit.operators_set:
            continue
        for person in _people(role, audit):
            other = next((each for each, name in approving if each is not role and overlap(name, person)), None)
            if other is not None and person not in found:
                found[person] = BypassFinding(
                    rule=RULE,
                    severity=Severity.CRITICAL,
                    matched_statements=(*_trusts(role, (role,)), *_trusts(other, (other,))),
                    path=(role.arn, other.arn),
                    note=f"requests as {role.name}, approves as {other.name}",
                )
    return [Audited(arn=person, kind="outside", findings=(finding,)) for person, finding in found.items()]


def _people(role: Principal, audit: AuditContext) -> Iterator[str]:
    """Return the people outside the account that a role's trust policy names, by ARN or by a condition."""
    if user := audit.entitled_user(role):
        yield user
    known = {name for each in audit.account.principals for name in (each.arn, each.unique_id)}
    for statement in _assuming(role):
        named = statement.principals
        arns = () if named is None or named.negated else named.aws
        for name in arns:
            if name.startswith("arn:") and not name.endswith(":root") and name not in known:
                yield name
        for condition in statement.conditions:
            if condition.key == _CALLER_KEY:
                yield from (each for each in condition.values if _is_foreign(each, audit.account.id))
            elif _names_person(condition):
                values = (each.rpartition(":")[2] for each in condition.values if "${" not in each)
                yield from (each for each in values if each.strip("*?") and each not in known)


def _is_foreign(arn: str, account_id: str) -> bool:
    """Return whether a pattern names some principals of another account, but not all of them."""
    parts = split_arn(arn)
    is_one = bool(parts.resource.rpartition("/")[2].strip("*?")) and parts.resource != "root"
    return is_one and parts.account_id != account_id


def _names_person(condition: Condition) -> bool:
    key = condition.key in _PERSON_KEYS or condition.key.endswith(":sub")
    return key and condition.operator in ("stringequals", "stringequalsignorecase", "stringlike")


def _assuming(role: Principal) -> Iterator[Statement]:
    seen = set[int]()
    for action in _ASSUMING:
        for statement in role.trust.covering(action) if role.trust else ():
            if statement.allows and statement.index not in seen:
                seen.add(statement.index)
                yield statement


def _trusts(role: Principal, path: tuple[Principal, ...]) -> tuple[MatchedStatement, ...]:
    """Return the statement of the role's trust policy; none where the principal is the role itself."""
    if not path:
        return ()
    return tuple(MatchedStatement.of_trust(role, statement, ASSUME) for statement in _assuming(role))
