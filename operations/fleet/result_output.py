"""Output of results: a table for a terminal, Markdown for a comment on a change, and a self-contained HTML page; and the progress."""

from __future__ import annotations

import json
import threading
from collections import Counter
from html import escape
from typing import TYPE_CHECKING, Final, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from operations.findings import counted
from operations.fleet.results import (
    BAD,
    AccountGroup,
    AccountResult,
    AccountState,
    FleetReport,
    RegionResult,
    by_attention,
    group_results,
)
from operations.html_page import html_page
from operations.terminal import print_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from types import TracebackType

    from operations.fleet.stack_configuration import FleetStack, Setting

STATE_TEXTS: Final = {
    AccountState.ADDED: ("to be added", "green"),
    AccountState.CHANGED: ("changed", "yellow"),
    AccountState.UNCHANGED: ("no differences", "green"),
    AccountState.ORPHANED: ("orphaned", "magenta"),
    AccountState.REMOVED: ("removed", "yellow"),
    AccountState.DIFFERENCES: ("drifted", "bold red"),
    AccountState.FAILED: ("failed", "bold red"),
    AccountState.INTERRUPTED: ("interrupted", "bold red"),
    AccountState.DONE: ("completed earlier", "green"),
    AccountState.NOT_STARTED: ("not started", "magenta"),
}

_MOST_ROWS = 25
"""Maximum number of accounts with a row each in a terminal; of more, equal ones share a row."""
_MOST_DIFFERENCES = 40
"""Maximum number of differences of an account in a terminal; errors and remedies are always shown."""
_MOST_LINES = 20
"""Maximum number of differences in a comment; code hosts reject comments of more than 65,536 characters."""
_LONGEST_COMMENT = 60_000
_ALWAYS_SHOWN = ("error", "remedy")


def state_text(state: AccountState) -> Text:
    """Return a state as colored text."""
    text, style = STATE_TEXTS[state]
    return Text(text, style=style)


def changes_text(result: AccountResult) -> str:
    """Return the changes, such as `3 create, 1 update`."""
    return ", ".join(f"{count} {what}" for what, count in result.changes.items())


def summary_line(report: FleetReport) -> str:
    """Return the number of accounts by state, in one line."""
    counts = Counter(each.state for each in report.results)
    states = ", ".join(f"{counts[state]} {STATE_TEXTS[state][0]}" for state in AccountState if counts[state])
    total = len(report.results)
    return f"fleet {report.command}: {counted(total, 'account')}{f': {states}' if states else ''}"


def print_results(report: FleetReport, console: Console) -> None:
    """Print the table, the details of accounts, the numbers of accounts, and the next step."""
    console.print(_accounts_table(report) if len(report.results) <= _MOST_ROWS else _groups_table(report))
    for group in group_results(report.results):
        _print_details(group, console)
    style = "bold red" if any(each.state in BAD for each in report.results) else "bold green"
    print_line(console, summary_line(report), style=style)
    for step in report.next_steps:
        print_line(console, f"Next step: {step.purpose}:")
        print_line(console, f"  {step.command}")


def _accounts_table(report: FleetReport) -> Table:
    """Return a table with one row per account; a command without changes or durations has no column for them."""
    table = Table("Wave", "Account", "ID", "Result")
    has_changes = any(each.changes for each in report.results)
    has_seconds = any(each.seconds for each in report.results)
    if has_changes:
        table.add_column("Changes")
    if has_seconds:
        table.add_column("Seconds", justify="right")
    for each in report.results:
        row = [Text(each.wave or ""), Text(each.name), Text(each.id), state_text(each.state)]
        row += [Text(changes_text(each))] if has_changes else []
        row += [Text(f"{each.seconds:.0f}" if each.seconds else "")] if has_seconds else []
        table.add_row(*row)
    return table


def _groups_table(report: FleetReport) -> Table:
    """Return a table with one row for all accounts of a wave that have equal results."""
    table = Table("Wave", "Accounts", "Result", "Changes")
    for group in group_results(report.results, by_wave=True):
        result = group.first
        table.add_row(Text(result.wave or ""), Text(group.label), state_text(result.state), changes_text(result))
    return table


def print_settings(name: str, settings: list[Setting], console: Console) -> None:
    """Print all settings of an account with their sources."""
    print_line(console, f"Settings of {name}", style="bold")
    for each in settings:
        print_line(console, f"{each.key}: {_value(each.value)}")
        print_line(console, f"  from:        {each.origin}", style="dim")
        for replaced in each.replaced:
            print_line(console, f"  instead of:  {_value(replaced.value)} ({replaced.origin})", style="dim")


def markdown_comment(report: FleetReport) -> str:
    """Return a comment on a change, in which texts of accounts and of the engine are escaped.

    Accounts with equal results share a row and their details; the most urgent come first.
    """
    lines = [f"### {_escaped(summary_line(report))}", ""]
    for step in report.next_steps:
        lines += [f"**Next step:** {_escaped(step.purpose)}:", "", _code(step.command), ""]
    lines += ["| wave | account | result | changes |", "| --- | --- | --- | --- |"]
    for group in group_results(report.results, by_wave=True):
        result = group.first
        cells = (result.wave or "", group.label, STATE_TEXTS[result.state][0], changes_text(result))
        lines.append(f"| {' | '.join(map(_escaped, cells))} |")
    for group in group_results(report.results):
        lines += _markdown_details(group)
    text = "\n".join(lines) + "\n"
    if len(text) <= _LONGEST_COMMENT:
        return text
    return (
        text[:_LONGEST_COMMENT].rsplit("\n", 1)[0] + "\n\n... truncated; the full report is in the output of the run.\n"
    )


def _markdown_details(group: AccountGroup) -> list[str]:
    details = [each for each in group.details if each[0] != "remedy"]
    if not details:
        return []
    lines = [f"{heading}: {text}" for heading, text in _shortened(details, _MOST_LINES)]
    return ["", f"**{_escaped(group.label)}**", "", *map(_code, lines)]


def _shortened(details: Sequence[tuple[str, str]], most: int) -> list[tuple[str, str]]:
    """Return the details with a limited number of differences, and with all errors and remedies."""
    differences = [each for each in details if each[0] not in _ALWAYS_SHOWN]
    more = len(differences) - most
    if more <= 0:
        return list(details)
    errors = [each for each in details if each[0] == "error"]
    remedies = [each for each in details if each[0] == "remedy"]
    return [*errors, *differences[:most], ("more", f"{more} lines, which --html and --json list"), *remedies]


def _code(line: str) -> str:
    """Return a line of an indented code block, which contains no markup; a fence could be closed by its content."""
    return f"    {' '.join(line.split())}"


def _escaped(text: str) -> str:
    return "".join(f"\\{each}" if each in "\\`*_{}[]<>()#+!|~@" else each for each in " ".join(text.split()))


def _print_details(group: AccountGroup, console: Console) -> None:
    if not group.details:
        return
    print_line(console, Text.assemble((group.label, "bold"), ": ", state_text(group.first.state)))
    for heading, text in _shortened(group.details, _MOST_DIFFERENCES):
        print_line(console, f"  {heading + ':':<16} {text}")
    console.print()


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


_ACCOUNT_WIDE = "account-wide"


def results_page(report: FleetReport, created_at: datetime) -> str:
    """Return the whole page."""
    title = summary_line(report)
    body = [
        '<a class="skip" href="#results">Skip to the results</a>',
        f"<header><h1>{escape(title)}</h1><p>{escape(created_at.strftime('%Y-%m-%d %H:%M %Z'))}</p>",
        *_overview(report),
        *_search(report),
        "</header>\n<main>",
        *_table(report),
        "</main>",
    ]
    return html_page("operations.fleet", title, body)


def _overview(report: FleetReport) -> Iterator[str]:
    """Yield what needs attention, each group of equal accounts once, and the next step."""
    urgent = [each for each in group_results(report.results) if each.first.state in BAD]
    if urgent:
        yield "<section><h2>Needs attention</h2><ul>"
        for group in urgent:
            state = group.first.state
            errors = [text for heading, text in group.details if heading == "error"]
            reasons = errors or [text for _, text in group.details[:1]]
            label = f"{escape(group.label)} <strong>{escape(STATE_TEXTS[state][0])}</strong>{': ' if reasons else ''}"
            yield f'<li class="{escape(state.value)}">{label}{"<br>".join(map(escape, reasons))}</li>'
        yield "</ul></section>"
    for step in report.next_steps:
        yield f"<p>Next step: {escape(step.purpose)}: <code>{escape(step.command)}</code></p>"


def _search(report: FleetReport) -> Iterator[str]:
    yield '<form role="search"><label>Search <input type="search" id="search" autocomplete="off"></label>'
    yield '<label>Result <select id="state"><option value="">all</option>'
    for state in dict.fromkeys(each.state for each in by_attention(report.results)):
        yield f'<option value="{escape(state.value)}">{escape(STATE_TEXTS[state][0])}</option>'
    count = len(report.results)
    yield f'</select></label></form><p id="count" role="status">{count} of {count} accounts</p>'


def _table(report: FleetReport) -> Iterator[str]:
    regions = list(dict.fromkeys(region for each in report.results for region in each.cells))
    # The target of the skip link receives the focus, so that the arrow keys scroll it.
    yield '<div class="scroll" id="results" role="region" aria-label="Results" tabindex="0"><table>'
    yield "<caption>Accounts by Region. Expand a cell for its differences and remedy.</caption><thead><tr>"
    headings = ["Account", "Wave", "Result", *(region or _ACCOUNT_WIDE for region in regions)]
    yield "".join(f'<th scope="col">{escape(each)}</th>' for each in headings)
    yield "</tr></thead><tbody>"
    for result in by_attention(report.results):
        yield from _row(result, regions)
    yield "</tbody></table></div>"


def _row(result: AccountResult, regions: list[str]) -> Iterator[str]:
    state = STATE_TEXTS[result.state][0]
    yield f'<tr data-state="{escape(result.state.value)}">'
    yield f'<th scope="row">{escape(result.name)}<br><small>{escape(result.id)}</small></th>'
    yield f'<td data-label="Wave">{escape(result.wave or "none")}</td>'
    details = [*filter(None, [changes_text(result)]), *(result.error or "").splitlines()]
    yield f'<td data-label="Result" class="{escape(result.state.value)}">{_expandable(state, result.name, details)}</td>'
    for region in regions:
        cell = result.cells.get(region)
        label, where = escape(region or _ACCOUNT_WIDE), f"{result.name}, {region or _ACCOUNT_WIDE}"
        if cell is None:
            yield f'<td data-label="{label}" class="none"><span aria-hidden="true">-</span><span class="hidden">nothing</span></td>'
        else:
            yield f'<td data-label="{label}" class="{escape(cell.state.value)}">{_region_cell(cell, where)}</td>'
    yield "</tr>"


def _region_cell(cell: RegionResult, where: str) -> str:
    details = [*cell.differences, *([f"Remedy: {cell.remedy}"] if cell.remedy else [])]
    return _expandable(STATE_TEXTS[cell.state][0], where, details)


def _expandable(state: str, where: str, details: list[str]) -> str:
    """Return a state that expands to its details.

    `where` names row and column for screen readers, whose users may reach the state without them.
    """
    if not details:
        return escape(state)
    items = "".join(f"<li>{escape(each)}</li>" for each in details)
    summary_of = f'{escape(state)}<span class="hidden"> ({escape(where)})</span>'
    return f"<details><summary>{summary_of}</summary><ul>{items}</ul></details>"


class Progress:
    """Progress of every account on a console; its methods are called from several threads."""

    def __init__(self, console: Console, total: int) -> None:
        """Initialize the progress."""
        self._console = console
        self._total = total
        self._lock = threading.Lock()
        self._running: dict[str, tuple[str, str, str]] = {}
        self._ended: Counter[str] = Counter()
        self._live = Live(self._table(), console=console, transient=True) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def started(self, stack: FleetStack, wave: str) -> None:
        """Show that an account has started."""
        with self._lock:
            self._running[stack.account.id] = (wave, stack.account.name, "started")
        self._show()

    def updated(self, stack: FleetStack, text: str) -> None:
        """Show the progress of an account."""
        with self._lock:
            if stack.account.id in self._running:
                wave, name, _ = self._running[stack.account.id]
                self._running[stack.account.id] = (wave, name, text)
        self._show()

    def ended(self, result: AccountResult) -> None:
        """Show that an account has finished, or will not start."""
        with self._lock:
            self._running.pop(result.id, None)
            self._ended[result.state.value] += 1
        if self._live is None:
            changes = changes_text(result)
            line = f"{result.wave or '-'}  {result.id}  {result.name}: {state_text(result.state).plain}"
            self._line(f"{line}{f' ({changes})' if changes else ''}, {result.seconds:.0f} s")
        self._show()

    def pausing(self, wave: str, minutes: int) -> None:
        """Show the pause before the next wave."""
        self._line(f"Wave {wave} is complete; the next wave starts in {counted(minutes, 'minute')}.")

    def _line(self, text: str) -> None:
        print_line(self._console, text)

    def _show(self) -> None:
        if self._live:
            self._live.update(self._table())

    def _table(self) -> RenderableType:
        with self._lock:
            running, ended = list(self._running.items()), dict(self._ended)
        counts = ", ".join(f"{count} {state}" for state, count in ended.items())
        title = f"{sum(ended.values())} of {self._total} accounts{f': {counts}' if counts else ''}"
        table = Table(box=None)
        for heading in ("Wave", "Account", "ID", ""):
            table.add_column(heading)
        for account_id, (wave, name, text) in running:
            table.add_row(Text(wave), Text(name), account_id, Text(text))
        return Group(Text(title), table) if running else Text(title)
