"""Processes by descent or environment: command lines, survivors. Linux only."""

import contextlib
import os
import signal
import time
from pathlib import Path

RUN = "SHELL_ACCESS_RUN"
"""Environment variable with the name of a run of checks, inherited by all descendants."""

SETTLE_SECONDS = 5.0
"""Grace period for processes to end by themselves."""

POLL_SECONDS = 0.1


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


def command(process: int) -> str:
    """Return the command line of a process, or "" if it has ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    return ""


def survivors(variable: str, value: str) -> list[int]:
    """Return the other processes that inherited a variable and still run after a grace period."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while (found := with_variable(variable, value)) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return found


def with_variable(variable: str, value: str) -> list[int]:
    """Return the other processes that inherited a variable."""
    marker = f"{variable}={value}".encode()
    found: list[int] = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            with contextlib.suppress(OSError):
                variables = (folder / "environ").read_bytes().split(b"\0")
                if marker in variables and command(int(folder.name)):
                    found.append(int(folder.name))
    return found
