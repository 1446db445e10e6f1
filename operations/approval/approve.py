"""The command `approve`: lists requests that wait for approval, and approves or rejects one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.text import Text

from common.problems import visible
from operations.approval.deciding import check_decision, decide
from operations.approval.desk import Desk, Which, open_desk
from operations.approval.following import WORKING_SECONDS, is_settled
from operations.approval.options import ModeName, Region, failures_told
from operations.approval.report import as_json, described, line, plain, show_details, table
from operations.approval.requests import Request, State
from operations.approval.runs import find, recent
from operations.approval.sessions import with_live_facts
from operations.errors import UnusableError
from operations.exit_codes import ExitCode
from operations.options import Cwd, Json, Stack
from operations.surroundings import Surroundings
from operations.terminal import Terminal

if TYPE_CHECKING:
    from datetime import datetime

_LOOKS: Final = 10
"""Maximum of polls for the result of a decision; other approvers may still have to approve."""


def approve(  # noqa: PLR0913 -- the options of the command line
    context: typer.Context,
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="The request: the id of its run, or how it begins.")
    ] = None,
    *,
    reject: Annotated[bool, typer.Option("--reject", help="Say no.")] = False,
    comment: Annotated[str, typer.Option("--comment", "-m", metavar="TEXT", help="Why, for everybody.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask whether you are sure.")] = False,
    stack: Stack = None,
    cwd: Cwd = Path(),
    mode: ModeName = None,
    region: Region = None,
    machine: Json = False,
) -> None:
    """Lists what waits for approval; with RUN **says yes, or no,** to one request.

    Works with your own AWS credentials. Shows who asks for what before it asks you. Nobody approves their own request.

    Exit codes: 0 listed, or decided; 1 there was nothing to decide, AWS did not take the decision, or the runbook
    refused the request all the same; 2 the command line or the stack cannot be used, or you were not sure.
    """
    with failures_told():
        surroundings = Surroundings.of(context)
        if run is None and (reject or comment or yes):
            raise UnusableError("--reject, --comment and --yes need a RUN. What waits: python -m operations approve")
        desk = open_desk(surroundings, Which(stack=stack, cwd=cwd, mode=mode, region=region))
        if run is None:
            _list(desk, surroundings.now(), machine=machine)
            return
        (request,) = with_live_facts(desk, [find(desk, run)])
        check_decision(request, desk.identity.arn, approve=not reject)
        _confirm(request, surroundings.now(), approve=not reject, yes=yes)
        decide(desk, request, approve=not reject, comment=comment)
        after = _after(desk, request, surroundings)
        _tell(after, surroundings.now(), approve=not reject, machine=machine)
    if not reject and after.state in (State.REFUSED, State.FAILED):
        raise typer.Exit(ExitCode.DIFFERENT)


def _list(desk: Desk, now: datetime, *, machine: bool) -> None:
    waiting = with_live_facts(desk, [each for each in recent(desk, last=0) if each.state is State.WAITING])
    if machine:
        typer.echo(as_json({"waiting": [plain(each, now) for each in waiting]}))
        return
    console = Terminal()
    if not waiting:
        line(console, Text("Nothing waits for approval."))
        return
    console.print(table(waiting, now, "Waiting for approval"))
    for each in waiting:
        line(console, Text(f"{each.id[:8]} reason: {visible(each.reason) or 'none given'}"))
    line(console, Text(f"Decide: python -m operations approve RUN [--reject] [--comment TEXT]{desk.options}"))


def _confirm(request: Request, now: datetime, *, approve: bool, yes: bool) -> None:
    """Ask for confirmation, on standard error, so that standard output stays one document.

    Raises:
        UnusableError: The approver does not confirm, or there is no terminal.
    """
    show_details(Terminal(stderr=True), request, now)
    if yes:
        return
    typer.echo("Approve this? [y/N] " if approve else "Reject this? [y/N] ", nl=False, err=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UnusableError("\nNothing was decided. To confirm without a terminal: --yes")


def _after(desk: Desk, request: Request, surroundings: Surroundings) -> Request:
    """Return the request after the decision: granted, refused, or waiting for other approvers."""
    after = find(desk, request.id)
    for _ in range(_LOOKS):
        if is_settled(after) or (after.state is State.WAITING and after.levels[0] > request.levels[0]):
            break
        surroundings.pause(WORKING_SECONDS)
        after = find(desk, request.id)
    return after


def _tell(after: Request, now: datetime, *, approve: bool, machine: bool) -> None:
    if machine:
        typer.echo(as_json(plain(after, now)))
        return
    said = "Approved" if approve else "Rejected"
    line(Terminal(), Text.assemble((f"{said}. ", "bold"), "The request is now: ", described(after, now)))
