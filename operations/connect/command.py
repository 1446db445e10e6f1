"""`connect`: session on an instance with one command."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from common.aws.session import AwsClients
from common.validation import partitions
from operations.command_line import CommandContext, Cwd, Stack
from operations.connect.session import (
    RDP_PORT,
    Forwarding,
    as_typed,
    command,
    free_port,
    is_free,
    missing_programs,
    run_program,
)
from operations.defaults import PROFILE
from operations.errors import ExitCode, UnusableError
from operations.inventory.instances import Finder, Instance, NoConnectionError
from operations.inventory.reader import ReadFailure, identify
from operations.terminal import Terminal, titled_table, working

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from operations.stack import StackConfiguration


def connect(  # noqa: PLR0913 -- options of a command line
    context: typer.Context,
    instance: Annotated[
        str | None,
        typer.Argument(
            metavar="INSTANCE", help="ID, Name tag, private IP address or DNS name. Default: pick one from a list."
        ),
    ] = None,
    *,
    rdp: Annotated[bool, typer.Option("--rdp", help=f"Forward the Remote Desktop port, {RDP_PORT}.")] = False,
    local_port: Annotated[
        int | None,
        typer.Option("--local-port", metavar="N", help="Local port. Default: a free one.", min=1, max=65535),
    ] = None,
    remote_port: Annotated[
        int | None,
        typer.Option("--remote-port", metavar="N", help="Forward this port of the instance.", min=1, max=65535),
    ] = None,
    only_print: Annotated[bool, typer.Option("--print", help="Print the command without running it.")] = False,
    region: Annotated[
        list[str] | None,
        typer.Option(
            "--region", metavar="REGION", help="Region of the instance, in place of the stack's Regions. Repeatable."
        ),
    ] = None,
    stack: Stack = None,
    cwd: Cwd = Path(),
) -> None:
    """Start a session on an instance through Session Manager: a shell, or with --rdp or --remote-port a forwarded port.

    Finds the instance in the stack's Regions, or with --region without a stack, prints the `aws ssm start-session` command, and runs it if the AWS CLI and
    the Session Manager plugin are installed. Uses the credentials of the AWS CLI (--profile, AWS_PROFILE, the environment),
    never the stack's own roles. Changes nothing.

    Exit codes: that of the session; 1 the instance does not exist, is not running or is not managed, 2 the command line
    or the configuration is not usable, or a program is missing.
    """
    source = context.get_parameter_source("stack")
    if region and stack and source and source.name == "COMMANDLINE":
        raise UnusableError("--stack, --region: expected one of them, got both.")
    if instance is None and not sys.stdin.isatty():
        raise UnusableError("INSTANCE: expected an ID, a Name tag, a private IP address or a DNS name, got nothing.")
    forwarding = _forwarding(rdp=rdp, local_port=local_port, remote_port=remote_port)
    finder = _finder(partial(CommandContext.of(context).read_stack, cwd, stack), region or [])
    with working("Looking for instances ..."):
        several = [_ready(finder, instance)] if instance else finder.online()
    found = several[0] if instance else pick(several, Terminal(stderr=True))
    arguments = command(found, forwarding, context.meta.get(PROFILE))
    typer.echo(as_typed(arguments, windows=os.name == "nt"))
    if only_print:
        raise typer.Exit(ExitCode.SUCCESS)
    missing = missing_programs()
    if missing:
        typer.echo(f"To run it, install {' and '.join(missing)}.", err=True)
        raise typer.Exit(ExitCode.UNUSABLE)
    if forwarding:
        typer.echo(f"Once it waits for connections, open: {forwarding.hint}")
    raise typer.Exit(run_program(arguments))


def _forwarding(*, rdp: bool, local_port: int | None, remote_port: int | None) -> Forwarding | None:
    if rdp and remote_port is not None:
        raise UnusableError("--rdp, --remote-port: expected one of them, got both.")
    if remote_port is None and not rdp:
        if local_port is not None:
            raise UnusableError("--local-port is for --rdp or --remote-port: a shell has no port.")
        return None
    if local_port is not None and not is_free(local_port):
        raise UnusableError(f"Port {local_port} of this machine is in use. Omit --local-port for a free one.")
    return Forwarding(remote_port=remote_port or RDP_PORT, local_port=local_port or free_port(), rdp=rdp)


def _finder(read_stack: Callable[[], StackConfiguration], given: Sequence[str]) -> Finder:
    """Return the lookup in some Regions, or in those of the stack; only then is the stack read."""
    for region in given:
        if region not in partitions():
            raise UnusableError(f"--region: expected a Region such as eu-west-1, got {region}.")
    regions, home = tuple(given), given[0] if given else ""
    if not given:
        configuration = read_stack()
        regions = configuration.settings().regions
        home = configuration.value("aws:region") or regions[0]
    # The session uses the operator's credentials, so the roles and keys of the stack's provider do not matter.
    clients = AwsClients(lambda key: home if key == "aws:region" else None)
    identity = identify(clients, home)
    if isinstance(identity, ReadFailure):
        raise NoConnectionError(f"{identity.action}: {identity.cause}; {identity.remedy}.")
    return Finder(clients, regions, identity)


def _ready(finder: Finder, named: str) -> Instance:
    """Return the instance, after checking that a session on it can start."""
    found = finder.find(named)
    problem = finder.problem(found)
    if problem:
        raise NoConnectionError(f"{problem}.")
    return found


def pick(instances: Sequence[Instance], console: Console) -> Instance:
    """Ask for one of several instances, by its number or a part of its row."""
    shown = list(instances)
    while len(shown) != 1:
        table = titled_table("Instances that are online", "No.", "Name", "ID", "Private IP", "Region")
        for number, each in enumerate(shown, start=1):
            table.add_row(f"{number}", Text(each.name), each.id, each.address, each.region)
        console.print(table)
        answer = str(typer.prompt("Number, or part of a name", err=True)).strip()
        if answer.isdecimal() and 1 <= int(answer) <= len(shown):
            return shown[int(answer) - 1]
        matching = [each for each in instances if answer.lower() in f"{each.name} {each.id} {each.address}".lower()]
        shown = matching or list(instances)
    return shown[0]
