"""`connect`: session on an instance with one command."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.text import Text

from common.aws.session import AwsClients
from common.validation import partitions
from components.approval.settings import Mode
from operations.approval.access_requests import ACCESS_REQUEST_ID, access_credentials, approved_request, find_node
from operations.approval.output import GRANT_DELAY
from operations.approval.session import (
    ApprovalSession,
    PersonRole,
    Workflow,
    check_account,
    find_person_role,
    is_of_identity_center,
    operator_roles_of,
)
from operations.command_line import ApprovalMode, CommandContext, Cwd, Stack
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
from operations.inventory.reader import Identity, ReadFailure, identify
from operations.terminal import Terminal, titled_table, working

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console


_REFUSED: Final = 254
"""Exit code of the AWS CLI if AWS refused the call (AWS CLI User Guide, "Command line return codes")."""

_AccessRequest = Annotated[
    str | None,
    typer.Option(
        "--access-request",
        metavar="ID",
        help="Approved request of just-in-time node access, such as oi-0123456789ab. Default: your latest for the instance.",
    ),
]


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
    mode: ApprovalMode = None,
    access_request: _AccessRequest = None,
    stack: Stack = None,
    cwd: Cwd = Path(),
) -> None:
    """Start a session on an instance through Session Manager: a shell, or with --rdp or --remote-port a forwarded port.

    Finds the instance in the stack's Regions, or with --region without a stack, prints the `aws ssm start-session` command,
    and runs it if the AWS CLI and the Session Manager plugin are installed. Uses the credentials of the AWS CLI (--profile,
    AWS_PROFILE, the environment), never the stack's own roles; with a permission set of IAM Identity Center, those of your
    operator's role, which it assumes; in mode just-in-time, those of your approved access request, for shells only.
    Changes nothing.

    Exit codes: that of the session; 1 the instance does not exist, is not running or is not managed, 2 the command line
    or the configuration is not usable, or a program is missing.
    """
    source = context.get_parameter_source("stack")
    is_stack_given = bool(stack and source and source.name == "COMMANDLINE")
    _check_options(mode, region or [], access_request, is_stack_given=is_stack_given)
    if instance is None and not sys.stdin.isatty():
        raise UnusableError("INSTANCE: expected an ID, a Name tag, a private IP address or a DNS name, got nothing.")
    forwarding = _forwarding(rdp=rdp, local_port=local_port, remote_port=remote_port)
    caller = _caller(CommandContext.of(context), cwd, stack, region or [])
    if access_request or mode == Mode.JUST_IN_TIME:
        caller = replace(caller, is_just_in_time=True)
    _check_forwarding(caller, forwarding)
    finder = Finder(caller.clients, caller.regions, caller.identity)
    with working("Finding instances ..."):
        several = [_ready(finder, instance, caller)] if instance else finder.online()
    found = several[0] if instance else pick(several, Terminal(stderr=True))
    session = _access_session(caller, (found.region,), stack) if caller.is_just_in_time else None
    approved = (access_request or approved_request(session, found.id).id) if session else ""
    # The credentials of a profile would take precedence over those of the operator's role, or of the request.
    arguments = command(found, forwarding, None if caller.role or session else context.meta.get(PROFILE))
    typer.echo(as_typed(arguments, windows=os.name == "nt"))
    if only_print:
        typer.echo(_needed_credentials(caller.role, found, approved), err=True, nl=False)
        raise typer.Exit(ExitCode.SUCCESS)
    missing = missing_programs()
    if missing:
        typer.echo(f"To run it, install {' and '.join(missing)}.", err=True)
        raise typer.Exit(ExitCode.UNUSABLE)
    if forwarding:
        typer.echo(f"Once it waits for connections, open: {forwarding.hint}")
    code = run_program(arguments, _environment(caller, session, found, approved))
    if code == _REFUSED and session is None and caller.has_grants:
        typer.echo(GRANT_DELAY, err=True)
    raise typer.Exit(code)


def _environment(
    caller: _Caller, session: ApprovalSession | None, instance: Instance, approved: str
) -> dict[str, str] | None:
    """Return environment variables with the credentials of the session; None: the caller's own."""
    if session:
        return access_credentials(session, approved)
    return caller.role.environment(caller.signed_in, instance.region) if caller.role else None


def _needed_credentials(role: PersonRole | None, instance: Instance, approved: str) -> str:
    """Return the credentials that a printed command needs, which are not shown; empty: the caller's own."""
    if approved:
        get = f"aws ssm get-access-token --region {instance.region} --access-request-id {approved}"
        return f"It needs the credentials of: {get}\n"
    if role is None:
        return ""
    return (
        "Run it with a profile for your operator's role:\n"
        f"  role_arn = {role.arn}\n"
        f"  role_session_name = {role.user_name}\n"
        "  source_profile = the profile that you are signed in with\n"
    )


def _check_forwarding(caller: _Caller, forwarding: Forwarding | None) -> None:
    """Refuse what the role of just-in-time sessions does not permit (AWSSystemsManagerJustInTimeAccessTokenPolicy)."""
    if caller.is_just_in_time and forwarding:
        raise UnusableError(
            "--rdp, --remote-port: expected neither, as just-in-time node access has shells only: its role starts sessions with "
            "SSM-SessionManagerRunShell, and Remote Desktop in the console of Fleet Manager."
        )


def _check_options(
    mode: str | None, regions: Sequence[str], access_request: str | None, *, is_stack_given: bool
) -> None:
    """Check the options in place of a stack."""
    if regions and is_stack_given:
        raise UnusableError("--stack, --region: expected one of them, got both.")
    if mode is not None and not regions:
        raise UnusableError("--mode: expected --region with it, got none. Together they replace a stack.")
    if mode is not None and mode not in set(Mode):
        raise UnusableError(f"--mode: expected one of {', '.join(Mode)}, got {mode!r}.")
    if access_request is not None and not ACCESS_REQUEST_ID.fullmatch(access_request):
        raise UnusableError(f"--access-request: expected an ID such as oi-0123456789ab, got {access_request!r}.")


def _access_session(caller: _Caller, regions: tuple[str, ...], stack: str | None = None) -> ApprovalSession:
    """Return the session for access requests in some Regions."""
    options = f" --stack {stack}" if stack else f" --mode just-in-time --region {regions[0]}"
    workflow = Workflow(mode=Mode.JUST_IN_TIME, region=regions[0], regions=regions)
    return ApprovalSession(workflow=workflow, clients=caller.signed_in, identity=caller.identity, options=options)


@dataclass(frozen=True, kw_only=True)
class _Caller:
    """The operator.

    Attributes:
        signed_in: Clients with the credentials of the AWS CLI.
        clients: Clients of the session: those, or with the operator's role.
        identity: Identity of these clients.
        role: Role of the person who is signed in through IAM Identity Center; None: not needed.
        is_just_in_time: Whether the stack is in mode `just-in-time`.
        has_grants: Whether sessions need a grant; without a stack, they may.
    """

    regions: tuple[str, ...]
    signed_in: AwsClients
    clients: AwsClients
    identity: Identity
    role: PersonRole | None = None
    is_just_in_time: bool = False
    has_grants: bool = True


def _caller(context: CommandContext, cwd: Path, stack: str | None, given: Sequence[str]) -> _Caller:
    """Return the operator, in their own role where the stack has one for people of IAM Identity Center.

    `given` are Regions in place of those of the stack, which is not read then.
    """
    for region in given:
        if region not in partitions():
            raise UnusableError(f"--region: expected a Region such as eu-west-1, got {region}.")
    if given:
        return _signed_in(tuple(given), given[0])
    configuration = context.read_stack(cwd, stack)
    settings = configuration.settings()
    home = configuration.value("aws:region") or settings.regions[0]
    caller = replace(
        _signed_in(settings.regions, home),
        is_just_in_time=settings.just_in_time is not None,
        has_grants=settings.approval is not None,
    )
    check_account(caller.identity, configuration.account_id, stack)
    if not (settings.approval and settings.approval.operators and is_of_identity_center(caller.identity)):
        return caller
    role = find_person_role(caller.clients, caller.identity, home, _known_roles(context, cwd, stack))
    clients, identity = role.sign_in(home)
    return replace(caller, clients=clients, identity=identity, role=role)


def _signed_in(regions: tuple[str, ...], home: str) -> _Caller:
    """Return the operator with the credentials of the AWS CLI, whatever roles and keys the stack's provider has."""
    clients = AwsClients(lambda key: home if key == "aws:region" else None)
    identity = identify(clients, home)
    if isinstance(identity, ReadFailure):
        raise NoConnectionError(f"{identity.explanation}; {identity.remedy}.")
    return _Caller(regions=regions, signed_in=clients, clients=clients, identity=identity)


def _known_roles(context: CommandContext, cwd: Path, stack: str | None) -> dict[str, str] | None:
    """Return operators' roles by user name from the outputs; None: the operator cannot read these."""
    try:
        return operator_roles_of(context.read_outputs(cwd, stack))
    except UnusableError:
        return None


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


def _ready(finder: Finder, named: str, caller: _Caller) -> Instance:
    """Return the instance, after checking that a session on it can start."""
    if caller.is_just_in_time and named.startswith("mi-"):
        node = find_node(_access_session(caller, caller.regions), named)
        return Instance(id=node.id, name=node.name, region=node.region, state="running")
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
