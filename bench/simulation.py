"""Duration of a fleet, calculated from the usage of single accounts. Pure."""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_SPREAD: Final = 0.25
"""Spread of the accounts' durations: standard deviation of the logarithm."""
_CALLS_IN_FLIGHT: Final = 8
_MOST_RUNNERS: Final = 256


@dataclass(frozen=True, kw_only=True)
class AccountCost:
    """Cost of one operation on one account.

    Attributes:
        cpu_seconds: Seconds of one processor, which an engine hardly exceeds.
        megabytes: Peak memory.
        aws_calls: Number of calls.
    """

    cpu_seconds: float
    megabytes: float
    aws_calls: int


@dataclass(frozen=True, kw_only=True)
class Runner:
    """A machine that runs engines.

    Attributes:
        processors: Number of processors.
        engines: Number of concurrent engines.
        start_seconds: Seconds until the first engine starts: checkout, packages, sign-in.
        call_seconds: Seconds that AWS takes for a call.
    """

    processors: int
    engines: int
    start_seconds: float = 120.0
    call_seconds: float = 0.1

    def seconds(self, cost: AccountCost) -> float:
        """Return the duration of one account while all of the runner's engines work.

        Either it works and waits for AWS, or the processors are the limit; the longer duration counts.
        """
        waiting = cost.aws_calls * self.call_seconds / _CALLS_IN_FLIGHT
        return max(cost.cpu_seconds + waiting, cost.cpu_seconds * self.engines / self.processors)


def finished(durations: Sequence[float], slots: int) -> float:
    """Return the end of the last task, with each task started in order when a slot is free."""
    free = [0.0] * max(1, min(slots, len(durations)))
    for each in durations:
        heapq.heappush(free, heapq.heappop(free) + each)
    return max(free)


def fleet_seconds(waves: Sequence[int], cost: AccountCost, runner: Runner, runners: int) -> float:
    """Return the duration of a fleet.

    Args:
        waves: Number of accounts in each wave; a wave starts when the one before has completed.
        cost: Cost of a typical account; accounts differ by a quarter, the same in every simulation.
        runner: Type of machine.
        runners: Number of machines.
    """
    luck = random.Random(0)  # noqa: S311 -- not used for cryptography
    middling = runner.seconds(cost)
    slots = runners * runner.engines
    durations = [[middling * luck.lognormvariate(0, _SPREAD) for _ in range(count)] for count in waves]
    return runner.start_seconds + sum(finished(each, slots) for each in durations)


def runners_for(waves: Sequence[int], cost: AccountCost, runner: Runner, window_seconds: float) -> int | None:
    """Return the number of runners that complete the fleet within a window; None where no number does."""
    fitting = (
        count for count in range(1, _MOST_RUNNERS + 1) if fleet_seconds(waves, cost, runner, count) <= window_seconds
    )
    return next(fitting, None)
