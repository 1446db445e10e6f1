"""Results of a fleet command by account."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from operations.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class State(StrEnum):
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
    DIFFERENT = "different"
    """drift, verify: the live resources differ."""
    FAILED = "failed"
    """The operation failed; `error` has the reason."""
    INTERRUPTED = "interrupted"
    """Started, and stopped by a signal."""
    DONE = "done"
    """up: completed by an earlier, unfinished rollout with the same configuration and program."""
    NOT_BEGUN = "notBegun"
    """Not started: its wave exceeded the failure tolerance, or a signal was received."""


ACCOUNT_WIDE = ""
"""Key in place of a Region, for resources that exist once per account."""

BAD = frozenset({State.DIFFERENT, State.FAILED, State.INTERRUPTED, State.NOT_BEGUN})
"""States that result in a nonzero exit code."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """Result for one Region of one account.

    Attributes:
        state: Outcome.
        differences: Differences, one line each.
        remedy: Command that fixes it. Empty: nothing to do.
    """

    state: State
    differences: tuple[str, ...] = ()
    remedy: str = ""


@dataclass(frozen=True, kw_only=True)
class Result:
    """Result for one account.

    Attributes:
        name: Account name.
        id: Account ID.
        wave: Wave of the account. None for an orphan.
        state: Outcome.
        changes: Number of changed resources by step (verify: checks by status).
        error: Reason for a failure, or why the account was not started.
        seconds: Duration.
        cells: Results by Region, or `ACCOUNT_WIDE`.
    """

    name: str
    id: str
    wave: str | None
    state: State
    changes: Mapping[str, int] = field(default_factory=dict[str, int])
    error: str | None = None
    seconds: float = 0.0
    cells: Mapping[str, Cell] = field(default_factory=dict[str, Cell])


@dataclass(frozen=True, kw_only=True)
class Report:
    """Results for all accounts.

    Attributes:
        command: Command, such as `up`.
        results: Results in the order of the fleet, orphans last.
    """

    command: str
    results: tuple[Result, ...]

    def count(self, state: State) -> int:
        """Return the number of accounts with this state."""
        return sum(each.state is state for each in self.results)

    @property
    def exit_code(self) -> ExitCode:
        """Exit code of the command."""
        return ExitCode.FINDINGS if any(each.state in BAD for each in self.results) else ExitCode.SUCCESS


def as_json(report: Report) -> str:
    """Return the report as one JSON document; `regions` has the results of Regions."""
    document = {
        "command": report.command,
        "accounts": [_account(each) for each in report.results],
        "regions": [_cell(each, region, cell) for each in report.results for region, cell in each.cells.items()],
    }
    return json.dumps(document, indent=2)


def _account(result: Result) -> dict[str, Any]:
    return {
        "name": result.name,
        "id": result.id,
        "wave": result.wave,
        "state": result.state.value,
        "changes": dict(result.changes),
        "error": result.error,
        "seconds": round(result.seconds, 1),
    }


def _cell(result: Result, region: str, cell: Cell) -> dict[str, Any]:
    return {
        "id": result.id,
        "region": region or None,
        "state": cell.state.value,
        "differences": list(cell.differences),
        "remedy": cell.remedy or None,
    }


def from_json(text: str) -> Report:
    """Parse the output of `as_json`, such as results of another computer.

    Raises:
        ValueError: The text is not such an output.
    """
    try:
        document = json.loads(text)
        cells: dict[str, dict[str, Cell]] = {}
        for each in document["regions"]:
            cell = Cell(state=State(each["state"]), differences=tuple(each["differences"]), remedy=each["remedy"] or "")
            cells.setdefault(each["id"], {})[each["region"] or ""] = cell
        results = [_result(each, cells.get(each["id"], {})) for each in document["accounts"]]
        return Report(command=str(document["command"]), results=tuple(results))
    except (KeyError, TypeError, AttributeError) as wrong:
        raise ValueError(f"no result of fleet: {wrong!r}") from None


def merge_reports(reports: Sequence[Report]) -> Report:
    """Merge reports; for an account in several reports, the last one counts."""
    by_account = {(each.id, each.wave is None): each for report in reports for each in report.results}
    commands = dict.fromkeys(each.command for each in reports)
    return Report(command=" and ".join(commands), results=tuple(by_account.values()))


def _result(each: Mapping[str, Any], cells: Mapping[str, Cell]) -> Result:
    return Result(
        name=each["name"],
        id=each["id"],
        wave=each["wave"],
        state=State(each["state"]),
        changes=each["changes"],
        error=each["error"],
        seconds=each["seconds"],
        cells=cells,
    )
