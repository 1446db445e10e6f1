"""Descendant processes of the engine: command lines, stacks of stuck ones, survivors. Linux only."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support import warm_launcher

if TYPE_CHECKING:
    import subprocess

RUN = "SHELL_ACCESS_RUN"
"""Environment variable with the name of a run of checks, inherited by all descendants."""

STACK = "SHELL_ACCESS_STACK"
"""Environment variable with the folder of a stack, inherited by all descendants of its engine."""

SETTLE_SECONDS = 5.0
"""Grace period for processes to end by themselves."""

POLL_SECONDS = 0.1

STACKS_SECONDS = 1.0
"""Time for processes to write their stacks."""


def end(process: int) -> None:
    """Kill a process, if it still exists."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def descendants(process: int) -> list[int]:
    """Return the descendants of a process; a process that ends meanwhile has none."""
    children: list[int] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{process}/task").iterdir():
            children += [int(child) for child in (task / "children").read_text().split()]
    return [*children, *(below for child in children for below in descendants(child))]


def end_stuck(process: subprocess.Popen[str], stack: str, stacks: Path) -> str:
    """Kill an engine that did not end in time, and all its descendants.

    Args:
        process: Engine.
        stack: Value of the environment variable `SHELL_ACCESS_STACK` in all descendants.
        stacks: Folder for the stacks of its Python processes, in their environment variable `SHELL_ACCESS_STACKS`.

    Returns:
        The command lines of the descendants, and the stack of each Python process.
    """
    started = _with_variable(f"{STACK}={stack}".encode())
    commands = [f"{number}: {command(number)}" for number in started]
    for number in started:
        if warm_launcher.__file__ in command(number):  # passes the signal on
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGUSR1)
    time.sleep(STACKS_SECONDS)
    while left := _with_variable(f"{STACK}={stack}".encode()):
        for number in left:
            end(number)
        process.poll()
        time.sleep(POLL_SECONDS)
    traces = [f"Stacks of {file.name}:\n{file.read_text()}" for file in stacks.iterdir() if file.stat().st_size]
    return "\n".join(["Its processes:", *commands, *traces])


def command(process: int) -> str:
    """Return the command line of a process, or "" if it has ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    return ""


def survivors(variable: str, value: str) -> list[int]:
    """Return the other processes that inherited a variable and still run after a grace period."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while (found := _with_variable(f"{variable}={value}".encode())) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return found


def _with_variable(marker: bytes) -> list[int]:
    found: list[int] = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            with contextlib.suppress(OSError):
                variables = (folder / "environ").read_bytes().split(b"\0")
                if marker in variables and command(int(folder.name)):
                    found.append(int(folder.name))
    return found
