"""The command group `access`: decisions of just-in-time node access."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.text import Text

from components.just_in_time.decisions import AccessDecision, Outcome, planned_policies
from components.just_in_time.documents import level_texts, policy_documents
from operations.command_line import CommandContext, Cwd, Json, Stack
from operations.errors import CommandError, ExitCode, UnusableError
from operations.findings import counted, print_unread, unread_as_json
from operations.inventory.just_in_time import read_decisions, read_policies, why_not_one
from operations.inventory.reader import Reader, ReadFailure, aws_clients, known_identity
from operations.terminal import Terminal, print_json, print_line, program_name, titled_table

if TYPE_CHECKING:
    from operations.stack import StackConfiguration

app = typer.Typer(
    no_args_is_help=True, help="Show who can access which nodes through just-in-time node access. Changes nothing."
)

_HOUR: Final = 3600
_OUTCOMES: Final = {
    Outcome.MANUAL: ("approval", "green"),
    Outcome.NO_POLICY: ("no policy", "yellow"),
    Outcome.CONFLICT: ("CONFLICT", "bold red"),
    Outcome.UNKNOWN: ("cannot tell", "bold magenta"),
}
Planned = Annotated[
    bool, typer.Option("--planned", help="Decide by the stack's configuration. Default: by the live policies.")
]
Unread = list[tuple[str, ReadFailure]]


@app.command(name="who-can")
def who_can(  # noqa: PLR0913 -- the options of the command line
    context: typer.Context,
    node: Annotated[str, typer.Argument(metavar="NODE", help="Node ID, or value of its Name tag.")],
    *,
    planned: Planned = False,
    stack: Stack = None,
    cwd: Cwd = Path(),
    json_output: Json = False,
) -> None:
    """Show who can access a node: approved automatically, and by whose approval. Changes nothing.

    The tags of the node are read from AWS. Groups are shown by their IDs, as accounts cannot read their names.

    Exit codes: 0 decided, 1 no policy, several policies, or not known, 2 the command line or the configuration cannot be
    used.
    """
    decisions, unread = _decisions(CommandContext.of(context).read_stack(cwd, stack), planned=planned)
    found = [each for each in decisions if node in (each.node.id, each.node.name)]
    problem = why_not_one(node, [each.node for each in found], unread)
    if problem or not found:
        absent = (
            f"There is no managed node {node} in the stack's Regions. List them: {program_name()} access nodes. If the "
            f"instance exists, see why it is not managed: {program_name()} doctor {node}"
        )
        raise CommandError(problem or absent)
    (decision,) = found
    if json_output:
        print_json(_as_json(decision))
    else:
        _show(decision, Terminal())
    raise typer.Exit(ExitCode.SUCCESS if decision.is_sound else ExitCode.FINDINGS)


@app.command(name="nodes")
def nodes(
    context: typer.Context,
    *,
    planned: Planned = False,
    stack: Stack = None,
    cwd: Cwd = Path(),
    json_output: Json = False,
) -> None:
    """List all managed nodes with the policy that decides about each: conflicts and nodes without a policy first.

    Exit codes: 0 each node has one decision, 1 a node has none or several, or is not known, 2 the command line or the
    configuration cannot be used.
    """
    decisions, unread = _decisions(CommandContext.of(context).read_stack(cwd, stack), planned=planned)
    wrong = [each for each in decisions if not each.is_sound]
    if json_output:
        document: dict[str, Any] = {
            "nodes": [_as_json(each) for each in decisions],
            "cannotTell": [unread_as_json(region, why) for region, why in unread],
        }
        print_json(document)
    else:
        console = Terminal()
        for region, why in unread:
            print_unread(console, f"the nodes of {region}", why)
        if decisions:
            console.print(_table([*wrong, *(each for each in decisions if each.is_sound)]))
        at_least = "at least " if unread else ""
        text = f"{at_least}{counted(len(decisions), 'managed node')}, {len(wrong)} without exactly one decision"
        if not decisions and not unread:
            text = f"no managed nodes. To list instances that are not managed, run: {program_name()} nodes"
        print_line(console, text, style="bold red" if wrong or unread else "bold green")
    raise typer.Exit(ExitCode.FINDINGS if wrong or unread else ExitCode.SUCCESS)


def _decisions(configuration: StackConfiguration, *, planned: bool) -> tuple[list[AccessDecision], Unread]:
    """Return the decisions about all nodes of the stack's Regions, and the Regions that cannot be read."""
    settings = configuration.settings()
    if settings.just_in_time is None:
        raise UnusableError(
            f"Stack {configuration.name} has no approval policies of just-in-time node access. Set shell-access:approval.mode "
            f"to just-in-time, or use: {program_name()} audit"
        )
    clients = aws_clients(configuration)
    identity = known_identity(clients, configuration.sts_region(settings.regions[0]))
    of_stack = planned_policies(policy_documents(settings.just_in_time)) if planned else None
    return read_decisions(
        [Reader(clients, region, identity.arn) for region in settings.regions],
        lambda reader: of_stack or read_policies(reader),
    )


def _table(decisions: list[AccessDecision]) -> Any:
    table = titled_table("Access to nodes", "Region", "Node", "Result", "Policy", "Approvers", "Approved automatically")
    for each in decisions:
        is_automatic = each.outcome is Outcome.NO_POLICY and each.is_sound
        text, style = ("automatic approval", "green") if is_automatic else _OUTCOMES[each.outcome]
        table.add_row(
            Text(each.node.region),
            Text(f"{each.node.name} {each.node.id}".strip()),
            Text(text, style=style),
            Text(", ".join(policy.name for policy in each.policies)),
            Text("; ".join(_levels(each))),
            Text(", ".join(each.automatic)),
        )
    return table


def _levels(decision: AccessDecision) -> list[str]:
    return [level.shown for policy in decision.policies for level in policy.levels]


def _show(decision: AccessDecision, console: Terminal) -> None:
    node = decision.node
    print_line(console, f"{node.name} {node.id} ({node.region})".strip(), style="bold")
    for reason in decision.unknown:
        print_line(console, f"Cannot tell: {reason}", style="bold magenta")
    print_line(console, f"Approved automatically, for an hour: {', '.join(decision.automatic) or 'no user or group'}")
    if decision.may_be_denied:
        print_line(console, "The organization's deny-access policy is in force and may forbid automatic approval.")
    match decision.outcome:
        case Outcome.NO_POLICY:
            print_line(
                console, "By approval: no manual policy applies, so all other requests are refused.", style="yellow"
            )
        case Outcome.CONFLICT:
            names = ", ".join(each.name for each in decision.policies)
            print_line(
                console, f"By approval: {names} apply, and AWS fails each request. Change the tags.", style="bold red"
            )
        case Outcome.MANUAL | Outcome.UNKNOWN:
            for policy in decision.policies:
                hours = policy.seconds / 3600
                print_line(console, f"By approval, for {hours:g} hours, by the policy {policy.name}:")
                for text in level_texts(policy.levels):
                    print_line(console, f"  {text}")
    print_line(console, f"To list who can start sessions without a request, run: {program_name()} audit")


def _as_json(decision: AccessDecision) -> dict[str, Any]:
    """Return a decision as part of a JSON document."""
    return {
        "nodeId": decision.node.id,
        "name": decision.node.name,
        "region": decision.node.region,
        "outcome": decision.outcome.value,
        "manualPolicies": [
            {
                "name": each.name,
                "accessDurationHours": each.seconds / _HOUR,
                "levels": [
                    {"approvers": list(level.approvers), "minRequiredApprovals": level.required}
                    for level in each.levels
                ],
            }
            for each in decision.policies
        ],
        "approvedAutomatically": list(decision.approved),
        "automaticApprovalDependsOn": list(decision.depends_on),
        "denyPolicyInForce": decision.may_be_denied,
        "unknown": list(decision.unknown),
    }
