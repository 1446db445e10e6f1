"""Rollout: accounts wave by wave, in parallel, within the failure tolerance, until a stop is requested."""

from __future__ import annotations

import json
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from operations.errors import UnusableError
from operations.file_replacement import replaced_file
from operations.fleet.results import AccountResult, AccountState

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from pathlib import Path
    from types import FrameType

    from operations.fleet.result_output import Progress
    from operations.fleet.stack_configuration import FleetStack

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_FAILURES = frozenset({AccountState.FAILED, AccountState.INTERRUPTED})


class StopRequests:
    """Requests to stop: engines are interrupted and awaited, and only then killed."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._count = 0

    def request(self) -> None:
        """Request a stop: the first request finishes started operations, the second one aborts them."""
        self._count += 1
        self._event.set()

    @property
    def is_requested(self) -> bool:
        """No further account is to start."""
        return self._event.is_set()

    @property
    def is_urgent(self) -> bool:
        """Started operations are to be aborted."""
        return self._count > 1

    def wait(self, seconds: float) -> bool:
        """Wait up to a number of seconds for a stop request. Return whether there was one."""
        return self._event.wait(seconds)


@contextmanager
def stopped_by_signals() -> Generator[StopRequests]:
    """Handle SIGINT and SIGTERM as stop requests within the context."""
    stop = StopRequests()

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop.request()

    before = {each: signal.signal(each, handle) for each in _SIGNALS}
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


class Journal:
    """Accounts that an unfinished rollout has completed, by ID, each with the fingerprint of what was applied.

    The next rollout resumes there. A rollout that has completed every account deletes the journal, and the next one
    starts from the beginning.
    """

    def __init__(self, path: Path) -> None:
        """Open the journal; an unusable file counts as empty, because repeating an account is safer than skipping it."""
        self._path = path
        self._lock = threading.Lock()
        try:
            content = json.loads(path.read_text())["done"]
        except (OSError, ValueError, KeyError, TypeError):
            content = {}
        self._done = cast("dict[str, str]", content if isinstance(content, dict) else {})

    def has(self, account_id: str, fingerprint: str) -> bool:
        """Return whether an account is completed with this fingerprint."""
        return self._done.get(account_id) == fingerprint

    def record(self, account_id: str, fingerprint: str, *, succeeded: bool) -> None:
        """Record the outcome of an account immediately, so that it survives a crash."""
        with self._lock:
            if succeeded:
                self._done[account_id] = fingerprint
            else:
                self._done.pop(account_id, None)
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with replaced_file(self._path) as opened:
                json.dump({"done": self._done}, opened, indent=2)

    def close(self, fingerprints: Mapping[str, str]) -> None:
        """Delete the journal if no account remains."""
        if all(self.has(account, fingerprint) for account, fingerprint in fingerprints.items()):
            self._path.unlink(missing_ok=True)


@dataclass(frozen=True, kw_only=True)
class RolloutWave:
    """Accounts of one wave.

    Attributes:
        stacks: Stacks of the accounts, in order.
        tolerance: Number of failures to tolerate. None: any number.
    """

    name: str
    stacks: tuple[FleetStack, ...]
    concurrency: int
    tolerance: int | None
    pause_minutes: int = 0


def run_waves(
    waves: Sequence[RolloutWave],
    operate: Callable[[FleetStack, str], AccountResult],
    stop: StopRequests,
    progress: Progress,
) -> list[AccountResult]:
    """Process every account with a function that is called in threads, wave by wave.

    Exceptions of the function fail that account only.

    Returns:
        A result for every account, in the order of the waves.
    """
    results: list[AccountResult] = []
    continues = True
    for position, wave in enumerate(waves):
        if not continues or stop.is_requested:
            results += [_not_started(each, wave, progress, stop) for each in wave.stacks]
            continue
        running = _RunningWave(wave, operate, stop, progress)
        results += running.run()
        continues = not running.is_over_tolerance
        has_more = any(each.stacks for each in waves[position + 1 :])
        if continues and wave.pause_minutes and running.has_operated and has_more:
            progress.pausing(wave.name, wave.pause_minutes)
            stop.wait(wave.pause_minutes * 60)
    return results


class _RunningWave:
    """Execution of one wave."""

    def __init__(
        self,
        wave: RolloutWave,
        operate: Callable[[FleetStack, str], AccountResult],
        stop: StopRequests,
        progress: Progress,
    ) -> None:
        self._wave = wave
        self._operate = operate
        self._stop = stop
        self._progress = progress
        self._failures = 0
        self._lock = threading.Lock()
        self.has_operated = False

    @property
    def is_over_tolerance(self) -> bool:
        return self._wave.tolerance is not None and self._failures > self._wave.tolerance

    def run(self) -> list[AccountResult]:
        with ThreadPoolExecutor(max_workers=self._wave.concurrency) as pool:
            return list(pool.map(self._run_one, self._wave.stacks))

    def _run_one(self, stack: FleetStack) -> AccountResult:
        with self._lock:
            if self._stop.is_requested or self.is_over_tolerance:
                return _not_started(stack, self._wave, self._progress, self._stop)
        self._progress.started(stack, self._wave.name)
        try:
            result = self._operate(stack, self._wave.name)
        except (UnusableError, OSError) as failed:
            state = AccountState.INTERRUPTED if self._stop.is_requested else AccountState.FAILED
            result = stack.result(self._wave.name, state, error=str(failed))
        with self._lock:
            self._failures += result.state in _FAILURES
            self.has_operated |= result.state is not AccountState.DONE
        self._progress.ended(result)
        return result


def _not_started(stack: FleetStack, wave: RolloutWave, progress: Progress, stop: StopRequests) -> AccountResult:
    reason = "stopped by a signal" if stop.is_requested else "more accounts failed than the wave tolerates"
    result = stack.result(wave.name, AccountState.NOT_STARTED, error=reason)
    progress.ended(result)
    return result
