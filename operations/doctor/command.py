"""`doctor`: reasons why sessions on a node would fail or would not be logged."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from operations.doctor.report import as_json, plain, show
from operations.doctor.run import Doctor
from operations.errors import UnusableError
from operations.exit_codes import ExitCode
from operations.inventory.instances import NoConnectionError
from operations.options import Cwd, Json, Stack
from operations.surroundings import Surroundings
from operations.terminal import Terminal


def doctor(
    context: typer.Context,
    instance: Annotated[
        str, typer.Argument(metavar="INSTANCE", help="An id (i-..., mi-...), or a name such as app-1 (its Name tag).")
    ],
    *,
    stack: Stack = None,
    cwd: Cwd = Path(),
    machine: Json = False,
) -> None:
    """Says why a session on a node would fail or go unlogged, the most likely cause first. Changes nothing.

    Looks at the instance, the SSM Agent, its role with all policies that bear on it, the way from its subnet to each
    service that the stack's settings need, and at keys, log group, bucket and document. Each cause comes with what to do.

    What cannot be read is "cannot tell", with the permission that it needs; such a node is never called ready.

    Exit codes: 0 ready (warnings allowed), 1 not ready, cannot tell, or no such node, 2 the command line or the
    configuration cannot be used.
    """
    try:
        configuration = Surroundings.of(context).read_stack(cwd, stack)
        with Terminal(stderr=True).status("Looking at the node ..."):
            found = Doctor(configuration).diagnose(instance)
    except UnusableError as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(ExitCode.UNUSABLE) from None
    except NoConnectionError as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(ExitCode.DIFFERENT) from None
    if machine:
        typer.echo(as_json(plain(found)))
    else:
        show(found, Terminal())
    raise typer.Exit(found.exit_code)
