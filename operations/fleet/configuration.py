"""Configuration of each account's stack, from the fleet file, checked before any engine starts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from common.problems import NAMESPACE, Problem, SettingsError
from components.settings import Settings
from operations.fleet.merging import Layer, explain, merge
from operations.fleet.settings import PLACEHOLDER
from operations.stack import StackConfiguration

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from operations.fleet.accounts import Account
    from operations.fleet.merging import Setting
    from operations.fleet.settings import FleetSettings

SESSION_NAME = "shell-access-fleet"
"""Role session name, which CloudTrail shows in the accounts."""

_FLEET = "the fleet itself"
_SHOWN_NAMES = 3


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """Account with the configuration of its stack.

    Attributes:
        account: Account.
        stack: Name of the stack in the state backend.
        layers: Sources of the configuration, the most general first.
        values: Effective values by full key.
        preview_values: Effective values for read-only operations, which may assume another role.
        regions: Regions of the stack.
    """

    account: Account
    stack: str
    layers: tuple[Layer, ...]
    values: dict[str, Any]
    preview_values: dict[str, Any]
    regions: tuple[str, ...]

    @property
    def settings(self) -> list[Setting]:
        """All settings with their sources."""
        return explain(self.layers)

    def as_stack(self) -> StackConfiguration:
        """Return the configuration as the engine would pass it to a read-only operation."""
        values = self.preview_values
        texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
        return StackConfiguration(name=self.stack, values=texts)


def render(settings: FleetSettings, accounts: Sequence[Account]) -> tuple[list[Rendered], list[str]]:
    """Build the configuration of every account.

    Args:
        settings: Settings of the fleet.
        accounts: Accounts of the fleet.

    Returns:
        The configurations, and all problems as text; a problem of several accounts is listed once.
    """
    rendered: list[Rendered] = []
    problems: dict[tuple[str, str], list[str]] = {}
    for account in accounts:
        layers = layers_of(settings, account)
        values = merge(layers)
        try:
            regions = Settings.load(values).regions
        except SettingsError as wrong:
            for problem in wrong.problems:
                problems.setdefault((_place(problem, layers), problem.message), []).append(account.name)
            continue
        rendered.append(
            Rendered(
                account=account,
                stack=stack_name(settings, account.id),
                layers=layers,
                values=values,
                preview_values={**values, **_access(settings.preview_role or settings.assume_role, account.id)},
                regions=regions,
            )
        )
    said = [f"{place}: {message} ({_counted(names, len(accounts))})" for (place, message), names in problems.items()]
    return rendered, said


def stack_name(settings: FleetSettings, account_id: str) -> str:
    """Return the name of an account's stack, which contains the ID because account names may change."""
    return f"{settings.stack_prefix}{account_id}"


def layers_of(settings: FleetSettings, account: Account) -> tuple[Layer, ...]:
    """Return the sources of an account's configuration, the most general first."""
    overrides = settings.overrides
    layers = [Layer(origin="defaults", values=settings.defaults)]
    layers += [
        Layer(origin=f"overrides.organizationalUnits.{unit}", values=overrides.organizational_units[unit])
        for unit in account.units
        if unit in overrides.organizational_units
    ]
    layers += [
        Layer(origin=f"overrides.accounts.{name}", values=overrides.accounts[name])
        for name in dict.fromkeys((account.name, account.id))
        if name in overrides.accounts
    ]
    return (*layers, Layer(origin=_FLEET, values=_own(settings, account, merge(layers))))


def destroy_values(settings: FleetSettings, account_id: str, region: str) -> dict[str, Any]:
    """Return the configuration for destroying an orphaned stack, which only contains the access to its account."""
    return {"aws:region": region, **_access(settings.assume_role, account_id)}


def _own(settings: FleetSettings, account: Account, values: dict[str, Any]) -> dict[str, Any]:
    own = _access(settings.assume_role, account.id)
    regions = values.get(f"{NAMESPACE}:regions")
    if "aws:region" not in values and isinstance(regions, list) and regions:
        own["aws:region"] = cast("list[Any]", regions)[0]
    return own


def _access(role: str | None, account_id: str) -> dict[str, Any]:
    """Return the provider settings; `allowedAccountIds` prevents changes to other accounts with any credentials."""
    access: dict[str, Any] = {"aws:allowedAccountIds": [account_id]}
    if role:
        access["aws:assumeRoles"] = [{"roleArn": role.replace(PLACEHOLDER, account_id), "sessionName": SESSION_NAME}]
    return access


def _place(problem: Problem, layers: Sequence[Layer]) -> str:
    """Return a key with the location in the file that set it."""
    wanted = (f"{NAMESPACE}:{problem.path[0]}", *problem.path[1:])
    for length in range(len(wanted), 0, -1):
        origins = [each.origin for each in explain(layers) if each.path[:length] == wanted[:length]]
        if origins:
            return f"{origins[-1]}.{'.'.join(wanted)}"
    return f"defaults.{'.'.join(wanted)}"


def _counted(names: Iterable[str], of: int) -> str:
    several = list(dict.fromkeys(names))
    if len(several) == of and of > 1:
        return "every account"
    rest = len(several) - _SHOWN_NAMES
    return f"in {', '.join(several[:_SHOWN_NAMES])}{f' and {rest} more' if rest > 0 else ''}"
