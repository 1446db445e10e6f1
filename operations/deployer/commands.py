"""The command group `deployer`: policies, boundary, trust policy and template of the role that deploys."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from operations.command_line import CommandContext, Cwd, Stack
from operations.deployer.asking import account_of, fleet_stacks, scope_from_options, scope_from_stacks, warnings
from operations.deployer.boundary import boundary
from operations.deployer.names import Role
from operations.deployer.role_boundary import role_boundary
from operations.deployer.statement import TooMuchError
from operations.deployer.template import LONGEST_TEMPLATE, named_policies, template, trust
from operations.errors import UnusableError

if TYPE_CHECKING:
    from collections.abc import Generator

    from components.settings import Settings
    from operations.deployer.scope import Scope

app = typer.Typer(
    no_args_is_help=True,
    help="Prints the policies of the role that deploys stacks, of the one that previews them, their boundaries, and what `doctor` needs.",
)

File = Annotated[
    Path | None,
    typer.Option(
        "--file", "-f", metavar="FILE", help="For every stack of this fleet file.", dir_okay=False, exists=True
    ),
]
Regions = Annotated[
    list[str] | None,
    typer.Option("--region", metavar="REGION", help="For stacks of any settings in this Region; again for more."),
]
Tag = Annotated[
    str | None,
    typer.Option(
        "--tag", metavar="KEY=VALUE", help="The tag that the deployer knows its things by. Default: the stacks' first."
    ),
]
Account = Annotated[
    str | None, typer.Option("--account", metavar="ID", help="For this account alone. Default: for every account.")
]
ReadOnly = Annotated[bool, typer.Option("--read-only", help="For previews, drift and verification: changes nothing.")]
ForDoctor = Annotated[bool, typer.Option("--doctor", help="For `doctor` and `nodes`, by a person: changes nothing.")]

_ROLE = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+")
_ORGANIZATION = re.compile(r"o-[a-z0-9]{10,32}")


@app.command("policy")
def policy(  # noqa: PLR0913 -- options of a command line
    context: typer.Context,
    *,
    stack: Stack = None,
    cwd: Cwd = Path(),
    file: File = None,
    region: Regions = None,
    tag: Tag = None,
    account: Account = None,
    read_only: ReadOnly = False,
    doctor: ForDoctor = False,
) -> None:
    """Prints the managed policies of the role by name, none longer than IAM takes.

    Exit codes: 0 printed, 2 the command line or the configuration cannot be used.
    """
    with _within_quotas():
        scope = _scope(context, stack, cwd, file, region, tag, account)
        _print(named_policies(scope, _role(read_only=read_only, doctor=doctor)))


@app.command("boundary")
def print_boundary(  # noqa: PLR0913
    context: typer.Context,
    *,
    stack: Stack = None,
    cwd: Cwd = Path(),
    file: File = None,
    region: Regions = None,
    tag: Tag = None,
    account: Account = None,
    of_roles: Annotated[
        bool, typer.Option("--of-roles", help="That of the roles which stacks make, and not of the deployer.")
    ] = False,
) -> None:
    """Prints the permissions boundary: the most that the deployer may ever do.

    Exit codes: 0 printed, 2 the command line or the configuration cannot be used.
    """
    with _within_quotas():
        scope = _scope(context, stack, cwd, file, region, tag, account)
        _print(role_boundary(scope) if of_roles else boundary(scope))


@app.command("trust")
def print_trust(
    trusted: Annotated[list[str], typer.Argument(metavar="ROLE...", help="ARN of a role that may assume it.")],
    *,
    organization: Annotated[
        str | None, typer.Option("--organization", metavar="ID", help="Only while it belongs to this organization.")
    ] = None,
) -> None:
    """Prints the trust policy: who may assume the deployer's role.

    Exit codes: 0 printed, 2 the command line cannot be used.
    """
    wrong = next((each for each in trusted if not _ROLE.fullmatch(each)), None)
    if wrong:
        raise UnusableError(f"{wrong} is not the ARN of a role such as arn:aws:iam::999988887777:role/fleet.")
    if organization and not _ORGANIZATION.fullmatch(organization):
        raise UnusableError(
            f"--organization {organization}: an organization is called o- and 10 to 32 letters and digits."
        )
    _print(trust(trusted, organization or ""))


@app.command("template")
def print_template(  # noqa: PLR0913
    context: typer.Context,
    *,
    stack: Stack = None,
    cwd: Cwd = Path(),
    file: File = None,
    region: Regions = None,
    tag: Tag = None,
) -> None:
    """Prints a CloudFormation template with both roles, their policies and boundaries, for a StackSet.

    Exit codes: 0 printed, 2 the command line or the configuration cannot be used.
    """
    with _within_quotas():
        _print(template(_scope(context, stack, cwd, file, region, tag, None)), longest=LONGEST_TEMPLATE)


def _role(*, read_only: bool, doctor: bool) -> Role:
    if read_only and doctor:
        raise UnusableError("--read-only and --doctor are alternatives: choose one.")
    return Role.PREVIEW if read_only else Role.DOCTOR if doctor else Role.DEPLOYER


def _scope(  # noqa: PLR0913, PLR0917
    context: typer.Context,
    stack: str | None,
    cwd: Path,
    file: Path | None,
    regions: list[str] | None,
    tag: str | None,
    account: str | None,
) -> Scope:
    stacks, scope = _asked(context, stack, cwd, file, regions, tag, account)
    for each in warnings(stacks, scope):
        typer.echo(each, err=True)
    return scope


def _asked(  # noqa: PLR0913, PLR0917
    context: typer.Context,
    stack: str | None,
    cwd: Path,
    file: Path | None,
    regions: list[str] | None,
    tag: str | None,
    account: str | None,
) -> tuple[list[Settings], Scope]:
    if sum(1 for each in (stack, file, regions) if each) > 1:
        raise UnusableError("--stack, --file and --region are alternatives: choose one.")
    if regions:
        return [], scope_from_options(regions, tag, account_of(account))
    stacks = fleet_stacks(file) if file else [CommandContext.of(context).read_stack(cwd, stack).settings()]
    return stacks, scope_from_stacks(stacks, tag, account_of(account))


@contextmanager
def _within_quotas() -> Generator[None]:
    """Report settings whose names do not fit into the policies of one role."""
    try:
        yield
    except TooMuchError as problem:
        raise UnusableError(
            f"The settings name too many roles, users and log groups for one role: {problem}. With --region and --tag "
            "the policies serve any names."
        ) from None


def _print(value: Any, longest: int | None = None) -> None:
    text = json.dumps(value, indent=2)
    typer.echo(text if longest is None or len(text) <= longest else json.dumps(value, separators=(",", ":")))
