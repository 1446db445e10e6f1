"""Processor time and memory by the size of the input, each size in a process of its own."""

from __future__ import annotations

import resource
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


@dataclass(frozen=True, kw_only=True)
class Point:
    """A size, and its cost.

    Attributes:
        what: Name of the computation.
        size: Size of the input, with its unit.
        seconds: Processor time.
        megabytes: Peak memory of the process.
        result: Result of the computation.
    """

    what: str
    size: str
    seconds: float
    megabytes: int
    result: str


def curve(what: str, unit: str, action: Callable[[int], str], sizes: Iterable[int]) -> Iterator[Point]:
    """Measure an action at several sizes.

    Args:
        what: Name of the computation.
        unit: Unit of the sizes.
        action: Function of a module, which takes a size and returns a text about the result.
        sizes: Sizes in the order of the table.
    """
    for size in sizes:
        with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as process:
            seconds, megabytes, result = process.submit(_measured, action, size).result()
        yield Point(what=what, size=f"{size:,} {unit}", seconds=seconds, megabytes=megabytes, result=result)


def _measured(action: Callable[[int], str], size: int) -> tuple[float, int, str]:
    begun = time.process_time()
    result = action(size)
    return time.process_time() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, result


def growth_table(points: Iterable[Point]) -> Table:
    """Return a table with one row per point."""
    table = Table("what", "size", "processor s", "MB", "result", title="Growth")
    for each in points:
        table.add_row(each.what, each.size, f"{each.seconds:.2f}", str(each.megabytes), each.result)
    return table
