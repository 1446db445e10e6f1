"""The command line: one sub-command a file, joined here."""

from __future__ import annotations

import typer

from operations.approval.approve import approve
from operations.approval.request import request
from operations.approval.revoke import revoke
from operations.approval.status import status
from operations.audit import command as audit
from operations.connect import command as connect
from operations.deployer import commands as deployer
from operations.doctor import command as doctor
from operations.fleet import commands as fleet
from operations.nodes import command as nodes
from operations.ports import command as ports
from operations.verify import command as verify

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    # A trace would show the values of a stack's configuration.
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def shell_access() -> None:
    """Operates what a Shell Access stack has set up. Commands read only, unless their help says otherwise."""


app.command("ports")(ports.ports)
app.command("verify")(verify.verify)
app.command("connect")(connect.connect)
app.command("nodes")(nodes.nodes)
app.command("doctor")(doctor.doctor)
app.command("audit")(audit.audit)
app.command("request")(request)
app.command("approve")(approve)
app.command("status")(status)
app.command("revoke")(revoke)
app.add_typer(fleet.app, name="fleet")
app.add_typer(deployer.app, name="deployer")
