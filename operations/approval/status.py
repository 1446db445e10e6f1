"""The command `status`: requests, live grants, and tags without a grant."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from operations.approval.desk import Desk, Which, open_desk
from operations.approval.options import ModeName, Region, failures_told
from operations.approval.report import (
    as_json,
    line,
    plain,
    plain_tags,
    show_details,
    show_tags,
    start_command,
    table,
)
from operations.approval.requests import Request, State
from operations.approval.runs import find, recent
from operations.approval.sessions import with_live_facts
from operations.approval.tags import read_tags, without_grant
from operations.exit_codes import ExitCode
from operations.inventory.reader import ReadFailure
from operations.options import Cwd, Json, Stack
from operations.surroundings import Surroundings
from operations.terminal import Terminal

if TYPE_CHECKING:
    from datetime import datetime


def status(  # noqa: PLR0913 -- the options of the command line
    context: typer.Context,
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="One request: the id of its run, or how it begins.")
    ] = None,
    *,
    last: Annotated[
        int, typer.Option("--last", "-n", min=0, max=1_000, metavar="NUMBER", help="How many that are over.")
    ] = 10,
    stack: Stack = None,
    cwd: Cwd = Path(),
    mode: ModeName = None,
    region: Region = None,
    machine: Json = False,
) -> None:
    """Lists requests and grants: who asked, who approved, where each stands, how much time is left. Changes nothing.

    All requests that are not over, and the last ones that are; Systems Manager keeps them for 30 days. Open sessions of a
    grant are listed with it. Below the table: operators who have the tag although no grant stands behind it.

    Exit codes: 0 listed, 1 an operator has a tag without a grant, or that or the requests cannot be told, 2 the command
    line or the stack cannot be used.
    """
    with failures_told():
        surroundings = Surroundings.of(context)
        desk = open_desk(surroundings, Which(stack=stack, cwd=cwd, mode=mode, region=region))
        if run is not None:
            (found,) = with_live_facts(desk, [find(desk, run)])
            _show_one(found, surroundings.now(), desk.options, machine=machine)
            return
        code = _show_all(desk, last, surroundings.now(), machine=machine)
    raise typer.Exit(code)


def _show_one(request: Request, now: datetime, options: str, *, machine: bool) -> None:
    if machine:
        typer.echo(as_json(plain(request, now)))
        return
    console = Terminal()
    show_details(console, request, now)
    if request.state is State.GRANTED:
        line(console, Text(f"{'start:':13}{start_command(request)}"))
        line(console, Text(f"{'revoke:':13}python -m operations revoke {request.id}{options}"))


def _show_all(desk: Desk, last: int, now: datetime, *, machine: bool) -> ExitCode:
    tags = read_tags(desk)
    incomplete: list[str] = []
    requests = with_live_facts(desk, recent(desk, last, incomplete))
    if incomplete and not isinstance(tags, ReadFailure):
        # A grant that was not read may belong to any of the tags.
        tags = ReadFailure(action="ssm:DescribeAutomationExecutions", cause=incomplete[0], remedy="try again")
    stray = tags if isinstance(tags, ReadFailure) else without_grant(tags, requests)
    if machine:
        whole = {"incomplete": incomplete} if incomplete else {}
        typer.echo(as_json({"requests": [plain(each, now) for each in requests], **plain_tags(stray), **whole}))
    else:
        console = Terminal()
        for why in incomplete:
            line(console, Text(f"Incomplete: {why}", style="bold magenta"))
        if requests:
            console.print(table(requests, now, f"Requests in {desk.workflow.region}"))
        elif not incomplete:
            line(console, Text("No session has been requested."))
        show_tags(console, stray)
    return ExitCode.DIFFERENT if stray or incomplete else ExitCode.AS_ASKED
