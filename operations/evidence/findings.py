"""Rules of the report, and the findings about a session, a grant or an attempt. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from operations.evidence.grants import Grant, is_workflow, principal_name
from operations.evidence.records import NO_TIME, Log, SessionKind, SessionStart
from operations.principals import same_person

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

DELIVERY: Final = timedelta(minutes=15)
"""CloudTrail delivers most events within this time (CloudTrail User Guide, "How CloudTrail works")."""
LEAST_LOG_BYTES: Final = 64
"""Less than the first and last line of a session's log."""
LOGGED_AFTER: Final = timedelta(minutes=1)
"""Sessions that are shorter may have no output."""
NO_REASONS: Final = frozenset({"", "not given"})


@dataclass(frozen=True, kw_only=True, slots=True)
class EvidenceRule:
    """Meaning of a finding.

    Attributes:
        severity: `critical`, `high`, `medium`, `low` or `info`.
        title: One sentence.
        controls: Controls of public frameworks that the finding is evidence about, as guidance.
    """

    id: str
    severity: str
    title: str
    controls: str


RULES: Final = {
    each.id: each
    for each in (
        EvidenceRule(
            id="grant-outside-runbook",
            severity="critical",
            title="A principal other than the workflow's role set the tag that grants sessions.",
            controls="SOC 2 CC6.1, CC6.3; PCI DSS 7.2.3; ISO 27001 A.5.3; NIST AC-5",
        ),
        EvidenceRule(
            id="session-without-approval",
            severity="critical",
            title="The session's principal had no grant for the node.",
            controls="SOC 2 CC6.1, CC6.2; PCI DSS 7.2.3; ISO 27001 A.5.18; NIST AC-2, AC-5",
        ),
        EvidenceRule(
            id="session-self-approved",
            severity="critical",
            title="The requester or the operator approved the request.",
            controls="SOC 2 CC6.3; PCI DSS 7.2.3; ISO 27001 A.5.3; NIST AC-5",
        ),
        EvidenceRule(
            id="session-outside-window",
            severity="high",
            title="The session started before the grant began or after it ended.",
            controls="SOC 2 CC6.3; ISO 27001 A.8.2; NIST AC-2(2)",
        ),
        EvidenceRule(
            id="session-other-document",
            severity="high",
            title="The session used another document than the governed preferences.",
            controls="PCI DSS 10.2.1.2; ISO 27001 A.8.15; NIST AC-17(1), AU-12",
        ),
        EvidenceRule(
            id="session-without-log",
            severity="high",
            title="No log of the session exists.",
            controls="PCI DSS 10.2.1.2; ISO 27001 A.8.15; NIST AC-6(9), AU-12",
        ),
        EvidenceRule(
            id="session-log-deleted",
            severity="high",
            title="The log of the session was deleted.",
            controls="PCI DSS 10.3; ISO 27001 A.8.15; NIST AU-9",
        ),
        EvidenceRule(
            id="session-not-in-trail",
            severity="high",
            title="Session Manager lists the session, CloudTrail has no event of its start.",
            controls="PCI DSS 10.2.1.2; NIST AU-12",
        ),
        EvidenceRule(
            id="session-forwarding",
            severity="medium",
            title="Session Manager does not log forwarded ports, SSH and Remote Desktop connections.",
            controls="PCI DSS 10.2.1.2; ISO 27001 A.8.15; NIST AC-17(1)",
        ),
        EvidenceRule(
            id="session-log-short",
            severity="medium",
            title="The log is smaller than any session of this duration.",
            controls="PCI DSS 10.3; NIST AU-9",
        ),
        EvidenceRule(
            id="session-unknown-person",
            severity="medium",
            title="The records do not prove which person started the session.",
            controls="PCI DSS 8.2.1, 8.2.2; ISO 27001 A.8.5; NIST AU-10, IA-2",
        ),
        EvidenceRule(
            id="approver-unknown",
            severity="medium",
            title="A grant exists, and no record of its approver was read.",
            controls="SOC 2 CC6.2; PCI DSS 7.2.3; NIST AC-5",
        ),
        EvidenceRule(
            id="access-window-unknown",
            severity="medium",
            title="The records do not show when the access of the request began or ended.",
            controls="SOC 2 CC6.3; ISO 27001 A.8.2; NIST AC-2(2)",
        ),
        EvidenceRule(
            id="session-break-glass",
            severity="medium",
            title="The session used an emergency access role, which needs no approval.",
            controls="ISO 27001 A.8.2; NIST AC-2",
        ),
        EvidenceRule(
            id="approval-without-reason",
            severity="low",
            title="The request has no reason.",
            controls="SOC 2 CC6.2; PCI DSS 7.2.3",
        ),
        EvidenceRule(
            id="grant-unused",
            severity="low",
            title="No session was started with the grant.",
            controls="PCI DSS 7.2.4; NIST AC-6",
        ),
        EvidenceRule(
            id="session-auto-approved",
            severity="info",
            title="The account's auto-approval policy approved the access request; no person did.",
            controls="SOC 2 CC6.2; PCI DSS 7.2.3; NIST AC-2, AC-5",
        ),
        EvidenceRule(
            id="attempt-refused",
            severity="info",
            title="AWS refused to start the session.",
            controls="PCI DSS 10.2.1.4; ISO 27001 A.8.16; NIST AU-2",
        ),
    )
}
"""Findings by ID, in the order of severity. Controls are guidance: SOC 2 (2017), PCI DSS 4.0.1, ISO/IEC 27001:2022, NIST SP
800-53 Rev. 5."""
SEVERITIES: Final = ("critical", "high", "medium", "low", "info")


@dataclass(frozen=True, kw_only=True, slots=True)
class EvidenceFinding:
    """A finding about a session, a grant or an attempt.

    Attributes:
        detail: What was found.
    """

    rule: str
    detail: str

    @property
    def severity(self) -> str:
        """Severity of the rule."""
        return RULES[self.rule].severity


@dataclass(frozen=True, kw_only=True, slots=True)
class EvidenceRow:
    """A session with all that is known about it, or an attempt, or a grant without a session.

    Attributes:
        start: Start of the session; None for a grant without a session.
        node_name: Name of the node; empty if unknown.
        person: Person behind the principal; empty if the records prove none.
        end: End of the session; None if unknown.
        end_source: Record that has the end; empty if unknown.
        is_log_known: Whether the locations of logs were read for the time and place of the session.
    """

    start: SessionStart | None = None
    node_name: str = ""
    person: str = ""
    end: datetime | None = None
    end_source: str = ""
    grant: Grant | None = None
    log: Log | None = None
    is_log_known: bool = False
    findings: tuple[EvidenceFinding, ...] = ()

    @property
    def at(self) -> datetime:
        """Time for sorting."""
        return self.start.at if self.start else self.grant.begin if self.grant else NO_TIME


@dataclass(frozen=True, kw_only=True)
class Context:
    """Criteria of the report.

    Attributes:
        needs_approval: Whether sessions need approval.
        is_just_in_time: Whether AWS grants the access, for access requests; None: not known, which counts as yes.
        break_glass: Names of emergency access roles, in lower case.
        documents: Documents that are allowed beside the preferences.
        person_of: Person behind an ARN; empty if the records prove none.
        node_names: Names of nodes by ID.
    """

    now: datetime
    since: datetime
    until: datetime
    needs_approval: bool = True
    is_just_in_time: bool | None = None
    break_glass: frozenset[str] = frozenset()
    documents: frozenset[str] = frozenset({"", "SSM-SessionManagerRunShell"})
    person_of: Callable[[str], str] = lambda arn: arn if ":user/" in arn else ""
    node_names: Mapping[str, str] = field(default_factory=dict[str, str])


def findings_of(row: EvidenceRow, context: Context, *, is_within: bool) -> Iterable[EvidenceFinding]:
    """Yield the findings about a session."""
    start = row.start
    if start is None:
        return
    yield from _approval_findings(row, start, context, is_within=is_within)
    if not row.person:
        yield EvidenceFinding(rule="session-unknown-person", detail=start.caller.arn or "no principal recorded")
    if not start.in_trail and start.at < context.now - DELIVERY:
        yield EvidenceFinding(rule="session-not-in-trail", detail="no StartSession event in what was read")
    if start.kind in (SessionKind.FORWARDING, SessionKind.RDP):
        yield EvidenceFinding(rule="session-forwarding", detail=start.document or "ssm-guiconnect")
        return
    if start.document not in context.documents:
        yield EvidenceFinding(rule="session-other-document", detail=start.document)
    yield from _log_findings(row, start, context)


def _approval_findings(
    row: EvidenceRow, start: SessionStart, context: Context, *, is_within: bool
) -> Iterable[EvidenceFinding]:
    grant, principal = row.grant, principal_name(start.caller.arn)
    if principal.startswith("role/") and principal.removeprefix("role/").lower() in context.break_glass:
        yield EvidenceFinding(rule="session-break-glass", detail=principal)
        return
    if not context.needs_approval:
        return
    if grant is None:
        standing = context.is_just_in_time and not start.is_just_in_time
        how = ", by a standing ssm:StartSession, without an access request" if standing else ""
        yield EvidenceFinding(rule="session-without-approval", detail=f"{principal} on {start.node}{how}")
        return
    if not is_within:
        ended = "" if grant.end == NO_TIME else f" to {_shown(grant.end)}"
        yield EvidenceFinding(rule="session-outside-window", detail=f"the grant is from {_shown(grant.begin)}{ended}")
        return
    yield from grant_findings(grant, [start.caller.arn, row.person], context)


def grant_findings(grant: Grant, operators: Sequence[str], context: Context) -> Iterable[EvidenceFinding]:
    """Yield the findings about a grant.

    `operators` are the ARNs and names of who used it, none of whom may have approved it.
    """
    if grant.is_access_request:
        yield from _access_findings(grant)
    elif not is_workflow(grant.setter):
        yield EvidenceFinding(rule="grant-outside-runbook", detail=f"{grant.setter.arn} tagged {grant.principal}")
        return
    if not grant.approvers and not grant.is_automatic:
        yield EvidenceFinding(rule="approver-unknown", detail=grant.request.id if grant.request else "no request found")
    requester = grant.request.caller.arn if grant.request else ""
    # The name of the requester's session may be another than that of the person.
    asking = [*operators, requester, context.person_of(requester) if grant.approvers and requester else ""]
    for approver in grant.approvers:
        if any(same_person(approver, each) for each in asking if each):
            yield EvidenceFinding(rule="session-self-approved", detail=approver)
    if grant.request and grant.request.reason.strip() in NO_REASONS:
        yield EvidenceFinding(rule="approval-without-reason", detail=grant.request.id)


def _access_findings(grant: Grant) -> Iterable[EvidenceFinding]:
    request = grant.request
    if request is None:
        return
    if request.is_automatic:
        yield EvidenceFinding(rule="session-auto-approved", detail=request.id)
    if NO_TIME in (request.granted, request.until):
        state = f"it is {request.state}" if request.state else "its record was not read"
        yield EvidenceFinding(rule="access-window-unknown", detail=f"{request.id}: {state}")


def _log_findings(row: EvidenceRow, start: SessionStart, context: Context) -> Iterable[EvidenceFinding]:
    if not row.is_log_known:
        return
    duration = (row.end or start.at) - start.at
    if row.log is None:
        # A log is uploaded when the session ends.
        if row.end or start.at < context.now - timedelta(days=1):
            yield EvidenceFinding(rule="session-without-log", detail="no object and no log stream has the session's ID")
    elif row.log.is_deleted:
        yield EvidenceFinding(rule="session-log-deleted", detail=row.log.location)
    elif row.log.size is not None and row.log.size < LEAST_LOG_BYTES and duration >= LOGGED_AFTER:
        minutes = int(duration.total_seconds() // 60)
        yield EvidenceFinding(rule="session-log-short", detail=f"{row.log.size} bytes, {minutes} minutes")


def _shown(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S")
