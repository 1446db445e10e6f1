"""Says yes or no to a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.problems import visible
from operations.approval.calls import CallError, called
from operations.approval.people import same_person, short
from operations.approval.requests import Request, State

if TYPE_CHECKING:
    from operations.approval.desk import Desk


class OwnRequestError(CallError):
    """Somebody tries to approve their own request, or a grant to themselves."""


def check_decision(request: Request, who: str, *, approve: bool) -> None:
    """Whether there is something to decide, and for this person. The runbook judges the same again.

    Args:
        request: to decide.
        who: ARN of who decides.
        approve: yes; or no.

    Raises:
        OwnRequestError: it is their own.
        CallError: nothing waits.
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
    """Sends the decision.

    Raises:
        OwnRequestError: it is their own request.
        CallError: nothing waits, or AWS did not take the decision: it comes from nobody who is asked.
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
