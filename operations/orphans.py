"""`orphans`: list resources that carry the stack's tags and are not in its state."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.text import Text

from operations.command_line import CommandContext, Cwd, Json, Stack
from operations.errors import ExitCode
from operations.findings import counted, print_unread, stack_table, unread_as_json
from operations.inventory.orphans import GLOBAL, Orphans, find_orphans
from operations.inventory.reader import ReadFailure, aws_clients, identify
from operations.terminal import Terminal, print_json, print_line, working

if TYPE_CHECKING:
    from rich.console import Console

    from operations.stack import StackConfiguration, StackState


def orphans(
    context: typer.Context,
    *,
    stack: Stack = None,
    cwd: Cwd = Path(),
    json_output: Json = False,
) -> None:
    """List resources that carry the stack's owner tag and are not in its state. Changes nothing.

    Such resources remain after a killed run or a lost state. The next `pulumi up` imports each that the settings still
    define; this command lists the others, each with the command of the AWS CLI that deletes it. The bucket of exported
    records, which a stack retains, is no orphan.

    Exit codes: 0 no orphans, 1 orphans, or a Region that cannot be read, 2 the command line or the configuration is not
    usable.
    """
    given = CommandContext.of(context)
    configuration = given.read_stack(cwd, stack)
    with working("Finding orphans ..."):
        found, account = _search(configuration, given.read_state(cwd, configuration.name))
    if json_output:
        print_json(_as_json(found, configuration.name, account))
    else:
        _show(found, Terminal(), configuration.name)
    raise typer.Exit(ExitCode.FINDINGS if found.all or found.unread else ExitCode.SUCCESS)


def _search(configuration: StackConfiguration, state: StackState) -> tuple[Orphans, str | None]:
    clients = aws_clients(configuration)
    regions = configuration.settings().regions
    identity = identify(clients, configuration.sts_region(regions[0]))
    if isinstance(identity, ReadFailure):
        return Orphans(found={}, unread=dict.fromkeys((*regions, GLOBAL), identity)), None
    arns = state.arns(identity.partition, identity.account_id)
    return find_orphans(clients, identity, state.stack, state.regions(regions), arns), identity.account_id


def _as_json(found: Orphans, stack: str, account: str | None) -> dict[str, Any]:
    return {
        "stack": stack,
        "accountId": account,
        "orphans": [
            {"region": each.region, "arn": each.arn, "resource": each.resource, "removal": each.removal}
            for each in found.all
        ],
        "retained": [{"region": region, "arn": arn} for region, arn in _retained(found)],
        "cannotTell": [unread_as_json(region, why) for region, why in found.unread.items()],
    }


def _retained(found: Orphans) -> list[tuple[str, str]]:
    return [(region, arn) for region, arns in found.retained.items() for arn in arns]


def _show(found: Orphans, console: Console, stack: str) -> None:
    """Print a table, the command for each orphan, and the count last."""
    for region, why in found.unread.items():
        print_unread(console, f"orphans in {region}", why)
    if found.all:
        table = stack_table(stack, None)
        for heading in ("Region", "Resource in the stack", "ARN"):
            table.add_column(heading, overflow="fold")
        for each in found.all:
            table.add_row(Text(each.region), Text(each.resource), Text(each.arn))
        console.print(table)
        for each in found.all:
            print_line(console, each.removal)
    for region, arn in _retained(found):
        print_line(console, f"{arn} in {region} is retained: it has records of sessions.")
    number = len(found.all)
    text = counted(number, "orphan") + (f", {len(found.unread)} cannot be read completely" if found.unread else "")
    print_line(console, (text, "bold red" if found.all or found.unread else "bold green"))
