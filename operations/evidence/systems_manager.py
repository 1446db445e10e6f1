"""Sessions and requests of Systems Manager as records of evidence. Pure.

Source: Systems Manager API reference, Session, AutomationExecution and OpsItem.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any, Final

from components.just_in_time.settings import MAX_HOURS
from operations.approval.requests import parse_request
from operations.evidence.cloudtrail import document_name, is_of_access_token, kind_of
from operations.evidence.records import NO_TIME, Caller, RecordedDecision, Records, Request, SessionEnd, SessionStart

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from operations.approval.requests import ApprovalRequest

ACCESS_REQUEST_LASTS: Final = timedelta(days=5 * 7, hours=MAX_HOURS)
"""Longest time from an access request to the end of its access: five levels of approval, a week for each, and the access."""


def add_session(session: Mapping[str, Any], account: str, region: str, found: Records) -> None:
    """Add a session that Session Manager lists, and its end."""
    document = document_name(session.get("DocumentName", ""))
    found.starts.append(
        SessionStart(
            id=session["SessionId"],
            account=account,
            region=region,
            node=session.get("Target", ""),
            caller=Caller(arn=session.get("Owner", "")),
            at=session["StartDate"].astimezone(UTC),
            document=document,
            reason=session.get("Reason", ""),
            kind=kind_of(document),
            in_trail=False,
            is_just_in_time=session.get("AccessType") == "JustInTime" or is_of_access_token(session.get("Owner", "")),
        )
    )
    if session.get("EndDate"):
        end = session["EndDate"].astimezone(UTC)
        found.ends.append(SessionEnd(id=session["SessionId"], at=end, source="DescribeSessions"))


def add_execution(run: Mapping[str, Any], account: str, mode: str, found: Records, *, is_known: bool = False) -> None:
    """Add the request of an execution in boto3's format, and its decisions; `is_known`: CloudTrail has the request."""
    request = parse_request(run)
    if not is_known:
        found.requests.append(_request(request, account, mode))
    found.decisions.extend(_decisions(request, request.id, approved_at=NO_TIME))


def add_access_request(request: ApprovalRequest, execution: str, account: str, found: Records) -> None:
    """Add an access request, and its decisions."""
    granted = request.granted_at.astimezone(UTC) if request.granted_at else NO_TIME
    until = request.until or request.ended_at
    found.requests.append(
        replace(
            _request(request, account, "just-in-time"),
            execution=execution,
            granted=granted,
            until=until.astimezone(UTC) if until and request.granted_at else NO_TIME,
            state=request.state.value,
            is_automatic=request.is_automatic,
        )
    )
    found.decisions.extend(_decisions(request, execution, approved_at=granted))


def _request(request: ApprovalRequest, account: str, mode: str) -> Request:
    """Return the record of a request, without the times of an access."""
    return Request(
        id=request.id,
        account=account,
        caller=Caller(arn=request.requester),
        at=request.requested_at.astimezone(UTC),
        principal=f"{request.principal.kind}/{request.principal.name}",
        node=request.instance,
        reason=request.reason,
        mode=mode,
    )


def _decisions(request: ApprovalRequest, execution: str, *, approved_at: datetime) -> Iterator[RecordedDecision]:
    """Yield the records of a request's decisions, by the ID of the execution that they were sent to."""
    for each in request.decisions:
        yield RecordedDecision(
            request=execution,
            caller=Caller(arn=each.approver),
            at=approved_at if each.approved else NO_TIME,
            approved=each.approved,
            source="Automation",
        )
