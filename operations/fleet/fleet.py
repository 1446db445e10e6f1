"""Fleet with its file, its accounts, and their validated configurations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from common.validation import suggestion
from operations.errors import UnusableError
from operations.fleet.accounts import choose
from operations.fleet.configuration import render
from operations.fleet.discovery import look_up, needs_organization, nobody, organizations_client
from operations.fleet.file import read_fleet_file
from operations.fleet.problems import FleetFileError, worded
from operations.fleet.runner import Turn
from operations.fleet.waves import assign

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from operations.fleet.configuration import Rendered
    from operations.fleet.settings import FleetSettings


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """Fleet.

    Attributes:
        path: Path of the fleet file.
        settings: Settings in the file.
        accounts: Accounts with their configurations, in rollout order.
        waves: Name of each account's wave, by account ID.
        tolerances: Failure tolerance of each wave, by its name.
        left_out: Reasons why known accounts are not in the fleet, by account ID.
    """

    path: Path
    settings: FleetSettings
    accounts: tuple[Rendered, ...]
    waves: Mapping[str, str]
    tolerances: Mapping[str, int]
    left_out: Mapping[str, str]

    def turns(self, chosen: Sequence[Rendered]) -> list[Turn]:
        """Return the waves with their chosen accounts."""
        return [
            Turn(
                wave=wave.name,
                accounts=tuple(each for each in chosen if self.waves[each.account.id] == wave.name),
                concurrency=wave.concurrency,
                tolerance=self.tolerances[wave.name],
                pause_minutes=wave.pause_minutes,
            )
            for wave in self.settings.waves
        ]

    def at_once(self, chosen: Sequence[Rendered]) -> list[Turn]:
        """Return the chosen accounts at the highest concurrency of any wave, for read-only operations."""
        together = max(wave.concurrency for wave in self.settings.waves)
        return [
            Turn(wave=turn.wave, accounts=turn.accounts, concurrency=together, tolerance=None)
            for turn in self.turns(chosen)
        ]

    def chosen(self, accounts: Sequence[str], waves: Sequence[str]) -> list[Rendered]:
        """Return the accounts that `--account` and `--wave` select; all accounts without these options.

        Raises:
            UnusableError: A name is unknown.
        """
        names = [each.account.name for each in self.accounts]
        for name in accounts:
            if not any(each.account.is_called(name) for each in self.accounts):
                raise UnusableError(f"--account {name} is no account of the fleet{suggestion(name, names)}")
        known = [wave.name for wave in self.settings.waves]
        for name in waves:
            if name not in known:
                raise UnusableError(f"--wave {name} is no wave of the fleet{suggestion(name, known)}")
        return [
            each
            for each in self.accounts
            if (not accounts or any(each.account.is_called(name) for name in accounts))
            and (not waves or self.waves[each.account.id] in waves)
        ]


def load_fleet(path: Path, client: Callable[[], Any] = organizations_client) -> Fleet:
    """Read a fleet file, discover its accounts, and build every configuration.

    Args:
        path: Path of the file.
        client: Factory of the client for AWS Organizations, called only if needed.

    Raises:
        UnusableError: The file cannot be used, with all its problems, or AWS did not answer.
    """
    settings = read_fleet_file(path).settings
    found, units = look_up(settings, client()) if needs_organization(settings) else nobody()
    chosen = choose(settings, found, units)
    rendered, problems = render(settings, chosen.accounts)
    problems = [*map(worded, chosen.problems), *problems]
    if problems:
        raise FleetFileError(path, problems)
    waves = assign(settings, chosen.accounts)
    of_account = {account.id: each.wave.name for each in waves for account in each.accounts}
    order = {wave.name: position for position, wave in enumerate(settings.waves)}
    return Fleet(
        path=path,
        settings=settings,
        accounts=tuple(sorted(rendered, key=lambda each: order[of_account[each.account.id]])),
        waves=of_account,
        tolerances={each.wave.name: each.tolerance for each in waves},
        left_out=chosen.left_out,
    )
