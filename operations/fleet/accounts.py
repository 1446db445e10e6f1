"""Accounts of a fleet: listed ones and those that AWS Organizations returns, without excluded ones; and their waves.

Discovery is read-only, with the credentials of the management account, or of a delegated administrator, before any role is assumed.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from common.aws.failures import MalformedAnswerError, code_of
from common.aws.session import AwsClients
from common.problems import Problem, SettingPath, suggestion
from components.adoption.inventory import only_one
from operations.errors import UnusableError
from operations.inventory.reader import read_failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from operations.fleet.fleet_file import FleetSettings, Wave

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


_REGION = "us-east-1"
_OUTSIDE = frozenset({"ChildNotFoundException", "AccountNotFoundException"})
_NEEDED = "organizations:ListAccounts"


def needs_organization(settings: FleetSettings) -> bool:
    """Return whether the file requires data from AWS Organizations."""
    return settings.accounts.discover is not None or _mentions_units(settings)


def organizations_client() -> Any:
    """Return a client with the current credentials."""
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or _REGION
    return AwsClients(lambda _key: None).client("organizations", region)


def discover_accounts(settings: FleetSettings, client: Any) -> tuple[list[FleetAccount], Mapping[str, tuple[str, ...]]]:
    """Discover accounts, and read the units of listed accounts.

    Returns:
        Accounts in any state, and the units of listed accounts by account ID; an account outside the organization has
        no units.

    Raises:
        UnusableError: AWS did not answer; a partial result would leave stacks orphaned.
    """
    organization = _Organization(client)
    try:
        found = list(_discovered(settings, organization))
        units = (
            {each.id: organization.path_of(each.id) for each in settings.accounts.listed}
            if _mentions_units(settings)
            else {}
        )
    except (ClientError, BotoCoreError) as failed:
        action = f"organizations:{failed.operation_name}" if isinstance(failed, ClientError) else _NEEDED
        why = read_failure(action, failed, _REGION, "the credentials in use")
        raise UnusableError(
            f"The accounts of the organization cannot be listed: {why.explanation}. Remedy: {why.remedy}. "
            "Use the management account or a delegated administrator, or list the accounts in the file."
        ) from None
    return found, units


def _discovered(settings: FleetSettings, organization: _Organization) -> Iterator[FleetAccount]:
    discover = settings.accounts.discover
    if discover is None:
        return
    wants_tags = bool(discover.tags) or any(wave.tags for wave in settings.waves)
    seen: set[str] = set()
    for account in organization.accounts(discover.organizational_units):
        if account.id in seen:
            continue
        seen.add(account.id)
        # One call per account, so only if tags matter, and never for an account that is not active.
        complete = organization.with_tags(account) if wants_tags and account.is_active else account
        if not complete.is_active or complete.has(discover.tags):
            yield complete


def _mentions_units(settings: FleetSettings) -> bool:
    return bool(settings.overrides.organizational_units) or any(wave.organizational_units for wave in settings.waves)


class _Organization:
    """Cached calls to AWS Organizations."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._parents: dict[str, str | None] = {}

    def accounts(self, units: Sequence[str]) -> Iterator[FleetAccount]:
        """Return the accounts of the units and their child units; of the whole organization if there are no units.

        An organization has one root, and its management account at least.
        """
        if units:
            for unit in units:
                yield from self._below(unit, (*self.path_of(unit), unit))
            return
        root = only_one(self._pages("list_roots", "Roots"), "ListRoots")["Id"]
        accounts = list(self._below(root, (root,)))
        if not accounts:
            raise MalformedAnswerError(operation="ListAccountsForParent", found="no account in the organization")
        yield from accounts

    def path_of(self, child: str) -> tuple[str, ...]:
        """Return the parent units of an account or unit, the root first; none outside the organization."""
        path: list[str] = []
        above = self._parent(child)
        while above is not None:
            if above in path:
                raise MalformedAnswerError(operation="ListParents", found=f"{above} below itself")
            path.insert(0, above)
            above = self._parent(above)
        return tuple(path)

    def with_tags(self, account: FleetAccount) -> FleetAccount:
        """Return the account with its tags."""
        tags = self._pages("list_tags_for_resource", "Tags", ResourceId=account.id)
        return FleetAccount(
            id=account.id,
            name=account.name,
            units=account.units,
            state=account.state,
            tags={each["Key"]: each["Value"] for each in tags},
        )

    def _below(self, unit: str, path: tuple[str, ...]) -> Iterator[FleetAccount]:
        for each in self._pages("list_accounts_for_parent", "Accounts", ParentId=unit):
            # State replaces Status (API reference, Account).
            state = str(each.get("State") or each["Status"])
            yield FleetAccount(id=each["Id"], name=each.get("Name") or each["Id"], units=path, state=state)
        for each in self._pages("list_organizational_units_for_parent", "OrganizationalUnits", ParentId=unit):
            self._parents[each["Id"]] = unit
            yield from self._below(each["Id"], (*path, each["Id"]))

    def _parent(self, child: str) -> str | None:
        if child.startswith("r-"):
            return None
        if child not in self._parents:
            try:
                parents = self._pages("list_parents", "Parents", ChildId=child)
                if not parents:
                    raise MalformedAnswerError(operation="ListParents", found="no parent")
                self._parents[child] = parents[0]["Id"]
            except ClientError as refused:
                if code_of(refused) not in _OUTSIDE or not child.isdigit():
                    raise
                self._parents[child] = None
        return self._parents[child]

    def _pages(self, operation: str, key: str, **arguments: Any) -> list[Any]:
        answer = self._client.get_paginator(operation).paginate(**arguments).build_full_result()
        return list(answer.get(key, []))
