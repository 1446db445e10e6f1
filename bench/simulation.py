"""How long a fleet takes, from what single accounts took. Pure: figures in, figures out."""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_SPREAD: Final = 0.25
"""Of the times of accounts among each other: standard deviation of the logarithm."""
_CALLS_IN_FLIGHT: Final = 8
_MOST_RUNNERS: Final = 256


@dataclass(frozen=True, kw_only=True)
class AccountCost:
    """What one run over one account takes.

    Attributes:
        cpu_seconds: of one processor, which an engine does not much exceed.
        megabytes: of memory at most.
        aws_calls: how many.
    """

    cpu_seconds: float
    megabytes: float
    aws_calls: int


@dataclass(frozen=True, kw_only=True)
class Runner:
    """A machine that runs engines.

    Attributes:
        processors: that it has.
        engines: how many at a time.
        start_seconds: until the first engine begins: checkout, packages, sign-in.
        call_seconds: how long AWS takes for a call.
    """

    processors: int
    engines: int
    start_seconds: float = 120.0
    call_seconds: float = 0.1

    def seconds(self, cost: AccountCost) -> float:
        """How long one account takes while all of the runner's engines are at work.

        Either it works and waits for AWS, or the processors are what is short: whatever takes longer.
        """
        waiting = cost.aws_calls * self.call_seconds / _CALLS_IN_FLIGHT
        return max(cost.cpu_seconds + waiting, cost.cpu_seconds * self.engines / self.processors)


def finished(durations: Sequence[float], slots: int) -> float:
    """When the last of some tasks is done, each begun in its turn as soon as one of the slots is free."""
    free = [0.0] * max(1, min(slots, len(durations)))
    for each in durations:
        heapq.heappush(free, heapq.heappop(free) + each)
    return max(free)


def fleet_seconds(waves: Sequence[int], cost: AccountCost, runner: Runner, runners: int) -> float:
    """How long a fleet takes.

    Args:
        waves: how many accounts each has; one begins when the one before is through.
        cost: of a middling account; they differ by a quarter, the same in every simulation.
        runner: the kind of machine.
        runners: how many of them.
    """
    luck = random.Random(0)  # noqa: S311 -- no secret is made of it
    middling = runner.seconds(cost)
    slots = runners * runner.engines
    durations = [[middling * luck.lognormvariate(0, _SPREAD) for _ in range(count)] for count in waves]
    return runner.start_seconds + sum(finished(each, slots) for each in durations)


def runners_for(waves: Sequence[int], cost: AccountCost, runner: Runner, window_seconds: float) -> int | None:
    """How many runners do the fleet within a window; None where no number does."""
    fitting = (
        count for count in range(1, _MOST_RUNNERS + 1) if fleet_seconds(waves, cost, runner, count) <= window_seconds
    )
    return next(fitting, None)
