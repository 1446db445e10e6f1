"""Output of requests: tables and details, or a JSON document."""

from __future__ import annotations

import json
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table
from rich.text import Text

from common.problems import visible
from components.approval.names import TAG_KEY
from components.session_manager.document import DOCUMENT_NAME
from operations.approval.people import short
from operations.approval.requests import Request, State
from operations.inventory.reader import ReadFailure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from rich.console import Console

    from operations.approval.tags import Tag

_STYLES: Final = {
    State.WAITING: "yellow",
    State.CHECKING: "yellow",
    State.GRANTED: "bold green",
    State.ENDED: "dim",
    State.CANCELLED: "dim",
    State.EXPIRED: "dim",
    State.REFUSED: "red",
    State.REJECTED: "red",
    State.FAILED: "bold red",
}
_SHORT_ID: Final = 8
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def as_json(value: Any) -> str:
    """Return a JSON document in ASCII, so that input of other principals reaches the terminal only escaped."""
    return json.dumps(value, indent=2)


def plain(request: Request, now: datetime) -> dict[str, Any]:
    """Return a request for JSON output, with times in UTC."""
    left = (request.until - now).total_seconds() if request.until else None
    return {
        "run": request.id,
        "grantRun": request.grant_run,
        "state": request.state.value,
        "detail": request.detail or None,
        "askedBy": request.asked_by,
        "askedAt": _iso(request.asked_at),
        "principalType": request.principal.kind,
        "principalName": request.principal.name,
        "instanceId": request.instance,
        "instanceName": request.instance_name or None,
        "region": request.region or None,
        "reason": request.reason or None,
        "approvals": {"given": request.levels[0], "asked": request.levels[1]},
        "decisions": [
            {"approver": each.who, "decision": _word(approved=each.approved), "comment": each.comment or None}
            for each in request.decisions
        ],
        "until": _iso(request.until),
        "remainingSeconds": None if left is None else max(0, int(left)),
        "endedAt": _iso(request.ended_at),
        "openSessions": None if request.sessions is None else list(request.sessions),
    }


def plain_tags(tags: Sequence[Tag] | ReadFailure) -> dict[str, Any]:
    """Return the tags without a grant, for JSON output."""
    if isinstance(tags, ReadFailure):
        return {"tagsWithoutGrant": None, "cannotTell": {"action": tags.action, "cause": tags.cause}}
    listed = [
        {"principalType": each.principal.kind, "principalName": each.principal.name, "instanceId": each.value}
        for each in tags
    ]
    return {"tagsWithoutGrant": listed, "cannotTell": None}


def table(requests: Iterable[Request], now: datetime, title: str) -> Table:
    """Return a table of requests."""
    made = Table(title=Text(title), title_justify="left", title_style="bold")
    for heading in ("Run", "Asked", "By", "For"):
        made.add_column(heading, no_wrap=True)
    made.add_column("State", overflow="fold")
    for each in requests:
        state = described(each, now)
        open_sessions = [f"open session {visible(session)}" for session in each.sessions or ()]
        state.append("".join(f"\n{line}" for line in (*_said(each), *open_sessions)))
        made.add_row(
            Text(each.id[:_SHORT_ID]),
            Text(moment(each.asked_at, now)),
            Text(visible(short(each.asked_by))),
            Text(f"{visible(str(each.principal))}\n{visible(each.shown_instance)}"),
            state,
        )
    return made


def show_details(console: Console, request: Request, now: datetime) -> None:
    """Show one request, line by line."""
    lines: list[tuple[str, str | Text]] = [
        ("run", request.id),
        ("asked by", f"{request.asked_by}, {moment(request.asked_at, now)}"),
        ("session for", str(request.principal)),
        ("on", request.shown_instance + (f" in {request.region}" if request.region else "")),
        ("reason", request.reason or "none given"),
        *(("decision", line) for line in _said(request)),
        ("state", described(request, now)),
        *(("session", f"{each} is open") for each in request.sessions or ()),
    ]
    for heading, text in lines:
        told = visible(text) if isinstance(text, str) else text
        line(console, Text.assemble(f"{heading}:".ljust(13), told))


def show_tags(console: Console, tags: Sequence[Tag] | ReadFailure) -> None:
    """Show the tags without a grant."""
    if isinstance(tags, ReadFailure):
        line(console, Text(f"cannot tell whether operators have tags without a grant: {tags.action}: {tags.cause}"))
        return
    for tag in tags:
        said = f"{tag.principal} has the tag {TAG_KEY} for {visible(tag.value)}, and no grant stands behind it."
        line(console, Text(f"{said} The runbook that runs every 15 minutes removes it.", style="bold red"))


def start_command(request: Request) -> str:
    """Return the command that starts the session, with the document, as the operators' policy requires it."""
    region = f" --region {request.region}" if request.region else ""
    return f"aws ssm start-session{region} --target {visible(request.instance)} --document-name {DOCUMENT_NAME}"


def described(request: Request, now: datetime) -> Text:
    """Return the state for display, with the remaining time."""
    words = request.state.value
    if request.state is State.WAITING:
        given, asked = request.levels
        words += " for approval" + (f", {given} of {asked} given" if given else "") + _left(request, now)
    elif request.state is State.GRANTED:
        words += (f" until {moment(request.until, now)}" if request.until else "") + _left(request, now)
    elif request.ended_at:
        words += f" {moment(request.ended_at, now)}"
    text = Text(words, style=_STYLES[request.state])
    return text.append(f": {visible(request.detail)}") if request.detail else text


def moment(when: datetime, now: datetime) -> str:
    """Return the time of day in the time zone of `now`, with the date where it differs."""
    local = when.astimezone(now.tzinfo)
    return local.strftime("%H:%M" if local.date() == now.date() else "%Y-%m-%d %H:%M")


def line(console: Console, text: Text) -> None:
    """Print a line without breaks, so that commands and IDs can be copied."""
    console.print(text, soft_wrap=True)


def _said(request: Request) -> list[str]:
    """Return the approvals; the state already shows who rejected."""
    approvals = [each for each in request.decisions if each.approved]
    return [
        visible(f"approved by {short(each.who)}" + (f": {each.comment}" if each.comment else "")) for each in approvals
    ]


def _left(request: Request, now: datetime) -> str:
    if request.until is None:
        return ""
    seconds = int((request.until - now).total_seconds())
    if seconds <= 0:
        return ", time is over"
    if seconds < _MINUTE:
        return ", less than a minute left"
    if seconds < _HOUR:
        return f", {seconds // _MINUTE} min left"
    if seconds < _DAY:
        return f", {seconds // _HOUR} h {seconds % _HOUR // _MINUTE} min left"
    return f", {seconds // _DAY} d {seconds % _DAY // _HOUR} h left"


def _word(*, approved: bool) -> str:
    return "approved" if approved else "rejected"


def _iso(when: datetime | None) -> str | None:
    return when.astimezone(UTC).isoformat(timespec="seconds") if when else None
