"""Findings of a stack, without secret configuration values, and their output."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from components.secret_texts import SHOWN
from operations.errors import ExitCode
from operations.findings import Finding, Status, counted, styled
from operations.terminal import print_line

if TYPE_CHECKING:
    from rich.console import Console

    from operations.stack import StackConfiguration


_OF_ENDPOINTS = ("network", "endpoint-")
_OF_DIRECTORY = "directory-"
_OF_APPROVAL = "approval-"
_WITHOUT_VALUES = ("account", "document")
"""Checks whose texts contain no values of the settings: of the document's content, only names; see `Deployment`."""


@dataclass(frozen=True, kw_only=True)
class Verification:
    """All findings of a stack.

    Attributes:
        stack: Name of the stack.
        account_id: ID of the account; None: nothing to verify, or the account is not known.
        regions: Findings by Region, in the order of the settings; empty: nothing to verify.
    """

    stack: str
    account_id: str | None
    regions: dict[str, tuple[Finding, ...]]

    def count(self, *statuses: Status) -> int:
        """Return the number of findings with one of the statuses; without statuses, of all findings."""
        chosen = statuses or tuple(Status)
        return sum(finding.status in chosen for findings in self.regions.values() for finding in findings)

    @property
    def differences(self) -> int:
        """Number of findings that differ or cannot be evaluated."""
        return self.count(Status.DIFFERENT, Status.UNKNOWN)

    @property
    def exit_code(self) -> ExitCode:
        """Exit code of the command."""
        return ExitCode.FINDINGS if self.differences else ExitCode.SUCCESS


def without_secrets(finding: Finding, stack: StackConfiguration) -> Finding:
    """Return the finding without values of a secret part of the configuration.

    The engine only reports that a section contains a secret, not where, so all values of the section are removed. The
    reason for an unreadable resource is AWS' own text, and is kept, except for the secrets themselves.
    """
    section = _section(finding.check)
    if stack.is_secret(section) and not finding.check.startswith(_WITHOUT_VALUES):
        finding = replace(finding, expected=SHOWN)
        if finding.status is not Status.UNKNOWN:
            finding = replace(finding, found=SHOWN)
    return replace(
        finding,
        expected=stack.without_secrets(finding.expected),
        found=stack.without_secrets(finding.found),
        remedy=stack.without_secrets(finding.remedy),
    )


def _section(check: str) -> str:
    if check.startswith(_OF_DIRECTORY):
        return "domainControllers"
    if check.startswith(_OF_APPROVAL):
        return "approval"
    return "endpoints" if check.startswith(_OF_ENDPOINTS) else "sessionManager"


def as_json(verification: Verification) -> dict[str, Any]:
    """Return the verification as a JSON document."""
    return {
        "stack": verification.stack,
        "accountId": verification.account_id,
        "regions": {
            region: [_plain(finding) for finding in findings] for region, findings in verification.regions.items()
        },
        "differences": verification.differences,
    }


_SHOWN_FIRST = (Status.DIFFERENT, Status.UNKNOWN, Status.WARNING)


def show(verification: Verification, console: Console, *, lists_all: bool = False) -> None:
    """Print the verification: what differs, with its remediation, then the numbers."""
    if not verification.regions:
        nothing = "has no sessionManager, endpoints or sites of domainControllers to verify."
        print_line(console, f"Stack {verification.stack} {nothing}")
        return
    account = f", account {verification.account_id}" if verification.account_id else ""
    print_line(console, (f"Stack {verification.stack}{account}", "bold"))
    found = [(region, each) for region, findings in verification.regions.items() for each in findings]
    for status in _SHOWN_FIRST:
        for region, finding in found:
            if finding.status is status:
                _explain(console, region, finding)
    if lists_all:
        console.print(_table(verification))
    for region, findings in verification.regions.items():
        passed = sum(each.status is Status.OK for each in findings)
        print_line(console, f"{region}: {passed} of {counted(len(findings), 'check')} ok")
    if not lists_all and verification.count(Status.OK):
        print_line(console, "To list all checks, add --all.")
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
    table = Table()
    for heading in ("Region", "Check", "Result"):
        table.add_column(heading, no_wrap=True)
    for region, findings in verification.regions.items():
        for finding in findings:
            table.add_row(Text(region), Text(finding.check), styled(finding.status))
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
    unknown, warnings = verification.count(Status.UNKNOWN), verification.count(Status.WARNING)
    results = [f"{different} different"] if different else []
    results += [f"{unknown} cannot tell"] if unknown else []
    results = results or ["no differences"]
    results += [counted(warnings, "warning")] if warnings else []
    counts = f"{counted(len(verification.regions), 'Region')}, {counted(verification.count(), 'check')}"
    return Text(f"{counts}: {', '.join(results)}", style="bold red" if verification.differences else "bold green")
