"""Time and memory of a report by the number of sessions, from exported records: `python -m bench.evidence`."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from bench.growth import curve, growth_table
from operations.evidence.exported import read_exported
from operations.evidence.findings import Context
from operations.evidence.report import report
from tests.support.evidence_year import BEGIN, made_up, person_of, write_export

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.growth import Point

_SIZES = (1_000, 10_000, 100_000)
_SESSIONS_PER_SCENARIO = 1.1


def written(size: int) -> str:
    """Make up the history and write it, which the next measurement includes as well."""
    with tempfile.TemporaryDirectory() as folder:
        write_export(made_up(int(size / _SESSIONS_PER_SCENARIO), 1), Path(folder))
    return "written"


def reported(size: int) -> str:
    """Make up a history, write it as the export does, read it back and report."""
    with tempfile.TemporaryDirectory() as folder:
        end = write_export(made_up(int(size / _SESSIONS_PER_SCENARIO), 1), Path(folder))
        records = read_exported(Path(folder), BEGIN - timedelta(days=2), end, lambda _line: None)
    context = Context(now=end + timedelta(days=2), since=BEGIN, until=end, person_of=person_of)
    made = report(records, context)
    return f"{len(made.sessions):,} sessions, {sum(made.counts().values()):,} findings"


def points() -> Iterator[Point]:
    """Measure making the files alone, and with the report."""
    yield from curve("evidence: files made", "sessions", written, _SIZES)
    yield from curve("evidence: files made, read and reported", "sessions", reported, _SIZES)


if __name__ == "__main__":
    Console().print(growth_table(points()))
