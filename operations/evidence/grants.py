"""Periods in which a principal may start sessions on a node, and the one of a session. Pure.

No record joins an approval to a session by one ID: where the grant is a tag on the operator, a session belongs to the grant of
its principal for its node in whose time it started; a just-in-time session, to the access request for its node in whose time it
started, of the requester whose session had the same name.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from components.approval.names import ROLE_NAME
from operations.evidence.records import NO_TIME, Caller, RecordedDecision, Records, Request, SessionStart, TagChange
from operations.principals import GrantedPrincipal, principal_of, same_person

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

TOLERANCE: Final = timedelta(seconds=5)
"""Event times have a resolution of one second, and services' clocks differ a little."""
GRANTED_AFTER: Final = timedelta(hours=1)
"""The runbook sets the tag some minutes after the last approval at most; a change request may be scheduled for later."""
_WORKFLOW: Final = GrantedPrincipal("role", ROLE_NAME)
_APPROVED: Final = frozenset({"granted", "ended", "revoked", "unknown"})
"""States of access requests that may have been approved."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """A period in which a principal may start sessions on a node.

    Attributes:
        principal: `role/Operator` or `user/olivia`.
        begin: Time when the tag was set.
        end: Time when it was removed or replaced; `NO_TIME` while it is set.
        setter: Principal that set the tag.
        request: Request of the grant; None if no request was found.
        decisions: Decisions about the request.
    """

    account: str
    principal: str
    node: str
    begin: datetime
    end: datetime
    setter: Caller
    request: Request | None = None
    decisions: tuple[RecordedDecision, ...] = ()

    @property
    def is_access_request(self) -> bool:
        """Return whether AWS granted it, for an access request."""
        return self.request is not None and self.request.mode == "just-in-time"

    @property
    def is_automatic(self) -> bool:
        """Return whether the auto-approval policy approved it."""
        return self.request is not None and self.request.is_automatic

    @property
    def approvers(self) -> tuple[str, ...]:
        """ARNs of the principals that approved."""
        return tuple(dict.fromkeys(each.caller.arn for each in self.decisions if each.approved))

    @property
    def approved_at(self) -> datetime | None:
        """Time of the last approval; None if no record says."""
        times = [each.at for each in self.decisions if each.approved and each.at != NO_TIME]
        return max(times, default=None)


def holder_key(account: str, principal: str, node: str) -> tuple[str, str, str]:
    """Return the key of grants; IAM names are not case-sensitive."""
    return account, principal.lower(), node


def principal_name(arn: str) -> str:
    """Return `role/Operator` of a session, `user/olivia`, or the ARN of a caller without grants."""
    principal = principal_of(arn) if arn.startswith("arn:") else None
    return f"{principal.kind}/{principal.name}" if principal else arn


def grants_of(records: Records) -> list[Grant]:
    """Return the periods between changes of the tag, with the requests that led to them."""
    changes: dict[tuple[str, str], list[TagChange]] = defaultdict(list)
    for each in sorted(set(records.tags), key=lambda each: (each.at, not each.node, each.node, each.caller.arn)):
        changes[each.account, each.principal.lower()].append(each)
    decisions = _decisions_by_request(records)
    requests: dict[tuple[str, str, str], list[Request]] = defaultdict(list)
    asked = {each.id: each for each in records.requests if each.mode != "just-in-time"}
    for request in sorted(asked.values(), key=lambda each: (each.at, each.id)):
        requests[holder_key(request.account, request.principal, request.node)].append(request)
    grants: list[Grant] = []
    for changed in changes.values():
        for number, change in enumerate(changed):
            if not change.node:
                continue
            end = changed[number + 1].at if number + 1 < len(changed) else NO_TIME
            candidates = requests.get(holder_key(change.account, change.principal, change.node), [])
            request = _request_before(candidates, change, decisions) if is_workflow(change.caller) else None
            grants.append(
                Grant(
                    account=change.account,
                    principal=change.principal,
                    node=change.node,
                    begin=change.at,
                    end=end,
                    setter=change.caller,
                    request=request,
                    decisions=_decisions(decisions.get(request.id, ()) if request else ()),
                )
            )
    return grants


def _decisions_by_request(records: Records) -> dict[str, list[RecordedDecision]]:
    found: dict[str, list[RecordedDecision]] = defaultdict(list)
    for each in records.decisions:
        found[each.request].append(each)
    return found


def accesses_of(records: Records) -> list[Grant]:
    """Return the periods in which access requests give access."""
    decisions = _decisions_by_request(records)
    known: dict[str, Request] = {}
    for request in (each for each in records.requests if each.mode == "just-in-time"):
        known[request.id] = _merged(known[request.id], request) if request.id in known else request
    grants: list[Grant] = []
    for request in known.values():
        decided = decisions.get(request.execution, []) if request.execution else []
        revoked = min((each.at for each in decided if each.is_revocation), default=NO_TIME)
        # Without the OpsItem, it is not known whether the request was approved: that is a finding.
        if request.state and request.granted == NO_TIME and request.state not in _APPROVED:
            continue
        approved = _decisions(each for each in decided if not each.is_revocation)
        grants.append(
            Grant(
                account=request.account,
                principal=request.principal,
                node=request.node,
                begin=request.at if request.granted == NO_TIME else request.granted,
                end=min(request.until, revoked),
                setter=request.caller,
                request=request,
                decisions=approved,
            )
        )
    return sorted(grants, key=lambda each: (each.begin, each.request.id if each.request else ""))


def _merged(one: Request, other: Request) -> Request:
    """Return a request of two records: the caller as CloudTrail has it, the access as its OpsItem has it."""
    read, event = (one, other) if one.state else (other, one)
    if not read.state:
        return one
    caller = event.caller if event.caller.source_ip else read.caller
    return replace(read, caller=caller, node=read.node or event.node, reason=event.reason or read.reason)


def access_at(there: Sequence[Grant], start: SessionStart) -> tuple[Grant | None, bool]:
    """Return the access in whose time a session started and True, or the closest one of its requester and False.

    AWS does not document that the session of an access token has the name of the requester's: with another name it belongs to
    any access in time, and the person is not known. `there` are the accesses to the node, by their begin.
    """
    own = [each for each in there if is_requester(start, each)]
    for several in (own, there):
        for each in reversed(several):
            if each.begin - TOLERANCE <= start.at <= _plus(each.end):
                return each, True
    earlier = [each for each in own if each.begin <= start.at]
    return (earlier or own or [None])[-1], False


def is_requester(start: SessionStart, access: Grant) -> bool:
    """Return whether the session has the name of that which requested the access."""
    names = [arn.rsplit("/", 1)[-1].lower() for arn in (start.caller.arn, access.setter.arn)]
    return names[0] == names[1]


def is_workflow(caller: Caller) -> bool:
    """Return whether a caller is the role of the runbook; IAM names are not case-sensitive."""
    return _WORKFLOW.is_same(principal_of(caller.arn))


def _request_before(
    candidates: list[Request], change: TagChange, decisions: Mapping[str, Sequence[RecordedDecision]]
) -> Request | None:
    """Return the request that led to a grant, and remove it, as a request is granted once.

    The run's ID in the name of the role's session decides if it is there. Otherwise it is the request whose last
    approval is closest before the tag, or the latest request before it. An approval that is too old led to no grant, or
    to one by hand.
    """
    # In order of time, and without those that were granted, so that few are looked at.
    earlier = list(takewhile(lambda each: each.at <= change.at + TOLERANCE, candidates))
    if not earlier:
        return None

    def closeness(request: Request) -> tuple[int, timedelta]:
        oldest = change.at - GRANTED_AFTER if request.mode == "automation" else request.at - TOLERANCE
        approvals = [
            each.at
            for each in decisions.get(request.id, ())
            if each.approved and oldest <= each.at <= change.at + TOLERANCE
        ]
        if not approvals:
            return 0, request.at - change.at
        before = [each for each in approvals if each <= change.at]
        # An approval that seems later by the tolerance counts only if none is earlier.
        return (2, max(before) - change.at) if before else (1, change.at - min(approvals))

    named = [each for each in earlier if each.id in change.caller.arn]
    chosen = named[0] if named else max(earlier, key=closeness)
    candidates.remove(chosen)
    return chosen


def _decisions(given: Iterable[RecordedDecision]) -> tuple[RecordedDecision, ...]:
    """Return the decisions, those of Automation only where CloudTrail has none of the same principal."""
    found = sorted(given, key=lambda each: (each.source != "CloudTrail", each.at, each.caller.arn))
    chosen: list[RecordedDecision] = []
    for each in found:
        if each.source == "CloudTrail" or not any(same_person(each.caller.arn, other.caller.arn) for other in chosen):
            chosen.append(each)
    return tuple(dict.fromkeys(chosen))


def grant_at(held: Sequence[Grant], begins: Sequence[datetime], at: datetime) -> tuple[Grant | None, bool]:
    """Return the grant in whose time a session started and True, or the closest one and False."""
    if not held:
        return None, False
    begun = bisect_right(begins, at)
    if begun and at <= held[begun - 1].end:
        return held[begun - 1], True
    position = bisect_right(begins, at + TOLERANCE)
    if not position:
        return held[0], False
    latest = held[position - 1]
    return latest, at <= _plus(latest.end)


def _plus(time: datetime) -> datetime:
    return time if time == NO_TIME else time + TOLERANCE
