"""Accounts of a fleet (listed and discovered ones, without excluded ones), and their waves."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from common.problems import Problem, SettingPath, suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from operations.fleet.file_schema import FleetSettings, Wave

ACTIVE = "ACTIVE"
_NOT_ACTIVE = frozenset({"PENDING_ACTIVATION", "SUSPENDED", "PENDING_CLOSURE", "CLOSED"})
"""States of accounts that no stack can be deployed to (Organizations API reference, Account). An update of an account in a
state that AWS adds fails, and that is reported; leaving it out would not be."""
_SUGGESTIONS = 50
"""Maximum number of unknown names for which a similar name is suggested."""


@dataclass(frozen=True, kw_only=True)
class FleetAccount:
    """AWS account.

    Attributes:
        units: Organizational units of the account, the root first. Empty if they were not read.
        state: State in AWS Organizations (`ACTIVE`, `SUSPENDED`, ...).
    """

    id: str
    name: str
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    units: tuple[str, ...] = ()
    state: str = ACTIVE

    @property
    def is_active(self) -> bool:
        """Return whether the account is active, or may be."""
        return self.state not in _NOT_ACTIVE

    def is_called(self, name: str) -> bool:
        """Return whether a name or ID in the fleet file refers to this account."""
        return name in (self.id, self.name)

    def has(self, tags: Mapping[str, str]) -> bool:
        """Return whether the account has all of these tags."""
        return all(self.tags.get(key) == value for key, value in tags.items())


@dataclass(frozen=True, kw_only=True)
class AccountSelection:
    """Accounts of the fleet.

    Attributes:
        accounts: Accounts in the order of the file, then by name.
        left_out: Reasons why known accounts are not in the fleet, by account ID.
        problems: Names in the file that match no account.
    """

    accounts: tuple[FleetAccount, ...]
    left_out: Mapping[str, str]
    problems: tuple[Problem, ...] = ()


def select_accounts(
    settings: FleetSettings, found: Sequence[FleetAccount], units: Mapping[str, tuple[str, ...]]
) -> AccountSelection:
    """Combine listed and discovered accounts."""
    listed = [
        FleetAccount(id=each.id, name=each.name, tags=each.tags, units=units.get(each.id, ()))
        for each in settings.accounts.listed
    ]
    listed_ids = {each.id for each in listed}
    of_organization = {each.id: each for each in found}
    known = [_with_organization_data(each, of_organization.get(each.id)) for each in listed]
    known += sorted((each for each in found if each.id not in listed_ids), key=lambda each: (each.name, each.id))
    known = _with_unique_names(known)
    excluded = frozenset(settings.accounts.exclude)
    left_out = {each.id: reason for each in known if (reason := _omission(each, excluded))}
    return AccountSelection(
        accounts=tuple(each for each in known if each.id not in left_out),
        left_out=left_out,
        problems=tuple(_unknown_names(settings, known)),
    )


def _with_organization_data(listed: FleetAccount, found: FleetAccount | None) -> FleetAccount:
    if found is None:
        return listed
    return replace(listed, tags={**found.tags, **listed.tags}, units=found.units or listed.units, state=found.state)


def _with_unique_names(accounts: Sequence[FleetAccount]) -> list[FleetAccount]:
    """Make names unique, because an organization may have several accounts with the same name."""
    counts = Counter(each.name for each in accounts)
    return [replace(each, name=f"{each.name}-{each.id}") if counts[each.name] > 1 else each for each in accounts]


def _omission(account: FleetAccount, excluded: frozenset[str]) -> str | None:
    if not excluded.isdisjoint((account.name, account.id)):
        return "excluded"
    return None if account.is_active else account.state.lower().replace("_", " ")


def _unknown_names(settings: FleetSettings, known: Sequence[FleetAccount]) -> Iterator[Problem]:
    names = [each.name for each in known]
    identifiers = {*names, *(each.id for each in known)}
    unknown = [(path, name) for path, name in _names(settings) if name not in identifiers]
    for number, (path, name) in enumerate(unknown):
        # A suggestion requires a comparison with every name, and thousands of suggestions would not be read.
        close = suggestion(name, names) if number < _SUGGESTIONS else ""
        yield Problem(path=path, message=f"expected an account of the fleet, got {name}{close}")
    for account in known:
        both = [name for name in dict.fromkeys((account.name, account.id)) if name in settings.overrides.accounts]
        if len(both) > 1:
            message = f"expected settings once per account, got {' and '.join(both)} for the same account"
            yield Problem(path=("overrides", "accounts", both[1]), message=message)


def _names(settings: FleetSettings) -> Iterator[tuple[SettingPath, str]]:
    for position, name in enumerate(settings.accounts.exclude):
        yield ("accounts", "exclude", position), name
    for name in settings.overrides.accounts:
        yield ("overrides", "accounts", name), name
    for number, wave in enumerate(settings.waves):
        for position, name in enumerate(wave.accounts):
            yield ("waves", number, "accounts", position), name


def assign_waves(settings: FleetSettings, accounts: Sequence[FleetAccount]) -> dict[str, list[FleetAccount]]:
    """Return the accounts of each wave, by its name: an account is in the first wave that names it, or in the last one."""
    by_wave: dict[str, list[FleetAccount]] = {wave.name: [] for wave in settings.waves}
    for account in accounts:
        naming = (wave for wave in settings.waves if _selects(wave, account))
        by_wave[next(naming, settings.waves[-1]).name].append(account)
    return by_wave


def _selects(wave: Wave, account: FleetAccount) -> bool:
    """Return whether a wave selects an account by name, unit or tags."""
    return (
        account.name in wave.accounts
        or account.id in wave.accounts
        or any(unit in account.units for unit in wave.organizational_units)
        or (bool(wave.tags) and account.has(wave.tags))
    )


def tolerated_failures(tolerance: int | str, accounts: int) -> int:
    """Return the number of failures to tolerate; percentages are rounded down, as by StackSets."""
    return tolerance if isinstance(tolerance, int) else int(tolerance.removesuffix("%")) * accounts // 100
