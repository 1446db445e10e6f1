"""Errors that abort a command, and their exit codes."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from common.problems import visible
from operations.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Generator


class UnusableError(Exception):
    """The configuration cannot be used; the message is for the operator, and includes the remediation.

    It may repeat text of others, so it contains no control characters.
    """

    def __str__(self) -> str:
        return "\n".join(map(visible, super().__str__().split("\n")))


class FailedError(Exception):
    """The command cannot complete; the message is for the operator, and includes the remediation."""


@contextmanager
def exit_on_errors() -> Generator[None]:
    """Translate errors into a message on standard error and an exit code."""
    try:
        yield
    except (UnusableError, FailedError) as error:
        typer.echo(str(error), err=True)
        code = ExitCode.UNUSABLE if isinstance(error, UnusableError) else ExitCode.DIFFERENT
        raise typer.Exit(code) from None
