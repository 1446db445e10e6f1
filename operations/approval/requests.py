"""State of a request, read from its Automation execution in Systems Manager.

In mode `automation` one execution waits for approval and grants. A change request is an execution of its own, which
starts the runbook once it is approved.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, cast

from common.aws import ENDED_STATUSES, LIVE_STATUSES
from components.approval.runbook import APPROVAL_SECONDS
from operations.principals import GrantedPrincipal, short

Execution = Mapping[str, Any]
"""API_AutomationExecution, as boto3 returns it."""

_TAG_STEPS: Final = ("TagRole", "TagUser")
_SLEEP: Final = "WaitForValidity"
_RELEASE: Final = "ReleaseGrant"
_MINUTES: Final = re.compile(r"PT([0-9]{1,6})M")
_NO_EXECUTION: Final[Execution] = {}


class RequestState(StrEnum):
    """State of a request."""

    WAITING = "waiting"
    """The request waits for approval."""
    CHECKING = "checking"
    """Approved; the runbook checks whether it can be granted."""
    GRANTED = "granted"
    """The operator can start a session."""
    ENDED = "ended"
    """The grant has expired."""
    REFUSED = "refused"
    """The runbook refused it after the approval."""
    REJECTED = "rejected"
    """An approver rejected it."""
    EXPIRED = "expired"
    """The approvers did not answer in time."""
    CANCELLED = "cancelled"
    """A principal stopped the execution."""
    REVOKED = "revoked"
    """An approver revoked the approval of an access request."""
    FAILED = "failed"
    """The execution failed."""
    UNKNOWN = "unknown"
    """AWS shows a status that this program does not know."""

    @property
    def is_open(self) -> bool:
        """The state may still change."""
        return self in (RequestState.WAITING, RequestState.CHECKING, RequestState.GRANTED)

    @property
    def may_be_open(self) -> bool:
        """The state may still change, or is not known."""
        return self.is_open or self is RequestState.UNKNOWN


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Decision of one approver.

    Attributes:
        approver: ARN, or the name of a user.
        approved: Whether the approver approved; else rejected.
    """

    approver: str
    approved: bool
    comment: str = ""


@dataclass(frozen=True, kw_only=True)
class ApprovalRequest:
    """A request and its state.

    Attributes:
        id: ID of the execution to approve.
        grant_id: ID of the execution that grants: the same, or the one of a change request; None: not started.
        levels: Numbers of levels of approval: approved, and required.
        detail: Detail of the state: who rejected, why it was refused, what the grant replaces.
        until: End of the grant, or of the time to approve; None: neither applies.
        region: Region of the instance, once the runbook has found it.
        holds_tag: Whether the execution has set the tag and not removed it.
        instance_name: Name tag of the instance; empty: none, or not read.
        sessions: IDs of the grant's open sessions; None: not read.
        sessions_unread: Reason why they cannot be read; empty: they were read, or not looked up.
        policy: Approval policy of just-in-time node access that decides; empty: automatic approval, or another mode.
        approvers: Approvers of each level of that policy.
        granted_at: Time of the approval of an access request, with which its access begins; None: not granted, or not known.
        is_automatic: Whether the auto-approval policy approved an access request.
        unknown: What is not known about the request, with the reason. It cannot be approved then.
        requester_user: User name of the requester, if a role of an operator of IAM Identity Center made the request; empty: not
            known, or another principal.
        principal_user: User name of the operator of IAM Identity Center whose role the grant is for; empty: as before.
    """

    id: str
    grant_id: str | None
    requester: str
    requested_at: datetime
    principal: GrantedPrincipal
    instance: str
    reason: str = ""
    decisions: tuple[Decision, ...] = ()
    levels: tuple[int, int] = (0, 0)
    state: RequestState
    detail: str = ""
    until: datetime | None = None
    ended_at: datetime | None = None
    region: str = ""
    holds_tag: bool = False
    is_over: bool = False
    instance_name: str = ""
    sessions: tuple[str, ...] | None = None
    sessions_unread: str = ""
    policy: str = ""
    approvers: tuple[str, ...] = ()
    granted_at: datetime | None = None
    is_automatic: bool = False
    unknown: tuple[str, ...] = ()
    requester_user: str = ""
    principal_user: str = ""

    @property
    def shown_principal(self) -> str:
        """The principal, for display: `role ShellOperator-... (olivia@example.org)`."""
        return f"{self.principal} ({self.principal_user})" if self.principal_user else str(self.principal)

    @property
    def is_access_request(self) -> bool:
        """Return whether it is an access request of just-in-time node access."""
        return self.id.startswith("oi-")

    @property
    def shown_instance(self) -> str:
        """The instance, for display: `app-1 (i-...)`."""
        return f"{self.instance_name} ({self.instance})" if self.instance_name else self.instance


def passed_levels(execution: Execution) -> tuple[int, int]:
    """Return the numbers of levels of approval of an execution: approved, and required."""
    approvals = approval_steps(execution)
    return sum(1 for step in approvals if step["StepStatus"] == "Success"), len(approvals)


def parse_request(execution: Execution, child: Execution | None = None) -> ApprovalRequest:
    """Return the request of an execution to approve, with the execution that a change request has started."""
    given = _parameters(execution)
    approvals = approval_steps(execution)
    decisions = decisions_of(execution)
    # Every change request names its runbooks, before one of them starts as well as afterwards.
    is_change_request = "Runbooks" in execution or execution.get("AutomationSubtype") == "ChangeRequest"
    grant = (child or _NO_EXECUTION) if is_change_request else execution
    state, detail, until = _state(execution, grant, approvals, decisions)
    named = {name: given.get(name, "") for name in ("PrincipalType", "PrincipalName", "InstanceId")}
    requester = execution.get("ExecutedBy", "")
    return ApprovalRequest(
        id=execution["AutomationExecutionId"],
        grant_id=grant.get("AutomationExecutionId"),
        requester=requester,
        requested_at=execution["ExecutionStartTime"],
        principal=GrantedPrincipal(named["PrincipalType"], named["PrincipalName"]),
        instance=named["InstanceId"],
        reason=given.get("Reason", ""),
        decisions=decisions,
        levels=passed_levels(execution),
        state=state,
        detail=detail,
        until=until,
        ended_at=None if state.is_open else grant.get("ExecutionEndTime") or execution.get("ExecutionEndTime"),
        region=_output(grant, "CheckRequest.Region"),
        holds_tag=_holds_tag(grant),
        is_over=not (is_live(execution) or is_live(grant)),
        unknown=tuple(
            f"its execution does not name {name}"
            for name, value in {**named, "ExecutedBy": requester}.items()
            if not value
        ),
    )


def with_replacements(requests: Sequence[ApprovalRequest]) -> list[ApprovalRequest]:
    """Return requests, with a note on each grant that a later one replaced: its principal has the tag of the later one.

    The later grant names the replaced one in its own note.
    """

    def noted(request: ApprovalRequest) -> ApprovalRequest:
        later = next((each for each in requests if each.holds_tag and f"(run {request.grant_id})" in each.detail), None)
        if later is None or request.state is not RequestState.GRANTED:
            return request
        return replace(request, detail=f"replaced by the grant for {later.shown_instance} (run {later.grant_id})")

    return [noted(each) for each in requests]


def _state(
    execution: Execution, grant: Execution, approvals: list[Execution], decisions: tuple[Decision, ...]
) -> tuple[RequestState, str, datetime | None]:
    """Return the state, its detail, and its end."""
    doubt = _doubt(execution) or _doubt(grant)
    if doubt:
        return RequestState.UNKNOWN, doubt, None
    denied = _denial(execution, grant, approvals, decisions)
    if denied:
        return *denied, None
    if is_live(execution) or is_live(grant):
        return _open_state(execution, grant, approvals)
    return *_final_state(execution, grant), None


def _denial(
    execution: Execution, grant: Execution, approvals: list[Execution], decisions: tuple[Decision, ...]
) -> tuple[RequestState, str] | None:
    """Return why there is no grant, also while the execution still notifies the topic."""
    rejecting = next((each for each in decisions if not each.approved), None)
    if rejecting:
        return RequestState.REJECTED, f"by {short(rejecting.approver)}" + (
            f": {rejecting.comment}" if rejecting.comment else ""
        )
    rejected = any(_output(step, "ApprovalStatus") == "Rejected" for step in approvals)
    if rejected or execution["AutomationExecutionStatus"] == "Rejected":
        return RequestState.REJECTED, ""
    if any(step["StepStatus"] == "TimedOut" for step in approvals):
        return RequestState.EXPIRED, "no approver responded in time"
    if _output(grant, "CheckRequest.Verdict") == "refused":
        return RequestState.REFUSED, _output(grant, "CheckRequest.Reason")
    return None


def _final_state(execution: Execution, grant: Execution) -> tuple[RequestState, str]:
    granted = _status(grant, *_TAG_STEPS) == "Success"
    if "Cancelled" in (execution["AutomationExecutionStatus"], grant.get("AutomationExecutionStatus")):
        ended = _output(grant, "EndSessions.Outcome")
        early = f"the grant was ended early; {ended}" if ended else "the grant was ended early"
        return RequestState.CANCELLED, early if granted else ""
    if granted and grant["AutomationExecutionStatus"] == "Success":
        return RequestState.ENDED, ""
    return RequestState.FAILED, str(grant.get("FailureMessage") or execution.get("FailureMessage") or "")


def _open_state(
    execution: Execution, grant: Execution, approvals: list[Execution]
) -> tuple[RequestState, str, datetime | None]:
    pending = next((step for step in approvals if step["StepStatus"] != "Success"), None)
    if pending is not None:
        started = pending.get("ExecutionStartTime") or execution["ExecutionStartTime"]
        return RequestState.WAITING, "", started + timedelta(seconds=APPROVAL_SECONDS)
    if _holds_tag(grant):
        return RequestState.GRANTED, _output(grant, "CheckRequest.Note"), _granted_until(grant)
    if _status(grant, *_TAG_STEPS) == "Success" and _status(grant, _RELEASE) == "Success":
        # The grant has ended, while the execution still searches for open sessions and notifies the topic.
        return (
            (RequestState.CANCELLED, "the grant was ended early", None)
            if _is_canceled(grant)
            else (RequestState.ENDED, "", None)
        )
    return RequestState.CHECKING, "", None


def _is_canceled(grant: Execution) -> bool:
    steps = [each for each in _steps(grant) if each["StepName"] in (*_TAG_STEPS, _SLEEP)]
    return grant["AutomationExecutionStatus"] == "Cancelling" or any(
        each["StepStatus"] == "Cancelled" for each in steps
    )


def is_live(execution: Execution) -> bool:
    """Return whether an execution has not ended, or may not have; a missing one has."""
    return bool(execution) and execution["AutomationExecutionStatus"] not in ENDED_STATUSES


def _doubt(execution: Execution) -> str:
    """Return why an execution does not show the state of its request; empty: it does, or there is none."""
    if not execution:
        return ""
    status = execution["AutomationExecutionStatus"]
    if status not in LIVE_STATUSES | ENDED_STATUSES:
        return f"its execution has the status {status}"
    return "Systems Manager does not return all steps" if execution.get("StepExecutionsTruncated") else ""


def _steps(execution: Execution) -> list[Execution]:
    return execution["StepExecutions"] if execution else []


def _holds_tag(grant: Execution) -> bool:
    return _status(grant, *_TAG_STEPS) in ("Success", "InProgress") and _status(grant, _RELEASE) != "Success"


def _granted_until(grant: Execution) -> datetime | None:
    for step in _steps(grant):
        # Inputs are returned as JSON, or as they are.
        minutes = _MINUTES.search(str(step.get("Inputs", {}).get("Duration", "")))
        if step["StepName"] == _SLEEP and minutes and step.get("ExecutionStartTime"):
            return step["ExecutionStartTime"] + timedelta(minutes=int(minutes[1]))
    return None


def _status(execution: Execution, *names: str) -> str | None:
    """Return the status of the one of these steps that has started."""
    reached = (step for step in _steps(execution) if step["StepName"] in names)
    return next((step["StepStatus"] for step in reached if step["StepStatus"] != "Pending"), None)


def _output(given: Execution, name: str) -> str:
    """Return an output; empty where there is none, which Systems Manager reports as a text."""
    value = next(iter(given.get("Outputs", {}).get(name, [])), "")
    return "" if value.startswith("No output available") else value


def _parameters(execution: Execution) -> dict[str, str]:
    """Return the runbook's parameters; a change request has them beside its own."""
    runbooks = cast("list[Execution]", execution.get("Runbooks") or [])
    given: Execution = runbooks[0].get("Parameters", {}) if runbooks else execution.get("Parameters", {})
    return {name: values[0] for name, values in given.items() if values}


def decisions_of(execution: Execution) -> tuple[Decision, ...]:
    """Return the decisions in an execution. `ApproverDecisions` holds JSON: one object per decision, or a list of them."""
    found: list[Decision] = []
    for step in approval_steps(execution):
        for each in (each for text in step.get("Outputs", {}).get("ApproverDecisions", []) for each in _objects(text)):
            decision, approver = str(each.get("Decision", "")), str(each.get("Approver", ""))
            if decision.startswith(("Approve", "Reject")):
                comment = str(each.get("Comment") or "")
                found.append(Decision(approver=approver, approved=decision.startswith("Approve"), comment=comment))
    return tuple(found)


def approval_steps(execution: Execution) -> list[Execution]:
    """Return the steps of an execution that wait for approvers."""
    return [step for step in _steps(execution) if step["Action"] == "aws:approve"]


def _objects(text: str) -> list[Execution]:
    """Return the objects in a JSON text, one or a list; none from anything else, which the runbook refuses as well."""
    try:
        decoded = json.loads(text)
    except ValueError:
        return []
    listed = cast("list[Any]", decoded if isinstance(decoded, list) else [decoded])
    return [cast("Execution", each) for each in listed if isinstance(each, dict)]
