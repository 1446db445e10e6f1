"""Refuses a reason with characters that do not show, before approvers read it. Data: see `components.approval.script`."""

from __future__ import annotations

from common.characters import hidden_character
from components.approval.scripts.aws import Json, RefusedError, client, get_run
from components.approval.scripts.notices import describe_request


def check_reason(events: Json, context: object) -> Json:
    """Raise where the reason of a run has a hidden character; return the description of the request for approvers.

    It is read from the run's record, as a text in the input of a script may be changed on the way.
    """
    check_text_of(get_run(client("ssm"), events["ExecutionId"]))
    return describe_request(events, context)


def check_text_of(run: Json) -> None:
    """Raise where the reason of this run has a hidden character."""
    found = hidden_character("".join(run.get("Parameters", {}).get("Reason", [])))
    if found:
        raise RefusedError(f"the reason holds {found}, a character that does not show")
