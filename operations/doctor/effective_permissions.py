"""Effective permissions of a node's role, and the policy that denies a request. Pure.

Sources: IAM User Guide, "Policy evaluation logic", "AWS JSON policy elements: Principal" and "... NotPrincipal".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from common.aws.arns import split_arn
from common.aws.denials import Denial, PolicyKind
from common.iam.conditions import hold, holds
from common.iam.documents import Policy, PrincipalElement, Statement
from common.iam.evaluation import Permissions, decide
from common.iam.trust import named_by
from common.iam.truth import Truth, any_of, truth

if TYPE_CHECKING:
    from collections.abc import Iterable

    from common.iam.context import RequestContext
    from common.iam.principals import Principal


@dataclass(frozen=True, kw_only=True)
class RoleRequest:
    """Request of a role.

    Attributes:
        action: Action, such as `kms:Decrypt`.
        context: Condition keys of the request.
        session: Name of the role session, which is the node's ID. Empty: not known.
    """

    action: str
    resource: str
    context: RequestContext
    session: str = ""


@dataclass(frozen=True, kw_only=True)
class EvaluationResult:
    """Result of a policy evaluation.

    Attributes:
        allowed: Whether the request is allowed. UNKNOWN: it cannot be determined.
        resource: ARN of the request's resource. Empty if the request is allowed.
        denial: Type of the policy that denies the request. None if the request is allowed.
        doubts: Conditions that cannot be evaluated, as written. Empty if the result is certain.
        conditions: Decisive conditions, as written: those of the Deny that are met, or of an Allow that are not met.
    """

    allowed: Truth
    resource: str = ""
    denial: Denial | None = None
    doubts: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()

    @property
    def is_limited(self) -> bool:
        """A policy denies or limits what others allow, so that another Allow would not help."""
        return self.denial is not None and (self.denial.explicit or self.denial.kind is not PolicyKind.IDENTITY)


ALLOWED: Final = EvaluationResult(allowed=Truth.YES)


def together(answers: Iterable[EvaluationResult]) -> EvaluationResult:
    """Combine the results for an action for which AWS may evaluate any of several resources."""
    several = list(answers)
    first = min(several, key=lambda each: each.allowed, default=ALLOWED)
    if first.allowed is not Truth.NO or all(each.allowed is Truth.NO for each in several):
        return first
    doubt = f"which resource AWS evaluates: {first.resource}, on which it is not allowed, or another one"
    return replace(first, allowed=Truth.UNKNOWN, doubts=(*first.doubts, doubt))


def evaluate_role(role: Principal, request: RoleRequest) -> EvaluationResult:
    """Evaluate the role's own policies, its permissions boundary, and the organization's policies together."""
    permissions = role.permissions
    allowed = decide(permissions, request.action, request.resource, request.context).allowed
    if allowed is Truth.YES:
        return ALLOWED
    limiting = _limiting_denial(permissions, request)
    if limiting:
        return EvaluationResult(allowed=allowed, resource=request.resource, denial=limiting[0], doubts=limiting[1])
    own = [each for policy in permissions.identity for each in policy.covering(request.action)]
    return EvaluationResult(
        allowed=allowed,
        resource=request.resource,
        denial=Denial(kind=PolicyKind.IDENTITY, explicit=False),
        doubts=_allowed_by(permissions.identity, request)[1],
        conditions=_unmet(own, request),
    )


def evaluate_resource_policy(
    policy: Policy, role: Principal, request: RoleRequest, kind: PolicyKind = PolicyKind.RESOURCE
) -> tuple[EvaluationResult, EvaluationResult]:
    """Evaluate the policy of a key, bucket or endpoint for a role: alone, and together with the account's IAM policies.

    Returns:
        Whether the policy allows the role itself, and whether it allows the role or delegates to the account's IAM
        policies. An explicit Deny counts in both.
    """
    denied = evaluate_resource_denials(policy, role, request, kind)
    allowing = [each for each in policy.covering(request.action) if each.allows]
    direct = any_of(_applies(each, role, request) for each in allowing if _names_directly(role, each, request))
    named = any_of(_applies(each, role, request) for each in allowing)

    def answer(allowed: Truth) -> EvaluationResult:
        if min(allowed, denied.allowed) is Truth.YES:
            return ALLOWED
        if denied.allowed <= allowed and denied.denial is not None:
            return denied
        unsure = [each for each in allowing if _applies(each, role, request) is Truth.UNKNOWN]
        mine = [each for each in allowing if _names_principal(role, each, request) is not Truth.NO]
        return EvaluationResult(
            allowed=allowed,
            resource=request.resource,
            denial=Denial(kind=kind, explicit=False, policy=policy.name),
            doubts=_doubts(unsure, request),
            conditions=_unmet(mine, request),
        )

    return answer(direct), answer(named)


def evaluate_resource_denials(
    policy: Policy, role: Principal, request: RoleRequest, kind: PolicyKind = PolicyKind.RESOURCE
) -> EvaluationResult:
    """Return whether the Deny statements of the policy of a resource leave a request allowed."""
    denying = [(each, _applies(each, role, request)) for each in policy.covering(request.action) if not each.allows]
    statement, applies = max(denying, key=lambda each: each[1], default=(None, Truth.NO))
    if statement is None or applies is Truth.NO:
        return ALLOWED
    certain = applies is Truth.YES
    return EvaluationResult(
        allowed=applies.negated(),
        resource=request.resource,
        denial=Denial(kind=kind, explicit=True, policy=policy.name, statement=_statement_name(policy, statement)),
        doubts=() if certain else _doubts([statement], request),
        conditions=tuple(each.text for each in statement.conditions) if certain else (),
    )


def _names_principal(role: Principal, statement: Statement, request: RoleRequest) -> Truth:
    """Return whether the Principal or NotPrincipal element of a statement covers a session of a role."""
    named = statement.principals
    if named is None:
        return Truth.NO
    if not named.negated:
        return truth(_admitted(role, statement, named, request) is not None)
    listed = _listed(role, named, request)
    if set(listed) == {Truth.YES}:
        return Truth.NO
    # A Deny exempts a session only where its account, its role and the session itself are all listed.
    if not statement.allows or set(listed) == {Truth.NO}:
        return Truth.UNKNOWN if Truth.UNKNOWN in listed and Truth.NO not in listed else Truth.YES
    return Truth.UNKNOWN


def _names_directly(role: Principal, statement: Statement, request: RoleRequest) -> bool:
    """Return whether a statement names the role itself or all principals, and not only the role's account."""
    named = statement.principals
    if named is None or named.negated:
        return _names_principal(role, statement, request) is not Truth.NO
    return _admitted(role, statement, named, request) == "direct"


def _admitted(role: Principal, statement: Statement, named: PrincipalElement, request: RoleRequest) -> str | None:
    """Return how a list of principals names this session, as `named_by`; other sessions of the role do not count."""
    of_role = _sessions(role)
    mine = tuple(
        each
        for each in named.aws
        if not request.session or not each.startswith(of_role) or each == f"{of_role}{request.session}"
    )
    return named_by(role, replace(statement, allows=True, principals=replace(named, aws=mine)))


def _listed(role: Principal, named: PrincipalElement, request: RoleRequest) -> tuple[Truth, Truth, Truth]:
    """Return whether a list of principals contains the account, the role and the session."""
    if "*" in named.aws:
        return Truth.YES, Truth.YES, Truth.YES
    _, partition, _, _, account, _ = split_arn(role.arn)
    of_role = _sessions(role)
    session = truth(f"{of_role}{request.session}" in named.aws)
    if not request.session:
        session = Truth.UNKNOWN if any(each.startswith(of_role) for each in named.aws) else Truth.NO
    return (
        truth(not {account, f"arn:{partition}:iam::{account}:root"}.isdisjoint(named.aws)),
        truth(not {role.arn, role.unique_id or role.arn}.isdisjoint(named.aws)),
        session,
    )


def _sessions(role: Principal) -> str:
    """Return the prefix of the ARNs of a role's sessions."""
    return f"{role.arn.split(':role/')[0].replace(':iam:', ':sts:')}:assumed-role/{role.name}/"


def _applies(statement: Statement, role: Principal, request: RoleRequest) -> Truth:
    """Return whether a statement of a resource-based policy covers the request."""
    applies = _names_principal(role, statement, request)
    return Truth.NO if applies is Truth.NO else min(applies, _covers(statement, request))


def _covers(statement: Statement, request: RoleRequest) -> Truth:
    """Return whether a statement's resources and conditions match, as if it were the only statement and an Allow."""
    if hold(statement, request.context) is Truth.NO:
        return Truth.NO
    alone = Policy(name="", statements=(replace(statement, allows=True),))
    return decide(Permissions(identity=(alone,)), request.action, request.resource, request.context).allowed


def _limiting_denial(permissions: Permissions, request: RoleRequest) -> tuple[Denial, tuple[str, ...]] | None:
    """Return the denial of a request that the role's own policies may allow. None: no policy denies it."""
    layers = [(PolicyKind.IDENTITY, permissions.identity)]
    layers += [(PolicyKind.BOUNDARY, (permissions.boundary,))] if permissions.boundary else []
    layers += [(PolicyKind.SERVICE_CONTROL, level) for level in permissions.ceilings]
    found: list[tuple[Truth, Denial, tuple[str, ...]]] = []
    for kind, policies in layers:
        for policy in policies:
            for statement in policy.covering(request.action):
                denies = Truth.NO if statement.allows else _covers(statement, request)
                if denies is not Truth.NO:
                    denial = Denial(
                        kind=kind, explicit=True, policy=policy.name, statement=_statement_name(policy, statement)
                    )
                    found.append((denies, denial, () if denies is Truth.YES else _doubts([statement], request)))
    for kind, policies in layers[1:]:
        allowed, doubts = _allowed_by(policies, request)
        if allowed is not Truth.YES:
            named = ", ".join(each.name for each in policies)
            found.append((allowed.negated(), Denial(kind=kind, explicit=False, policy=named), doubts))
    return max(found, key=lambda each: each[0])[1:] if found else None


def _allowed_by(policies: tuple[Policy, ...], request: RoleRequest) -> tuple[Truth, tuple[str, ...]]:
    """Return whether one of some policies allows a request, with the doubts of statements that may."""
    found = decide(Permissions(identity=policies), request.action, request.resource, request.context)
    return found.allowed, tuple(dict.fromkeys(doubt for each in found.grants for doubt in each.doubts))


def _doubts(statements: list[Statement], request: RoleRequest) -> tuple[str, ...]:
    """Return the conditions that cannot be evaluated, as written."""
    unsure = (
        condition.text
        for each in statements
        for condition in each.conditions
        if holds(condition, request.context, variables=each.variables) is Truth.UNKNOWN
    )
    return tuple(dict.fromkeys(unsure)) or ("its Resource or NotPrincipal element",)


def _unmet(statements: Iterable[Statement], request: RoleRequest) -> tuple[str, ...]:
    """Return the conditions, as written, without which one of the statements would allow the request."""
    near = [
        each
        for each in statements
        if each.allows and each.conditions and _covers(replace(each, conditions=()), request) is Truth.YES
    ]
    unmet = (
        condition.text
        for each in near
        for condition in each.conditions
        if holds(condition, request.context, variables=each.variables) is Truth.NO
    )
    return tuple(dict.fromkeys(unmet))


def _statement_name(policy: Policy, statement: Statement) -> str:
    which = statement.sid or f"number {statement.index + 1}"
    return f"statement {which} of {policy.kind} policy {policy.name}"
