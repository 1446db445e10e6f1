"""Output of an audit: a table, or a JSON document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from operations.audit.catalog import Severity
from operations.audit.rules import BY_ID, position
from operations.findings import counted, stack_table, stack_title
from operations.terminal import print_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console
    from rich.table import Table

    from operations.audit.findings import AcceptedException, Audit, Audited, BypassFinding

_STYLES: Final = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
}
SCHEMA_VERSION: Final = 1
"""Version of the JSON document; it changes where a key changes its meaning or is removed."""

_MOST_APART: Final = 4
"""Findings of one statement that have a row each; more are one row with their IDs."""


def as_json(audit: Audit) -> dict[str, Any]:
    """Return the audit as a JSON document."""
    return {
        "schemaVersion": SCHEMA_VERSION,
        "time": audit.time,
        "stack": audit.stack,
        "accountId": audit.account_id,
        "caller": audit.caller,
        "principals": audit.principals,
        "findings": [_plain_principal(each) for each in audit.audited],
        "serviceRoles": [_plain_principal(each) for each in audit.services],
        "declaredAdministrators": list(audit.administrators),
        "serviceLinkedRoles": audit.service_linked,
        "counts": {each.word: audit.count(each) for each in reversed(Severity)},
        "cannotTell": [{"action": each.action, "cause": each.cause, "remedy": each.remedy} for each in audit.unread],
        "acceptedExceptions": [
            {"principal": each.arn, "finding": _plain(each.finding), **_plain_exception(each.exception)}
            for each in audit.accepted
        ],
        "unusedExceptions": [{"principal": each.principal, **_plain_exception(each)} for each in audit.unused],
        "byDesign": list(audit.by_design),
        "limits": list(audit.limits),
    }


def show(audit: Audit, console: Console) -> None:
    """Print the table, the statements, what was not evaluated, and the counts."""
    if not (audit.audited or audit.unread):
        print_line(console, stack_title(audit.stack, audit.account_id), style="bold")
    for each in audit.unread:
        print_line(console, ("cannot tell", "bold magenta"), f": {each.explanation}")
        print_line(console, f"  remedy:    {each.remedy}")
    if audit.audited:
        console.print(_table(audit))
        for each in audit.audited:
            _explain(console, each)
    _beside(console, audit)
    if not audit.unread:
        print_line(console, _summary(audit))


def _plain_principal(audited: Audited) -> dict[str, Any]:
    return {
        "principal": audited.arn,
        "kind": audited.kind,
        "severity": audited.worst.word,
        "findings": [_plain(each) for each in audited.findings],
    }


def _plain_exception(exception: AcceptedException) -> dict[str, str]:
    return {
        "rule": exception.rule,
        "reason": exception.reason,
        "owner": exception.owner,
        "until": exception.until.isoformat(),
    }


def _plain(finding: BypassFinding) -> dict[str, Any]:
    rule = BY_ID[finding.rule]
    return {
        "rule": finding.rule,
        "title": rule.title,
        "severity": finding.severity.word,
        "certain": not finding.doubts,
        "impact": rule.impact,
        "statements": [
            {
                "policy": each.policy,
                "kind": each.kind,
                "group": each.group or None,
                "index": each.index,
                "sid": each.sid or None,
                "actions": list(each.actions),
                "statement": dict(each.statement),
            }
            for each in finding.matched_statements
        ],
        "cannotTell": list(finding.doubts),
        "hiddenBy": [{"rule": each, "title": BY_ID[each].title} for each in finding.obfuscation],
        "path": list(finding.path),
        "note": finding.note or None,
        "remedy": rule.remedy,
        "source": rule.source,
    }


def _table(audit: Audit) -> Table:
    table = stack_table(audit.stack, audit.account_id)
    table.add_column("Severity", no_wrap=True)
    table.add_column("Finding", overflow="fold")
    for audited in audit.audited:
        table.add_row(Text(audited.worst.word, style=_STYLES[audited.worst]), Text(_short(audited), style="bold"))
        for severity, what, rules in _rows(audited):
            found = Text.assemble(what, (f" [{rules}]", "dim"))
            table.add_row(Text(f"  {severity.word}", style=_STYLES[severity]), found)
        table.add_section()
    return table


def _rows(audited: Audited) -> list[tuple[Severity, str, str]]:
    """Return a row per finding, and one for the many findings of a broad statement."""
    rows: list[tuple[Severity, str, str]] = []
    for findings in _by_statements(audited.findings):
        if len(findings) <= _MOST_APART:
            rows += [(each.severity, _what(each), each.rule) for each in findings]
        else:
            several = ", ".join(sorted({each.rule for each in findings}, key=position))
            rows.append(
                (max(each.severity for each in findings), f"{len(findings)} findings of one statement", several)
            )
    return sorted(rows, key=lambda row: -row[0])


def _by_statements(findings: Iterable[BypassFinding]) -> list[list[BypassFinding]]:
    together: dict[tuple[tuple[str, int], ...], list[BypassFinding]] = {}
    for each in findings:
        key = tuple(sorted((matched.place, matched.index) for matched in each.matched_statements))
        together.setdefault(key, []).append(each)
    return list(together.values())


def _what(finding: BypassFinding) -> str:
    said = BY_ID[finding.rule].title
    said += f": {finding.note}" if finding.note else ""
    return f"{said} (cannot tell)" if finding.doubts else said


def _explain(console: Console, audited: Audited) -> None:
    """Print the statements, each once, with their rules, doubts and remediation."""
    print_line(console, (audited.arn, "bold"))
    for findings in _by_statements(audited.findings):
        rules = sorted({each.rule for each in findings}, key=position)
        for matched in findings[0].matched_statements:
            print_line(console, f"  {matched.place}: {', '.join(rules)}")
            print_line(console, f"    {json.dumps(matched.statement)}")
        for heading, texts in _details(findings):
            for text in texts:
                print_line(console, f"    {heading}:".ljust(17) + text)
    print_line(console)


def _details(findings: list[BypassFinding]) -> list[tuple[str, list[str]]]:
    doubts = dict.fromkeys(doubt for each in findings for doubt in each.doubts)
    obfuscation = sorted({each for finding in findings for each in finding.obfuscation}, key=position)
    apart = findings if len(findings) <= _MOST_APART else []
    paths = dict.fromkeys(" -> ".join(each.path) for each in findings if each.path)
    remedies = dict.fromkeys(BY_ID[each.rule].remedy for each in apart)
    return [
        ("assumes", list(paths)),
        ("cannot tell", list(doubts)),
        ("obfuscation", [f"{BY_ID[each].title} [{each}]" for each in obfuscation]),
        (
            "remedy",
            list(remedies)
            or [
                "Replace the statement with the permissions that the principal requires, or declare the principal as an administrator (--declare-admin)."
            ],
        ),
    ]


def _beside(console: Console, audit: Audit) -> None:
    for each in audit.services:
        rules = ", ".join(dict.fromkeys(one.rule for one in each.findings))
        print_line(console, f"assumed by services only: {each.arn} ({each.worst.word}: {rules})")
    for arn in audit.administrators:
        print_line(console, f"declared administrator: {arn}")
    for accepted in audit.accepted:
        print_line(console, f"accepted: {accepted.arn}: {_entry(accepted.exception)}")
    for unused in audit.unused:
        print_line(console, f"unused exception: {unused.principal}: {_entry(unused)}")
    for each in audit.by_design:
        print_line(console, f"by design: {each}")
    for limit in audit.limits:
        print_line(console, f"limit: {limit}")


def _entry(exception: AcceptedException) -> str:
    return f"{exception.rule} until {exception.until.isoformat()} ({exception.owner}): {exception.reason}"


def _summary(audit: Audit) -> Text:
    counts = [f"{audit.count(each)} {each.word}" for each in reversed(Severity) if audit.count(each)]
    looked = counted(audit.principals, "principal")
    left = f" ({counted(audit.service_linked, 'service-linked role')} excluded)" if audit.service_linked else ""
    said = ", ".join(counts) or "no findings"
    return Text(f"{looked}{left}: {said}", style="bold red" if counts else "bold green")


def _short(audited: Audited) -> str:
    return audited.arn if audited.kind in ("outside", "exception") else audited.arn.split(":", 5)[-1]
