"""Times whole runs of the engine, in turn, so that a machine that changes its pace changes it for all alike."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True)
class Timing:
    """Wall-clock seconds of one thing that was run several times, after a run that did not count."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Seconds."""
        return statistics.median(self.seconds)


def side_by_side(actions: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, Timing]:
    """Runs each action once to warm up, then all of them in turn, `rounds` times."""
    for action in actions.values():
        action()
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            started = time.perf_counter()
            action()
            seconds[name].append(time.perf_counter() - started)
    return {name: Timing(tuple(each)) for name, each in seconds.items()}


def ratio(of: Timing, to: Timing) -> float:
    """Median of the ratios, round by round."""
    return statistics.median(one / other for one, other in zip(of.seconds, to.seconds, strict=True))
