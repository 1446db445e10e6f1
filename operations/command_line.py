"""Options that commands share, and their external dependencies."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast

import typer

from operations.errors import UnusableError
from operations.stack import StackConfiguration, StackState, read_outputs, read_stack, read_state
from operations.terminal import working

T = TypeVar("T")

Stack = Annotated[str | None, typer.Option("--stack", "-s", metavar="NAME", help="Stack. Default: the selected stack.")]
Cwd = Annotated[
    Path,
    typer.Option("--cwd", "-C", metavar="DIRECTORY", help="Directory of Pulumi.yaml.", file_okay=False, exists=True),
]
Regions = Annotated[
    list[str] | None,
    typer.Option("--region", metavar="REGION", help="Limit to this Region of the stack. Repeatable."),
]
ApprovalMode = Annotated[
    str | None,
    typer.Option(
        "--mode",
        metavar="MODE",
        help="Mode of approval (automation, change-manager, just-in-time); with --region, instead of a stack.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]

StackReader = Callable[[Path, str | None], StackConfiguration]
"""Reads the configuration of a stack: the program's directory, and the stack's name (None: the selected one)."""

OutputReader = Callable[[Path, str | None], Mapping[str, Any]]
"""Reads the outputs of a stack; the same parameters."""

StateReader = Callable[[Path, str | None], StackState]
"""Reads the state of a stack; the same parameters."""


def confirm(question: str, refusal: str) -> None:
    """Ask for confirmation, on standard error, so that standard output stays one document.

    `refusal` states the consequence of another answer than yes.

    Raises:
        UnusableError: The answer is not yes, or there is no terminal.
    """
    typer.echo(f"{question} [y/N] ", nl=False, err=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UnusableError(f"\n{refusal} To confirm without a terminal: --yes")


def _now() -> datetime:
    """Return the time in the operator's time zone."""
    return datetime.now().astimezone()


@dataclass(frozen=True, kw_only=True)
class CommandContext:
    """External dependencies of a command, which tests replace to run without the engine.

    Attributes:
        now: Returns the time, with its zone.
        pause: Waits, in seconds, between polls.
    """

    read_stack: StackReader = read_stack
    read_outputs: OutputReader = read_outputs
    read_state: StateReader = read_state
    now: Callable[[], datetime] = _now
    pause: Callable[[float], None] = time.sleep

    @classmethod
    def of(cls, context: typer.Context) -> CommandContext:
        """Return the dependencies of the command line's context, or the defaults."""
        given = cast("CommandContext | None", context.obj)
        return given or cls(read_stack=_reporting(read_stack), read_outputs=_reporting(read_outputs))


def _reporting(read: Callable[[Path, str | None], T]) -> Callable[[Path, str | None], T]:
    """Return a reader that shows a line while `pulumi` runs, which takes seconds with a remote backend."""

    def reporting(directory: Path, name: str | None) -> T:
        with working("Reading the stack ..."):
            return read(directory, name)

    return reporting
