"""Checks of the project in three tiers: `make check`, `make test`, `make test-all`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from local.cache import say
from local.processes import RUN, command, descendants, end, survivors
from local.toolchain import command_line
from local.workspace import REPOSITORY
from tools.guard import guard
from tools.simulator import simulator

if TYPE_CHECKING:
    from collections.abc import Callable

_PROGRAMS = Path(sys.executable).parent
_PYTEST = (sys.executable, "-m", "pytest", "-q")
_SIMULATOR = "tests/simulator"
_WORKERS = ("-n", str(1 + (os.cpu_count() or 1)), "--dist", "loadfile")
"""One worker more than processors, as tests on the engine leave one idle at times; a further one saved no time."""


@dataclass(frozen=True)
class TimedCommand:
    """One check.

    Attributes:
        command: Command that exits with 0 if the check passes.
        seconds: Timeout: five times the duration on a loaded machine.
    """

    name: str
    command: tuple[str, ...]
    seconds: int


@dataclass(frozen=True)
class Result:
    """Result of a check.

    Attributes:
        outcome: "passed", "FAILED" or "STUCK".
    """

    name: str
    outcome: str
    seconds: float


@dataclass(frozen=True)
class Tier:
    """Checks of one command.

    Attributes:
        checks: Groups that run in sequence; the checks of a group run in parallel, and the output of the last one is
            shown while it runs.
        needs: Functions that prepare what the checks use; each is slow only the first time on a machine.
    """

    checks: tuple[tuple[TimedCommand, ...], ...]
    needs: tuple[Callable[[], object], ...] = ()


_STYLE = (
    TimedCommand("lint", (str(_PROGRAMS / "ruff"), "check"), 120),
    TimedCommand("format", (str(_PROGRAMS / "ruff"), "format", "--check"), 120),
    TimedCommand("workflows", (sys.executable, "-m", "tools.workflows"), 600),
)
_TYPES = TimedCommand("types", (sys.executable, "-m", "tools.type_check"), 600)

CHECK = Tier(
    (
        _STYLE,
        (
            _TYPES,
            TimedCommand(
                "unit tests",
                (*_PYTEST, "-n", "auto", "-m", "not engine and not local_aws and not exhaustive"),
                900,
            ),
        ),
    ),
    (guard,),
)
"""Checks during development: those that need neither the local AWS nor the engine."""

TEST = Tier(
    (
        _STYLE,
        # All tests in one command: they are imported once, and the short ones fill the end of the long ones.
        (_TYPES, TimedCommand("tests", (*_PYTEST, *_WORKERS, "-m", "not exhaustive", f"--ignore={_SIMULATOR}"), 3600)),
    ),
    (guard, command_line),
)
"""Checks that a contributor needs to trust a change."""

TEST_ALL = Tier(
    (
        *TEST.checks,
        (TimedCommand("AWS' simulator of runbooks", (*_PYTEST, _SIMULATOR), 900),),
        (TimedCommand("exhaustive tests", (*_PYTEST, *_WORKERS, "-m", "exhaustive"), 3 * 3600),),
    ),
    (*TEST.needs, simulator),
)
"""Checks of every case that the others sample, and AWS' own simulator, a download of 1 GB."""


def run_tier(tier: Tier) -> bool:
    """Run all checks of a tier, even after a failure, print a summary, and return whether all passed."""
    for prepare in tier.needs:
        prepare()
    run = uuid.uuid4().hex
    results: list[Result] = []
    for group in tier.checks:
        with ThreadPoolExecutor(len(group)) as pool:
            results += pool.map(partial(_run, run=run, shown=group[-1]), group)
    left = survivors(RUN, run)
    say("\nSummary")
    width = max(len(result.name) for result in results)
    for result in results:
        say(f"  {result.name:<{width}}  {result.outcome:<6}  {result.seconds:4.0f} s")
    for process in left:
        say(f"Left running, now ended: {command(process)}")
        end(process)
    failed = [result.name for result in results if result.outcome != "passed"]
    failed += ["processes left running"] if left else []
    say("All checks passed." if not failed else f"Failed: {', '.join(failed)}")
    return not failed


def _run(check: TimedCommand, *, run: str, shown: TimedCommand) -> Result:
    """Run one check; show its output while it runs if `shown`, otherwise after it has ended."""
    is_shown = check is shown
    say(f"== {check.name}")
    started = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            check.command,
            cwd=REPOSITORY,
            env=os.environ | {RUN: run},
            stdin=subprocess.DEVNULL,
            stdout=None if is_shown else output,
            stderr=None if is_shown else output,
        )
        try:
            outcome = "passed" if process.wait(check.seconds) == 0 else "FAILED"
        except subprocess.TimeoutExpired:
            outcome = "STUCK"
            for number in (process.pid, *descendants(process.pid)):
                end(number)
            process.wait()
        output.seek(0)
        text = output.read()
    seconds = time.monotonic() - started
    say(f"{text}== {check.name}: {outcome} ({seconds:.0f} s)")
    return Result(check.name, outcome, seconds)
