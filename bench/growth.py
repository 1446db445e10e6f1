"""Processor time and memory over the size of what is given, each size in a process of its own."""

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
    """A size, and what it took.

    Attributes:
        what: What was computed.
        size: How much was given, with its unit.
        seconds: Of processor time.
        megabytes: The most memory that the process held.
        result: What came out.
    """

    what: str
    size: str
    seconds: float
    megabytes: int
    result: str


def curve(what: str, unit: str, action: Callable[[int], str], sizes: Iterable[int]) -> Iterator[Point]:
    """Measure an action at several sizes.

    Args:
        what: What is computed.
        unit: Of the sizes.
        action: A function of a module, which takes a size and says what came out.
        sizes: In the order of the table.
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
    """Return a table with a row per point."""
    table = Table("what", "size", "processor s", "MB", "result", title="Growth")
    for each in points:
        table.add_row(each.what, each.size, f"{each.seconds:.2f}", str(each.megabytes), each.result)
    return table
