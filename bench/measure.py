"""Timing of engine processes in turn, so that changes of the machine's speed affect all alike."""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True)
class Timing:
    """Seconds of one action that ran several times, after a warm-up that does not count.

    Attributes:
        seconds: Wall-clock seconds of each run.
        cpu_seconds: Processor seconds of each run, all its processes together.
    """

    seconds: tuple[float, ...]
    cpu_seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Return the median of wall-clock seconds."""
        return statistics.median(self.seconds)


def side_by_side(actions: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, Timing]:
    """Run each action once to warm up, then all of them in turn, `rounds` times."""
    for action in actions.values():
        action()
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    cpu_seconds: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            started, used = time.perf_counter(), _cpu_seconds()
            action()
            seconds[name].append(time.perf_counter() - started)
            cpu_seconds[name].append(_cpu_seconds() - used)
    return {name: Timing(tuple(seconds[name]), tuple(cpu_seconds[name])) for name in actions}


def ratio(of: Timing, to: Timing) -> float:
    """Return the median of the ratios, round by round."""
    return _median_ratio(of.seconds, to.seconds)


def cpu_ratio(of: Timing, to: Timing) -> float:
    """Return the median of the ratios of processor time, which other processes on the machine affect less."""
    return _median_ratio(of.cpu_seconds, to.cpu_seconds)


def _median_ratio(of: tuple[float, ...], to: tuple[float, ...]) -> float:
    return statistics.median(one / other for one, other in zip(of, to, strict=True))


def _cpu_seconds() -> float:
    """Return the processor time of this process, and of all its descendants that have been waited for."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system
