"""In which order accounts go, and how many may fail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from operations.fleet.accounts import Account
    from operations.fleet.settings import FleetSettings, Wave


@dataclass(frozen=True, kw_only=True)
class AccountsOfWave:
    """A wave with its accounts.

    Attributes:
        wave: as asked for.
        accounts: in the order of the fleet.
    """

    wave: Wave
    accounts: tuple[Account, ...]

    @property
    def tolerance(self) -> int:
        """How many of the accounts may fail."""
        return tolerated(self.wave.failure_tolerance, len(self.accounts))


def assign(settings: FleetSettings, accounts: Sequence[Account]) -> tuple[AccountsOfWave, ...]:
    """Gives every account its wave: the first that names it, or the last."""
    waves = settings.waves
    by_wave: dict[str, list[Account]] = {wave.name: [] for wave in waves}
    for account in accounts:
        naming = (wave for wave in waves if names(wave, account))
        by_wave[next(naming, waves[-1]).name].append(account)
    return tuple(AccountsOfWave(wave=wave, accounts=tuple(by_wave[wave.name])) for wave in waves)


def names(wave: Wave, account: Account) -> bool:
    """Whether a wave asks for an account, by name, unit or tags."""
    return (
        account.name in wave.accounts
        or account.id in wave.accounts
        or any(unit in account.units for unit in wave.organizational_units)
        or (bool(wave.tags) and account.has(wave.tags))
    )


def tolerated(tolerance: int | str, accounts: int) -> int:
    """How many of so many accounts may fail; shares are rounded down, as StackSets does."""
    return tolerance if isinstance(tolerance, int) else int(tolerance.removesuffix("%")) * accounts // 100
