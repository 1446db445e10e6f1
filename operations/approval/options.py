"""Options and error handling of the approval commands."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from common.problems import visible
from operations.approval.calls import CallError
from operations.errors import UnusableError
from operations.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Generator

ModeName = Annotated[
    str | None,
    typer.Option("--mode", metavar="MODE", help="automation or change-manager; with --region in place of a stack."),
]
Region = Annotated[
    str | None, typer.Option("--region", metavar="REGION", help="Where the workflow lives; with --mode.")
]


@contextmanager
def failures_told() -> Generator[None]:
    """Translate errors into a message and an exit code."""
    try:
        yield
    except UnusableError as problem:
        typer.echo(_lines(problem), err=True)
        raise typer.Exit(ExitCode.UNUSABLE) from None
    except CallError as problem:
        typer.echo(_lines(problem), err=True)
        raise typer.Exit(ExitCode.DIFFERENT) from None


def _lines(problem: Exception) -> str:
    """Return the lines of a message with hidden characters visible, as it may repeat input of other principals."""
    return "\n".join(visible(line) for line in str(problem).split("\n"))
