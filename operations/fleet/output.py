"""Where the results of a command go: the terminal, a machine, a page, a comment."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from operations.errors import UnusableError
from operations.exit_codes import ExitCode
from operations.fleet.page import results_page
from operations.fleet.progress import Progress
from operations.fleet.report import markdown, show
from operations.fleet.results import as_json
from operations.surroundings import Surroundings
from operations.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from operations.fleet.results import Report


def progress_of(accounts: int) -> Progress:
    """Shows how so many accounts go on, on standard error."""
    return Progress(Terminal(stderr=True), accounts)


def finish(
    context: typer.Context, report: Report, *, machine: bool, page: Path | None, comment: Path | None = None
) -> None:
    """Writes the results wherever they were asked for, and ends the command with their exit code.

    Args:
        context: of the command.
        report: the results.
        machine: whether standard output gets JSON instead of a table.
        page: file for the page, if any.
        comment: file for the Markdown, if any.

    Raises:
        UnusableError: a file cannot be written.
    """
    try:
        if page:
            page.write_text(results_page(report, Surroundings.of(context).now()), encoding="utf-8")
        if comment:
            comment.write_text(markdown(report), encoding="utf-8")
    except OSError as failed:
        raise UnusableError(f"The results cannot be written: {failed}") from None
    if machine:
        typer.echo(as_json(report))
    else:
        show(report, Terminal())
    raise typer.Exit(report.exit_code)


@contextmanager
def told_in_words() -> Generator[None]:
    """What cannot be used is one message and exit code 2."""
    try:
        yield
    except UnusableError as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(ExitCode.UNUSABLE) from None
