"""Fleet with its file, its accounts and their validated configurations, and the comparison with the stacks in the state backend."""

from __future__ import annotations

import hashlib
import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from common.problems import suggestion
from operations.errors import UnusableError
from operations.fleet.accounts import (
    assign_waves,
    discover_accounts,
    needs_organization,
    organizations_client,
    select_accounts,
    tolerated_failures,
)
from operations.fleet.events import NOT_SET, change_text
from operations.fleet.fleet_file import FleetFileError, FleetSettings, problem_text, read_fleet_file
from operations.fleet.results import ACCOUNT_WIDE, AccountResult, AccountState, RegionResult
from operations.fleet.rollout import RolloutWave
from operations.fleet.stack_configuration import FleetStack, Layer, configure_stacks, explain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from operations.fleet.pulumi_cli import PulumiCli


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


_CONCURRENT_HISTORIES = 8
"""Maximum number of concurrent reads of stack histories, each with its own process."""
_ID = re.compile(r"[0-9]{12}")
_NOT_LISTED = "not in the fleet file"


@dataclass(frozen=True, kw_only=True)
class OrphanedStack:
    """Stack of the fleet whose account is not in the fleet.

    Attributes:
        reason: Reason why the account is not in the fleet.
    """

    account_id: str
    stack: str
    reason: str


def orphaned_stacks(
    settings: FleetSettings, stacks: Iterable[str], accounts: Iterable[str], left_out: Mapping[str, str]
) -> list[OrphanedStack]:
    """Return stacks whose names match the fleet's pattern and whose accounts are not in it; other stacks are ignored.

    `left_out` has the reasons why known accounts are not in the fleet, by account ID.
    """
    prefix, known = settings.stack_prefix, set(accounts)
    ours = {name.removeprefix(prefix): name for name in stacks if name.startswith(prefix)}
    return [
        OrphanedStack(account_id=account, stack=name, reason=left_out.get(account, _NOT_LISTED))
        for account, name in sorted(ours.items())
        if _ID.fullmatch(account) and account not in known
    ]


def plan_stacks(fleet: Fleet, pulumi: PulumiCli, stacks: Sequence[FleetStack]) -> list[AccountResult]:
    """Return the planned changes of stacks, by their configuration only; `preview` shows the program's changes.

    Raises:
        UnusableError: The backend cannot be used.
    """

    def plan_one(stack: FleetStack) -> AccountResult:
        last = pulumi.last_configuration(stack.name) if stack.name in pulumi.stacks else None
        return plan_stack(stack, fleet.wave_names[stack.account.id], last, pulumi.program.defaults)

    with ThreadPoolExecutor(_CONCURRENT_HISTORIES) as pool:
        return list(pool.map(plan_one, stacks))


def plan_stack(
    stack: FleetStack, wave: str, last: Mapping[str, Any] | None, project_defaults: Mapping[str, Any]
) -> AccountResult:
    """Return the planned change of one stack since its last successful update, of which there may be none."""
    if last is None:
        return stack.result(wave, AccountState.ADDED)
    deployed, planned = {**project_defaults, **last}, {**project_defaults, **stack.values}
    changed = changed_settings(deployed, planned)
    if not changed:
        return stack.result(wave, AccountState.UNCHANGED)
    before, after = _flat(deployed), _flat(planned)
    differences = tuple(change_text(name, before.get(name, NOT_SET), after.get(name, NOT_SET)) for name in changed)
    found = RegionResult(state=AccountState.CHANGED, differences=differences)
    return stack.result(wave, AccountState.CHANGED, cells={ACCOUNT_WIDE: found})


def changed_settings(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the names of settings that differ between two configurations, sorted.

    JSON distinguishes `false` from `0`.
    """
    old, new = _flat(before), _flat(after)
    changed = [name for name in sorted(old.keys() | new.keys()) if _spelling(old, name) != _spelling(new, name)]
    # A section that gets its first setting is not a change of its own.
    return [name for name in changed if not any(each.startswith((f"{name}.", f"{name}[")) for each in changed)]


def _spelling(values: Mapping[str, Any], name: str) -> str | None:
    return json.dumps(values[name], sort_keys=True) if name in values else None


def fingerprint(values: Mapping[str, Any], program: str) -> str:
    """Return the fingerprint of a configuration together with its program."""
    text = json.dumps([values, program], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    return {each.key: each.value for each in explain([Layer(origin="", values=values)])}
