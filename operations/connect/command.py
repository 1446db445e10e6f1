"""`connect`: session on an instance with one command."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from common.aws.session import AwsClients
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
from operations.errors import UnusableError
from operations.exit_codes import ExitCode
from operations.inventory.instances import Finder, Instance, NoConnectionError
from operations.inventory.reader import ReadFailure, identify
from operations.options import Cwd, Stack
from operations.surroundings import Surroundings

if TYPE_CHECKING:
    from operations.stack import StackConfiguration


def connect(  # noqa: PLR0913 -- options of a command line
    context: typer.Context,
    instance: Annotated[str, typer.Argument(metavar="INSTANCE", help="An id, or a name such as DC1 (its Name tag).")],
    *,
    rdp: Annotated[bool, typer.Option("--rdp", help=f"Forward the remote desktop's port, {RDP_PORT}.")] = False,
    local_port: Annotated[
        int | None,
        typer.Option("--local-port", metavar="N", help="Of this machine. Default: a free one.", min=1, max=65535),
    ] = None,
    remote_port: Annotated[
        int | None,
        typer.Option("--remote-port", metavar="N", help="Forward this port of the instance.", min=1, max=65535),
    ] = None,
    only_print: Annotated[bool, typer.Option("--print", help="Print the command line and do not run it.")] = False,
    stack: Stack = None,
    cwd: Cwd = Path(),
) -> None:
    """Starts a session on an instance through Session Manager: a shell, or with --rdp or --remote-port a forwarded port.

    Looks the instance up in the stack's Regions, prints the `aws ssm start-session` line, and runs it where the AWS
    command line and the Session Manager plugin are installed. It acts as whoever the AWS command line acts as here
    (AWS_PROFILE, the environment), never as the stack's own roles. Changes nothing.

    Exit codes: that of the session; 1 the instance is not there, does not run or is not managed, 2 the command line or
    the configuration cannot be used, or a program is missing.
    """
    try:
        forwarding = _forwarding(rdp=rdp, local_port=local_port, remote_port=remote_port)
        found = _find(Surroundings.of(context).read_stack(cwd, stack), instance)
    except UnusableError as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(ExitCode.UNUSABLE) from None
    except NoConnectionError as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(ExitCode.DIFFERENT) from None
    arguments = command(found, forwarding)
    typer.echo(as_typed(arguments, windows=os.name == "nt"))
    if only_print:
        raise typer.Exit(ExitCode.AS_ASKED)
    missing = missing_programs()
    if missing:
        typer.echo(f"To run it, install {' and '.join(missing)}.", err=True)
        raise typer.Exit(ExitCode.UNUSABLE)
    if forwarding:
        typer.echo(f"Once it waits for connections, open: {forwarding.hint}")
    raise typer.Exit(run_program(arguments))


def _forwarding(*, rdp: bool, local_port: int | None, remote_port: int | None) -> Forwarding | None:
    if remote_port is None and not rdp:
        if local_port is not None:
            raise UnusableError("--local-port is for --rdp or --remote-port: a shell has no port.")
        return None
    if local_port is not None and not is_free(local_port):
        raise UnusableError(f"Port {local_port} of this machine is in use. Leave --local-port out for a free one.")
    return Forwarding(remote_port=remote_port or RDP_PORT, local_port=local_port or free_port(), rdp=rdp)


def _find(configuration: StackConfiguration, name_or_id: str) -> Instance:
    """Return the instance, after checking that a session on it can start."""
    regions = configuration.settings().regions
    # The session uses the operator's credentials, so the roles and keys of the stack's provider do not matter.
    clients = AwsClients(lambda key: configuration.value(key) if key == "aws:region" else None)
    identity = identify(clients, configuration.value("aws:region") or regions[0])
    if isinstance(identity, ReadFailure):
        raise NoConnectionError(f"{identity.action}: {identity.cause}; {identity.remedy}.")
    finder = Finder(clients, regions, identity)
    found = finder.find(name_or_id)
    problem = finder.problem(found)
    if problem:
        raise NoConnectionError(f"{problem}.")
    return found
