"""Join of sessions, approvals and logs, with findings. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from operations.evidence.findings import (
    DELIVERY,
    SEVERITIES,
    Context,
    EvidenceFinding,
    EvidenceRow,
    findings_of,
    grant_findings,
)
from operations.evidence.grants import (
    Grant,
    access_at,
    accesses_of,
    grant_at,
    grants_of,
    holder_key,
    is_requester,
    principal_name,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from operations.evidence.records import LogCoverage, Records, RecordSource, SessionStart

_IDENTITY_CENTER_PATH: Final = ":role/aws-reserved/sso.amazonaws.com/"


@dataclass(frozen=True, kw_only=True)
class Report:
    """Evidence of a period.

    Attributes:
        rows: Sessions, attempts and unused grants, in order of time.
        gaps: What the report cannot know.
    """

    rows: tuple[EvidenceRow, ...]
    sources: tuple[RecordSource, ...]
    gaps: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """Every source was read completely."""
        return not any(each.problem for each in self.sources)

    @property
    def sessions(self) -> tuple[EvidenceRow, ...]:
        """Rows of sessions."""
        return tuple(each for each in self.rows if each.start and not each.start.error)

    def counts(self) -> dict[str, int]:
        """Return the number of findings by severity, without severities that have none."""
        found = [each.severity for row in self.rows for each in row.findings]
        return {each: found.count(each) for each in SEVERITIES if each in found}


def report(records: Records, context: Context) -> Report:
    """Join the records and evaluate them.

    The records are of the period, and of some time before it, so that grants that began earlier are known.
    """
    grants, accesses = grants_of(records), accesses_of(records) if context.is_just_in_time is not False else []
    by_node: dict[tuple[str, str], list[Grant]] = defaultdict(list)
    for access in accesses:
        by_node[access.account, access.node].append(access)
    by_holder: dict[tuple[str, str, str], list[Grant]] = defaultdict(list)
    for grant in grants:
        by_holder[holder_key(grant.account, grant.principal, grant.node)].append(grant)
    begins = {holder: [each.begin for each in held] for holder, held in by_holder.items()}
    ends = {each.id: each for each in sorted(records.ends, key=lambda each: each.source == "TerminateSession")}
    logs = {each.session: each for each in records.logs}
    coverage = _Coverage(records.coverage)
    used: set[int] = set()
    rows: list[EvidenceRow] = []
    for start in _unique(records.starts):
        holder = holder_key(start.account, principal_name(start.caller.arn), start.node)
        grant, is_within = (
            access_at(by_node.get((start.account, start.node), ()), start)
            if start.is_just_in_time
            else grant_at(by_holder.get(holder, ()), begins.get(holder, ()), start.at)
        )
        if grant and is_within:
            used.add(id(grant))
        if not context.since <= start.at < context.until:
            continue
        row = EvidenceRow(start=start, node_name=context.node_names.get(start.node, ""), grant=grant)
        if start.error:
            row = replace(row, grant=None, findings=(EvidenceFinding(rule="attempt-refused", detail=start.error),))
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
            row = replace(row, findings=tuple(findings_of(row, context, is_within=is_within)))
        rows.append(row)
    rows += _rows_of_grants([*grants, *accesses], used, context)
    return Report(rows=tuple(sorted(rows, key=_order)), sources=tuple(records.sources), gaps=_gaps(records, context))


def _order(row: EvidenceRow) -> tuple[datetime, str, str, str, str]:
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


def _operator(start: SessionStart, grant: Grant | None) -> str:
    """Return the ARN that shows the person: of a just-in-time session, the requester's, if it has the same name."""
    return grant.setter.arn if start.is_just_in_time and grant and is_requester(start, grant) else start.caller.arn


def _rows_of_grants(grants: Iterable[Grant], used: set[int], context: Context) -> Iterable[EvidenceRow]:
    """Yield grants without a session; an open grant may still be used."""
    for grant in grants:
        if id(grant) in used or not context.since <= grant.begin < context.until:
            continue
        findings = list(grant_findings(grant, [], context))
        if grant.end <= context.now:
            findings.append(EvidenceFinding(rule="grant-unused", detail=f"{grant.principal} on {grant.node}"))
        name = context.node_names.get(grant.node, "")
        yield EvidenceRow(grant=grant, node_name=name, findings=tuple(findings))


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
