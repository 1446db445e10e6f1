"""The command `request`: requests a session."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from components.approval.runbook import APPROVAL_SECONDS
from operations.approval.asking import Wanted, ask, check_words, principal_for
from operations.approval.calls import CallError
from operations.approval.desk import Desk, Which, open_desk
from operations.approval.following import follow, is_settled
from operations.approval.options import ModeName, Region, failures_told
from operations.approval.places import check_duplicates, find_instance, find_operator
from operations.approval.report import as_json, described, line, moment, plain, start_command
from operations.approval.requests import Request, State
from operations.approval.runs import check_workflow
from operations.errors import UnusableError
from operations.exit_codes import ExitCode
from operations.options import Cwd, Json, Stack
from operations.surroundings import Surroundings
from operations.terminal import Terminal

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import Console

    from operations.approval.people import Principal

APPROVAL_HOURS = APPROVAL_SECONDS // 3_600
INTERRUPTED = 130
"""Exit code of shells for an interrupt."""


def request(  # noqa: PLR0913 -- the options of the command line
    context: typer.Context,
    instance: Annotated[str, typer.Argument(metavar="INSTANCE", help="An ID, or a name such as app-1 (its Name tag).")],
    *,
    reason: Annotated[str, typer.Option("--reason", "-r", metavar="TEXT", help="Why, for the approvers.")],
    as_role: Annotated[
        str | None, typer.Option("--as-role", metavar="NAME", help="Role to grant the session to. Default: the caller.")
    ] = None,
    as_user: Annotated[
        str | None, typer.Option("--as-user", metavar="NAME", help="User to grant the session to.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Request although the same is requested or granted already.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Wait until it is granted or refused.")] = False,
    stack: Stack = None,
    cwd: Cwd = Path(),
    mode: ModeName = None,
    region: Region = None,
    machine: Json = False,
) -> None:
    """Request a session on an instance. **Starts a run** that waits for the approval of another person.

    Works with your own AWS credentials, in either mode of approval. The grant is for the role or user of these
    credentials, unless another one is named.

    Exit codes: 0 asked (with --wait: granted), 1 AWS did not take the request (with --wait: no grant came of it), 2 the
    command line or the stack cannot be used.
    """
    with failures_told():
        if as_role and as_user:
            raise UnusableError("--as-role and --as-user are alternatives: choose one.")
        check_words(reason, as_role, as_user)
        surroundings = Surroundings.of(context)
        desk = open_desk(surroundings, Which(stack=stack, cwd=cwd, mode=mode, region=region))
        principal = principal_for(desk.identity.arn, as_role, as_user)
        wanted = _wanted(desk, principal, instance, reason, again=again)
        made = _asked(desk, wanted, surroundings.now())
        if not machine:
            _tell(Terminal(), made, wanted, desk.options)
        if wait:
            made = _wait(desk, made, surroundings)
        if machine:
            typer.echo(as_json(plain(made, surroundings.now())))
    if wait:
        if not machine:
            _tell_end(Terminal(), made, surroundings.now())
        raise typer.Exit(ExitCode.AS_ASKED if made.state is State.GRANTED else ExitCode.DIFFERENT)


def _wanted(desk: Desk, principal: Principal, instance: str, reason: str, *, again: bool) -> Wanted:
    """Return the request once instance, operator and other requests are checked, before any approver is asked."""
    with suppress(CallError):
        # The document may not be readable; starting it reports the error.
        check_workflow(desk)
    found, name = find_instance(desk, instance)
    wanted = Wanted(principal=principal, instance=found, name=name, reason=reason)
    wanted.check()
    wanted = replace(wanted, principal=find_operator(desk, principal))
    if not again:
        check_duplicates(desk, wanted)
    return wanted


def _asked(desk: Desk, wanted: Wanted, now: datetime) -> Request:
    """Return the request as made; the rest is not known yet, and reading it needs another permission."""
    return Request(
        id=ask(desk, wanted),
        grant_run=None,
        asked_by=desk.identity.arn,
        asked_at=now,
        principal=wanted.principal,
        instance=wanted.instance,
        reason=wanted.reason,
        state=State.WAITING,
    )


def _tell(console: Console, made: Request, wanted: Wanted, options: str) -> None:
    line(console, Text(f"Requested a session on {wanted.shown} for {made.principal}, as {made.asked_by}."))
    line(console, Text(f"  run:       {made.id}"))
    line(
        console,
        Text(
            f"  approve:   python -m operations approve {made.id}{options}    (another person, within {APPROVAL_HOURS} hours)"
        ),
    )
    line(console, Text(f"  follow:    python -m operations status {made.id}{options}"))


def _wait(desk: Desk, made: Request, surroundings: Surroundings) -> Request:
    console, said = Terminal(stderr=True), list[tuple[State, bool]]()

    def seen(now_so: Request) -> None:
        if (now_so.state, now_so.until is None) not in said:
            said.append((now_so.state, now_so.until is None))
            line(console, Text.assemble("  now:       ", described(now_so, surroundings.now())))

    try:
        with console.status("Waiting ..."):
            return follow(desk, made.id, surroundings.pause, is_settled, seen)
    except KeyboardInterrupt:
        typer.echo(f"The request stands: python -m operations status {made.id}{desk.options}", err=True)
        raise typer.Exit(INTERRUPTED) from None


def _tell_end(console: Console, made: Request, now: datetime) -> None:
    if made.state is not State.GRANTED:
        line(console, Text.assemble("No grant: ", described(made, now)))
        return
    until = f" until {moment(made.until, now)}" if made.until else ""
    line(console, Text(f"Granted{until}. Start the session as {made.principal}:", style="bold green"))
    line(console, Text(f"  {start_command(made)}"))
