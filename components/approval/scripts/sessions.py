"""Ends the open sessions of a grant. Data: see `components.approval.script`.

A session does not know its grant. Those that count are the operator's on the instance: without a grant the operator may
have none there, and where another run still grants the same, they are left to it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from components.approval.scripts.aws import LEFT_TO, Json, client, code_of, get_run

if TYPE_CHECKING:
    from collections.abc import Iterator

PAUSES_SECONDS = (5, 10, 15)
"""Pauses between the searches for open sessions: IAM may permit sessions for some seconds after the tag was removed (IAM
User Guide, "Changes that I make are not always immediately visible"). Systems Manager runs the steps that follow a
cancellation for two minutes at most (`onCancel`)."""
GRANTED = ("TagRole", "TagUser", "AnnounceGrant", "WaitForValidity")
OVER = ("Cancelled", "Cancelling")


def end_sessions(events: Json, _context: object) -> Json:
    """Terminate open sessions where the grant was ended early, or where the settings end them with every grant."""
    try:
        if not events["EndSessions"] and not is_ended_early(get_run(client("ssm"), events["ExecutionId"])):
            return {"Outcome": "open sessions continue"}
        if LEFT_TO in events["Released"]:
            return {"Outcome": "open sessions continue, under the other grant"}
        return {"Outcome": _end(events)}
    except (ClientError, BotoCoreError) as failure:
        return {"Outcome": f"open sessions might continue, because they could not be read ({_reason(failure)})"}


def is_ended_early(run: Json) -> bool:
    """Return whether a run was canceled after it had granted."""
    steps = [step for step in run.get("StepExecutions", []) if step["StepName"] in GRANTED]
    return run.get("AutomationExecutionStatus") in OVER or any(step["StepStatus"] in OVER for step in steps)


def _end(events: Json) -> str:
    ssm = client("ssm", events["Region"])
    ended: list[str] = []
    failed: dict[str, str] = {}
    for pause in (0, *PAUSES_SECONDS):
        time.sleep(pause)
        for session in open_sessions(ssm, events):
            try:
                ssm.terminate_session(SessionId=session)
                ended += [] if session in ended else [session]
            except (ClientError, BotoCoreError) as failure:
                failed[session] = _reason(failure)
    texts = [f"{len(ended)} open session{'s' * (len(ended) != 1)} ended: {', '.join(ended)}"] if ended else []
    texts += [f"session {each} could not be ended ({why})" for each, why in failed.items() if each not in ended]
    return "; ".join(texts) or "no session was open"


def open_sessions(ssm: Any, events: Json) -> Iterator[str]:
    """Yield the IDs of the operator's open sessions on the instance."""
    chosen = [{"key": "Target", "value": events["InstanceId"]}]
    pages = ssm.get_paginator("describe_sessions").paginate(State="Active", Filters=chosen)
    sessions = [session for page in pages for session in page["Sessions"]]
    for session in sessions:
        if is_of(session.get("Owner", ""), events["PrincipalType"], events["PrincipalName"]):
            yield session["SessionId"]


def is_of(owner: str, kind: str, name: str) -> bool:
    """Return whether a session's owner is a principal: a user, or a session of a role. IAM names ignore case."""
    found, _, path = owner.rpartition(":")[2].partition("/")
    if kind == "role":
        return found == "assumed-role" and path.split("/")[0].lower() == name.lower()
    return found == "user" and path.rsplit("/", 1)[-1].lower() == name.lower()


def _reason(failure: Exception) -> str:
    return code_of(failure) if isinstance(failure, ClientError) else type(failure).__name__
