"""Requests that a node makes, and the message for a denied one. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.iam.truth import Truth
from operations.doctor.allowed import Request
from operations.doctor.context import context

if TYPE_CHECKING:
    from common.iam.principals import Principal
    from operations.doctor.allowed import Answer
    from operations.doctor.facts import NodeFacts
    from operations.doctor.needs import Need


def requests(node: NodeFacts, role: Principal, need: Need) -> list[Request]:
    """Return the requests for a requirement, one per resource that AWS may evaluate.

    Args:
        node: Node that makes the requests.
        role: Role that the node assumes.
        need: Requirement for which the requests are made.
    """
    keys = context(node, role, need)
    return [Request(action=need.action, resource=each, context=keys, session=node.id) for each in need.resources]


def denied(role: Principal, action: str, answer: Answer) -> str:
    """Return the message for a request that is not allowed, worded like AWS' own.

    Args:
        role: Role that makes the request.
        action: Action of the request.
        answer: Result, which is not an Allow.
    """
    if answer.allowed is Truth.UNKNOWN:
        where = f", by {_where(answer)}" if answer.denial and answer.cut else ""
        depends = "; ".join(answer.doubts)
        return f"whether {role.arn} is authorized to perform {action} on {answer.resource}{where} depends on {depends}"
    reason = f" {answer.denial.reason(action)}" if answer.denial else ""
    if answer.conditions and answer.denial:
        holding = "holds" if answer.denial.explicit else "does not hold"
        reason += f"; {' and '.join(answer.conditions)} {holding} for its requests"
    return f"{role.arn} is not authorized to perform {action} on {answer.resource}{reason}"


def _where(answer: Answer) -> str:
    denial = answer.denial
    return (denial.statement or f"{denial.kind} {denial.policy}") if denial else ""
