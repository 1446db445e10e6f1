"""Approval and rejection of requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from common.problems import visible
from operations.approval.calls import CallError, called
from operations.approval.people import same_person, short
from operations.approval.requests import Request, State

if TYPE_CHECKING:
    from operations.approval.desk import Desk


class OwnRequestError(CallError):
    """An approver cannot approve their own request, or a grant to themselves."""


def check_decision(request: Request, who: str, *, approve: bool) -> None:
    """Check that the request waits for a decision, and that this approver may make it.

    The runbook checks the same again.

    Args:
        request: Request to decide.
        who: ARN of the approver.
        approve: Whether to approve; else to reject.

    Raises:
        OwnRequestError: The request, or the grant, is the approver's own.
        CallError: The request does not wait for approval.
    """
    if request.state is not State.WAITING:
        detail = f" ({visible(request.detail)})" if request.detail else ""
        raise CallError(f"Request {request.id} does not wait for approval: it is {request.state}{detail}.")
    if not approve:
        return
    if same_person(request.asked_by, who):
        raise OwnRequestError(
            f"{short(who)} cannot approve what {short(request.asked_by)} asked for: nobody approves their own request. "
            "Another approver has to decide."
        )
    if request.principal.is_for(who):
        raise OwnRequestError(f"{short(who)} cannot approve a grant to {request.principal}: that is the same person.")


def decide(desk: Desk, request: Request, *, approve: bool, comment: str = "") -> None:
    """Send the decision.

    Raises:
        OwnRequestError: The request, or the grant, is the approver's own.
        CallError: The request does not wait for approval, or AWS refused the decision of a principal that is
            not an approver.
    """
    check_decision(request, desk.identity.arn, approve=approve)
    more: dict[str, Any] = {"Payload": {"Comment": [comment]}} if comment else {}
    called(
        "ssm:SendAutomationSignal",
        desk.clients.client("ssm", desk.workflow.region).send_automation_signal,
        AutomationExecutionId=request.id,
        SignalType="Approve" if approve else "Reject",
        **more,
    )
