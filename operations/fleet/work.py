"""Operation on one account: an engine execution with its result, or a verification."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from operations.findings import Status
from operations.fleet.configuration import destroy_values
from operations.fleet.engine import Operation, Task
from operations.fleet.plan import fingerprint
from operations.fleet.results import Cell, Result, State
from operations.verify.run import verify_stack

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from operations.fleet.configuration import Rendered
    from operations.fleet.engine import Pulumi, Run
    from operations.fleet.fleet import Fleet
    from operations.fleet.journal import Journal
    from operations.fleet.plan import Orphan
    from operations.fleet.runner import Listener
    from operations.fleet.stopping import Stop
    from operations.verify.findings import Verification

_LOOK_AGAIN_SECONDS = 0.2
_PATIENCE_SECONDS = 120.0
"""Time for an engine to finish; then it is asked to abort, and after the same time again, killed."""


@dataclass(frozen=True)
class _Kind:
    """Operation, and the state of its result if it finds changes."""

    operation: Operation
    changed: State
    remedy: str | None = None
    """Fleet command that fixes it."""
    changes_accounts: bool = False
    """Whether the operation changes accounts; others are read-only, and use the role for that."""


_PREVIEW = _Kind(Operation.PREVIEW, State.CHANGED, "up")
_DRIFT = _Kind(Operation.DRIFT, State.DIFFERENT, "up --refresh")
_UP = _Kind(Operation.UP, State.CHANGED, changes_accounts=True)


@dataclass(frozen=True, kw_only=True)
class Engines:
    """Data that all engine executions of one command share.

    Attributes:
        fleet: Fleet.
        pulumi: Pulumi CLI.
        stacks: Stacks in the backend.
        logs: Folder for the engines' output.
        stop: Stop requests by signals.
        listener: Receiver of progress events.
        program: Fingerprint of the program.
        policy_packs: Policy packs to evaluate.
        refresh: Whether to refresh the state first.
    """

    fleet: Fleet
    pulumi: Pulumi
    stacks: frozenset[str]
    logs: Path
    stop: Stop
    listener: Listener
    program: str
    policy_packs: tuple[Path, ...] = ()
    refresh: bool = False

    def fingerprint(self, rendered: Rendered) -> str:
        """Return the fingerprint of an account's configuration, and of the program with its policies."""
        return fingerprint(rendered.values, self.program)


Work = Callable[[Engines, "Rendered", str], Result]
"""Function that processes one account of a wave."""


def preview(engines: Engines, rendered: Rendered, wave: str) -> Result:
    """Preview the changes of `up`. A new account's stack is not created in the backend."""
    is_new = rendered.stack not in engines.stacks
    if is_new and (refused := engines.pulumi.make_on_scratch(rendered.stack)):
        return _failed(rendered, wave, refused)
    return _engine_run(engines, rendered, wave, _PREVIEW, on_scratch=is_new)


def drift(engines: Engines, rendered: Rendered, wave: str) -> Result:
    """Compare the live resources with the stack's state, and change neither."""
    if rendered.stack not in engines.stacks:
        return _failed(rendered, wave, "there is no stack yet; run fleet up")
    return _engine_run(engines, rendered, wave, _DRIFT)


def up(engines: Engines, journal: Journal, rendered: Rendered, wave: str, *, resumes: bool) -> Result:
    """Deploy an account's stack with its configuration.

    Args:
        engines: Data that engine executions share.
        journal: Journal of completed accounts.
        rendered: Account with its configuration.
        wave: Wave of the account.
        resumes: Whether to skip accounts that an unfinished rollout has completed.
    """
    account, mark = rendered.account, engines.fingerprint(rendered)
    if resumes and journal.has(account.id, mark):
        return Result(name=account.name, id=account.id, wave=wave, state=State.DONE)
    journal.note(account.id, mark, succeeded=False)
    if rendered.stack not in engines.stacks:
        refused = engines.pulumi.make(rendered.stack, engines.fleet.settings.secrets_provider)
        if refused:
            return _failed(rendered, wave, refused)
    result = _engine_run(engines, rendered, wave, _UP)
    journal.note(account.id, mark, succeeded=result.state in {State.CHANGED, State.UNCHANGED})
    return result


def verify(repair: str, rendered: Rendered, wave: str) -> Result:
    """Compare the live resources with the settings, check by check.

    Args:
        repair: Command that fixes the account.
        rendered: Account with its configuration.
        wave: Wave of the account.
    """
    started = time.monotonic()
    verification = verify_stack(rendered.as_stack())
    account = rendered.account
    return Result(
        name=account.name,
        id=account.id,
        wave=wave,
        state=_verified(verification),
        changes=_counts(verification),
        seconds=time.monotonic() - started,
        cells=_verified_cells(verification, rendered, repair),
    )


def remove(engines: Engines, orphan: Orphan) -> Result:
    """Destroy the resources of an orphaned stack, and remove the stack."""
    started = time.monotonic()
    task = Task(
        operation=Operation.DESTROY,
        stack=orphan.stack,
        values=destroy_values(engines.fleet.settings, orphan.account_id, _region(engines.fleet)),
        log=_log(engines, orphan.account_id, Operation.DESTROY),
    )
    run = engines.pulumi.start(task)
    _wait(engines, run, orphan.stack, lambda _text: None)
    refused = engines.pulumi.forget(orphan.stack) if run.succeeded else run.error
    state = State.FAILED if refused else State.REMOVED
    return Result(
        name=orphan.account_id,
        id=orphan.account_id,
        wave=None,
        state=State.INTERRUPTED if refused and engines.stop.is_asked else state,
        changes=dict(run.log.changes),
        error=refused,
        seconds=time.monotonic() - started,
    )


def repair_command(fleet: Fleet, command: str, rendered: Rendered) -> str:
    """Return the command for one account."""
    file, account = shlex.quote(str(fleet.path)), shlex.quote(rendered.account.name)
    return f"python -m operations fleet {command} --file {file} --account {account}"


def remove_command(fleet: Fleet, orphan: Orphan) -> str:
    """Return the command that destroys an orphaned stack."""
    return f"python -m operations fleet remove --file {shlex.quote(str(fleet.path))} --account {orphan.account_id}"


def _engine_run(engines: Engines, rendered: Rendered, wave: str, kind: _Kind, *, on_scratch: bool = False) -> Result:
    started = time.monotonic()
    log = _log(engines, rendered.account.id, kind.operation)
    values = rendered.values if kind.changes_accounts else rendered.preview_values
    task = Task(
        operation=kind.operation,
        stack=rendered.stack,
        values=values,
        enters_anew=values != rendered.values,
        log=log,
        policy_packs=engines.policy_packs,
        refresh=engines.refresh,
    )
    run = engines.pulumi.start(task, on_scratch=on_scratch)
    _wait(engines, run, rendered.stack, lambda text: engines.listener.told(rendered, text))
    if run.succeeded:
        state, error = (kind.changed if run.log.changes else State.UNCHANGED), None
        remedy = repair_command(engines.fleet, kind.remedy, rendered) if kind.remedy else ""
    else:
        state, error = State.INTERRUPTED if engines.stop.is_asked else State.FAILED, f"{run.error} (log: {log})"
        remedy = f"see {log}"
    account = rendered.account
    return Result(
        name=account.name,
        id=account.id,
        wave=wave,
        state=state,
        changes=dict(run.log.changes),
        error=error,
        seconds=time.monotonic() - started,
        cells=_cells(rendered, run.log.by_region, state, remedy),
    )


def _wait(engines: Engines, run: Run, stack: str, tell: Callable[[str], None]) -> None:
    """Wait for an engine, and forward stop requests to it."""
    asked_at: float | None = None
    asked_twice = killed = False
    while not run.wait(_LOOK_AGAIN_SECONDS):
        done = sum(run.log.changes.values())
        tell(f"{done} change{'' if done == 1 else 's'}")
        if not engines.stop.is_asked:
            continue
        now = time.monotonic()
        if asked_at is None:
            asked_at = now
            run.interrupt()
            tell("stopping")
        elif not asked_twice and (engines.stop.is_urgent or now - asked_at > _PATIENCE_SECONDS):
            asked_twice = True
            asked_at = now
            run.interrupt()
        elif asked_twice and now - asked_at > _PATIENCE_SECONDS:
            killed = True
            run.kill()
    if asked_twice or killed:
        engines.pulumi.unlock(stack)


def _cells(rendered: Rendered, by_region: Mapping[str, list[str]], state: State, remedy: str) -> dict[str, Cell]:
    regions = [*rendered.regions, *(each for each in by_region if each not in rendered.regions)]
    cells: dict[str, Cell] = {}
    for region in regions:
        differences = tuple(by_region.get(region, ()))
        quiet = not differences and state in {State.CHANGED, State.DIFFERENT}
        of_region = State.UNCHANGED if quiet else state
        bad = of_region not in {State.UNCHANGED, State.DONE}
        cells[region] = Cell(state=of_region, differences=differences, remedy=remedy if bad else "")
    return cells


def _verified(verification: Verification) -> State:
    if verification.count(Status.DIFFERENT):
        return State.DIFFERENT
    return State.FAILED if verification.count(Status.CANNOT_TELL) else State.UNCHANGED


def _counts(verification: Verification) -> dict[str, int]:
    counted = {status.value: verification.count(status) for status in Status if status is not Status.OK}
    return {name: count for name, count in counted.items() if count}


def _verified_cells(verification: Verification, rendered: Rendered, repair: str) -> dict[str, Cell]:
    by_hand = f"pulumi up --refresh --stack {rendered.stack}"
    cells: dict[str, Cell] = {}
    for region, findings in verification.regions.items():
        told = [each for each in findings if each.status is not Status.OK]
        statuses = {each.status for each in told}
        bad = State.FAILED if Status.CANNOT_TELL in statuses else State.UNCHANGED
        cells[region] = Cell(
            state=State.DIFFERENT if Status.DIFFERENT in statuses else bad,
            differences=tuple(f"{each.check}: {each.expected}; found: {each.found}" for each in told),
            remedy="; ".join(dict.fromkeys((each.remedy or "").replace(by_hand, repair) for each in told)),
        )
    return cells


def _failed(rendered: Rendered, wave: str, why: str) -> Result:
    account = rendered.account
    return Result(name=account.name, id=account.id, wave=wave, state=State.FAILED, error=why)


def _log(engines: Engines, account_id: str, operation: Operation) -> Path:
    engines.logs.mkdir(parents=True, exist_ok=True)
    log = engines.logs / f"{account_id}-{operation.name.lower()}.log"
    log.unlink(missing_ok=True)
    return log


def _region(fleet: Fleet) -> str:
    """Return a Region for the provider; the stack's resources have their own Regions."""
    return next((str(each.values["aws:region"]) for each in fleet.accounts if "aws:region" in each.values), "us-east-1")
