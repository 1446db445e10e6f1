"""Time, processor time and memory of commands, with all processes that they start.

Commands that are compared run in turn, so that changes of the machine's speed affect all alike.
"""

from __future__ import annotations

import os
import statistics
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess
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


_POLL_INTERVAL_SECONDS = 0.2
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Used resources.

    Attributes:
        seconds: Wall-clock seconds.
        cpu_seconds: Processor seconds, all processes together.
        peak_megabytes: Peak of resident memory, all processes together; pages that processes share count in each.
    """

    seconds: float
    cpu_seconds: float
    peak_megabytes: float


class Watch:
    """Monitor of a process and its descendants from its start to its end."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Start the monitor, right after the process was started."""
        self._process = process.pid
        self._began = time.perf_counter()
        self._cpu_before = _children_seconds()
        self._peak = 0
        self._over = threading.Event()
        self._watching = threading.Thread(target=self._watch, daemon=True)
        self._watching.start()

    @property
    def peak_megabytes(self) -> float:
        """Return the peak memory so far."""
        return self._peak / 1e6

    def end(self) -> Usage:
        """Return the usage, after the process has been waited for; no other process may run meanwhile."""
        seconds = time.perf_counter() - self._began
        self._over.set()
        self._watching.join()
        return Usage(
            seconds=seconds,
            cpu_seconds=_children_seconds() - self._cpu_before,
            peak_megabytes=self.peak_megabytes,
        )

    def _watch(self) -> None:
        while not self._over.wait(_POLL_INTERVAL_SECONDS):
            self._peak = max(self._peak, sum(map(_resident, _tree(self._process))))


def _children_seconds() -> float:
    """Return the processor time of all descendants that have been waited for."""
    taken = os.times()
    return taken.children_user + taken.children_system


def _tree(process: int) -> list[int]:
    below: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{process}/task").iterdir():
            below += map(int, (task / "children").read_text().split())
    return [process, *(each for child in below for each in _tree(child))]


def _resident(process: int) -> int:
    """Return the resident memory in bytes."""
    with suppress(OSError, IndexError):
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * _PAGE
    return 0
