"""`nodes`: show all managed nodes in all Regions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from operations.command_line import CommandContext, Cwd, Json, Stack
from operations.doctor.report import as_json
from operations.doctor.run import Doctor
from operations.nodes.report import as_plain, exit_code, show
from operations.terminal import Terminal

if TYPE_CHECKING:
    from operations.doctor.run import Survey
    from operations.stack import StackConfiguration


def nodes(
    context: typer.Context,
    *,
    running: Annotated[bool, typer.Option("--running", help="Leave out instances that do not run.")] = False,
    stack: Stack = None,
    cwd: Cwd = Path(),
    machine: Json = False,
) -> None:
    """Lists all managed nodes of the stack's Regions, and running instances that are not managed. Changes nothing.

    Each is judged as by `doctor`: ready, not ready, or cannot tell, the worst first, with the causes.

    Exit codes: 0 all ready, 1 a node is not ready or cannot be told, 2 the command line or the configuration cannot be
    used.
    """
    found = _survey(CommandContext.of(context).read_stack(cwd, stack), running_only=running)
    if machine:
        typer.echo(as_json(as_plain(found)))
    else:
        show(found, Terminal())
    raise typer.Exit(exit_code(found))


def _survey(configuration: StackConfiguration, *, running_only: bool) -> Survey:
    errors = Terminal(stderr=True)
    if not errors.is_terminal:
        return Doctor(configuration).survey(running_only=running_only)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=errors, transient=True) as progress:
        task = progress.add_task("Listing nodes", total=None)
        return Doctor(configuration).survey(
            running_only=running_only,
            progress=lambda what, done, of: progress.update(task, description=what, completed=done, total=of),
        )
