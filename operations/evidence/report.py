"""Join of sessions, approvals and logs, with findings. Pure.

No record joins an approval to a session by one ID: where the grant is a tag on the operator, a session belongs to the grant of
its principal for its node in whose time it started; a just-in-time session, to the access request for its node in whose time it
started, of the requester whose session had the same name.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import accumulate, takewhile
from typing import TYPE_CHECKING, Final

from components.approval.names import ROLE_NAME
from operations.evidence.records import (
    NO_TIME,
    Caller,
    Decision,
    Kind,
    Log,
    LogCoverage,
    Records,
    Request,
    SessionStart,
    Source,
    TagChange,
)
from operations.principals import Principal, principal_of, same_person

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

TOLERANCE: Final = timedelta(seconds=5)
"""Event times have a resolution of one second, and services' clocks differ a little."""
DELIVERY: Final = timedelta(minutes=15)
"""CloudTrail delivers most events within this time (CloudTrail User Guide, "How CloudTrail works")."""
GRANTED_AFTER: Final = timedelta(hours=1)
"""The runbook sets the tag some minutes after the last approval at most; a change request may be scheduled for later."""
LEAST_LOG_BYTES: Final = 64
"""Less than the first and last line of a session's log."""
LOGGED_AFTER: Final = timedelta(minutes=1)
"""Sessions that are shorter may have no output."""
_WORKFLOW: Final = Principal("role", ROLE_NAME)
_IDENTITY_CENTER_PATH: Final = ":role/aws-reserved/sso.amazonaws.com/"
_APPROVED: Final = frozenset({"granted", "ended", "revoked", "unknown"})
"""States of access requests that may have been approved."""
NO_REASONS: Final = frozenset({"", "not given"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """Meaning of a finding.

    Attributes:
        id: ID of the finding.
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
        Rule(
            id="grant-outside-runbook",
            severity="critical",
            title="A principal other than the workflow's role set the tag that grants sessions.",
            controls="SOC 2 CC6.1, CC6.3; PCI DSS 7.2.3; ISO 27001 A.5.3; NIST AC-5",
        ),
        Rule(
            id="session-without-approval",
            severity="critical",
            title="The session's principal had no grant for the node.",
            controls="SOC 2 CC6.1, CC6.2; PCI DSS 7.2.3; ISO 27001 A.5.18; NIST AC-2, AC-5",
        ),
        Rule(
            id="session-self-approved",
            severity="critical",
            title="The requester or the operator approved the request.",
            controls="SOC 2 CC6.3; PCI DSS 7.2.3; ISO 27001 A.5.3; NIST AC-5",
        ),
        Rule(
            id="session-outside-window",
            severity="high",
            title="The session started before the grant began or after it ended.",
            controls="SOC 2 CC6.3; ISO 27001 A.8.2; NIST AC-2(2)",
        ),
        Rule(
            id="session-other-document",
            severity="high",
            title="The session used another document than the governed preferences.",
            controls="PCI DSS 10.2.1.2; ISO 27001 A.8.15; NIST AC-17(1), AU-12",
        ),
        Rule(
            id="session-without-log",
            severity="high",
            title="No log of the session exists.",
            controls="PCI DSS 10.2.1.2; ISO 27001 A.8.15; NIST AC-6(9), AU-12",
        ),
        Rule(
            id="session-log-deleted",
            severity="high",
            title="The log of the session was deleted.",
            controls="PCI DSS 10.3; ISO 27001 A.8.15; NIST AU-9",
        ),
        Rule(
            id="session-not-in-trail",
            severity="high",
            title="Session Manager lists the session, CloudTrail has no event of its start.",
            controls="PCI DSS 10.2.1.2; NIST AU-12",
        ),
        Rule(
            id="session-forwarding",
            severity="medium",
            title="Session Manager does not log forwarded ports, SSH and Remote Desktop connections.",
            controls="PCI DSS 10.2.1.2; ISO 27001 A.8.15; NIST AC-17(1)",
        ),
        Rule(
            id="session-log-short",
            severity="medium",
            title="The log is smaller than any session of this duration.",
            controls="PCI DSS 10.3; NIST AU-9",
        ),
        Rule(
            id="session-unknown-person",
            severity="medium",
            title="The records do not prove which person started the session.",
            controls="PCI DSS 8.2.1, 8.2.2; ISO 27001 A.8.5; NIST AU-10, IA-2",
        ),
        Rule(
            id="approver-unknown",
            severity="medium",
            title="A grant exists, and no record of its approver was read.",
            controls="SOC 2 CC6.2; PCI DSS 7.2.3; NIST AC-5",
        ),
        Rule(
            id="access-window-unknown",
            severity="medium",
            title="The records do not show when the access of the request began or ended.",
            controls="SOC 2 CC6.3; ISO 27001 A.8.2; NIST AC-2(2)",
        ),
        Rule(
            id="session-break-glass",
            severity="medium",
            title="The session used an emergency access role, which needs no approval.",
            controls="ISO 27001 A.8.2; NIST AC-2",
        ),
        Rule(
            id="approval-without-reason",
            severity="low",
            title="The request has no reason.",
            controls="SOC 2 CC6.2; PCI DSS 7.2.3",
        ),
        Rule(
            id="grant-unused",
            severity="low",
            title="No session was started with the grant.",
            controls="PCI DSS 7.2.4; NIST AC-6",
        ),
        Rule(
            id="session-auto-approved",
            severity="info",
            title="The account's auto-approval policy approved the access request; no person did.",
            controls="SOC 2 CC6.2; PCI DSS 7.2.3; NIST AC-2, AC-5",
        ),
        Rule(
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
class Finding:
    """A finding about a session, a grant or an attempt.

    Attributes:
        rule: ID of the rule.
        detail: What was found.
    """

    rule: str
    detail: str

    @property
    def severity(self) -> str:
        """Severity of the rule."""
        return RULES[self.rule].severity


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """A period in which a principal may start sessions on a node.

    Attributes:
        account: Account ID.
        principal: `role/Operator` or `user/olivia`.
        node: ID of the node.
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
    decisions: tuple[Decision, ...] = ()

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A session with all that is known about it, or an attempt, or a grant without a session.

    Attributes:
        start: Start of the session; None for a grant without a session.
        node_name: Name of the node; empty if unknown.
        person: Person behind the principal; empty if the records prove none.
        end: End of the session; None if unknown.
        end_source: Record that has the end; empty if unknown.
        grant: Grant of the session.
        log: Log of the session.
        is_log_known: Whether the locations of logs were read for the time and place of the session.
        findings: Findings.
    """

    start: SessionStart | None = None
    node_name: str = ""
    person: str = ""
    end: datetime | None = None
    end_source: str = ""
    grant: Grant | None = None
    log: Log | None = None
    is_log_known: bool = False
    findings: tuple[Finding, ...] = ()

    @property
    def at(self) -> datetime:
        """Time for sorting."""
        return self.start.at if self.start else self.grant.begin if self.grant else NO_TIME


@dataclass(frozen=True, kw_only=True)
class Context:
    """Criteria of the report.

    Attributes:
        now: Time of the report.
        since: Begin of the period.
        until: End of the period.
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


@dataclass(frozen=True, kw_only=True)
class Report:
    """Evidence of a period.

    Attributes:
        rows: Sessions, attempts and unused grants, in order of time.
        sources: What was read.
        gaps: What the report cannot know.
    """

    rows: tuple[Row, ...]
    sources: tuple[Source, ...]
    gaps: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """Every source was read completely."""
        return not any(each.problem for each in self.sources)

    @property
    def sessions(self) -> tuple[Row, ...]:
        """Rows of sessions."""
        return tuple(each for each in self.rows if each.start and not each.start.error)

    def counts(self) -> dict[str, int]:
        """Return the number of findings by severity, without severities that have none."""
        found = [each.severity for row in self.rows for each in row.findings]
        return {each: found.count(each) for each in SEVERITIES if each in found}


def report(records: Records, context: Context) -> Report:
    """Join the records and evaluate them.

    Args:
        records: Records of the period, and of some time before it, so that grants that began earlier are known.
        context: What the report is judged by.
    """
    grants, accesses = _grants(records), _accesses(records) if context.is_just_in_time is not False else []
    by_node: dict[tuple[str, str], list[Grant]] = defaultdict(list)
    for access in accesses:
        by_node[access.account, access.node].append(access)
    by_holder: dict[tuple[str, str, str], list[Grant]] = defaultdict(list)
    for grant in grants:
        by_holder[_holder(grant.account, grant.principal, grant.node)].append(grant)
    begins = {holder: [each.begin for each in held] for holder, held in by_holder.items()}
    ends = {each.id: each for each in sorted(records.ends, key=lambda each: each.source == "TerminateSession")}
    logs = {each.session: each for each in records.logs}
    coverage = _Coverage(records.coverage)
    used: set[int] = set()
    rows: list[Row] = []
    for start in _unique(records.starts):
        holder = _holder(start.account, _principal(start.caller.arn), start.node)
        grant, is_within = (
            _access_at(by_node.get((start.account, start.node), ()), start)
            if start.is_just_in_time
            else _grant_at(by_holder.get(holder, ()), begins.get(holder, ()), start.at)
        )
        if grant and is_within:
            used.add(id(grant))
        if not context.since <= start.at < context.until:
            continue
        row = Row(start=start, node_name=context.node_names.get(start.node, ""), grant=grant)
        if start.error:
            row = replace(row, grant=None, findings=(Finding(rule="attempt-refused", detail=start.error),))
        else:
            end = ends.get(start.id)
            row = replace(
                row,
                person=_person(start, grant, context),
                end=end.at if end else None,
                end_source=end.source if end else "",
                log=logs.get(start.id),
                is_log_known=coverage.has(start),
            )
            row = replace(row, findings=tuple(_findings(row, context, is_within=is_within)))
        rows.append(row)
    rows += _rows_of_grants([*grants, *accesses], used, context)
    return Report(rows=tuple(sorted(rows, key=_order)), sources=tuple(records.sources), gaps=_gaps(records, context))


def _order(row: Row) -> tuple[datetime, str, str, str, str]:
    """Return the key by which rows are sorted, so that the same records give the same report in any order."""
    held = row.start or row.grant
    principal = row.start.caller.arn if row.start else row.grant.principal if row.grant else ""
    identifier = row.start.id or row.start.error if row.start else ""
    return row.at, held.account if held else "", principal, held.node if held else "", identifier


class _Coverage:
    """Periods in which the locations of logs were read, by account and Region."""

    def __init__(self, periods: Iterable[LogCoverage]) -> None:
        self._periods: dict[tuple[str, str], list[LogCoverage]] = defaultdict(list)
        for each in sorted(periods, key=lambda each: each.since):
            self._periods[each.account, each.region].append(each)
        self._begins = {place: [each.since for each in found] for place, found in self._periods.items()}
        # A period that begins earlier may end later.
        self._ends = {
            place: list(accumulate((each.until for each in found), max)) for place, found in self._periods.items()
        }

    def has(self, start: SessionStart) -> bool:
        """Return whether a session without a log has none."""
        place = start.account, start.region
        at = bisect_right(self._begins.get(place, ()), start.at)
        while at and self._ends[place][at - 1] > start.at:
            at -= 1
            period = self._periods[place][at]
            if period.until > start.at and start.id not in period.open_sessions:
                return True
        return False


def _person(start: SessionStart, grant: Grant | None, context: Context) -> str:
    """Return the person behind a session; the path of IAM Identity Center's roles is reserved, in every account.

    Source: IAM Identity Center User Guide, "Referencing permission sets in resource policies".
    """
    operator = _operator(start, grant)
    if operator == start.caller.arn and _IDENTITY_CENTER_PATH in start.caller.issuer:
        return operator.rsplit("/", 1)[-1]
    return context.person_of(operator)


def _unique(starts: Iterable[SessionStart]) -> list[SessionStart]:
    """Return each session once: CloudTrail's event has more than Session Manager's list."""
    chosen: dict[object, SessionStart] = {}
    for each in starts:
        key: object = each.id or each
        known = chosen.get(key)
        if known is None or (each.in_trail and not known.in_trail):
            is_just_in_time = each.is_just_in_time or (known is not None and known.is_just_in_time)
            reason = each.reason or (known.reason if known else "")
            chosen[key] = replace(each, reason=reason, is_just_in_time=is_just_in_time)
    return sorted(chosen.values(), key=lambda each: (each.at, each.id, each.caller.arn))


def _holder(account: str, principal: str, node: str) -> tuple[str, str, str]:
    """Return the key of grants; IAM names are not case-sensitive."""
    return account, principal.lower(), node


def _principal(arn: str) -> str:
    """Return `role/Operator` of a session, `user/olivia`, or the ARN of a caller without grants."""
    principal = principal_of(arn) if arn.startswith("arn:") else None
    return f"{principal.kind}/{principal.name}" if principal else arn


def _grants(records: Records) -> list[Grant]:
    """Return the periods between changes of the tag, with the requests that led to them."""
    changes: dict[tuple[str, str], list[TagChange]] = defaultdict(list)
    for each in sorted(set(records.tags), key=lambda each: (each.at, not each.node, each.node, each.caller.arn)):
        changes[each.account, each.principal.lower()].append(each)
    decisions: dict[str, list[Decision]] = defaultdict(list)
    for decision in records.decisions:
        decisions[decision.request].append(decision)
    requests: dict[tuple[str, str, str], list[Request]] = defaultdict(list)
    asked = {each.id: each for each in records.requests if each.mode != "just-in-time"}
    for request in sorted(asked.values(), key=lambda each: (each.at, each.id)):
        requests[_holder(request.account, request.principal, request.node)].append(request)
    grants: list[Grant] = []
    for changed in changes.values():
        for number, change in enumerate(changed):
            if not change.node:
                continue
            end = changed[number + 1].at if number + 1 < len(changed) else NO_TIME
            candidates = requests.get(_holder(change.account, change.principal, change.node), [])
            request = _request_before(candidates, change, decisions) if _is_workflow(change.caller) else None
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


def _accesses(records: Records) -> list[Grant]:
    """Return the periods in which access requests give access."""
    decisions: dict[str, list[Decision]] = defaultdict(list)
    for decision in records.decisions:
        decisions[decision.request].append(decision)
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


def _access_at(there: Sequence[Grant], start: SessionStart) -> tuple[Grant | None, bool]:
    """Return the access in whose time a session started and True, or the closest one of its requester and False.

    AWS does not document that the session of an access token has the name of the requester's: with another name it belongs to
    any access in time, and the person is not known.

    Args:
        there: Accesses to the node, by their begin.
        start: Start of the session.
    """
    own = [each for each in there if _is_requester(start, each)]
    for several in (own, there):
        for each in reversed(several):
            if each.begin - TOLERANCE <= start.at <= _plus(each.end):
                return each, True
    earlier = [each for each in own if each.begin <= start.at]
    return (earlier or own or [None])[-1], False


def _is_requester(start: SessionStart, access: Grant) -> bool:
    names = [arn.rsplit("/", 1)[-1].lower() for arn in (start.caller.arn, access.setter.arn)]
    return names[0] == names[1]


def _operator(start: SessionStart, grant: Grant | None) -> str:
    """Return the ARN that shows the person: of a just-in-time session, the requester's, if it has the same name."""
    return grant.setter.arn if start.is_just_in_time and grant and _is_requester(start, grant) else start.caller.arn


def _is_workflow(caller: Caller) -> bool:
    """Return whether a caller is the role of the runbook; IAM names are not case-sensitive."""
    return _WORKFLOW.is_same(principal_of(caller.arn))


def _request_before(
    candidates: list[Request], change: TagChange, decisions: Mapping[str, Sequence[Decision]]
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


def _decisions(given: Iterable[Decision]) -> tuple[Decision, ...]:
    """Return the decisions, those of Automation only where CloudTrail has none of the same principal."""
    found = sorted(given, key=lambda each: (each.source != "CloudTrail", each.at, each.caller.arn))
    chosen: list[Decision] = []
    for each in found:
        if each.source == "CloudTrail" or not any(same_person(each.caller.arn, other.caller.arn) for other in chosen):
            chosen.append(each)
    return tuple(dict.fromkeys(chosen))


def _grant_at(held: Sequence[Grant], begins: Sequence[datetime], at: datetime) -> tuple[Grant | None, bool]:
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


def _findings(row: Row, context: Context, *, is_within: bool) -> Iterable[Finding]:
    start = row.start
    if start is None:
        return
    yield from _approval_findings(row, start, context, is_within=is_within)
    if not row.person:
        yield Finding(rule="session-unknown-person", detail=start.caller.arn or "no principal recorded")
    if not start.in_trail and start.at < context.now - DELIVERY:
        yield Finding(rule="session-not-in-trail", detail="no StartSession event in what was read")
    if start.kind in (Kind.FORWARDING, Kind.RDP):
        yield Finding(rule="session-forwarding", detail=start.document or "ssm-guiconnect")
        return
    if start.document not in context.documents:
        yield Finding(rule="session-other-document", detail=start.document)
    yield from _log_findings(row, start, context)


def _approval_findings(row: Row, start: SessionStart, context: Context, *, is_within: bool) -> Iterable[Finding]:
    grant, principal = row.grant, _principal(start.caller.arn)
    if principal.startswith("role/") and principal.removeprefix("role/").lower() in context.break_glass:
        yield Finding(rule="session-break-glass", detail=principal)
        return
    if not context.needs_approval:
        return
    if grant is None:
        standing = context.is_just_in_time and not start.is_just_in_time
        how = ", by a standing ssm:StartSession, without an access request" if standing else ""
        yield Finding(rule="session-without-approval", detail=f"{principal} on {start.node}{how}")
        return
    if not is_within:
        ended = "" if grant.end == NO_TIME else f" to {_shown(grant.end)}"
        yield Finding(rule="session-outside-window", detail=f"the grant is from {_shown(grant.begin)}{ended}")
        return
    yield from _grant_findings(grant, [start.caller.arn, row.person], context)


def _grant_findings(grant: Grant, operators: Sequence[str], context: Context) -> Iterable[Finding]:
    if grant.is_access_request:
        yield from _access_findings(grant)
    elif not _is_workflow(grant.setter):
        yield Finding(rule="grant-outside-runbook", detail=f"{grant.setter.arn} tagged {grant.principal}")
        return
    if not grant.approvers and not grant.is_automatic:
        yield Finding(rule="approver-unknown", detail=grant.request.id if grant.request else "no request found")
    requester = grant.request.caller.arn if grant.request else ""
    # The name of the requester's session may be another than that of the person.
    asking = [*operators, requester, context.person_of(requester) if grant.approvers and requester else ""]
    for approver in grant.approvers:
        if any(same_person(approver, each) for each in asking if each):
            yield Finding(rule="session-self-approved", detail=approver)
    if grant.request and grant.request.reason.strip() in NO_REASONS:
        yield Finding(rule="approval-without-reason", detail=grant.request.id)


def _access_findings(grant: Grant) -> Iterable[Finding]:
    request = grant.request
    if request is None:
        return
    if request.is_automatic:
        yield Finding(rule="session-auto-approved", detail=request.id)
    if NO_TIME in (request.granted, request.until):
        state = f"it is {request.state}" if request.state else "its record was not read"
        yield Finding(rule="access-window-unknown", detail=f"{request.id}: {state}")


def _log_findings(row: Row, start: SessionStart, context: Context) -> Iterable[Finding]:
    if not row.is_log_known:
        return
    duration = (row.end or start.at) - start.at
    if row.log is None:
        # A log is uploaded when the session ends.
        if row.end or start.at < context.now - timedelta(days=1):
            yield Finding(rule="session-without-log", detail="no object and no log stream has the session's ID")
    elif row.log.is_deleted:
        yield Finding(rule="session-log-deleted", detail=row.log.location)
    elif row.log.size is not None and row.log.size < LEAST_LOG_BYTES and duration >= LOGGED_AFTER:
        minutes = int(duration.total_seconds() // 60)
        yield Finding(rule="session-log-short", detail=f"{row.log.size} bytes, {minutes} minutes")


def _rows_of_grants(grants: Iterable[Grant], used: set[int], context: Context) -> Iterable[Row]:
    """Yield grants without a session; an open grant may still be used."""
    for grant in grants:
        if id(grant) in used or not context.since <= grant.begin < context.until:
            continue
        findings = list(_grant_findings(grant, [], context))
        if grant.end <= context.now:
            findings.append(Finding(rule="grant-unused", detail=f"{grant.principal} on {grant.node}"))
        name = context.node_names.get(grant.node, "")
        yield Row(grant=grant, node_name=name, findings=tuple(findings))


def _gaps(records: Records, context: Context) -> tuple[str, ...]:
    """Return what no source can show, and what these did not."""
    gaps = [
        "Connections that do not use Session Manager are not recorded: direct SSH or RDP, EC2 Instance Connect, serial console.",
        "The end of a session that the operator left with `exit` is only in Session Manager's history, which lasts 30 days.",
        "A principal with root permissions on a node can change a log before it is uploaded to Amazon S3.",
    ]
    if context.until > context.now - DELIVERY:
        gaps.append("CloudTrail delivers events within about 15 minutes: the latest calls may be missing.")
    gaps += [
        f"{' '.join(filter(None, (each.name, each.region)))}: {each.problem}"
        for each in records.sources
        if each.problem
    ]
    return tuple(gaps)


def _shown(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S")
