"""Fleet with its file, its accounts, and their validated configurations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from common.problems import suggestion
from operations.errors import UnusableError
from operations.fleet.accounts import assign_waves, select_accounts, tolerated_failures
from operations.fleet.discovery import discover_accounts, needs_organization, organizations_client
from operations.fleet.fleet_file import FleetFileError, problem_text, read_fleet_file
from operations.fleet.rollout import RolloutWave
from operations.fleet.stack_configuration import configure_stacks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from operations.fleet.file_schema import FleetSettings
    from operations.fleet.stack_configuration import FleetStack


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """Fleet.

    Attributes:
        stacks: Stacks of the accounts with their configurations, in rollout order.
        wave_names: Name of each account's wave, by account ID.
        tolerances: Failure tolerance of each wave, by its name.
        left_out: Reasons why known accounts are not in the fleet, by account ID.
    """

    path: Path
    settings: FleetSettings
    stacks: tuple[FleetStack, ...]
    wave_names: Mapping[str, str]
    tolerances: Mapping[str, int]
    left_out: Mapping[str, str]

    def waves(self, selected: Sequence[FleetStack]) -> list[RolloutWave]:
        """Return the waves with their selected stacks."""
        return [
            RolloutWave(
                name=wave.name,
                stacks=tuple(each for each in selected if self.wave_names[each.account.id] == wave.name),
                concurrency=wave.concurrency,
                tolerance=self.tolerances[wave.name],
                pause_minutes=wave.pause_minutes,
            )
            for wave in self.settings.waves
        ]

    def read_only_waves(self, selected: Sequence[FleetStack]) -> list[RolloutWave]:
        """Return the waves for operations that change nothing: the highest concurrency of any wave, no tolerance."""
        concurrency = max(wave.concurrency for wave in self.settings.waves)
        return [
            RolloutWave(name=wave.name, stacks=wave.stacks, concurrency=concurrency, tolerance=None)
            for wave in self.waves(selected)
        ]

    def select(self, accounts: Sequence[str] | None, waves: Sequence[str] | None = None) -> list[FleetStack]:
        """Return the stacks that `--account` and `--wave` select; all stacks without these options.

        Raises:
            UnusableError: A name is unknown.
        """
        names = [each.account.name for each in self.stacks]
        for name in accounts or ():
            if not any(each.account.is_called(name) for each in self.stacks):
                raise UnusableError(f"--account: expected an account of the fleet, got {name}{suggestion(name, names)}")
        known = [wave.name for wave in self.settings.waves]
        for name in waves or ():
            if name not in known:
                raise UnusableError(f"--wave: expected a wave of the fleet, got {name}{suggestion(name, known)}")
        return [
            each
            for each in self.stacks
            if (not accounts or any(each.account.is_called(name) for name in accounts))
            and (not waves or self.wave_names[each.account.id] in waves)
        ]


def load_fleet(path: Path) -> Fleet:
    """Read a fleet file, discover its accounts, and build every configuration.

    Raises:
        UnusableError: The file cannot be used, with all its problems, or AWS did not answer.
    """
    settings = read_fleet_file(path)
    found, units = (
        discover_accounts(settings, organizations_client())
        if needs_organization(settings)
        else ([], dict[str, tuple[str, ...]]())
    )
    selection = select_accounts(settings, found, units)
    stacks, problems = configure_stacks(settings, selection.accounts)
    problems = [*map(problem_text, selection.problems), *problems]
    if problems:
        raise FleetFileError(path, problems)
    by_wave = assign_waves(settings, selection.accounts)
    by_account = {account.id: wave for wave, accounts in by_wave.items() for account in accounts}
    order = [wave.name for wave in settings.waves]
    return Fleet(
        path=path,
        settings=settings,
        stacks=tuple(sorted(stacks, key=lambda each: order.index(by_account[each.account.id]))),
        wave_names=by_account,
        tolerances={
            wave.name: tolerated_failures(wave.failure_tolerance, len(by_wave[wave.name])) for wave in settings.waves
        },
        left_out=selection.left_out,
    )
