"""Where the results of a command go: the terminal, a machine, a page, a comment."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from operations.errors import UnusableError
from operations.exit_codes import ExitCode
from operations.fleet.page import results_page
from operations.fleet.progress import Progress
from operations.fleet.report import markdown, show
from operations.fleet.results import as_json

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from operations.fleet.results import Report
    from operations.surroundings import Surroundings


class Output:
    """Standard output, and files that were asked for."""

    def __init__(
        self, surroundings: Surroundings, *, machine: bool, page: Path | None = None, comment: Path | None = None
    ) -> None:
        self._surroundings = surroundings
        self._machine = machine
        self._page = page
        self._comment = comment

    @staticmethod
    def progress(accounts: int) -> Progress:
        """Shows how so many accounts go on, on standard error."""
        return Progress(Console(stderr=True, highlight=False), accounts)

    def end(self, report: Report) -> None:
        """Writes everything and ends the command with the report's exit code.

        Raises:
            UnusableError: a file cannot be written.
        """
        try:
            if self._page:
                self._page.write_text(results_page(report, self._surroundings.now()), encoding="utf-8")
            if self._comment:
                self._comment.write_text(markdown(report), encoding="utf-8")
        except OSError as failed:
            raise UnusableError(f"The results cannot be written: {failed}") from None
        if self._machine:
            typer.echo(as_json(report))
        else:
            show(report, Console(highlight=False))
        raise typer.Exit(report.exit_code)


@contextmanager
def told_in_words() -> Generator[None]:
    """What cannot be used is one message and exit code 2."""
    try:
        yield
    except UnusableError as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(ExitCode.UNUSABLE) from None
