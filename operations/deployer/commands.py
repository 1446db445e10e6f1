"""The command group `deployer`: policies, boundary, trust policy and template of the role that deploys."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from operations.command_line import CommandContext, Cwd, Stack
from operations.deployer.boundary import boundary
from operations.deployer.names import Role
from operations.deployer.options import account_of, fleet_stacks, scope_from_options, scope_from_stacks, warnings
from operations.deployer.policies import named_policies
from operations.deployer.role_boundary import role_boundary
from operations.deployer.template import LONGEST_BODY, template, trust
from operations.errors import UnusableError

if TYPE_CHECKING:
    from operations.deployer.scope import DeploymentScope

app = typer.Typer(
    no_args_is_help=True,
    help="Print the policies, permissions boundaries and trust policy of the roles for deployment, previews and `doctor`.",
)

File = Annotated[
    Path | None,
    typer.Option(
        "--file", "-f", metavar="FILE", help="Fleet file, for all of its stacks.", dir_okay=False, exists=True
    ),
]
Regions = Annotated[
    list[str] | None,
    typer.Option("--region", metavar="REGION", help="Region, for stacks with any settings. Repeatable."),
]
Tag = Annotated[
    str | None,
    typer.Option(
        "--tag",
        metavar="KEY=VALUE",
        help="Tag that identifies the resources of the stacks. Default: their first common tag.",
    ),
]
Account = Annotated[
    str | None, typer.Option("--account", metavar="ID", help="Limit to this account. Default: any account.")
]
ReadOnly = Annotated[
    bool, typer.Option("--read-only", help="Print the read-only policies for previews, drift and verification.")
]
ForDoctor = Annotated[bool, typer.Option("--doctor", help="Print the read-only policies for `doctor` and `nodes`.")]

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
    """Print the managed policies of a role by name, each within the size limit of IAM.

    Exit codes: 0 printed, 2 invalid command line or configuration.
    """
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
        bool, typer.Option("--of-roles", help="Print the boundary of the roles that stacks create.")
    ] = False,
) -> None:
    """Print the permissions boundary of the deployment and preview roles.

    Exit codes: 0 printed, 2 invalid command line or configuration.
    """
    scope = _scope(context, stack, cwd, file, region, tag, account)
    _print(role_boundary(scope) if of_roles else boundary(scope))


@app.command("trust")
def print_trust(
    trusted: Annotated[
        list[str], typer.Argument(metavar="ROLE", help="ARN of a role that can assume the deployment role.")
    ],
    *,
    organization: Annotated[
        str | None,
        typer.Option("--organization", metavar="ID", help="Require that the role belongs to this organization."),
    ] = None,
) -> None:
    """Print the trust policy of the deployment role.

    Exit codes: 0 printed, 2 invalid command line.
    """
    wrong = next((each for each in trusted if not _ROLE.fullmatch(each)), None)
    if wrong:
        raise UnusableError(
            f"ROLE: expected the ARN of a role, got {wrong}. Use one such as arn:aws:iam::999988887777:role/fleet."
        )
    if organization and not _ORGANIZATION.fullmatch(organization):
        raise UnusableError(
            f"--organization: expected o- with 10 to 32 lowercase letters and digits, got {organization}. Use the ID of the organization."
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
    """Print a CloudFormation template with both roles, their policies and boundaries, for a StackSet.

    A template of more than 51,200 bytes is deployed from S3 (`--template-url`).

    Exit codes: 0 printed, 2 invalid command line or configuration.
    """
    _print(template(_scope(context, stack, cwd, file, region, tag, None)), longest=LONGEST_BODY)


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
) -> DeploymentScope:
    if sum(1 for each in (stack, file, regions) if each) > 1:
        raise UnusableError("--stack, --file and --region are alternatives: choose one.")
    if regions:
        return scope_from_options(regions, tag, account_of(account))
    stacks = fleet_stacks(file) if file else [CommandContext.of(context).read_stack(cwd, stack).settings()]
    scope = scope_from_stacks(stacks, tag, account_of(account))
    for each in warnings(stacks, scope):
        typer.echo(each, err=True)
    return scope


def _print(value: Any, longest: int | None = None) -> None:
    text = json.dumps(value, indent=2)
    typer.echo(text if longest is None or len(text) <= longest else json.dumps(value, separators=(",", ":")))
