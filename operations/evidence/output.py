"""Report as table, JSON, CSV and page."""

from __future__ import annotations

import csv
import io
from html import escape
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from operations.evidence.findings import RULES, SEVERITIES, EvidenceRow
from operations.evidence.records import NO_TIME
from operations.findings import counted
from operations.html_page import html_page
from operations.principals import short
from operations.terminal import titled_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from rich.table import Table

    from operations.evidence.grants import Grant
    from operations.evidence.report import Report

COLUMNS: Final = (
    *("type", "sessionId", "account", "region", "node", "nodeName", "person", "principal", "sourceIp", "mfa"),
    *("document", "kind", "reason", "requestId", "requester", "requestReason", "approvers", "approvedAt"),
    *("grantStart", "grantEnd", "start", "end", "endSource", "logLocation", "logBytes", "logVersion", "findings"),
)
"""Columns of CSV, and fields of JSON."""
_STYLES: Final = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan", "info": "dim"}
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings of a cell that a spreadsheet evaluates."""


def fields(row: EvidenceRow) -> dict[str, Any]:
    """Return a row as plain values; a value that is not known is None."""
    start, grant, log = row.start, row.grant, row.log
    request = grant.request if grant else None
    kind = "grant" if start is None else "attempt" if start.error else "session"
    values = {
        "type": kind,
        "sessionId": start.id if start else None,
        "account": start.account if start else grant.account if grant else None,
        "region": start.region if start else None,
        "node": start.node if start else grant.node if grant else None,
        "nodeName": row.node_name,
        "person": row.person,
        "principal": start.caller.arn if start else grant.principal if grant else None,
        "sourceIp": start.caller.source_ip if start else None,
        "mfa": start.caller.mfa if start else None,
        "document": start.document if start else None,
        "kind": start.kind.value if start else None,
        "reason": start.reason if start else None,
        "requestId": request.id if request else None,
        "requester": request.caller.arn if request else None,
        "requestReason": request.reason if request else None,
        "approvers": _approvers(grant) if grant else [],
        "approvedAt": _iso(grant.approved_at) if grant else None,
        "grantStart": _iso(grant.begin) if grant else None,
        "grantEnd": _iso(grant.end) if grant else None,
        "start": _iso(start.at) if start else None,
        "end": _iso(row.end),
        "endSource": row.end_source,
        "logLocation": log.location if log else None,
        "logBytes": log.size if log else None,
        "logVersion": log.version if log else None,
        "findings": [{"rule": each.rule, "severity": each.severity, "detail": each.detail} for each in row.findings],
    }
    return {name: None if values[name] == "" else values[name] for name in COLUMNS}


def _approvers(grant: Grant) -> list[str]:
    return list(grant.approvers) or (["auto-approval policy"] if grant.is_automatic else [])


def plain(report: Report, since: datetime, until: datetime) -> dict[str, Any]:
    """Return the report for JSON."""
    return {
        "since": _iso(since),
        "until": _iso(until),
        "complete": report.is_complete,
        "rows": [fields(each) for each in report.rows],
        "counts": report.counts(),
        "sources": [
            {
                "name": each.name,
                "region": each.region or None,
                "since": _iso(each.since),
                "until": _iso(each.until),
                "records": each.records,
                "problem": each.problem or None,
                "note": each.note or None,
            }
            for each in report.sources
        ],
        "gaps": list(report.gaps),
    }


def as_csv(report: Report) -> str:
    """Return the rows as CSV; a cell that a spreadsheet would evaluate begins with an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in report.rows:
        values = fields(row) | {"findings": [each.rule for each in row.findings]}
        writer.writerow([_cell(value) for value in values.values()])
    return text.getvalue()


def _cell(value: object) -> str:
    shown = "" if value is None else "; ".join(map(str, value)) if isinstance(value, list) else str(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return f"'{shown}" if shown.startswith(_FORMULA) else shown


def tables(report: Report) -> Iterator[Table]:
    """Yield the tables for a terminal: sessions, findings, sources."""
    sessions = _table("Sessions", "Start (UTC)", "Node", "Person", "Approved by", "Log", "Findings")
    for row in report.sessions:
        if row.start:
            approvers = ", ".join(map(short, _approvers(row.grant))) if row.grant else ""
            worst = min(row.findings, key=lambda each: SEVERITIES.index(each.severity), default=None)
            sessions.add_row(
                f"{row.start.at:%Y-%m-%d %H:%M:%S}",
                Text(row.node_name or row.start.node),
                Text(row.person or short(row.start.caller.arn)),
                Text(approvers or "-"),
                Text(_log_text(row)),
                Text(f"{len(row.findings)} ({worst.severity})", style=_STYLES[worst.severity]) if worst else "none",
            )
    yield sessions
    if report.counts():
        findings = _table("Findings", "Severity", "Time (UTC)", "Finding", "Subject")
        found = [(each, row) for row in report.rows for each in row.findings]
        for each, row in sorted(found, key=lambda pair: SEVERITIES.index(pair[0].severity)):
            values = fields(row)
            principal = short(row.start.caller.arn) if row.start else str(values["principal"])
            subject = values["sessionId"] or f"{principal} on {values['node']}"
            rule = Text.assemble((each.rule, _STYLES[each.severity]), f": {each.detail}")
            findings.add_row(each.severity, f"{row.at:%Y-%m-%d %H:%M:%S}", rule, Text(str(subject)))
        yield findings
    noted = any(each.note for each in report.sources)
    sources = _table("Sources", "Source", "Region", "From", "To", "Records", "Complete", *(["Note"] if noted else []))
    for each in report.sources:
        times = [f"{time:%Y-%m-%d %H:%M}" for time in (each.since, each.until)]
        period = ["", ""] if each.since == each.until else times
        complete = Text(each.problem, style="bold magenta") if each.problem else Text("yes")
        notes = [Text(each.note)] if noted else []
        sources.add_row(Text(each.name), each.region, *period, str(each.records), complete, *notes)
    yield sources


def _table(title: str, *headings: str) -> Table:
    """Return a table whose cells wrap, so that IDs stay whole."""
    table = titled_table(title, *headings)
    for column in table.columns:
        column.overflow = "fold"
    return table


def _log_text(row: EvidenceRow) -> str:
    if row.log is None:
        return "none" if row.is_log_known else "unknown"
    return "deleted" if row.log.is_deleted else "stream" if row.log.size is None else f"{row.log.size} bytes"


def summary(report: Report) -> str:
    """Return one line about the report."""
    counts = report.counts()
    found = ", ".join(f"{count} {severity}" for severity, count in counts.items()) or "none"
    state = "" if report.is_complete else " The report is incomplete, see the sources."
    return f"{counted(len(report.sessions), 'session')}; findings: {found}.{state}"


def page(report: Report, since: datetime, until: datetime, now: datetime) -> str:
    """Return one HTML page that sends no request, can be filtered, and prints."""
    emphasis = "" if report.is_complete else ' class="incomplete"'
    title = f"Shell sessions, {since:%Y-%m-%d} to {until:%Y-%m-%d}"
    body = [
        '<a class="skip" href="#sessions">Skip to the sessions</a>',
        f"<header><h1>{title}</h1><p{emphasis}>{escape(summary(report))}</p><p>Created {now:%Y-%m-%d %H:%M %Z}.</p>",
        '<form role="search"><label>Search <input type="search" id="search" autocomplete="off"></label>',
        '<label>Severity <select id="severity"><option value="">all</option>',
        *(f'<option value="{each}">{each}</option>' for each in report.counts()),
        '</select></label></form><p id="count" role="status"></p></header>\n<main>',
        *_page_table(report),
        *_page_sources(report),
        "</main>",
    ]
    return html_page("operations.evidence", title, body)


class _Markup(str):
    """Text that is HTML already; every other text is escaped."""

    __slots__ = ()


def _html(value: object) -> str:
    return value if isinstance(value, _Markup) else escape(str(value))


def _time_of(text: str | None, before: str = "") -> _Markup:
    """Return the element for a time of `_iso`, after a text; empty if the time is not known."""
    shown = text.replace("T", " ").removesuffix("Z") if text else ""
    return _Markup(f'{before}<time datetime="{text}">{shown}</time>' if text else "")


def _page_table(report: Report) -> Iterator[str]:
    headings = ("Start and end (UTC)", "Node", "Person and principal", "Request", "Approved by", "Log", "Findings")
    yield '<div class="scroll" id="sessions" role="region" aria-label="Sessions" tabindex="0"><table><thead><tr>'
    yield "".join(f'<th scope="col">{each}</th>' for each in headings) + "</tr></thead><tbody>"
    for row in report.rows:
        values = {name: "" if value is None else value for name, value in fields(row).items()}
        severities = [each for each in SEVERITIES if any(found.severity == each for found in row.findings)]
        cells = (
            [
                _time_of(values["start"] or values["grantStart"]),
                _time_of(values["end"], "to "),
                values["endSource"],
                values["sessionId"] or values["type"],
            ],
            [values["nodeName"], values["node"], f"{values['account']} {values['region']}".strip()],
            [values["person"], values["principal"], values["sourceIp"]],
            [values["requestReason"] or values["reason"], values["requestId"], values["requester"]],
            [*values["approvers"], _time_of(values["approvedAt"])],
            [values["logLocation"], _log_text(row) if row.start and not row.start.error else "", values["logVersion"]],
        )
        yield f'<tr data-severities="{" ".join(severities)}">'
        for heading, cell in zip(headings, cells, strict=False):
            lines = "<br>".join(_html(each) for each in cell if each)
            yield f'<td data-label="{heading}">{lines}</td>'
        found = "".join(
            f'<li class="{each.severity}"><b title="{escape(RULES[each.rule].title)}">{each.rule}</b> ({each.severity}) {escape(each.detail)}</li>'
            for each in row.findings
        )
        yield (
            f'<td data-label="Findings"><ul>{found}</ul></td></tr>'
            if found
            else '<td data-label="Findings">none</td></tr>'
        )
    yield "</tbody></table></div>"


def _page_sources(report: Report) -> Iterator[str]:
    yield "<section><h2>Sources</h2><table><thead><tr>"
    headings = ("Source", "Region", "From", "To", "Records", "Complete", "Note")
    yield "".join(f'<th scope="col">{each}</th>' for each in headings) + "</tr></thead><tbody>"
    for each in report.sources:
        times = (_time_of(_iso(each.since)), _time_of(_iso(each.until)))
        cells = (each.name, each.region, *times, str(each.records), each.problem or "yes", each.note)
        yield _labeled(headings, cells)
    yield "</tbody></table><h2>What this report cannot show</h2><ul>"
    yield "".join(f"<li>{escape(each)}</li>" for each in report.gaps)
    yield "</ul><h2>Findings</h2><table><thead><tr>"
    headings = ("Finding", "Severity", "Meaning", "Evidence about (guidance)")
    yield "".join(f'<th scope="col">{each}</th>' for each in headings) + "</tr></thead><tbody>"
    for rule in RULES.values():
        yield _labeled(headings, (rule.id, rule.severity, rule.title, rule.controls))
    yield "</tbody></table></section>"


def _labeled(headings: tuple[str, ...], cells: Iterable[object]) -> str:
    """Return a row whose cells have their headings, for narrow screens."""
    labeled = zip(headings, cells, strict=True)
    return "<tr>" + "".join(f'<td data-label="{name}">{_html(cell)}</td>' for name, cell in labeled) + "</tr>"


def _iso(time: datetime | None) -> str | None:
    """Return a time in UTC, as CloudTrail writes it; None if it is not known."""
    return None if time is None or time == NO_TIME else time.strftime("%Y-%m-%dT%H:%M:%SZ")
