"""Output of a verification: a table, or a JSON document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table
from rich.text import Text

from operations.verify.findings import Finding, Status, Verification

if TYPE_CHECKING:
    from rich.console import Console

_SHOWN: Final = {
    Status.OK: ("ok", "green"),
    Status.DIFFERENT: ("different", "bold red"),
    Status.CANNOT_TELL: ("cannot tell", "bold magenta"),
    Status.WARNING: ("warning", "yellow"),
}


def as_json(verification: Verification) -> str:
    """Return the verification as one JSON document."""
    return json.dumps(
        {
            "stack": verification.stack,
            "accountId": verification.account_id,
            "regions": {
                region: [_plain(finding) for finding in findings] for region, findings in verification.regions.items()
            },
            "differences": verification.differences,
        },
        indent=2,
    )


def show(verification: Verification, console: Console) -> None:
    """Print the verification: the table, the remediation, and the counts last."""
    if not verification.regions:
        _line(
            console,
            Text(
                f"Stack {verification.stack} has no sessionManager, endpoints or sites of domainControllers to verify."
            ),
        )
        return
    console.print(_table(verification))
    for region, findings in verification.regions.items():
        for finding in findings:
            if finding.status is not Status.OK:
                _explain(console, region, finding)
    _line(console, _summary(verification))


def _plain(finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check,
        "status": finding.status.value,
        "expected": finding.expected,
        "found": finding.found,
        "remedy": finding.remedy,
    }


def _table(verification: Verification) -> Table:
    """Return the table with Regions as rows: an account has up to thirty, and a terminal has room for five columns."""
    account = f", account {verification.account_id}" if verification.account_id else ""
    table = Table(title=Text(f"Stack {verification.stack}{account}"), title_justify="left", title_style="bold")
    for heading in ("Region", "Check", "Result"):
        table.add_column(heading, no_wrap=True)
    for region, findings in verification.regions.items():
        for position, finding in enumerate(findings):
            table.add_row(Text(region if position == 0 else ""), Text(finding.check), _status(finding))
        table.add_section()
    return table


def _status(finding: Finding) -> Text:
    said, style = _SHOWN[finding.status]
    return Text(said, style=style)


def _explain(console: Console, region: str, finding: Finding) -> None:
    _line(console, Text.assemble((f"{region} {finding.check}", "bold"), ": ", _status(finding)))
    for heading, text in (("expected", finding.expected), ("found", finding.found), ("remedy", finding.remedy)):
        if text:
            _line(console, Text.assemble(f"  {heading}:".ljust(13), text))
    _line(console, Text())


def _summary(verification: Verification) -> Text:
    different = verification.count(Status.DIFFERENT)
    untold, warnings = verification.count(Status.CANNOT_TELL), verification.count(Status.WARNING)
    said = [f"{different} different"] if different else []
    said += [f"{untold} cannot be told"] if untold else []
    said = said or ["all as asked"]
    said += [_counted(warnings, "warning")] if warnings else []
    counts = f"{_counted(len(verification.regions), 'Region')}, {_counted(verification.count(), 'check')}"
    return Text(f"{counts}: {', '.join(said)}", style="bold red" if verification.differences else "bold green")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _line(console: Console, text: Text) -> None:
    """Print text without line breaks, so that commands can be copied."""
    console.print(text, soft_wrap=True)
