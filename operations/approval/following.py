"""Watches a request until something is so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from operations.approval.requests import Request, State
from operations.approval.runs import find

if TYPE_CHECKING:
    from collections.abc import Callable

    from operations.approval.desk import Desk

WAITING_SECONDS: Final = 5.0
"""Between two looks while people decide; a call each, of a quota that the whole account shares."""
WORKING_SECONDS: Final = 1.0
"""Likewise while the runbook is at work."""


def follow(
    desk: Desk,
    run: str,
    pause: Callable[[float], None],
    until: Callable[[Request], bool],
    seen: Callable[[Request], None] = lambda _: None,
) -> Request:
    """Looks at a request again and again, and returns it once it is as wanted.

    Args:
        desk: to work with.
        run: the request's whole id.
        pause: waits, in seconds.
        until: whether that is it.
        seen: hears of each look.

    Raises:
        CallError: AWS does not tell.
    """
    while True:
        request = find(desk, run)
        seen(request)
        if until(request):
            return request
        pause(WAITING_SECONDS if request.state is State.WAITING else WORKING_SECONDS)


def is_settled(request: Request) -> bool:
    """Whether it is known if there is a grant, and until when."""
    return not request.state.is_open or (request.state is State.GRANTED and request.until is not None)
