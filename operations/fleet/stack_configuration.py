"""Configuration of each account's stack, merged from the general to the specific, with the source of each setting.

Mappings are merged recursively; any other value (including lists) replaces the previous value; null removes a setting,
as if it had not been set.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from common.problems import NAMESPACE, Problem, SettingsError, path_text
from components.settings import Settings
from operations.fleet.fleet_file import PLACEHOLDER, FleetSettings
from operations.fleet.results import AccountResult, AccountState
from operations.stack import StackConfiguration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from operations.fleet.accounts import FleetAccount


@dataclass(frozen=True, kw_only=True)
class Layer:
    """Settings from one location in the file.

    Attributes:
        origin: Location, such as `overrides.accounts.payments`.
        values: Values by key, as in a stack's configuration.
    """

    origin: str
    values: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ReplacedValue:
    """Value with its source."""

    value: Any
    origin: str


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Setting of an account.

    Attributes:
        path: Keys from the outermost to the innermost.
        value: Effective value; an empty mapping counts as a value.
        origin: Source of the value.
        replaced: Replaced values, the latest first.
    """

    path: tuple[str, ...]
    value: Any
    origin: str
    replaced: tuple[ReplacedValue, ...] = ()

    @property
    def key(self) -> str:
        """Path as text: `shell-access:sessionManager.idleSessionTimeout`."""
        return path_text(self.path)


@dataclass
class _Node:
    origin: str
    value: Any = None
    children: dict[str, _Node] | None = None
    replaced: tuple[ReplacedValue, ...] = field(default=())

    def plain(self) -> Any:
        if self.children is None:
            return self.value
        return {key: child.plain() for key, child in self.children.items()}


def merge(layers: Sequence[Layer]) -> dict[str, Any]:
    """Return the effective values of layers, the most general of which comes first."""
    return cast("dict[str, Any]", _tree(layers).plain())


def explain(layers: Sequence[Layer]) -> list[Setting]:
    """Return all effective settings with their sources."""
    return list(_settings(_tree(layers), ()))


def _tree(layers: Sequence[Layer]) -> _Node:
    root = _Node(origin="", children={})
    for layer in layers:
        _put(root, layer.values, layer.origin)
    return root


def _put(node: _Node, values: Mapping[str, Any], origin: str) -> None:
    children = cast("dict[str, _Node]", node.children)
    for key, value in values.items():
        before = children.get(key)
        if value is None:
            children.pop(key, None)
        elif not isinstance(value, dict):
            children[key] = _Node(origin=origin, value=value, replaced=_history(before))
        else:
            if before is None or before.children is None:
                before = children[key] = _Node(origin=origin, children={}, replaced=_history(before))
            _put(before, cast("dict[str, Any]", value), origin)


def _history(before: _Node | None) -> tuple[ReplacedValue, ...]:
    return (ReplacedValue(value=before.plain(), origin=before.origin), *before.replaced) if before else ()


def _settings(node: _Node, path: tuple[str, ...]) -> Iterator[Setting]:
    for key, child in (node.children or {}).items():
        here = (*path, key)
        if child.children:
            yield from _settings(child, here)
        else:
            value = child.plain()
            yield Setting(path=here, value=value, origin=child.origin, replaced=child.replaced)


SESSION_NAME = "shell-access-fleet"
"""Role session name, which CloudTrail shows in the accounts."""

MAX_CONFIGURATION_BYTES = 125 * 1024
"""Size of a stack's configuration as text.

Pulumi passes it to the program in one environment variable, and Linux permits 128 KiB for each (`MAX_ARG_STRLEN`, execve(2)).
The rest is for the quotation of nested values.
"""

_FLEET = "the fleet itself"
_SHOWN_NAMES = 3
_SMALLER = "Combine networks, or use managed prefix lists (domainControllers.clientPrefixLists)"


@dataclass(frozen=True, kw_only=True)
class FleetStack:
    """Stack of an account, with its configuration.

    Attributes:
        name: Name of the stack in the state backend.
        layers: Sources of the configuration, the most general first.
        values: Effective values by full key.
        preview_values: Effective values for read-only operations, which may assume another role.
    """

    account: FleetAccount
    name: str
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
        return StackConfiguration(name=self.name, values=_texts(self.preview_values))

    def result(self, wave: str, state: AccountState, **more: Any) -> AccountResult:
        """Return a result for the account."""
        return AccountResult(name=self.account.name, id=self.account.id, wave=wave, state=state, **more)


def configure_stacks(settings: FleetSettings, accounts: Sequence[FleetAccount]) -> tuple[list[FleetStack], list[str]]:
    """Build the configuration of every account.

    Returns:
        The configurations, and all problems as text; a problem of several accounts is listed once.
    """
    stacks: list[FleetStack] = []
    problems: dict[tuple[str, str], list[str]] = {}
    for account in accounts:
        layers = layers_of(settings, account)
        values = merge(layers)
        size = len(json.dumps(_texts(values), separators=(",", ":")).encode())
        if size > MAX_CONFIGURATION_BYTES:
            message = f"expected {MAX_CONFIGURATION_BYTES:,} bytes of settings at most, got {size:,}. {_SMALLER}"
            problems.setdefault(("the configuration of a stack", message), []).append(account.name)
            continue
        try:
            regions = Settings.load(values).regions
        except SettingsError as wrong:
            for problem in wrong.problems:
                problems.setdefault((_place(problem, layers), problem.message), []).append(account.name)
            continue
        stacks.append(
            FleetStack(
                account=account,
                name=stack_name(settings, account.id),
                layers=layers,
                values=values,
                preview_values={**values, **_access(settings.preview_role or settings.assume_role, account.id)},
                regions=regions,
            )
        )
    listed = [
        f"{place}: {message} ({_accounts_text(names, len(accounts))})" for (place, message), names in problems.items()
    ]
    return stacks, listed


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}


def stack_name(settings: FleetSettings, account_id: str) -> str:
    """Return the name of an account's stack, which contains the ID because account names may change."""
    return f"{settings.stack_prefix}{account_id}"


def layers_of(settings: FleetSettings, account: FleetAccount) -> tuple[Layer, ...]:
    """Return the sources of an account's configuration, the most general first."""
    overrides = settings.overrides
    layers = [Layer(origin="defaults", values=settings.defaults)]
    layers += [
        Layer(origin=path_text(("overrides", "organizationalUnits", unit)), values=overrides.organizational_units[unit])
        for unit in account.units
        if unit in overrides.organizational_units
    ]
    layers += [
        Layer(origin=path_text(("overrides", "accounts", name)), values=overrides.accounts[name])
        for name in dict.fromkeys((account.name, account.id))
        if name in overrides.accounts
    ]
    return (*layers, Layer(origin=_FLEET, values=_own(settings, account, merge(layers))))


def destroy_values(settings: FleetSettings, account_id: str, region: str) -> dict[str, Any]:
    """Return the configuration for destroying an orphaned stack, which only contains the access to its account."""
    return {"aws:region": region, **_access(settings.assume_role, account_id)}


def _own(settings: FleetSettings, account: FleetAccount, values: dict[str, Any]) -> dict[str, Any]:
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
    key = (f"{NAMESPACE}:{problem.path[0]}", *problem.path[1:])
    for length in range(len(key), 0, -1):
        origins = [each.origin for each in explain(layers) if each.path[:length] == key[:length]]
        if origins:
            return path_text(key, origins[-1])
    return path_text(key, "defaults")


def _accounts_text(names: Iterable[str], of: int) -> str:
    several = list(dict.fromkeys(names))
    if len(several) == of and of > 1:
        return "every account"
    rest = len(several) - _SHOWN_NAMES
    return f"in {', '.join(several[:_SHOWN_NAMES])}{f' and {rest} more' if rest > 0 else ''}"
