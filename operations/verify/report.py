"""Output of a verification: a table, or a JSON document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich.text import Text

from operations.findings import Finding, Status, counted, print_line, stack_table, styled

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from operations.verify.findings import Verification


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
        nothing = "has no sessionManager, endpoints or sites of domainControllers to verify."
        print_line(console, f"Stack {verification.stack} {nothing}")
        return
    console.print(_table(verification))
    for region, findings in verification.regions.items():
        for finding in findings:
            if finding.status is not Status.OK:
                _explain(console, region, finding)
    print_line(console, _summary(verification))


def _plain(finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check,
        "status": finding.status.value,
        "expected": finding.expected,
        "found": finding.found,
        "remedy": finding.remedy or None,
    }


def _table(verification: Verification) -> Table:
    """Return the table with Regions as rows: an account has up to thirty, and a terminal has room for five columns."""
    table = stack_table(verification.stack, verification.account_id)
    for heading in ("Region", "Check", "Result"):
        table.add_column(heading, no_wrap=True)
    for region, findings in verification.regions.items():
        for position, finding in enumerate(findings):
            table.add_row(Text(region if position == 0 else ""), Text(finding.check), styled(finding.status))
        table.add_section()
    return table


def _explain(console: Console, region: str, finding: Finding) -> None:
    print_line(console, (f"{region} {finding.check}", "bold"), ": ", styled(finding.status))
    for heading, text in (("expected", finding.expected), ("found", finding.found), ("remedy", finding.remedy)):
        if text:
            print_line(console, f"  {heading}:".ljust(13), text)
    print_line(console)


def _summary(verification: Verification) -> Text:
    different = verification.count(Status.DIFFERENT)
    untold, warnings = verification.count(Status.CANNOT_TELL), verification.count(Status.WARNING)
    differences = [f"{different} different"] if different else []
    differences += [f"{untold} cannot be told"] if untold else []
    differences = differences or ["all as asked"]
    differences += [counted(warnings, "warning")] if warnings else []
    counts = f"{counted(len(verification.regions), 'Region')}, {counted(verification.count(), 'check')}"
    return Text(f"{counts}: {', '.join(differences)}", style="bold red" if verification.differences else "bold green")
