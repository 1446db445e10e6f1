"""Scope of the deployer's policies, from the options of the command line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from common.problems import NAMESPACE, SettingsError
from common.validation import partitions
from components.settings import Settings, tag_problem
from operations.deployer.iam import own_roles
from operations.deployer.names import ROLES_BOUNDARY
from operations.deployer.scope import ANY, DeploymentScope, scope_of, whole_scope
from operations.errors import UnusableError
from operations.fleet.fleet_file import read_fleet_file
from operations.fleet.stack_configuration import Layer, merge

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from operations.fleet.file_schema import FleetSettings

_ACCOUNT = re.compile(r"[0-9]{12}")


def account_of(given: str | None) -> str:
    """Return the account that limits the policies; `*` where none is given.

    Raises:
        UnusableError: It is not an account ID.
    """
    if given is not None and not _ACCOUNT.fullmatch(given):
        raise UnusableError(f"--account: expected 12 digits, got {given}. Use the ID of the account.")
    return given or ANY


def fleet_stacks(path: Path) -> list[Settings]:
    """Return the settings of a fleet file, without calls to AWS: its defaults, and the defaults with each override."""
    settings = read_fleet_file(path)
    try:
        return [Settings.load(_with_region(merge(layers))) for layers in _layers(settings)]
    except SettingsError as wrong:
        raise UnusableError(f"{path}: {wrong}") from None


def scope_from_stacks(stacks: Sequence[Settings], tag: str | None, account: str) -> DeploymentScope:
    """Return the scope for stacks in an account.

    The tag is `KEY=VALUE` as given; by default, the first tag that all stacks have.

    Raises:
        UnusableError: The stacks do not have such a tag.
    """
    common = [pair for pair in stacks[0].tags.items() if all(pair in each.tags.items() for each in stacks)]
    identifying = parsed_tag(tag) if tag else next(iter(common), None)
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
    return scope_of(stacks, identifying, account)


def scope_from_options(regions: Sequence[str], tag: str | None, account: str) -> DeploymentScope:
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
    return whole_scope(tuple(dict.fromkeys(regions)), parsed_tag(tag), account)


def parsed_tag(given: str) -> tuple[str, str]:
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


def warnings(stacks: Sequence[Settings], scope: DeploymentScope) -> list[str]:
    """Return warnings about settings that prevent a deployment by this deployer."""
    unbounded = [each for each in stacks if each.permissions_boundary.rsplit("/", 1)[-1] != ROLES_BOUNDARY]
    if not unbounded or not own_roles(scope):
        return []
    return [
        f"{NAMESPACE}:permissionsBoundary: expected {ROLES_BOUNDARY}, got another or none. Set it: the deployment role creates no role without that boundary."
    ]


def _layers(settings: FleetSettings) -> Iterator[list[Layer]]:
    defaults = Layer(origin="defaults", values=settings.defaults)
    overrides = settings.overrides
    yield [defaults]
    for values in (*overrides.organizational_units.values(), *overrides.accounts.values()):
        yield [defaults, Layer(origin="overrides", values=values)]


def _with_region(values: dict[str, Any]) -> dict[str, Any]:
    regions = values.get(f"{NAMESPACE}:regions")
    first = cast("list[Any]", regions)[0] if isinstance(regions, list) and regions else None
    return {"aws:region": first, **values}
