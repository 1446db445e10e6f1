"""Output of results: a terminal, JSON, an HTML page, or a Markdown comment."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from operations.command_line import CommandContext
from operations.errors import ExitCode, UnusableError
from operations.fleet.page import results_page
from operations.fleet.progress import Progress
from operations.fleet.report import markdown, show
from operations.fleet.results import as_json
from operations.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from operations.fleet.results import Report


def progress_of(accounts: int) -> Progress:
    """Return the progress of a number of accounts, shown on standard error."""
    return Progress(Terminal(stderr=True), accounts)


def finish(
    context: typer.Context, report: Report, *, machine: bool, page: Path | None, comment: Path | None = None
) -> None:
    """Write the results to all requested outputs, and exit with their exit code.

    Args:
        context: Context of the command.
        report: Results.
        machine: Whether to write JSON to standard output instead of a table.
        page: File for the HTML page, if any.
        comment: File for the Markdown comment, if any.

    Raises:
        UnusableError: A file cannot be written.
    """
    try:
        if page:
            page.write_text(results_page(report, CommandContext.of(context).now()), encoding="utf-8")
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
    """Print an unusable configuration as one message, and exit with code 2."""
    try:
        yield
    except UnusableError as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(ExitCode.UNUSABLE) from None
