"""Live data of requests: names of instances, and open sessions as Session Manager lists them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from operations.approval.people import principal_of
from operations.approval.places import names_of
from operations.inventory.reader import Reader, ReadFailure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from operations.approval.desk import Desk
    from operations.approval.requests import Request


@dataclass(frozen=True, kw_only=True)
class Session:
    """An open session.

    Attributes:
        id: ID of the session.
        owner: ARN of the principal that started it.
        target: ID of the instance.
        region: Region of the instance.
        started: Start time.
    """

    id: str
    owner: str
    target: str
    region: str
    started: datetime


def open_sessions(desk: Desk, requests: Iterable[Request]) -> tuple[Session, ...] | ReadFailure:
    """Return the open sessions on the instances of requests that were granted.

    Args:
        desk: Context of the command.
        requests: Requests in any state; one that was never granted has no Region.

    Returns:
        Open sessions in the Regions of those instances, or why they cannot be read.
    """
    found: list[Session] = []
    for region in sorted({each.region for each in requests if each.region}):
        reader = Reader(desk.clients, region, desk.identity.arn)
        answer = reader.read("ssm", "describe_sessions", State="Active")
        if isinstance(answer, ReadFailure):
            return answer
        found += [
            Session(
                id=each["SessionId"],
                owner=each.get("Owner", ""),
                target=each.get("Target", ""),
                region=region,
                started=each["StartDate"],
            )
            for each in (answer or {}).get("Sessions", ())
        ]
    return tuple(found)


def sessions_of(request: Request, sessions: Sequence[Session]) -> tuple[Session, ...]:
    """Return the sessions of a grant: the operator's on the instance, started after the request."""
    return tuple(
        each
        for each in sessions
        if each.target == request.instance
        and request.principal.is_same(principal_of(each.owner))
        and each.started >= request.asked_at
    )


def with_live_facts(desk: Desk, requests: Sequence[Request]) -> list[Request]:
    """Return requests with the names of their instances and their open sessions, as far as these can be read.

    Args:
        desk: Context of the command.
        requests: Requests in any state.
    """
    names = names_of(desk, (each.instance for each in requests))
    sessions = open_sessions(desk, requests)
    return [
        replace(
            each,
            instance_name=names.get(each.instance, ""),
            sessions=None
            if isinstance(sessions, ReadFailure)
            else tuple(one.id for one in sessions_of(each, sessions)),
        )
        for each in requests
    ]
