"""Output of requests: tables and details, or a JSON document."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from common.problems import visible
from components.approval.names import TAG_KEY
from components.session_manager.document import DOCUMENT_NAME
from operations.approval.requests import ApprovalRequest, RequestState
from operations.inventory.reader import ReadFailure
from operations.principals import short
from operations.terminal import print_line, program_name, titled_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from rich.console import Console
    from rich.table import Table

    from operations.approval.lookups import OperatorTag

_STYLES: Final = {
    RequestState.WAITING: "yellow",
    RequestState.CHECKING: "yellow",
    RequestState.GRANTED: "bold green",
    RequestState.ENDED: "dim",
    RequestState.CANCELLED: "dim",
    RequestState.EXPIRED: "dim",
    RequestState.REVOKED: "dim",
    RequestState.REFUSED: "red",
    RequestState.REJECTED: "red",
    RequestState.FAILED: "bold red",
    RequestState.UNKNOWN: "bold magenta",
}
_SHORT_ID: Final = 8
_SHORT_ACCESS_REQUEST: Final = 15
"""Length of the ID of an access request, whose first characters are the same for all."""
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
GRANT_DELAY: Final = (
    "If AWS denies a session just after the approval, try again after some seconds: IAM applies a new tag with a delay."
)


def request_document(request: ApprovalRequest, now: datetime) -> dict[str, Any]:
    """Return a request for JSON output, with times in UTC."""
    left = (request.until - now).total_seconds() if request.until else None
    return {
        "run": request.id,
        "grantRun": request.grant_id,
        "state": request.state.value,
        "detail": request.detail or None,
        "askedBy": request.requester,
        "askedAt": _utc(request.requested_at),
        "principalType": request.principal.kind,
        "principalName": request.principal.name,
        "instanceId": request.instance,
        "instanceName": request.instance_name or None,
        "region": request.region or None,
        "reason": request.reason or None,
        "approvals": {"given": request.levels[0], "asked": request.levels[1]},
        "decisions": [
            {"approver": each.approver, "decision": _word(approved=each.approved), "comment": each.comment or None}
            for each in request.decisions
        ],
        "until": _utc(request.until),
        "remainingSeconds": None if left is None else max(0, int(left)),
        "endedAt": _utc(request.ended_at),
        "openSessions": None if request.sessions is None else list(request.sessions),
        **({"askedByUser": request.requester_user} if request.requester_user else {}),
        **({"principalUser": request.principal_user} if request.principal_user else {}),
        **({"policy": request.policy, "approvers": list(request.approvers)} if request.policy else {}),
        **({"cannotTell": cannot_tell} if (cannot_tell := _unknown(request)) else {}),
    }


def tags_document(tags: Sequence[OperatorTag] | ReadFailure) -> dict[str, Any]:
    """Return the tags without a grant, for JSON output."""
    if isinstance(tags, ReadFailure):
        return {"tagsWithoutGrant": None, "cannotTell": {"action": tags.action, "cause": tags.cause}}
    listed = [
        {"principalType": each.principal.kind, "principalName": each.principal.name, "instanceId": each.value}
        for each in tags
    ]
    return {"tagsWithoutGrant": listed, "cannotTell": None}


def requests_table(requests: Iterable[ApprovalRequest], now: datetime, title: str) -> Table:
    """Return a table of requests."""
    table = titled_table(title)
    for heading in ("Run", "Time", "By", "For"):
        table.add_column(heading, no_wrap=True)
    table.add_column("State", overflow="fold")
    for each in requests:
        state = state_text(each, now)
        open_sessions = [f"open session {visible(session)}" for session in each.sessions or ()]
        lines = (*each.approvers, *_approvals(each), *open_sessions, *_doubts(each))
        state.append("".join(f"\n{visible(line)}" for line in lines))
        table.add_row(
            Text(short_id(each)),
            Text(local_time(each.requested_at, now)),
            Text(visible(each.requester_user or short(each.requester))),
            Text(f"{visible(each.shown_principal)}\n{visible(each.shown_instance)}"),
            state,
        )
    return table


def short_id(request: ApprovalRequest) -> str:
    """Return the first characters of a request's ID, which commands accept."""
    return request.id[: _SHORT_ACCESS_REQUEST if request.is_access_request else _SHORT_ID]


def print_request(console: Console, request: ApprovalRequest, now: datetime) -> None:
    """Show one request, line by line."""
    time = local_time(request.requested_at, now)
    lines: list[tuple[str, str | Text]] = [
        ("run", request.id),
        ("requester", ", ".join(filter(None, (request.requester_user, request.requester, time)))),
        ("session for", request.shown_principal),
        ("on", request.shown_instance + (f" in {request.region}" if request.region else "")),
        ("reason", request.reason or "none"),
        *([("policy", request.policy)] if request.policy else []),
        *(("approvers", line) for line in request.approvers),
        *(("decision", line) for line in _approvals(request)),
        ("state", state_text(request, now)),
        *(("session", f"{each} is open") for each in request.sessions or ()),
        *(("note", line) for line in _doubts(request)),
    ]
    for heading, text in lines:
        shown = visible(text) if isinstance(text, str) else text
        print_line(console, Text.assemble(f"{heading}:".ljust(13), shown))


def print_tags(console: Console, tags: Sequence[OperatorTag] | ReadFailure) -> None:
    """Show the tags without a grant."""
    if isinstance(tags, ReadFailure):
        print_line(console, f"cannot tell whether operators have tags without a grant: {tags.explanation}")
        return
    for tag in tags:
        text = f"{tag.principal} has the tag {TAG_KEY} for {visible(tag.value)} without a grant."
        print_line(console, f"{text} The runbook that runs every 15 minutes removes it.", style="bold red")


def start_command(request: ApprovalRequest) -> str:
    """Return the command that starts the session, with the document, as the operators' policy requires it."""
    region = f" --region {request.region}" if request.region else ""
    if request.is_access_request:
        # The session needs the credentials of the request, which are not shown.
        return f"{program_name()} connect {visible(request.instance)}{region} --access-request {request.id}"
    return f"aws ssm start-session{region} --target {visible(request.instance)} --document-name {DOCUMENT_NAME}"


def state_text(request: ApprovalRequest, now: datetime) -> Text:
    """Return the state for display, with the remaining time."""
    words = request.state.value
    if request.state is RequestState.WAITING:
        approved, required = request.levels
        words += (
            " for approval" + (f", {approved} of {required} given" if approved else "") + _remaining_time(request, now)
        )
    elif request.state is RequestState.GRANTED:
        words += (f" until {local_time(request.until, now)}" if request.until else "") + _remaining_time(request, now)
    elif request.ended_at:
        words += f" {local_time(request.ended_at, now)}"
    text = Text(words, style=_STYLES[request.state])
    return text.append(f": {visible(request.detail)}") if request.detail else text


def local_time(when: datetime, now: datetime) -> str:
    """Return the time of day in the time zone of `now`, with the date where it differs."""
    local = when.astimezone(now.tzinfo)
    return local.strftime("%H:%M" if local.date() == now.date() else "%Y-%m-%d %H:%M")


def _approvals(request: ApprovalRequest) -> list[str]:
    """Return the approvals; the state already shows who rejected."""
    approvals = [each for each in request.decisions if each.approved]
    return [
        visible(f"approved by {short(each.approver)}" + (f": {each.comment}" if each.comment else ""))
        for each in approvals
    ]


def _unknown(request: ApprovalRequest) -> list[str]:
    unread = [f"which sessions are open: {request.sessions_unread}"] if request.sessions_unread else []
    return [*request.unknown, *unread]


def _doubts(request: ApprovalRequest) -> list[str]:
    return [f"cannot tell: {each}" for each in _unknown(request)]


def _remaining_time(request: ApprovalRequest, now: datetime) -> str:
    if request.until is None:
        return ""
    seconds = int((request.until - now).total_seconds())
    if seconds <= 0:
        return ", expired"
    if seconds < _MINUTE:
        return ", less than a minute left"
    if seconds < _HOUR:
        return f", {seconds // _MINUTE} min left"
    if seconds < _DAY:
        return f", {seconds // _HOUR} h {seconds % _HOUR // _MINUTE} min left"
    return f", {seconds // _DAY} d {seconds % _DAY // _HOUR} h left"


def _word(*, approved: bool) -> str:
    return "approved" if approved else "rejected"


def _utc(when: datetime | None) -> str | None:
    return when.astimezone(UTC).isoformat(timespec="seconds") if when else None
