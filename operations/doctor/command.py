"""`doctor`: reasons why sessions on a node would fail or would not be logged."""

from pathlib import Path
from typing import Annotated

import typer

from operations.command_line import CommandContext, Cwd, Json, Regions, Stack
from operations.doctor.findings import plain, show
from operations.doctor.run import Doctor
from operations.terminal import Terminal, print_json, working


def doctor(  # noqa: PLR0913 -- options of a command line
    context: typer.Context,
    instance: Annotated[str, typer.Argument(metavar="INSTANCE", help="ID (i-..., mi-...) or Name tag, such as app-1.")],
    *,
    region: Regions = None,
    stack: Stack = None,
    cwd: Cwd = Path(),
    json_output: Json = False,
) -> None:
    """Diagnose why a session on a node would fail or would not be logged, the most likely cause first. Changes nothing.

    Evaluates the instance, SSM Agent, the effective permissions of its role, the network path from its subnet to each
    service that the stack's settings require, and keys, log group, bucket and document. Each cause has a remediation.

    A resource that cannot be read is reported as "cannot tell", with the permission that it requires; such a node is
    never reported as ready.

    Exit codes: 0 ready (warnings allowed), 1 not ready, cannot tell, or no such node, 2 the command line or the
    configuration is not usable.
    """
    configuration = CommandContext.of(context).read_stack(cwd, stack)
    with working("Diagnosing the node ..."):
        found = Doctor(configuration, region).diagnose(instance)
    if json_output:
        print_json(plain(found))
    else:
        show(found, Terminal())
    raise typer.Exit(found.exit_code)
