"""Output of commands: the operator's terminal, and JSON."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.cells import cell_len
from rich.console import Console, Group
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from common.problems import visible
from operations.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import ConsoleOptions, RenderableType
    from rich.status import Status
    from rich.table import Column


def program_name() -> str:
    """Return the command line by which the operator has started the program."""
    return "shell-access" if Path(sys.argv[0]).name.startswith("shell-access") else "python -m operations"


class Terminal(Console):
    """A console on which external text cannot move the cursor, change colors or change the text direction.

    A table that is too wide for it is printed as one record per row, so that no column is cut off.
    """

    def __init__(self, *, stderr: bool = False, **options: Any) -> None:
        super().__init__(stderr=stderr, highlight=False, **options)
        self._rendering = threading.local()

    def on_broken_pipe(self) -> None:
        """Report that the reader of the output is gone."""
        raise CommandError("The output was closed before it was complete.")

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render with all invisible characters escaped, except line ends."""
        if getattr(self._rendering, "within", False):
            # The outer renderable escapes it, after table cells are truncated.
            yield from super().render(renderable, options)
            return
        self._rendering.within = True
        if isinstance(renderable, Table):
            fits = _least_width(renderable) <= (options or self.options).max_width
            renderable = _uncut(renderable) if fits else _records(renderable)
        try:
            for text, style, control in super().render(renderable, options):
                shown = text if control else "\n".join(map(visible, text.split("\n")))
                yield Segment(shown, style, control)
        finally:
            self._rendering.within = False


_LEAST_FOLDED = 16
"""Characters that a folded column needs at least to stay readable."""


def _least_width(table: Table) -> int:
    """Return the width at which no cell of a table is cut off."""
    return table.row_count and sum(3 + _least_cell_width(column) for column in table.columns) + 1


def _least_cell_width(column: Column) -> int:
    lines = [line for cell in (column.header, *column.cells) for line in _text(cell).plain.splitlines()]
    parts = lines if column.no_wrap else [word for line in lines for word in line.split()]
    widest = max(map(cell_len, parts), default=0)
    return min(widest, _LEAST_FOLDED) if column.overflow == "fold" else widest


def _uncut(table: Table) -> Table:
    """Return a table of which Rich narrows only cells with several words, and cuts none off."""
    for column in table.columns:
        widest = max((cell_len(_text(cell).plain) for cell in (column.header, *column.cells)), default=0)
        if not column.no_wrap and _least_cell_width(column) == widest:
            column.no_wrap = True
        elif not column.no_wrap:
            column.overflow = "fold"
    return table


def _records(table: Table) -> Group:
    """Return the rows of a table as lines `heading: cell`, with an empty line after each row."""
    headings = [_text(column.header).plain for column in table.columns]
    indent = max(map(cell_len, headings), default=0) + 2
    lines: list[Text] = [_text(table.title).copy()] if table.title else []
    for cells in zip(*(column.cells for column in table.columns), strict=True):
        for heading, cell in zip(headings, map(_text, cells), strict=True):
            if cell.plain:
                label = f"{heading}:" if heading else ""
                lines.append(Text.assemble(label.ljust(indent), cell, overflow="fold"))
        lines.append(Text())
    return Group(*lines)


def _text(renderable: object) -> Text:
    return renderable if isinstance(renderable, Text) else Text(str(renderable))


def working(text: str) -> Status:
    """Return a line on standard error that shows, on a terminal only, what a command is doing, while its context lasts."""
    return Terminal(stderr=True).status(text)


def print_line(console: Console, *parts: str | Text | tuple[str, str], style: str = "") -> None:
    r"""Print a line without breaks, so that commands and IDs can be copied; a line end within it is shown as `\n`.

    Text of other principals, such as the reason of a request, cannot begin a line of its own.
    """
    line = Text.assemble(*parts, style=style)
    console.print(Text(r"\n").join(line.split("\n", allow_blank=True)) if "\n" in line.plain else line, soft_wrap=True)


def titled_table(title: str, *headings: str) -> Table:
    """Return an empty table with columns."""
    return Table(*headings, title=Text(title), title_justify="left", title_style="bold")


def print_json(document: Any) -> None:
    """Print a JSON document in ASCII, so that text of other principals reaches the terminal only escaped."""
    typer.echo(json.dumps(document, indent=2))
