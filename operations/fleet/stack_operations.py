"""Operations on the stack of one account: an engine execution with its result, or a verification."""

from __future__ import annotations

import shlex
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from operations.errors import UnusableError
from operations.findings import Status, counted
from operations.fleet.fleet import Fleet, OrphanedStack, fingerprint
from operations.fleet.pulumi_cli import (
    DESTROY,
    DRIFT,
    PREVIEW,
    UP,
    EngineOperation,
    EngineProcess,
    PulumiCli,
    read_program,
)
from operations.fleet.result_output import Progress
from operations.fleet.results import ACCOUNT_WIDE, AccountResult, AccountState, NextStep, RegionResult
from operations.fleet.rollout import Journal, StopRequests, stopped_by_signals
from operations.fleet.stack_configuration import FleetStack, destroy_values
from operations.policy_pack import PolicyPack, pack_options
from operations.terminal import Terminal, program_name
from operations.verify.run import verify_stack

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from operations.verify.findings import Verification

_POLL_INTERVAL_SECONDS = 0.2
_SHUTDOWN_GRACE_SECONDS = 120.0
"""Time for an engine to finish; then it is asked to abort, and after the same time again, killed."""


@dataclass(frozen=True, kw_only=True)
class EngineContext:
    """Data that all engine executions of one command share.

    Attributes:
        cwd: Directory of the program, as on the command line.
    """

    fleet: Fleet
    pulumi: PulumiCli
    stop: StopRequests
    progress: Progress
    cwd: Path = Path()
    policy_packs: tuple[PolicyPack, ...] = ()
    refresh: bool = False

    def fingerprint(self, stack: FleetStack) -> str:
        """Return the fingerprint of an account's configuration, and of the program with its policies."""
        return fingerprint(stack.values, self.pulumi.program.fingerprint)

    def log_file(self, account_id: str, operation: EngineOperation) -> Path:
        """Return an empty log file for an engine's output."""
        logs = state_folder(self.fleet) / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        log = logs / f"{account_id}-{operation.name}.log"
        log.unlink(missing_ok=True)
        return log


def state_folder(fleet: Fleet) -> Path:
    """Return the folder of a fleet's logs and journal, next to its file; not for version control."""
    return fleet.path.resolve().parent / ".fleet" / fleet.path.stem


@contextmanager
def open_backend(fleet: Fleet, cwd: Path, packs: tuple[PolicyPack, ...] = ()) -> Generator[PulumiCli]:
    """Provide the Pulumi CLI with the program and the existing stacks, even if the fleet has no accounts."""
    program = read_program(cwd, packs)
    with tempfile.TemporaryDirectory(prefix=f"fleet-{fleet.path.stem}-") as folder:
        yield PulumiCli(program, Path(folder))


@contextmanager
def engine_context(
    fleet: Fleet,
    cwd: Path,
    *,
    accounts: int,
    policy_packs: tuple[PolicyPack, ...] = (),
    refresh: bool = False,
) -> Generator[EngineContext]:
    """Provide everything that the engines of one command share.

    Signals become stop requests only when the backend is read, so that the first one ends the command until then.
    """
    packs = tuple(each.resolved() for each in policy_packs)
    with (
        open_backend(fleet, cwd, packs) as pulumi,
        stopped_by_signals() as stop,
        progress_of(accounts) as progress,
    ):
        yield EngineContext(
            fleet=fleet, pulumi=pulumi, stop=stop, progress=progress, cwd=cwd, policy_packs=packs, refresh=refresh
        )


def progress_of(accounts: int) -> Progress:
    """Return the progress of a number of accounts, shown on standard error."""
    return Progress(Terminal(stderr=True), accounts)


def preview_stack(engines: EngineContext, stack: FleetStack, wave: str) -> AccountResult:
    """Preview the changes of `up`. A new account's stack is not created in the backend."""
    is_new = stack.name not in engines.pulumi.stacks
    if is_new:
        engines.pulumi.create_stack(stack.name, None, engines.stop, on_scratch=True)
    return _run_engine(engines, stack, wave, PREVIEW, on_scratch=is_new)


def find_drift(engines: EngineContext, stack: FleetStack, wave: str) -> AccountResult:
    """Compare the live resources with the stack's state, and change neither."""
    if stack.name not in engines.pulumi.stacks:
        return stack.result(wave, AccountState.FAILED, error="the stack does not exist. Run: fleet up")
    return _run_engine(engines, stack, wave, DRIFT)


def update_stack(
    engines: EngineContext, journal: Journal, stack: FleetStack, wave: str, *, resumes: bool
) -> AccountResult:
    """Deploy an account's stack with its configuration.

    With `resumes`, accounts that an unfinished rollout has completed are skipped.
    """
    account, mark = stack.account, engines.fingerprint(stack)
    if resumes and journal.has(account.id, mark):
        return stack.result(wave, AccountState.DONE)
    journal.record(account.id, mark, succeeded=False)
    if stack.name not in engines.pulumi.stacks:
        engines.pulumi.create_stack(stack.name, engines.fleet.settings.secrets_provider, engines.stop)
    result = _run_engine(engines, stack, wave, UP)
    journal.record(account.id, mark, succeeded=result.state in {AccountState.CHANGED, AccountState.UNCHANGED})
    return result


def verify_account(fleet: Fleet, stack: FleetStack, wave: str) -> AccountResult:
    """Compare the live resources with the settings, check by check."""
    started = time.monotonic()
    verification = verify_stack(stack.as_stack())
    numbers = {status.value: verification.count(status) for status in Status if status is not Status.OK}
    return stack.result(
        wave,
        _verified_state({status for status in Status if verification.count(status)}),
        changes={name: count for name, count in numbers.items() if count},
        seconds=time.monotonic() - started,
        cells=_verified_regions(
            verification, stack, FleetOptions(accounts=(stack.account.name,)).command(fleet, "up --refresh")
        ),
    )


def remove_stack(engines: EngineContext, orphan: OrphanedStack) -> AccountResult:
    """Destroy the resources of an orphaned stack, and remove the stack."""
    started = time.monotonic()
    values = destroy_values(engines.fleet.settings, orphan.account_id, _provider_region(engines.fleet))
    log = engines.log_file(orphan.account_id, DESTROY)
    changes: dict[str, int] = {}
    try:
        process = engines.pulumi.start(DESTROY, orphan.stack, values, log, engines.stop)
        _wait(engines, process, orphan.stack)
        changes = dict(process.log.changes)
        refused = engines.pulumi.remove_stack(orphan.stack) if process.succeeded else process.error
    except UnusableError as failed:
        refused = str(failed)
    state = AccountState.FAILED if refused else DESTROY.changed
    return AccountResult(
        name=orphan.account_id,
        id=orphan.account_id,
        wave=None,
        state=AccountState.INTERRUPTED if refused and engines.stop.is_requested else state,
        changes=changes,
        error=refused,
        seconds=time.monotonic() - started,
    )


def orphan_result(fleet: Fleet, orphan: OrphanedStack) -> AccountResult:
    """Return the result for an orphaned stack, with the command that destroys it."""
    account = orphan.account_id
    found = RegionResult(
        state=AccountState.ORPHANED,
        differences=(f"stack {orphan.stack}: {orphan.reason}",),
        remedy=FleetOptions(accounts=(account,)).command(fleet, "remove"),
    )
    return AccountResult(name=account, id=account, wave=None, state=AccountState.ORPHANED, cells={ACCOUNT_WIDE: found})


@dataclass(frozen=True, kw_only=True)
class FleetOptions:
    """Options of a fleet command that its next step repeats.

    Attributes:
        cwd: Directory of the program.
        accounts: Values of `--account`.
        waves: Values of `--wave`.
        policy_packs: Policy packs with their configuration; empty: the pack of this project.
    """

    cwd: Path = Path()
    accounts: Sequence[str] = ()
    waves: Sequence[str] = ()
    policy_packs: Sequence[PolicyPack] = ()

    def command(self, fleet: Fleet, name: str) -> str:
        """Return the complete command line."""
        options = [("--file", str(fleet.path))]
        options += [("--cwd", str(self.cwd))] if self.cwd != Path() and not name.startswith("verify") else []
        options += [("--account", each) for each in self.accounts] + [("--wave", each) for each in self.waves]
        line = " ".join((program_name(), "fleet", name, *(f"{key} {shlex.quote(value)}" for key, value in options)))
        return line if name.startswith(_WITHOUT_POLICIES) else f"{line} {self._pack_options}"

    @property
    def _pack_options(self) -> str:
        own = self.cwd / "policies" / "PulumiPolicy.yaml"
        if self.policy_packs:
            return shlex.join(pack_options(self.policy_packs))
        pack = shlex.quote(str(own.parent)) if own.is_file() else '"$(shell-access policy-pack)"'
        return f"--policy-pack {pack}"


_WITHOUT_POLICIES = ("verify", "drift", "remove")


def next_steps(
    fleet: Fleet, command: str, results: Sequence[AccountResult], options: FleetOptions
) -> tuple[NextStep, ...]:
    """Return the command to run after another one; none where there is nothing to do."""
    states = {each.state for each in results}
    purpose, following = "", ""
    if states & {AccountState.FAILED, AccountState.INTERRUPTED, AccountState.NOT_STARTED}:
        again = "resume" if command == "up" else "run it again"
        purpose, following = f"Fix the errors, then {again}", command
    elif command == "plan" and states & {AccountState.ADDED, AccountState.CHANGED}:
        purpose, following = "Preview the changes", "preview"
    elif command == "preview" and AccountState.CHANGED in states:
        purpose, following = f"Apply the changes, wave by wave ({_wave_order(results)})", "up"
    elif command == "up":
        purpose, following = "Compare the accounts with the settings", "verify"
    elif command in _WITHOUT_POLICIES and AccountState.DIFFERENCES in states:
        purpose, following = f"Repair the differences, wave by wave ({_wave_order(results)})", "up --refresh"
    return (NextStep(purpose=purpose, command=options.command(fleet, following)),) if following else ()


def _wave_order(results: Sequence[AccountResult]) -> str:
    """Return the waves in order with their numbers of accounts: `canary: 1 account, then rest: 2 accounts`."""
    counts = Counter(each.wave for each in results if each.wave is not None)
    return ", then ".join(f"{wave}: {counted(number, 'account')}" for wave, number in counts.items())


def _run_engine(
    engines: EngineContext, stack: FleetStack, wave: str, operation: EngineOperation, *, on_scratch: bool = False
) -> AccountResult:
    started = time.monotonic()
    log = engines.log_file(stack.account.id, operation)
    values = stack.values if operation.changes_accounts else stack.preview_values
    process = engines.pulumi.start(
        operation,
        stack.name,
        values,
        log,
        engines.stop,
        policy_packs=engines.policy_packs,
        refresh=engines.refresh,
        changes_role=values != stack.values,
        on_scratch=on_scratch,
    )
    _wait(engines, process, stack.name, lambda text: engines.progress.updated(stack, text))
    if process.succeeded:
        state, error = (operation.changed if process.log.changes else AccountState.UNCHANGED), None
        options = FleetOptions(cwd=engines.cwd, accounts=(stack.account.name,), policy_packs=engines.policy_packs)
        remedy = options.command(engines.fleet, operation.remedy) if operation.remedy else ""
    else:
        state = AccountState.INTERRUPTED if engines.stop.is_requested else AccountState.FAILED
        error = f"{process.error} (log: {log})"
        remedy = f"see {log}"
    return stack.result(
        wave,
        state,
        changes=dict(process.log.changes),
        error=error,
        seconds=time.monotonic() - started,
        cells=_region_results(stack, process.log.by_region, state, remedy),
    )


def _wait(
    engines: EngineContext, process: EngineProcess, stack: str, report: Callable[[str], None] = lambda _: None
) -> None:
    """Wait for an engine, and forward stop requests to it."""
    interrupted_at: float | None = None
    is_aborted = False
    while not process.wait(_POLL_INTERVAL_SECONDS):
        done = sum(process.log.changes.values())
        report(counted(done, "change"))
        if not engines.stop.is_requested:
            continue
        now = time.monotonic()
        if interrupted_at is None:
            interrupted_at = now
            process.interrupt()
            report("stopping")
        elif not is_aborted and (engines.stop.is_urgent or now - interrupted_at > _SHUTDOWN_GRACE_SECONDS):
            is_aborted = True
            interrupted_at = now
            process.interrupt()
        elif is_aborted and now - interrupted_at > _SHUTDOWN_GRACE_SECONDS:
            process.kill()
    if is_aborted:
        engines.pulumi.unlock(stack)


def _region_results(
    stack: FleetStack, by_region: Mapping[str, list[str]], state: AccountState, remedy: str
) -> dict[str, RegionResult]:
    regions: dict[str, RegionResult] = {}
    for region in dict.fromkeys((*stack.regions, *by_region)):
        differences = tuple(by_region.get(region, ()))
        is_quiet = not differences and state in {AccountState.CHANGED, AccountState.DIFFERENCES}
        of_region = AccountState.UNCHANGED if is_quiet else state
        needs_remedy = of_region not in {AccountState.UNCHANGED, AccountState.DONE}
        regions[region] = RegionResult(state=of_region, differences=differences, remedy=remedy if needs_remedy else "")
    return regions


def _verified_state(statuses: set[Status]) -> AccountState:
    if Status.DIFFERENT in statuses:
        return AccountState.DIFFERENCES
    return AccountState.FAILED if Status.UNKNOWN in statuses else AccountState.UNCHANGED


def _verified_regions(verification: Verification, stack: FleetStack, repair: str) -> dict[str, RegionResult]:
    repair_of_stack = f"pulumi up --refresh --stack {stack.name}"
    regions: dict[str, RegionResult] = {}
    for region, findings in verification.regions.items():
        reported = [each for each in findings if each.status is not Status.OK]
        remedies = dict.fromkeys((each.remedy or "").replace(repair_of_stack, repair) for each in reported)
        regions[region] = RegionResult(
            state=_verified_state({each.status for each in reported}),
            differences=tuple(f"{each.check}: {each.expected}; found: {each.found}" for each in reported),
            remedy="; ".join(remedies),
        )
    return regions


def _provider_region(fleet: Fleet) -> str:
    """Return a Region for the provider; the stack's resources have their own Regions."""
    return next((str(each.values["aws:region"]) for each in fleet.stacks if "aws:region" in each.values), "us-east-1")
