"""`verify`: step 4 of the AWS post, for all Regions."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress

from operations.command_line import CommandContext, Cwd, Json, Regions, Stack
from operations.terminal import Terminal, print_json
from operations.verify.findings import as_json, show
from operations.verify.live_session import verify_node
from operations.verify.run import verify_stack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from operations.stack import StackConfiguration, StackState
    from operations.verify.findings import Verification


def verify(  # noqa: PLR0913 -- options of a command line
    context: typer.Context,
    *,
    region: Regions = None,
    stack: Stack = None,
    cwd: Cwd = Path(),
    json_output: Json = False,
    node: Annotated[
        str | None,
        typer.Option(
            "--node", metavar="INSTANCE", help="Start a test session on this instance instead (ID or Name tag)."
        ),
    ] = None,
    lists_all: Annotated[bool, typer.Option("--all", help="List all checks, also those without differences.")] = False,
) -> None:
    """Compare live resources with the stack's settings. Changes nothing.

    Reads the preferences document, keys, log group, bucket, instance policy and VPC endpoints in every Region of the
    stack, with the credentials and roles of the stack's AWS provider. For session approval, it compares documents, roles,
    policies, the schedule, the topic, tags, operators, approvers and alarms. For domain controllers, it compares every
    rule of the security groups and the network ACL, evaluates packets against them, and compares instances, flow logs,
    alerts and the trail. It also reports resources that carry the stack's owner tag and are not in its state. Each
    difference is listed with the expected value, the actual value and the remediation; checks without differences are
    counted. Resources of the whole account, such as roles, are reported with the stack's first Region.

    A call that is denied or fails is reported as "cannot tell", with the permission that it requires.

    With --node, it starts a session on that instance with the credentials of the AWS CLI, runs one command that prints a
    marker and the user, ends the session, and checks its logs. Requires the AWS CLI and the Session Manager plugin.

    Exit codes: 0 no differences (warnings allowed), 1 differences or "cannot tell", 2 the command line or the
    configuration is not usable, or a program is missing.
    """
    given = CommandContext.of(context)
    configuration = given.read_stack(cwd, stack)
    verification = (
        _verify_node(configuration, node, given.pause, region)
        if node
        else _verify(configuration, partial(given.read_state, cwd, configuration.name), region)
    )
    if json_output:
        print_json(as_json(verification))
    else:
        show(verification, Terminal(), lists_all=lists_all)
    raise typer.Exit(verification.exit_code)


def _verify(
    configuration: StackConfiguration, read_state: Callable[[], StackState], chosen: Sequence[str] | None
) -> Verification:
    errors = Terminal(stderr=True)
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task("Verifying ...", total=None)
        return verify_stack(
            configuration,
            lambda region: progress.update(task, advance=1, description=f"Verified {region}"),
            read_state,
            chosen,
        )


def _verify_node(
    configuration: StackConfiguration, node: str, pause: Callable[[float], None], chosen: Sequence[str] | None
) -> Verification:
    with Terminal(stderr=True).status("Starting a test session ...") as status:
        return verify_node(configuration, node, pause, status.update, chosen)
