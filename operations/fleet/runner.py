"""Execution of waves: accounts in parallel, within the failure tolerance, until a stop is requested."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from operations.errors import UnusableError
from operations.fleet.results import Result, State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from operations.fleet.configuration import Rendered
    from operations.fleet.stopping import Stop

_FAILURES = frozenset({State.FAILED, State.INTERRUPTED})


class Listener(Protocol):
    """Receiver of progress events, called from several threads."""

    def begun(self, rendered: Rendered, wave: str) -> None:
        """Handle the start of an account."""

    def told(self, rendered: Rendered, text: str) -> None:
        """Handle the progress of an account."""

    def ended(self, result: Result) -> None:
        """Handle the end of an account, or that it will not start."""

    def pausing(self, wave: str, minutes: int) -> None:
        """Handle the pause before the next wave."""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Accounts of one wave.

    Attributes:
        wave: Name of the wave.
        accounts: Accounts in order.
        concurrency: Maximum number of concurrent accounts.
        tolerance: Number of failures to tolerate. None: any number.
        pause_minutes: Pause after the wave.
    """

    wave: str
    accounts: tuple[Rendered, ...]
    concurrency: int
    tolerance: int | None
    pause_minutes: int = 0


def run_waves(
    turns: Sequence[Turn], work: Callable[[Rendered, str], Result], stop: Stop, listener: Listener
) -> list[Result]:
    """Process every account, wave by wave.

    Args:
        turns: Waves in order.
        work: Function that processes one account of a wave, called in threads. Its exceptions fail that account only.
        stop: Stop requests by signals.
        listener: Receiver of progress events.

    Returns:
        A result for every account, in the order of the waves.
    """
    results: list[Result] = []
    goes_on = True
    for position, turn in enumerate(turns):
        if not goes_on or stop.is_asked:
            results += [_not_begun(each, turn, listener, _why(stop)) for each in turn.accounts]
            continue
        of_wave = _Wave(turn, work, stop, listener)
        results += of_wave.run()
        goes_on = not of_wave.is_over_tolerance
        something_follows = any(each.accounts for each in turns[position + 1 :])
        if goes_on and turn.pause_minutes and of_wave.did_something and something_follows:
            listener.pausing(turn.wave, turn.pause_minutes)
            stop.wait(turn.pause_minutes * 60)
    return results


class _Wave:
    """Execution of one wave."""

    def __init__(self, turn: Turn, work: Callable[[Rendered, str], Result], stop: Stop, listener: Listener) -> None:
        self._turn = turn
        self._work = work
        self._stop = stop
        self._listener = listener
        self._failures = 0
        self._lock = Lock()
        self.did_something = False

    @property
    def is_over_tolerance(self) -> bool:
        return self._turn.tolerance is not None and self._failures > self._turn.tolerance

    def run(self) -> list[Result]:
        with ThreadPoolExecutor(max_workers=self._turn.concurrency) as pool:
            return list(pool.map(self._one, self._turn.accounts))

    def _one(self, rendered: Rendered) -> Result:
        with self._lock:
            if self._stop.is_asked or self.is_over_tolerance:
                return _not_begun(rendered, self._turn, self._listener, _why(self._stop))
        self._listener.begun(rendered, self._turn.wave)
        try:
            result = self._work(rendered, self._turn.wave)
        except (UnusableError, OSError) as failed:
            result = Result(
                name=rendered.account.name,
                id=rendered.account.id,
                wave=self._turn.wave,
                state=State.FAILED,
                error=str(failed),
            )
        with self._lock:
            self._failures += result.state in _FAILURES
            self.did_something |= result.state is not State.DONE
        self._listener.ended(result)
        return result


def _not_begun(rendered: Rendered, turn: Turn, listener: Listener, why: str) -> Result:
    account = rendered.account
    result = Result(name=account.name, id=account.id, wave=turn.wave, state=State.NOT_BEGUN, error=why)
    listener.ended(result)
    return result


def _why(stop: Stop) -> str:
    return "stopped by a signal" if stop.is_asked else "more accounts failed than the wave tolerates"
