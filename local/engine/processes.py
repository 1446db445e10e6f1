"""Processes below a run of the engine: who they are, where they are stuck, which ones outlive it. Linux only."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from local.engine import warm_launcher

if TYPE_CHECKING:
    import subprocess

RUN = "SHELL_ACCESS_RUN"
"""Variable with the name of a run of checks, inherited by all that it starts."""

STACKS_SECONDS = 1.0
"""How long processes get to write their stacks."""


def end(process: int) -> None:
    """Kill a process; one that has ended already is no failure."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def descendants(process: int) -> list[int]:
    """Return the processes that run below one; a process that ends meanwhile has none."""
    children: list[int] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{process}/task").iterdir():
            children += [int(child) for child in (task / "children").read_text().split()]
    return [*children, *(below for child in children for below in descendants(child))]


def end_stuck(process: subprocess.Popen[str], stacks: Path) -> str:
    """Kill a process that did not end in time, with all below it.

    Args:
        process: The engine.
        stacks: Folder where its Pythons write their stacks, named to them by the variable `SHELL_ACCESS_STACKS`.

    Returns:
        What ran below it, and where each Python was.
    """
    below = descendants(process.pid)
    commands = [f"{number}: {command(number)}" for number in below]
    for number in below:
        if warm_launcher.__file__ in command(number):  # passes the signal on
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGUSR1)
    time.sleep(STACKS_SECONDS)
    for number in (process.pid, *below):
        end(number)
    traces = [f"Stacks of {file.name}:\n{file.read_text()}" for file in stacks.iterdir() if file.stat().st_size]
    return "\n".join(["Processes below it:", *commands, *traces])


def command(process: int) -> str:
    """Return the command line of a process, or "" where it has ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    return ""


def survivors(run: str) -> list[int]:
    """Return the processes, other than this one, that were started by a run of checks and are still there."""
    marker = f"{RUN}={run}".encode()
    found: list[int] = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            with contextlib.suppress(OSError):
                variables = (folder / "environ").read_bytes().split(b"\0")
                if marker in variables and command(int(folder.name)):
                    found.append(int(folder.name))
    return found
