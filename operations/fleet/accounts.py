"""Which accounts a fleet has: listed ones and found ones, less those that are left out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from components.problems import Problem
from components.validation import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from operations.fleet.settings import FleetSettings

ACTIVE = "ACTIVE"
_SUGGESTIONS = 50
"""Unknown names for which a close one is looked for."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """One account.

    Attributes:
        id: 12 digits.
        name: what people call it.
        tags: of the account.
        units: the organizational units that it is in, the root first; empty where nobody asked.
        state: as AWS Organizations has it (`ACTIVE`, `SUSPENDED`, ...).
    """

    id: str
    name: str
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    units: tuple[str, ...] = ()
    state: str = ACTIVE

    def is_called(self, name: str) -> bool:
        """Whether a name in the fleet file means this account."""
        return name in (self.id, self.name)

    def has(self, tags: Mapping[str, str]) -> bool:
        """Whether it carries all of these tags."""
        return all(self.tags.get(key) == value for key, value in tags.items())


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The fleet's accounts.

    Attributes:
        accounts: in the order of the file, then by name.
        left_out: why an account that is known is none of the fleet's, by ID.
        problems: names in the file that nobody has.
    """

    accounts: tuple[Account, ...]
    left_out: Mapping[str, str]
    problems: tuple[Problem, ...] = ()


def choose(settings: FleetSettings, found: Sequence[Account], units: Mapping[str, tuple[str, ...]]) -> Chosen:
    """Puts listed and found accounts together.

    Args:
        settings: of the fleet.
        found: what the organization has where the file says to look, whatever its state.
        units: of listed accounts, by ID, where they are known.
    """
    listed = [
        Account(id=each.id, name=each.name, tags=each.tags, units=units.get(each.id, ()))
        for each in settings.accounts.listed
    ]
    by_hand = {each.id for each in listed}
    of_organization = {each.id: each for each in found}
    known = [_with_findings(each, of_organization.get(each.id)) for each in listed]
    known += sorted((each for each in found if each.id not in by_hand), key=lambda each: (each.name, each.id))
    known = _told_apart(known)
    excluded = frozenset(settings.accounts.exclude)
    left_out = {each.id: reason for each in known if (reason := _reason(each, excluded))}
    return Chosen(
        accounts=tuple(each for each in known if each.id not in left_out),
        left_out=left_out,
        problems=tuple(_unknown_names(settings, known)),
    )


def _with_findings(listed: Account, found: Account | None) -> Account:
    if found is None:
        return listed
    return replace(listed, tags={**found.tags, **listed.tags}, units=found.units or listed.units, state=found.state)


def _told_apart(accounts: Sequence[Account]) -> list[Account]:
    """An organization may give several accounts the same name."""
    taken = Counter(each.name for each in accounts)
    return [replace(each, name=f"{each.name}-{each.id}") if taken[each.name] > 1 else each for each in accounts]


def _reason(account: Account, excluded: frozenset[str]) -> str | None:
    if not excluded.isdisjoint((account.name, account.id)):
        return "excluded"
    return None if account.state == ACTIVE else account.state.lower().replace("_", " ")


def _unknown_names(settings: FleetSettings, known: Sequence[Account]) -> Iterator[Problem]:
    names = [each.name for each in known]
    called = {*names, *(each.id for each in known)}
    unknown = [(path, name) for path, name in _names(settings) if name not in called]
    for number, (path, name) in enumerate(unknown):
        # What a name is close to takes a comparison with every other one; nobody reads that for thousands of names.
        close = suggestion(name, names) if number < _SUGGESTIONS else ""
        yield Problem(path=path, message=f"{name} is no account of the fleet{close}")
    for account in known:
        both = [name for name in dict.fromkeys((account.name, account.id)) if name in settings.overrides.accounts]
        if len(both) > 1:
            message = f"{' and '.join(both)} are the same account; give its settings once"
            yield Problem(path=("overrides", "accounts", both[1]), message=message)


def _names(settings: FleetSettings) -> Iterator[tuple[tuple[str, ...], str]]:
    for position, name in enumerate(settings.accounts.exclude):
        yield ("accounts", "exclude", str(position)), name
    for name in settings.overrides.accounts:
        yield ("overrides", "accounts", name), name
    for number, wave in enumerate(settings.waves):
        for position, name in enumerate(wave.accounts):
            yield ("waves", str(number), "accounts", str(position)), name
