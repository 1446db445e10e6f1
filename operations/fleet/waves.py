"""Order of accounts, and failure tolerance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from operations.fleet.accounts import Account
    from operations.fleet.settings import FleetSettings, Wave


@dataclass(frozen=True, kw_only=True)
class AccountsOfWave:
    """Wave with its accounts.

    Attributes:
        wave: Wave in the fleet file.
        accounts: Accounts in the order of the fleet.
    """

    wave: Wave
    accounts: tuple[Account, ...]

    @property
    def tolerance(self) -> int:
        """Number of failures to tolerate."""
        return tolerated(self.wave.failure_tolerance, len(self.accounts))


def assign(settings: FleetSettings, accounts: Sequence[Account]) -> tuple[AccountsOfWave, ...]:
    """Assign every account to the first wave that names it, or to the last wave."""
    waves = settings.waves
    by_wave: dict[str, list[Account]] = {wave.name: [] for wave in waves}
    for account in accounts:
        naming = (wave for wave in waves if names(wave, account))
        by_wave[next(naming, waves[-1]).name].append(account)
    return tuple(AccountsOfWave(wave=wave, accounts=tuple(by_wave[wave.name])) for wave in waves)


def names(wave: Wave, account: Account) -> bool:
    """Return whether a wave selects an account by name, unit or tags."""
    return (
        account.name in wave.accounts
        or account.id in wave.accounts
        or any(unit in account.units for unit in wave.organizational_units)
        or (bool(wave.tags) and account.has(wave.tags))
    )


def tolerated(tolerance: int | str, accounts: int) -> int:
    """Return the number of failures to tolerate; percentages are rounded down, as by StackSets."""
    return tolerance if isinstance(tolerance, int) else int(tolerance.removesuffix("%")) * accounts // 100
