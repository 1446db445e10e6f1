"""Every check of the project, in the order in which they tell most for the least time."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from local.cache import say
from local.toolchain import command_line
from local.workspace import REPOSITORY

_PROGRAMS = Path(sys.executable).parent
_PYTEST = (sys.executable, "-m", "pytest", "-q", "-n", "2")
_LOCAL_AWS = ("tests/local/emulator", "tests/local/aws_provider")


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
    Check("lint", (str(_PROGRAMS / "ruff"), "check")),
    Check("format", (str(_PROGRAMS / "ruff"), "format", "--check")),
    Check("types", (str(_PROGRAMS / "basedpyright"),)),
    Check("units", (*_PYTEST, "-m", "not engine", *(f"--ignore={folder}" for folder in _LOCAL_AWS))),
    Check("the local AWS", (*_PYTEST, *_LOCAL_AWS)),
    Check("the real engine", (*_PYTEST, "--dist", "loadgroup", "-m", "engine")),
)


def run_checks() -> bool:
    """Runs all checks, also after one has failed, and says how each went."""
    command_line()
    failed: list[str] = []
    for check in CHECKS:
        say(f"== {check.what}")
        started = time.monotonic()
        code = subprocess.run(check.command, check=False, cwd=REPOSITORY, stdin=subprocess.DEVNULL).returncode
        say(f"== {check.what}: {'passed' if code == 0 else 'FAILED'} ({time.monotonic() - started:.0f} s)")
        if code:
            failed.append(check.what)
    say("All checks passed." if not failed else f"Failed: {', '.join(failed)}")
    return not failed
