"""What a command of the fleet comes to, account by account."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from operations.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class State(StrEnum):
    """How an account, or a Region of it, came out."""

    ADDED = "added"
    """plan: there is no stack yet."""
    CHANGED = "changed"
    """plan, preview: the stack will change; up: it did."""
    UNCHANGED = "unchanged"
    """plan, preview, up: nothing to do; drift: live as the stack left it; verify: all as asked."""
    ORPHANED = "orphaned"
    """plan, remove: a stack whose account is none of the fleet's."""
    REMOVED = "removed"
    """remove: the stack is gone with all that it made."""
    DIFFERENT = "different"
    """drift, verify: somebody changed something."""
    FAILED = "failed"
    """The account could not be done; `error` says why."""
    INTERRUPTED = "interrupted"
    """Begun, and ended by a signal."""
    DONE = "done"
    """up: an earlier, unfinished run has done it with the same configuration and program."""
    NOT_BEGUN = "notBegun"
    """A wave ended at its tolerance, or a signal came, before it was this account's turn."""


ACCOUNT_WIDE = ""
"""Stands where a Region would for what an account has once."""

BAD = frozenset({State.DIFFERENT, State.FAILED, State.INTERRUPTED, State.NOT_BEGUN})
"""For the exit code."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One Region of one account.

    Attributes:
        state: how it came out.
        differences: one line each.
        remedy: what to do; empty where nothing is.
    """

    state: State
    differences: tuple[str, ...] = ()
    remedy: str = ""


@dataclass(frozen=True, kw_only=True)
class Result:
    """One account.

    Attributes:
        name: of the account.
        id: 12 digits.
        wave: its wave; None for an orphan.
        state: how it came out.
        changes: how many resources (verify: checks) by what happened to them; those that stay are left out.
        error: why it failed or was not begun.
        seconds: how long it took.
        cells: by Region, or ACCOUNT_WIDE.
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
    """All accounts.

    Attributes:
        command: that was run, `up`.
        results: in the order of the fleet, orphans last.
    """

    command: str
    results: tuple[Result, ...]

    def count(self, state: State) -> int:
        """How many accounts came out so."""
        return sum(each.state is state for each in self.results)

    @property
    def exit_code(self) -> ExitCode:
        """What a shell is told."""
        return ExitCode.DIFFERENT if any(each.state in BAD for each in self.results) else ExitCode.AS_ASKED


def as_json(report: Report) -> str:
    """The report as one JSON document; `regions` has what is to be said of single Regions."""
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
    """Reads what `as_json` wrote, such as the result of another machine.

    Raises:
        ValueError: it is something else.
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
    """One report of several runs; where an account is in more than one, the last counts."""
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
