"""Output of commands: the operator's terminal, and JSON."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from common.problems import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import ConsoleOptions, RenderableType


class Terminal(Console):
    """A console on which external text cannot move the cursor, change colors or change the text direction."""

    def __init__(self, *, stderr: bool = False, **options: Any) -> None:
        super().__init__(stderr=stderr, highlight=False, **options)
        self._rendering = threading.local()

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render with all invisible characters escaped, except line ends."""
        if getattr(self._rendering, "within", False):
            # The outer renderable escapes it, after table cells are truncated.
            yield from super().render(renderable, options)
            return
        self._rendering.within = True
        try:
            for text, style, control in super().render(renderable, options):
                shown = text if control else "\n".join(map(visible, text.split("\n")))
                yield Segment(shown, style, control)
        finally:
            self._rendering.within = False


def print_line(console: Console, text: str | Text, style: str = "") -> None:
    """Print a line without breaks, so that commands and IDs can be copied."""
    console.print(text if isinstance(text, Text) else Text(text, style=style), soft_wrap=True)


def titled_table(title: str, *headings: str) -> Table:
    """Return an empty table with columns."""
    return Table(*headings, title=Text(title), title_justify="left", title_style="bold")


def print_json(document: Any) -> None:
    """Print a JSON document in ASCII, so that text of other principals reaches the terminal only escaped."""
    typer.echo(json.dumps(document, indent=2))
