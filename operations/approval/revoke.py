"""The command `revoke`: ends a grant early, with its sessions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from operations.approval.calls import CallError, called
from operations.approval.desk import Desk, Which, open_desk
from operations.approval.following import follow
from operations.approval.options import ModeName, Region, failures_told
from operations.approval.report import as_json, described, line, plain, show_details
from operations.approval.requests import Request, State
from operations.approval.runs import find
from operations.approval.sessions import with_live_facts
from operations.errors import UnusableError
from operations.exit_codes import ExitCode
from operations.options import Cwd, Json, Stack
from operations.surroundings import Surroundings
from operations.terminal import Terminal

if TYPE_CHECKING:
    from datetime import datetime


def revoke(  # noqa: PLR0913 -- the options of the command line
    context: typer.Context,
    run: Annotated[str, typer.Argument(metavar="RUN", help="The ID of the grant's run, or how it begins.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    stack: Stack = None,
    cwd: Cwd = Path(),
    mode: ModeName = None,
    region: Region = None,
    machine: Json = False,
) -> None:
    """End a grant early, **with the operator's open sessions** on its instance.

    Stops the run of the grant. The run then removes the tag and ends the sessions with its own role, so that no other
    principal needs a permission to end sessions.

    Exit codes: 0 ended; 1 there is no live grant, AWS did not stop it, or a session is still open; 2 the command line or
    the stack cannot be used, or it was not confirmed.
    """
    with failures_told():
        surroundings = Surroundings.of(context)
        desk = open_desk(surroundings, Which(stack=stack, cwd=cwd, mode=mode, region=region))
        (request,) = with_live_facts(desk, [find(desk, run)])
        stopped = _checked(request, desk.options)
        _confirm(request, surroundings.now(), yes=yes)
        _stop(desk, stopped)
        ended = follow(desk, request.id, surroundings.pause, lambda found: found.is_over)
        (ended,) = with_live_facts(desk, [ended])
        _tell(ended, surroundings.now(), machine=machine)
    raise typer.Exit(ExitCode.DIFFERENT if ended.sessions or ended.holds_tag else ExitCode.AS_ASKED)


def _checked(request: Request, options: str) -> str:
    """Return the ID of the execution to stop.

    Raises:
        CallError: There is no live grant.
    """
    if request.state is State.WAITING:
        raise CallError(
            f"Request {request.id} is not granted: it waits for approval. Reject it: python -m operations approve "
            f"{request.id} --reject{options}"
        )
    if not request.state.is_open or request.grant_run is None:
        still = f" Open sessions of it: {', '.join(request.sessions)}." if request.sessions else ""
        raise CallError(f"Request {request.id} has no live grant: it is {request.state}.{still}")
    return request.grant_run


def _stop(desk: Desk, run: str) -> None:
    ssm = desk.clients.client("ssm", desk.workflow.region)
    called("ssm:StopAutomationExecution", ssm.stop_automation_execution, AutomationExecutionId=run, Type="Cancel")


def _confirm(request: Request, now: datetime, *, yes: bool) -> None:
    """Ask for confirmation, on standard error, so that standard output stays one document.

    Raises:
        UnusableError: The principal does not confirm.
    """
    show_details(Terminal(stderr=True), request, now)
    if yes:
        return
    typer.echo("End this grant and its sessions? [y/N] ", nl=False, err=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UnusableError("\nNothing was ended. To confirm without a terminal: --yes")


def _tell(ended: Request, now: datetime, *, machine: bool) -> None:
    if machine:
        typer.echo(as_json(plain(ended, now)))
        return
    console = Terminal()
    line(console, Text.assemble("The grant is now: ", described(ended, now)))
    for each in ended.sessions or ():
        line(console, Text(f"Session {each} is still open.", style="bold red"))
