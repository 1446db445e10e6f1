"""`verify`: step 4 of the AWS post, for all Regions."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress

from operations.errors import UnusableError
from operations.exit_codes import ExitCode
from operations.inventory.instances import NoConnectionError
from operations.options import Cwd, Json, Stack
from operations.surroundings import Surroundings
from operations.terminal import Terminal
from operations.verify.live_session import verify_node
from operations.verify.report import as_json, show
from operations.verify.run import verify_stack

if TYPE_CHECKING:
    from collections.abc import Callable

    from operations.stack import StackConfiguration, StackState
    from operations.verify.findings import Verification


def verify(
    context: typer.Context,
    *,
    stack: Stack = None,
    cwd: Cwd = Path(),
    machine: Json = False,
    node: Annotated[
        str | None,
        typer.Option("--node", metavar="INSTANCE", help="Try a session on this instance instead: an id or a Name tag."),
    ] = None,
) -> None:
    """Compares what is live with what the stack's settings ask for. Changes nothing.

    Looks at the preferences document, the keys, the log group, the bucket, the instance policy and the VPC endpoints,
    in every Region of the stack, with the credentials and roles of the stack's AWS provider. Of session approval it
    compares documents, roles, policies, the schedule, the topic, tags, operators, approvers and alarms. Of domain controllers it
    looks at every rule of their security groups and network ACL, tries packets on them, and looks at the instances,
    flow logs, alerts and the trail. Resources that carry the stack's owner tag and are not in its state are reported, too. Whatever differs is listed with what was expected, what was found, and what to do.

    A call that is refused or fails is reported as "cannot tell", with the permission that it needs.

    With --node it starts a session on that instance, as whoever the AWS command line acts as here, runs one command that
    prints a marker and the user, ends the session, and looks for its logs. It needs the AWS command line and the Session
    Manager plugin.

    Exit codes: 0 all as asked (warnings allowed), 1 something differs or cannot be told, 2 the command line or the
    configuration cannot be used, or a program is missing.
    """
    surroundings = Surroundings.of(context)
    try:
        configuration = surroundings.read_stack(cwd, stack)
        verification = (
            _verify_node(configuration, node, surroundings)
            if node
            else _verify(configuration, partial(surroundings.read_state, cwd, configuration.name))
        )
    except UnusableError as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(ExitCode.UNUSABLE) from None
    except NoConnectionError as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(ExitCode.DIFFERENT) from None
    if machine:
        typer.echo(as_json(verification))
    else:
        show(verification, Terminal())
    raise typer.Exit(verification.exit_code)


def _verify(configuration: StackConfiguration, read_state: Callable[[], StackState]) -> Verification:
    errors = Terminal(stderr=True)
    if not errors.is_terminal:
        return verify_stack(configuration, read_state=read_state)
    with Progress(console=errors, transient=True) as progress:
        task = progress.add_task("Verifying ...", total=None)
        return verify_stack(
            configuration,
            lambda region: progress.update(task, advance=1, description=f"Verified {region}"),
            read_state,
        )


def _verify_node(configuration: StackConfiguration, node: str, surroundings: Surroundings) -> Verification:
    with Terminal(stderr=True).status("Trying a session ...") as status:
        return verify_node(configuration, node, surroundings.pause, status.update)
