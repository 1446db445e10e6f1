"""Polling of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from operations.approval.requests import Request, State
from operations.approval.runs import find

if TYPE_CHECKING:
    from collections.abc import Callable

    from operations.approval.desk import Desk

WAITING_SECONDS: Final = 5.0
"""Seconds between polls while approvers decide; each poll counts toward a quota of the whole account."""
WORKING_SECONDS: Final = 1.0
"""Seconds between polls while the runbook works."""


def follow(
    desk: Desk,
    run: str,
    pause: Callable[[float], None],
    until: Callable[[Request], bool],
    seen: Callable[[Request], None] = lambda _: None,
) -> Request:
    """Poll a request until it meets a condition, and return it.

    Args:
        desk: Context of the command.
        run: Full ID of the request.
        pause: Function that waits for a number of seconds.
        until: Condition.
        seen: Function that receives the result of each poll.

    Raises:
        CallError: A call to AWS failed.
    """
    while True:
        request = find(desk, run)
        seen(request)
        if until(request):
            return request
        pause(WAITING_SECONDS if request.state is State.WAITING else WORKING_SECONDS)


def is_settled(request: Request) -> bool:
    """Return whether it is known if the request is granted, and until when."""
    return not request.state.is_open or (request.state is State.GRANTED and request.until is not None)
