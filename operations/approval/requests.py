"""What became of a request, read from the run that Systems Manager keeps of it.

In mode `automation` one run asks for approval and grants. A change request is a run of its own, which starts the
runbook once it is approved.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, cast

from components.approval.runbook import APPROVAL_SECONDS
from operations.approval.people import Principal, short

Run = Mapping[str, Any]
"""API_AutomationExecution, as boto3 gives it."""

LIVE: Final = frozenset(
    {
        *("Pending", "InProgress", "Waiting", "Cancelling", "PendingApproval", "Approved", "Scheduled"),
        *("RunbookInProgress", "PendingChangeCalendarOverride", "ChangeCalendarOverrideApproved"),
    }
)
"""API_AutomationExecution, AutomationExecutionStatus: those of a run that is not over."""

_TAG_STEPS: Final = ("TagRole", "TagUser")
_SLEEP: Final = "WaitForValidity"
_RELEASE: Final = "ReleaseGrant"
_MINUTES: Final = re.compile(r"PT([0-9]+)M")
_NOTHING: Final[Run] = {}


class State(StrEnum):
    """Where a request stands."""

    WAITING = "waiting"
    """For approval."""
    CHECKING = "checking"
    """Approved; the runbook looks whether it can be granted."""
    GRANTED = "granted"
    """A session may be started."""
    ENDED = "ended"
    """It was granted, and its time is over."""
    REFUSED = "refused"
    """By the runbook, although approved."""
    REJECTED = "rejected"
    """By an approver."""
    EXPIRED = "expired"
    """Nobody answered in time."""
    CANCELLED = "cancelled"
    """By whoever stopped the run."""
    FAILED = "failed"
    """Something went wrong."""

    @property
    def is_open(self) -> bool:
        """Whether it may still change."""
        return self in (State.WAITING, State.CHECKING, State.GRANTED)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What one approver said.

    Attributes:
        who: ARN, or the name of a user.
        approved: yes or no.
        comment: as given.
    """

    who: str
    approved: bool
    comment: str = ""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request and what became of it.

    Attributes:
        id: of the run that is to be approved.
        grant_run: of the run that grants: the same one, or the one that a change request started; None before.
        asked_by: ARN.
        asked_at: when.
        principal: whom the grant is for.
        instance: its id.
        reason: why, as the requester says.
        decisions: so far.
        levels: of approval: given, and asked for.
        state: where it stands.
        detail: what there is to say of the state: who rejected, why it was refused, what the grant replaces.
        until: when the grant, or the time to approve, ends; None where neither runs.
        ended_at: when it was over.
        region: of the instance, once the runbook has found it.
        holds_tag: the run has set the tag and not taken it back.
        is_over: the run has nothing left to do.
        instance_name: its Name tag; empty: none, or not read.
        sessions: IDs of open sessions of the grant; None: not read.
    """

    id: str
    grant_run: str | None
    asked_by: str
    asked_at: datetime
    principal: Principal
    instance: str
    reason: str = ""
    decisions: tuple[Decision, ...] = ()
    levels: tuple[int, int] = (0, 0)
    state: State
    detail: str = ""
    until: datetime | None = None
    ended_at: datetime | None = None
    region: str = ""
    holds_tag: bool = False
    is_over: bool = False
    instance_name: str = ""
    sessions: tuple[str, ...] | None = None

    @property
    def shown_instance(self) -> str:
        """The instance for people: `app-1 (i-...)`."""
        return f"{self.instance_name} ({self.instance})" if self.instance_name else self.instance


def understand(run: Run, child: Run | None = None) -> Request:
    """Reads a request.

    Args:
        run: the one that is to be approved.
        child: the run of the runbook that a change request has started.
    """
    asked = _parameters(run)
    approvals = [step for step in run.get("StepExecutions", []) if step["Action"] == "aws:approve"]
    decisions = tuple(decision for step in approvals for decision in _decisions(step))
    # Every change request names its runbooks, before one of them runs as well as afterwards.
    is_change_request = "Runbooks" in run or run.get("AutomationSubtype") == "ChangeRequest"
    grant = (child or _NOTHING) if is_change_request else run
    state, detail, until = _state(run, grant, approvals, decisions)
    return Request(
        id=run["AutomationExecutionId"],
        grant_run=grant.get("AutomationExecutionId"),
        asked_by=run.get("ExecutedBy", ""),
        asked_at=run["ExecutionStartTime"],
        principal=Principal(asked.get("PrincipalType", ""), asked.get("PrincipalName", "")),
        instance=asked.get("InstanceId", ""),
        reason=asked.get("Reason", ""),
        decisions=decisions,
        levels=(sum(1 for step in approvals if step["StepStatus"] == "Success"), len(approvals)),
        state=state,
        detail=detail,
        until=until,
        ended_at=None if state.is_open else grant.get("ExecutionEndTime") or run.get("ExecutionEndTime"),
        region=_output(grant, "CheckRequest.Region"),
        holds_tag=_holds_tag(grant),
        is_over=not (_is_live(run) or _is_live(grant)),
    )


def _state(
    run: Run, grant: Run, approvals: list[Run], decisions: tuple[Decision, ...]
) -> tuple[State, str, datetime | None]:
    """The state, what there is to say of it, and until when it lasts."""
    denied = _denial(run, grant, approvals, decisions)
    if denied:
        return *denied, None
    if _is_live(run) or _is_live(grant):
        return _open(run, grant, approvals)
    return *_end(run, grant), None


def _denial(run: Run, grant: Run, approvals: list[Run], decisions: tuple[Decision, ...]) -> tuple[State, str] | None:
    """Why there will be no grant, also while the run still tells the topic of it."""
    rejecting = next((each for each in decisions if not each.approved), None)
    if rejecting:
        return State.REJECTED, f"by {short(rejecting.who)}" + (f": {rejecting.comment}" if rejecting.comment else "")
    rejected = any(_output(step, "ApprovalStatus") == "Rejected" for step in approvals)
    if rejected or run["AutomationExecutionStatus"] == "Rejected":
        return State.REJECTED, ""
    if any(step["StepStatus"] == "TimedOut" for step in approvals):
        return State.EXPIRED, "nobody answered in time"
    if _output(grant, "CheckRequest.Verdict") == "refused":
        return State.REFUSED, _output(grant, "CheckRequest.Reason")
    return None


def _end(run: Run, grant: Run) -> tuple[State, str]:
    granted = _status(grant, *_TAG_STEPS) == "Success"
    if "Cancelled" in (run["AutomationExecutionStatus"], grant.get("AutomationExecutionStatus")):
        ended = _output(grant, "EndSessions.Outcome")
        early = f"the grant was ended early; {ended}" if ended else "the grant was ended early"
        return State.CANCELLED, early if granted else ""
    if granted and grant["AutomationExecutionStatus"] == "Success":
        return State.ENDED, ""
    return State.FAILED, str(grant.get("FailureMessage") or run.get("FailureMessage") or "")


def _open(run: Run, grant: Run, approvals: list[Run]) -> tuple[State, str, datetime | None]:
    asking = next((step for step in approvals if step["StepStatus"] != "Success"), None)
    if asking is not None:
        began = asking.get("ExecutionStartTime") or run["ExecutionStartTime"]
        return State.WAITING, "", began + timedelta(seconds=APPROVAL_SECONDS)
    if _holds_tag(grant):
        return State.GRANTED, _output(grant, "CheckRequest.Note"), _granted_until(grant)
    if _status(grant, *_TAG_STEPS) == "Success" and _status(grant, _RELEASE) == "Success":
        # The grant is over, while the run still looks for open sessions and tells of its end.
        return (State.CANCELLED, "the grant was ended early", None) if _is_canceled(grant) else (State.ENDED, "", None)
    return State.CHECKING, "", None


def _is_canceled(grant: Run) -> bool:
    steps = [each for each in grant.get("StepExecutions", []) if each["StepName"] in (*_TAG_STEPS, _SLEEP)]
    return grant["AutomationExecutionStatus"] == "Cancelling" or any(
        each["StepStatus"] == "Cancelled" for each in steps
    )


def _is_live(run: Run) -> bool:
    return run.get("AutomationExecutionStatus") in LIVE


def _holds_tag(grant: Run) -> bool:
    return _status(grant, *_TAG_STEPS) in ("Success", "InProgress") and _status(grant, _RELEASE) != "Success"


def _granted_until(grant: Run) -> datetime | None:
    for step in grant.get("StepExecutions", []):
        # Inputs are shown as JSON, or as they are.
        minutes = _MINUTES.search(str(step.get("Inputs", {}).get("Duration", "")))
        if step["StepName"] == _SLEEP and minutes and step.get("ExecutionStartTime"):
            return step["ExecutionStartTime"] + timedelta(minutes=int(minutes[1]))
    return None


def _status(run: Run, *names: str) -> str | None:
    """Of the one of these steps that was reached."""
    reached = (step for step in run.get("StepExecutions", []) if step["StepName"] in names)
    return next((step["StepStatus"] for step in reached if step["StepStatus"] != "Pending"), None)


def _output(given: Run, name: str) -> str:
    """An output, empty where there is none: Systems Manager then says so in words."""
    value = next(iter(given.get("Outputs", {}).get(name, [])), "")
    return "" if value.startswith("No output available") else value


def _parameters(run: Run) -> dict[str, str]:
    """Of the runbook; a change request has them beside its own."""
    runbooks = cast("list[Run]", run.get("Runbooks") or [])
    given: Run = runbooks[0].get("Parameters", {}) if runbooks else run.get("Parameters", {})
    return {name: values[0] for name, values in given.items() if values}


def _decisions(step: Run) -> list[Decision]:
    """`ApproverDecisions` holds JSON: one object a decision, or a list of them."""
    found: list[Decision] = []
    for text in step.get("Outputs", {}).get("ApproverDecisions", []):
        for each in _objects(text):
            said, who = str(each.get("Decision", "")), str(each.get("Approver", ""))
            if said.startswith(("Approve", "Reject")):
                comment = str(each.get("Comment") or "")
                found.append(Decision(who=who, approved=said.startswith("Approve"), comment=comment))
    return found


def _objects(text: str) -> list[Run]:
    """Those in a JSON text, one or a list; none where it is something else, which the runbook refuses as well."""
    try:
        decoded = json.loads(text)
    except ValueError:
        return []
    listed = cast("list[Any]", decoded if isinstance(decoded, list) else [decoded])
    return [cast("Run", each) for each in listed if isinstance(each, dict)]
