"""Local AWS of a clone: started once, reused by later commands, stopped by `make down`."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.emulator.running import Emulator, EmulatorError, instance_id
from local.workspace import REPOSITORY

if TYPE_CHECKING:
    from local.workspace import Workspace

_START_SECONDS = 60
_STOP_SECONDS = 10
_LOOK_AGAIN_SECONDS = 0.05


def running(workspace: Workspace) -> Emulator | None:
    """Return the local AWS of this clone, if it responds."""
    written = _written(_port_file(workspace))
    if not written:
        return None
    endpoint = f"http://127.0.0.1:{written['port']}"
    try:
        found = instance_id(endpoint)
    except EmulatorError:
        return None
    if found != written["instanceId"]:
        return None
    return Emulator(endpoint_url=endpoint, pid=int(written["pid"]), instance_id=found)


def start(workspace: Workspace) -> Emulator:
    """Start the local AWS in the background, on its previous port if that is free.

    Raises:
        EmulatorError: It did not start; the message has the end of its log.
    """
    workspace.folder.mkdir(parents=True, exist_ok=True)
    port = _free_port((_written(_port_file(workspace)) or {}).get("port", 0))
    _port_file(workspace).unlink(missing_ok=True)
    log = workspace.folder / "local-aws.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "local.emulator", "--port", str(port), "--port-file", str(_port_file(workspace))],
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + _START_SECONDS
    try:
        while process.poll() is None and time.monotonic() < deadline:
            started = running(workspace)
            if started:
                return started
            time.sleep(_LOOK_AGAIN_SECONDS)
    except KeyboardInterrupt:
        # It has its own session, so that the terminal's signal does not reach it.
        process.terminate()
        raise
    process.terminate()
    said = log.read_text(errors="replace").strip()[-2000:] or "it printed nothing"
    raise EmulatorError(f"the local AWS did not come up: {said}")


def stop(workspace: Workspace) -> None:
    """End the local AWS of this clone, even if it does not respond or has not written its port yet."""
    processes = _processes(workspace)
    for end in (signal.SIGTERM, signal.SIGKILL):
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, end)
        deadline = time.monotonic() + _STOP_SECONDS
        while (processes := [each for each in processes if _is_of(workspace, each)]) and time.monotonic() < deadline:
            time.sleep(_LOOK_AGAIN_SECONDS)
    _port_file(workspace).unlink(missing_ok=True)


def _processes(workspace: Workspace) -> list[int]:
    """Return the processes of this clone's local AWS, including one interrupted at startup, which has no port file."""
    numbers = [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()]
    return [each for each in numbers if each != os.getpid() and _is_of(workspace, each)]


def _is_of(workspace: Workspace, process: int) -> bool:
    """Return whether the process is this clone's local AWS: its number may have been reused."""
    try:
        command = Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False
    return os.fsencode(_port_file(workspace)) in command.split(b"\0")


def _port_file(workspace: Workspace) -> Path:
    return workspace.folder / "local-aws.json"


def _written(port_file: Path) -> dict[str, Any] | None:
    try:
        return json.loads(port_file.read_text())
    except (OSError, ValueError):
        return None


def _free_port(wanted: int) -> int:
    """Return the wanted port, or 0 (any) if another process listens on it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            return 0
    return wanted
