"""The command group `deployer`: policies, boundary, trust policy and template of the role that deploys."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from common.problems import NAMESPACE, SettingsError
from common.validation import partitions
from components.settings import Settings, tag_problem
from operations.command_line import CommandContext, Cwd, Stack
from operations.deployer.boundary import boundary
from operations.deployer.iam import own_roles
from operations.deployer.names import ROLES_BOUNDARY, Role
from operations.deployer.policies import named_policies
from operations.deployer.role_boundary import role_boundary
from operations.deployer.scope import ANY, DeploymentScope, scope_of, whole_scope
from operations.deployer.template import LONGEST_BODY, template, trust
from operations.errors import UnusableError
from operations.fleet.fleet_file import read_fleet_file
from operations.fleet.stack_configuration import Layer, merge

if TYPE_CHECKING:
    from collections.abc import Sequence

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
_ACCOUNT = re.compile(r"[0-9]{12}")
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
    _print(template(_scope(context, stack, cwd, file, region, tag)), longest=LONGEST_BODY)


def _role(*, read_only: bool, doctor: bool) -> Role:
    if read_only and doctor:
        raise UnusableError("--read-only and --doctor are alternatives: choose one.")
    return Role.PREVIEW if read_only else Role.DOCTOR if doctor else Role.DEPLOYER


def _print(value: Any, longest: int | None = None) -> None:
    text = json.dumps(value, indent=2)
    typer.echo(text if longest is None or len(text) <= longest else json.dumps(value, separators=(",", ":")))


def _scope(  # noqa: PLR0913, PLR0917
    context: typer.Context,
    stack: str | None,
    cwd: Path,
    file: Path | None,
    regions: list[str] | None,
    tag: str | None,
    account: str | None = None,
) -> DeploymentScope:
    """Return the scope that the options select; warnings about it go to standard error."""
    if sum(1 for each in (stack, file, regions) if each) > 1:
        raise UnusableError("--stack, --file and --region are alternatives: choose one.")
    if account is not None and not _ACCOUNT.fullmatch(account):
        raise UnusableError(f"--account: expected 12 digits, got {account}. Use the ID of the account.")
    if regions:
        return _whole_scope(regions, tag, account or ANY)
    stacks = _fleet_stacks(file) if file else [CommandContext.of(context).read_stack(cwd, stack).settings()]
    scope = scope_of(stacks, _common_tag(stacks, tag), account or ANY)
    unbounded = [each for each in stacks if each.permissions_boundary.rsplit("/", 1)[-1] != ROLES_BOUNDARY]
    if unbounded and own_roles(scope):
        typer.echo(
            f"{NAMESPACE}:permissionsBoundary: expected {ROLES_BOUNDARY}, got another or none. Set it: the deployment role "
            "creates no role without that boundary.",
            err=True,
        )
    return scope


def _fleet_stacks(path: Path) -> list[Settings]:
    """Return the settings of a fleet file, without calls to AWS: its defaults, and the defaults with each override."""
    fleet = read_fleet_file(path)
    defaults = Layer(origin="defaults", values=fleet.defaults)
    overrides = (*fleet.overrides.organizational_units.values(), *fleet.overrides.accounts.values())
    layers = [[defaults], *([defaults, Layer(origin="overrides", values=values)] for values in overrides)]
    try:
        return [Settings.load(_with_region(merge(each))) for each in layers]
    except SettingsError as wrong:
        raise UnusableError(f"{path}: {wrong}") from None


def _with_region(values: dict[str, Any]) -> dict[str, Any]:
    regions = values.get(f"{NAMESPACE}:regions")
    first = cast("list[Any]", regions)[0] if isinstance(regions, list) and regions else None
    return {"aws:region": first, **values}


def _common_tag(stacks: Sequence[Settings], tag: str | None) -> tuple[str, str]:
    """Return the tag that identifies the resources of stacks: the one of the option, or else the first that all have.

    Raises:
        UnusableError: The stacks do not have such a tag.
    """
    common = [pair for pair in stacks[0].tags.items() if all(pair in each.tags.items() for each in stacks)]
    identifying = _parsed_tag(tag) if tag else next(iter(common), None)
    if identifying is None:
        raise UnusableError(
            f"{NAMESPACE}:tags: expected a tag that every stack has, got none. It identifies keys, networks and "
            f"instances, which have no names: set one in {NAMESPACE}:tags, for example service: {NAMESPACE}."
        )
    if identifying not in common:
        listed = ", ".join(f"{key}={value}" for key, value in common) or "none"
        raise UnusableError(
            f"--tag: expected a tag that every stack has in {NAMESPACE}:tags ({listed}), got {tag}. Use one of them."
        )
    return identifying


def _whole_scope(regions: Sequence[str], tag: str | None, account: str) -> DeploymentScope:
    """Return the scope for stacks with any settings in some Regions.

    Raises:
        UnusableError: A Region is unknown, or the tag is missing.
    """
    wrong = [each for each in regions if each not in partitions()]
    if wrong:
        raise UnusableError(
            f"--region: expected a Region that the installed AWS SDK for Python knows, got {wrong[0]}. Use one such as eu-west-1."
        )
    if tag is None:
        raise UnusableError(
            f"--tag: expected with --region, got none. Name the tag that every stack has in {NAMESPACE}:tags: --tag service=shell-access"
        )
    return whole_scope(tuple(dict.fromkeys(regions)), _parsed_tag(tag), account)


def _parsed_tag(given: str) -> tuple[str, str]:
    """Parse `KEY=VALUE`.

    Raises:
        UnusableError: The text does not have this form, or is not a valid tag.
    """
    key, separator, value = given.partition("=")
    if not key or not separator or not value:
        raise UnusableError(f"--tag: expected KEY=VALUE, got {given}. Use a tag such as service=shell-access.")
    problem = tag_problem(key, value, {})
    if problem:
        raise UnusableError(f"--tag {given}: {problem}.")
    return key, value
