"""Checks and findings of a stack, without secret configuration values, and their output."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from rich.table import Table
from rich.text import Text

from components.adoption.document_ownership import OWNER_TAG
from components.approval.identity_store import NO_ANSWER
from components.secret_texts import SHOWN
from operations.errors import ExitCode
from operations.findings import Finding, Status, counted, styled, unknown_finding
from operations.inventory.reader import ReadError, known
from operations.terminal import print_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rich.console import Console

    from operations.deployment import Deployment
    from operations.inventory.reader import ReadFailure
    from operations.stack import StackConfiguration

T = TypeVar("T")

_OF_ENDPOINTS = ("network", "endpoint-")
_OF_DIRECTORY = "directory-"
_OF_APPROVAL = "approval-"
_WITHOUT_VALUES = ("account", "document")
"""Checks whose texts contain no values of the settings: of the document's content, only names; see `Deployment`."""


@dataclass(frozen=True)
class Check:
    """A comparison of a resource with the settings.

    Attributes:
        id: ID of the finding, the same in every Region and release.
        remedy: Command or setting that fixes a difference.
    """

    id: str
    expected: str
    remedy: str = ""

    def accept(self, found: str = "") -> Finding:
        """Return the finding without differences; the actual value is the expected one if it is empty."""
        return Finding(check=self.id, status=Status.OK, expected=self.expected, found=found or self.expected)

    def reject(self, found: str, status: Status = Status.DIFFERENT) -> Finding:
        """Return the finding about a difference."""
        return Finding(check=self.id, status=status, expected=self.expected, found=found, remedy=self.remedy)

    def judge(self, found: str, *, same: bool) -> Finding:
        """Return the finding about an actual value."""
        return self.accept(found) if same else self.reject(found)

    def report(self, differences: Sequence[str], found: str = "") -> Finding:
        """Return the finding about differences; `found` is the actual value without any."""
        return self.reject("; ".join(differences)) if differences else self.accept(found)

    def report_unread(self, why: ReadFailure) -> Finding:
        """Return the finding about a resource that cannot be read."""
        return unknown_finding(self.id, why, expected=self.expected)

    def report_missing(self, why: ReadFailure | None, found: str) -> Finding:
        """Return the finding about a resource that does not exist (None), or that cannot be read."""
        return self.reject(found) if why is None else self.report_unread(why)

    def compare(
        self, live: T | ReadFailure | None, differences: Callable[[T], Sequence[str]], absent: str = ""
    ) -> Finding:
        """Return the finding about a resource; None: it does not exist, so that `absent` is the actual value.

        `differences` may raise the `ReadError` of a part of the resource.
        """
        if live is None:
            return self.reject(absent)
        try:
            return self.report(differences(known(live)))
        except ReadError as failed:
            return self.report_unread(failed.failure)


def report_lookup(check: Check, problems: Sequence[str]) -> Finding:
    """Return the finding about users and groups of the settings, which do not exist, or cannot be looked up."""
    if not problems:
        return check.accept()
    unread = any(f"got {NO_ANSWER}" in each for each in problems)
    return check.reject("; ".join(problems), Status.UNKNOWN if unread else Status.DIFFERENT)


def owner_finding(check: str, deployment: Deployment, tags: Mapping[str, str]) -> Finding:
    """Compare the owner tag of a resource with the stack."""
    # The tag also includes the organization and the project, which the stack's name may lack.
    name, holder = deployment.stack.rsplit("/", 1)[-1], tags.get(OWNER_TAG)
    same = holder is not None and holder.rsplit("/", 1)[-1] == name
    found = f"tag {OWNER_TAG} is {holder}" if holder else f"no tag {OWNER_TAG}"
    return Check(check, f"tag {OWNER_TAG} names the stack {name}", deployment.repair).report([] if same else [found])


def unequal(pairs: Mapping[str, tuple[object, object]]) -> list[str]:
    """Return the differences of pairs of the desired and the actual value, by their names."""
    return [
        f"{name}: {'none' if desired is None else desired} expected, {found} found"
        for name, (desired, found) in pairs.items()
        if desired != found
    ]


@dataclass(frozen=True, kw_only=True)
class Verification:
    """All findings of a stack.

    Attributes:
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
