"""Records that evidence is made of. Times are in UTC."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

NO_TIME: Final = datetime.max.replace(tzinfo=UTC)
"""Time that is not known, or has not come."""
UNREADABLE: Final = (AttributeError, LookupError, OverflowError, TypeError, ValueError)
"""Exceptions of reading a record that is not in the form in which AWS writes it."""


class SessionKind(StrEnum):
    """Kind of a session."""

    SHELL = "shell"
    """A session with the account's preferences document, or another document of type `Standard_Stream`."""
    COMMAND = "command"
    """An interactive command (AWS-StartInteractiveCommand, AWS-StartNonInteractiveCommand)."""
    FORWARDING = "forwarding"
    """Port forwarding, or SSH through Session Manager: Session Manager logs none of it."""
    RDP = "rdp"
    """A Remote Desktop connection of Fleet Manager."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Principal of an API call, as CloudTrail records it.

    Attributes:
        arn: ARN of the user or the session; empty if unknown.
        source_ip: IP address of the call, or the name of an AWS service.
        mfa: Whether the session was authenticated with MFA; None if the record does not say.
        issuer: ARN of the role of the session, with its path; empty if the record does not say.
    """

    arn: str
    source_ip: str = ""
    mfa: bool | None = None
    issuer: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionStart:
    """A session, or a refused attempt to start one.

    Attributes:
        id: Session ID; empty for a refused attempt.
        document: Name of the session document; empty: the account's preferences.
        error: Error code of a refused attempt; empty for a session.
        in_trail: Whether CloudTrail has the call; else only Session Manager lists the session.
        is_just_in_time: Whether the credentials of an access request started it.
    """

    id: str
    account: str
    region: str
    node: str
    caller: Caller
    at: datetime
    document: str = ""
    reason: str = ""
    kind: SessionKind = SessionKind.SHELL
    error: str = ""
    in_trail: bool = True
    is_just_in_time: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionEnd:
    """End of a session.

    Attributes:
        source: Record that has it: `TerminateSession` or `DescribeSessions`.
    """

    id: str
    at: datetime
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A request for a session: a run of the approval runbook, a change request, or an access request.

    Attributes:
        id: ID of the Automation execution, or of the access request.
        principal: Operator of the grant, `role/Operator` or `user/olivia`.
        mode: `automation`, `change-manager` or `just-in-time`.
        execution: ID of the execution that approvers of an access request decide; empty: none, or not known.
        granted: Begin of the access of an access request; `NO_TIME`: it was not approved, or that is not known.
        until: End of that access; `NO_TIME`: not known.
        state: State of an access request; empty: it was not read.
        is_automatic: Whether the auto-approval policy approved an access request.
    """

    id: str
    account: str
    caller: Caller
    at: datetime
    principal: str
    node: str
    reason: str = ""
    mode: str = "automation"
    execution: str = ""
    granted: datetime = NO_TIME
    until: datetime = NO_TIME
    state: str = ""
    is_automatic: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedDecision:
    """Decision of an approver.

    Attributes:
        request: ID of the Automation execution.
        at: Time of the decision; `NO_TIME` if the source does not say.
        approved: Whether the request was approved; else rejected or revoked.
        is_revocation: Whether an approver revoked the approval of an access request.
        source: Record that has it: `CloudTrail` or `Automation`.
    """

    request: str
    caller: Caller
    at: datetime
    approved: bool
    is_revocation: bool = False
    source: str = "CloudTrail"


@dataclass(frozen=True, kw_only=True, slots=True)
class TagChange:
    """A change of the tag that grants sessions.

    Attributes:
        principal: Principal with the tag, `role/Operator` or `user/olivia`.
        node: Value of the tag: the node; empty where the tag is removed.
    """

    account: str
    principal: str
    node: str
    caller: Caller
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Log:
    """Log of a session.

    Attributes:
        location: `s3://bucket/key`, or `log-group:stream`.
        size: Size in bytes; None if the service does not say.
        version: Version ID of the object; empty without versions.
        is_deleted: Whether the current version is a delete marker.
    """

    session: str
    location: str
    size: int | None = None
    version: str = ""
    written: datetime | None = None
    is_deleted: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class LogCoverage:
    """A period in which the locations of logs were read: a session that started in it and has no `Log` has none.

    Attributes:
        open_sessions: IDs of sessions that had not ended, whose logs may be written later.
    """

    account: str
    region: str
    since: datetime
    until: datetime
    open_sessions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordSource:
    """A source of records, and what was read from it.

    Attributes:
        name: Service and operation, or folder.
        region: Region, empty for all.
        since: Begin of the period that the source can cover.
        until: End of that period.
        problem: Reason why it was not read completely; empty if it was.
        note: What else there is to know, such as what reading it cost.
    """

    name: str
    region: str
    since: datetime
    until: datetime
    records: int
    problem: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Records:
    """All records of a period.

    Attributes:
        starts: Sessions and refused attempts.
        tags: Changes of the tag that grants sessions.
        coverage: Periods in which the locations of logs were read.
    """

    starts: list[SessionStart] = field(default_factory=list[SessionStart])
    ends: list[SessionEnd] = field(default_factory=list[SessionEnd])
    requests: list[Request] = field(default_factory=list[Request])
    decisions: list[RecordedDecision] = field(default_factory=list[RecordedDecision])
    tags: list[TagChange] = field(default_factory=list[TagChange])
    logs: list[Log] = field(default_factory=list[Log])
    coverage: list[LogCoverage] = field(default_factory=list[LogCoverage])
    sources: list[RecordSource] = field(default_factory=list[RecordSource])

    def add(self, other: Records) -> None:
        """Append all records of another source."""
        for mine, theirs in zip(self.lists(), other.lists(), strict=True):
            mine.extend(theirs)

    def lists(self) -> tuple[list[object], ...]:
        """Return the lists, in the order of the attributes."""
        return tuple(vars(self).values())
