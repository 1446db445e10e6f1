"""Every check of the project, in the order in which they tell most for the least time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from local.cache import say
from local.guard import guard
from local.simulator import simulator
from local.toolchain import command_line
from local.workspace import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Sequence

_PROGRAMS = Path(sys.executable).parent
_PYTEST = (sys.executable, "-m", "pytest", "-q", "-n", "auto")
_ENGINES = str(2 * (os.cpu_count() or 1))
"""A run of the engine leaves a processor idle for half of its time."""
_FAULTS = "tests/faults"
_SIMULATOR = "tests/simulator"
_WITHOUT_THEM = (f"--ignore={_FAULTS}", f"--ignore={_SIMULATOR}")


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        what: it makes sure of.
        command: exits with 0 when all is well.
    """

    what: str
    command: tuple[str, ...]


CHECKS = (
    (Check("lint", (str(_PROGRAMS / "ruff"), "check")),),
    (Check("format", (str(_PROGRAMS / "ruff"), "format", "--check")),),
    (Check("workflows", (sys.executable, "-m", "local.workflows")),),
    (
        Check("types", (str(_PROGRAMS / "basedpyright"),)),
        Check("AWS' simulator of runbooks", (*_PYTEST, "-n", "0", _SIMULATOR)),
    ),
    (Check("units", (*_PYTEST, "-m", "not engine and not local_aws and not exhaustive", *_WITHOUT_THEM)),),
    (Check("the local AWS", (*_PYTEST, "-m", "local_aws and not engine and not exhaustive", *_WITHOUT_THEM)),),
    (Check("faults", (*_PYTEST, "-m", "not exhaustive", _FAULTS)),),
    (Check("the real engine", (*_PYTEST, "-n", _ENGINES, "--dist", "loadgroup", "-m", "engine and not exhaustive")),),
)
"""One after another; those that leave processors idle run side by side."""

EXHAUSTIVE = (Check("every case", (*_PYTEST, "--dist", "loadgroup", "-m", "exhaustive")),)
"""What the others take samples of; an hour at most."""


def run_checks(checks: Sequence[Sequence[Check]] = CHECKS) -> bool:
    """Runs checks, also after one has failed, and says how each went."""
    command_line()
    simulator()
    guard()
    failed: list[str] = []
    for several in checks:
        with ThreadPoolExecutor(len(several)) as pool:
            passed = pool.map(partial(_passes, alone=len(several) == 1), several)
            failed += [check.what for check, has in zip(several, passed, strict=True) if not has]
    say("All checks passed." if not failed else f"Failed: {', '.join(failed)}")
    return not failed


def _passes(check: Check, *, alone: bool) -> bool:
    """What it prints is shown at once where it runs alone, and else when it has ended."""
    say(f"== {check.what}")
    started = time.monotonic()
    output = None if alone else subprocess.PIPE
    done = subprocess.run(
        check.command, check=False, cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=output, stderr=output, text=True
    )
    result = "passed" if done.returncode == 0 else "FAILED"
    say(f"{done.stdout or ''}{done.stderr or ''}== {check.what}: {result} ({time.monotonic() - started:.0f} s)")
    return done.returncode == 0
