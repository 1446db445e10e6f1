"""Whether a role may do something, and which policy keeps it from it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from components.iam.conditions import hold
from components.iam.documents import Policy, Statement
from components.iam.evaluation import Permissions, decide
from components.iam.trust import named_by
from components.iam.truth import Truth, any_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from components.iam.context import Context
    from components.iam.principals import Principal


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request of a role.

    Attributes:
        action: `kms:Decrypt`.
        resource: its ARN.
        context: the request's keys.
    """

    action: str
    resource: str
    context: Context


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a policy says.

    Attributes:
        allowed: or not, or cannot be told.
        why: which statement denies, or that none allows; empty where it is allowed.
        cut: something takes it away, so that allowing it once more would not help.
    """

    allowed: Truth
    why: str = ""
    cut: bool = False


def by_role(role: Principal, request: Request) -> Answer:
    """What the role's own policies, its boundary and the organization's policies say together."""
    permissions = role.permissions
    allowed = decide(permissions, request.action, request.resource, request.context).allowed
    if allowed is Truth.YES:
        return Answer(allowed=allowed)
    cut = _cut(permissions, request)
    return Answer(allowed=allowed, why=cut or _lacking(permissions, request), cut=bool(cut))


def denied_by_resource(policy: Policy, role: Principal, request: Request) -> Answer:
    """What the policy of a resource of the own account takes away from what IAM allows."""
    denied, why = _denial(policy, role, request)
    return Answer(allowed=denied.negated(), why=f"{why} denies it" if why else "", cut=bool(why))


def by_resource(policy: Policy, role: Principal, request: Request) -> tuple[Answer, Answer]:
    """What the policy of a key, a bucket or an endpoint says of a role: by its own word, and with the account's IAM.

    Returns:
        Whether it allows the role itself, and whether it allows the role or leaves the choice to the account's IAM. An
        explicit Deny counts in both.
    """
    statements = policy.covering(request.action)
    denied, why = _denial(policy, role, request)
    direct = any_of(
        _bears(each, role, request) for each in statements if each.allows and _names(role, each) == "direct"
    )
    named = any_of(_bears(each, role, request) for each in statements if each.allows)
    said = f"{why} denies it" if why else f"no statement of {policy.name} allows it to {role.name}"

    def answer(allowing: Truth) -> Answer:
        allowed = min(allowing, denied.negated())
        return Answer(allowed=allowed, why="" if allowed is Truth.YES else said, cut=bool(why))

    return answer(direct), answer(named)


def _denial(policy: Policy, role: Principal, request: Request) -> tuple[Truth, str]:
    """Whether a statement denies, and which one."""
    denying = [(each, _bears(each, role, request)) for each in policy.covering(request.action) if not each.allows]
    why = next((_called(policy, each) for each, truth in denying if truth is not Truth.NO), "")
    return any_of(truth for _, truth in denying), why


def _names(role: Principal, statement: Statement) -> str | None:
    return named_by(role, replace(statement, allows=True))


def _bears(statement: Statement, role: Principal, request: Request) -> Truth:
    """Whether a statement of a resource's policy speaks of the request."""
    return Truth.NO if _names(role, statement) is None else _speaks(statement, request)


def _speaks(statement: Statement, request: Request) -> Truth:
    """Whether a statement's resources and conditions fit: as if it allowed and were the only one."""
    if hold(statement, request.context) is Truth.NO:
        return Truth.NO
    alone = Policy(name="", statements=(replace(statement, allows=True),))
    return decide(Permissions(identity=(alone,)), request.action, request.resource, request.context).allowed


def _cut(permissions: Permissions, request: Request) -> str:
    """What takes the permission away: a statement that denies, or a layer that does not allow; empty: nothing."""
    for policy, statement in _denying(permissions.every(), request):
        truth = _speaks(statement, request)
        if truth is not Truth.NO:
            return f"{_called(policy, statement)} {'denies it' if truth is Truth.YES else 'may deny it'}"
    layers = [("permissions boundary", (permissions.boundary,))] if permissions.boundary else []
    layers += [("service control policies", level) for level in permissions.ceilings]
    for name, layer in layers:
        found = decide(Permissions(identity=layer), request.action, request.resource, request.context)
        if found.allowed is not Truth.YES:
            return f"no statement of the {name} {', '.join(each.name for each in layer)} allows it"
    return ""


def _lacking(permissions: Permissions, request: Request) -> str:
    own = decide(Permissions(identity=permissions.identity), request.action, request.resource, request.context)
    doubts = dict.fromkeys(doubt for each in own.grants for doubt in each.doubts)
    return f"it depends on {', '.join(doubts)}" if doubts else "no policy of the role allows it"


def _denying(policies: Iterable[Policy], request: Request) -> list[tuple[Policy, Statement]]:
    return [(policy, each) for policy in policies for each in policy.covering(request.action) if not each.allows]


def _called(policy: Policy, statement: Statement) -> str:
    which = statement.sid or f"number {statement.index + 1}"
    return f"statement {which} of {policy.kind} policy {policy.name}"
