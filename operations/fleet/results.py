"""Results of a fleet command by account."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from operations.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class AccountState(StrEnum):
    """Outcome for an account, or for one of its Regions."""

    ADDED = "added"
    """plan: the stack does not exist yet."""
    CHANGED = "changed"
    """plan, preview: the stack will change; up: the stack changed."""
    UNCHANGED = "unchanged"
    """plan, preview, up: no changes; drift: no drift; verify: no differences."""
    ORPHANED = "orphaned"
    """plan, remove: a stack whose account is not in the fleet."""
    REMOVED = "removed"
    """remove: the stack and all its resources are removed."""
    DIFFERENCES = "different"
    """drift, verify: the live resources differ."""
    FAILED = "failed"
    """The operation failed; `error` has the reason."""
    INTERRUPTED = "interrupted"
    """Started, and stopped by a signal."""
    DONE = "done"
    """up: completed by an earlier, unfinished rollout with the same configuration and program."""
    NOT_STARTED = "notBegun"
    """Not started: its wave exceeded the failure tolerance, or a signal was received."""


ACCOUNT_WIDE = ""
"""Key in place of a Region, for resources that exist once per account."""

BAD = frozenset({AccountState.DIFFERENCES, AccountState.FAILED, AccountState.INTERRUPTED, AccountState.NOT_STARTED})
"""States that result in a nonzero exit code."""


@dataclass(frozen=True, kw_only=True)
class RegionResult:
    """Result for one Region of one account.

    Attributes:
        differences: Differences, one line each.
        remedy: Command that fixes it. Empty: nothing to do.
    """

    state: AccountState
    differences: tuple[str, ...] = ()
    remedy: str = ""


@dataclass(frozen=True, kw_only=True)
class AccountResult:
    """Result for one account.

    Attributes:
        wave: Wave of the account. None for an orphan.
        changes: Number of changed resources by step (verify: checks by status).
        error: Reasons for a failure, one per line, or why the account was not started.
        cells: Results by Region, or `ACCOUNT_WIDE`.
    """

    name: str
    id: str
    wave: str | None
    state: AccountState
    changes: Mapping[str, int] = field(default_factory=dict[str, int])
    error: str | None = None
    seconds: float = 0.0
    cells: Mapping[str, RegionResult] = field(default_factory=dict[str, RegionResult])


@dataclass(frozen=True, kw_only=True)
class NextStep:
    """Command to run next.

    Attributes:
        purpose: Purpose of the command, as an imperative sentence without its period.
        command: Complete command line.
    """

    purpose: str
    command: str


@dataclass(frozen=True, kw_only=True)
class FleetReport:
    """Results for all accounts.

    Attributes:
        command: Command, such as `up`.
        results: Results in the order of the fleet, orphans last.
        next_steps: Further commands, each with its purpose.
    """

    command: str
    results: tuple[AccountResult, ...]
    next_steps: tuple[NextStep, ...] = ()

    def count(self, state: AccountState) -> int:
        """Return the number of accounts with this state."""
        return sum(each.state is state for each in self.results)

    @property
    def exit_code(self) -> ExitCode:
        """Exit code of the command."""
        return ExitCode.FINDINGS if any(each.state in BAD for each in self.results) else ExitCode.SUCCESS


def report_to_json(report: FleetReport) -> str:
    """Return the report as one JSON document; `regions` has the results of Regions."""
    document = {
        "command": report.command,
        "nextSteps": [{"purpose": each.purpose, "command": each.command} for each in report.next_steps],
        "accounts": [_account_document(each) for each in report.results],
        "regions": [
            _region_document(each, region, region_result)
            for each in report.results
            for region, region_result in each.cells.items()
        ],
    }
    return json.dumps(document, indent=2)


def _account_document(result: AccountResult) -> dict[str, Any]:
    return {
        "name": result.name,
        "id": result.id,
        "wave": result.wave,
        "state": result.state.value,
        "changes": dict(result.changes),
        "error": result.error,
        "seconds": round(result.seconds, 1),
    }


def _region_document(result: AccountResult, region: str, region_result: RegionResult) -> dict[str, Any]:
    return {
        "id": result.id,
        "region": region or None,
        "state": region_result.state.value,
        "differences": list(region_result.differences),
        "remedy": region_result.remedy or None,
    }


def report_from_json(text: str) -> FleetReport:
    """Parse the output of `report_to_json`, such as results of another computer.

    Raises:
        ValueError: The text is not such an output.
    """
    try:
        document = json.loads(text)
        cells: dict[str, dict[str, RegionResult]] = {}
        for each in document["regions"]:
            region_result = RegionResult(
                state=AccountState(each["state"]), differences=tuple(each["differences"]), remedy=each["remedy"] or ""
            )
            cells.setdefault(each["id"], {})[each["region"] or ""] = region_result
        results = [_result(each, cells.get(each["id"], {})) for each in document["accounts"]]
        steps = [NextStep(purpose=each["purpose"], command=each["command"]) for each in document.get("nextSteps", ())]
        return FleetReport(command=str(document["command"]), results=tuple(results), next_steps=tuple(steps))
    except (KeyError, TypeError, AttributeError) as wrong:
        raise ValueError(f"no result of fleet: {wrong!r}") from None


def merge_reports(reports: Sequence[FleetReport]) -> FleetReport:
    """Merge reports; for an account in several reports, the last one counts."""
    by_account = {(each.id, each.wave is None): each for report in reports for each in report.results}
    commands = dict.fromkeys(each.command for each in reports)
    steps = dict.fromkeys(step for report in reports for step in report.next_steps)
    return FleetReport(command=" and ".join(commands), results=tuple(by_account.values()), next_steps=tuple(steps))


def _result(each: Mapping[str, Any], cells: Mapping[str, RegionResult]) -> AccountResult:
    return AccountResult(
        name=each["name"],
        id=each["id"],
        wave=each["wave"],
        state=AccountState(each["state"]),
        changes=each["changes"],
        error=each["error"],
        seconds=each["seconds"],
        cells=cells,
    )


_ATTENTION = (
    *(AccountState.FAILED, AccountState.INTERRUPTED, AccountState.NOT_STARTED, AccountState.DIFFERENCES),
    *(AccountState.ORPHANED, AccountState.CHANGED, AccountState.ADDED, AccountState.REMOVED, AccountState.DONE),
    AccountState.UNCHANGED,
)
"""States by urgency."""


def by_attention(results: Iterable[AccountResult]) -> list[AccountResult]:
    """Return the results with the most urgent state first, otherwise in their order."""
    return sorted(results, key=lambda each: _ATTENTION.index(each.state))


@dataclass(frozen=True, kw_only=True)
class AccountGroup:
    """Accounts with equal results, apart from their own names and IDs.

    Attributes:
        results: Results of the accounts; at least one.
        details: Details of the first result as pairs of heading and text; with several accounts, `{accountId}` and
            `{account}` stand for the ID and the name.
    """

    results: tuple[AccountResult, ...]
    details: tuple[tuple[str, str], ...]

    @property
    def first(self) -> AccountResult:
        """The first result."""
        return self.results[0]

    @property
    def label(self) -> str:
        """Names of the accounts: all of a few, or the first ones and the number of the others."""
        if len(self.results) == 1:
            return f"{self.first.name} ({self.first.id})"
        names = ", ".join(each.name for each in self.results[:_MOST_NAMES])
        more = len(self.results) - _MOST_NAMES
        return f"{len(self.results)} accounts: {names}{f' and {more} more' if more > 0 else ''}"


_MOST_NAMES = 5


def group_results(results: Iterable[AccountResult], *, by_wave: bool = False) -> list[AccountGroup]:
    """Return the results in groups of equal ones, by wave if `by_wave` is true, the most urgent first."""
    groups: dict[Any, list[AccountResult]] = {}
    for each in by_attention(results):
        key = (each.wave if by_wave else "", each.state, tuple(each.changes.items()), _details(each, shared=True))
        groups.setdefault(key, []).append(each)
    return [
        AccountGroup(results=tuple(equal), details=_details(equal[0], shared=len(equal) > 1))
        for equal in groups.values()
    ]


def _details(result: AccountResult, *, shared: bool) -> tuple[tuple[str, str], ...]:
    """Return the error, the differences by Region and the remedies, as pairs of heading and text."""
    details = [("error", line) for line in (result.error or "").splitlines()]
    for region, cell in result.cells.items():
        details += [(region or "account", each) for each in cell.differences]
    remedies = dict.fromkeys(cell.remedy for cell in result.cells.values() if cell.remedy and cell.differences)
    details += [("remedy", each) for each in remedies]
    if not shared:
        return tuple(details)
    names = {f"--account {shlex.quote(result.name)}": "--account {account}", result.id: "{accountId}"}
    return tuple((heading, _replaced(text, names)) for heading, text in details)


def _replaced(text: str, names: Mapping[str, str]) -> str:
    for name, placeholder in names.items():
        text = text.replace(name, placeholder)
    return text
