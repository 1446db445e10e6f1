"""Output of results: a table for a terminal, and Markdown for a comment on a change."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from operations.fleet.results import BAD, State

if TYPE_CHECKING:
    from rich.console import Console

    from operations.fleet.merging import Setting
    from operations.fleet.results import Report, Result

SHOWN: Final = {
    State.ADDED: ("to be added", "green"),
    State.CHANGED: ("changed", "yellow"),
    State.UNCHANGED: ("unchanged", "green"),
    State.ORPHANED: ("orphaned", "magenta"),
    State.REMOVED: ("removed", "yellow"),
    State.DIFFERENT: ("different", "bold red"),
    State.FAILED: ("failed", "bold red"),
    State.INTERRUPTED: ("interrupted", "bold red"),
    State.DONE: ("done before", "green"),
    State.NOT_BEGUN: ("not begun", "magenta"),
}

_MOST_LINES = 20
"""Maximum number of differences in a comment; code hosts reject comments of more than 65,536 characters."""
_LONGEST_COMMENT = 60_000


def state_text(state: State) -> Text:
    """Return a state as colored text."""
    said, style = SHOWN[state]
    return Text(said, style=style)


def changes_text(result: Result) -> str:
    """Return the changes, such as `3 create, 1 update`."""
    return ", ".join(f"{count} {what}" for what, count in result.changes.items())


def summary(report: Report) -> str:
    """Return the number of accounts by state, in one line."""
    counts = Counter(each.state for each in report.results)
    said = ", ".join(f"{counts[state]} {SHOWN[state][0]}" for state in State if counts[state])
    total = len(report.results)
    return f"fleet {report.command}: {total} account{'' if total == 1 else 's'}{f': {said}' if said else ''}"


def show(report: Report, console: Console) -> None:
    """Print the table, the details of accounts, and the numbers of accounts."""
    table = Table()
    for heading in ("Wave", "Account", "ID", "Result", "Changes", "Seconds"):
        table.add_column(heading, justify="right" if heading == "Seconds" else "left")
    for each in report.results:
        seconds = f"{each.seconds:.0f}" if each.seconds else ""
        row = (Text(each.wave or ""), Text(each.name), each.id, state_text(each.state), changes_text(each), seconds)
        table.add_row(*row)
    console.print(table)
    for each in report.results:
        _explain(each, console)
    style = "bold red" if any(each.state in BAD for each in report.results) else "bold green"
    console.print(Text(summary(report), style=style), soft_wrap=True)


def show_settings(name: str, settings: list[Setting], console: Console) -> None:
    """Print all settings of an account with their sources."""
    console.print(Text(f"Settings of {name}", style="bold"), soft_wrap=True)
    for each in settings:
        console.print(Text(f"{'.'.join(each.path)}: {_value(each.value)}"), soft_wrap=True)
        console.print(Text(f"  from:        {each.origin}", style="dim"), soft_wrap=True)
        for said in each.replaced:
            console.print(Text(f"  instead of:  {_value(said.value)} ({said.origin})", style="dim"), soft_wrap=True)


def markdown(report: Report) -> str:
    """Return a comment on a change, in which texts of accounts and of the engine are escaped."""
    lines = [f"### {_plain(summary(report))}", "", "| wave | account | result | changes |", "| --- | --- | --- | --- |"]
    for each in report.results:
        cells = (each.wave or "", f"{each.name} ({each.id})", SHOWN[each.state][0], changes_text(each))
        lines.append(f"| {' | '.join(map(_plain, cells))} |")
    for each in report.results:
        lines += _details(each)
    text = "\n".join(lines) + "\n"
    if len(text) <= _LONGEST_COMMENT:
        return text
    return text[:_LONGEST_COMMENT].rsplit("\n", 1)[0] + "\n\n... cut short; the whole report is with the run.\n"


def _details(result: Result) -> list[str]:
    told = [f"error: {result.error}"] if result.error else []
    for region, cell in result.cells.items():
        told += [f"{region or 'account'}: {each}" for each in cell.differences]
    if not told:
        return []
    more = len(told) - _MOST_LINES
    told = [*told[:_MOST_LINES], *([f"... and {more} more"] if more > 0 else [])]
    # As an indented code block, which contains no markup; a fence could be closed by its content.
    return ["", f"**{_plain(result.name)}**", "", *(f"    {' '.join(line.split())}" for line in told)]


def _plain(text: str) -> str:
    return "".join(f"\\{each}" if each in "\\`*_{}[]<>()#+!|~@" else each for each in " ".join(text.split()))


def _explain(result: Result, console: Console) -> None:
    told = [("said", result.error)] if result.error else []
    for region, cell in result.cells.items():
        told += [(region or "account", each) for each in cell.differences]
    remedies = dict.fromkeys(cell.remedy for cell in result.cells.values() if cell.remedy and cell.differences)
    told += [("remedy", each) for each in remedies]
    if not told:
        return
    console.print(Text.assemble((f"{result.name} {result.id}", "bold"), ": ", state_text(result.state)), soft_wrap=True)
    for heading, text in told:
        console.print(Text(f"  {heading + ':':<16} {text}"), soft_wrap=True)
    console.print()


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
