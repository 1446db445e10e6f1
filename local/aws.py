"""Local AWS of a clone: started once, reused by later commands, stopped by `make down`."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.emulator.application import HEALTH, WAKE
from local.workspace import REPOSITORY

if TYPE_CHECKING:
    from local.workspace import Workspace

EMULATOR = "local.emulator"
"""Module that serves the local AWS."""

_START_SECONDS = 60
_STOP_SECONDS = 10
_REQUEST_SECONDS = 30  # a reset takes seconds on a loaded machine
_POLL_INTERVAL_SECONDS = 0.05
_LOOPBACK = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""URL opener that connects to 127.0.0.1 directly, regardless of proxies in the environment."""


class EmulatorError(RuntimeError):
    """Error of a local AWS that did not start or does not respond."""


@dataclass(frozen=True, kw_only=True)
class Emulator:
    """A running local AWS."""

    endpoint_url: str
    pid: int
    instance_id: str


def running(workspace: Workspace) -> Emulator | None:
    """Return the local AWS of this clone, if it responds."""
    written = _written(port_file(workspace))
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


def start(workspace: Workspace, module: str = EMULATOR, seconds: float = _START_SECONDS) -> Emulator:
    """Start the local AWS in the background, on its previous port if that is free.

    Raises:
        EmulatorError: It did not start; the message has the end of its log.
    """
    workspace.folder.mkdir(parents=True, exist_ok=True)
    port = _free_port((_written(port_file(workspace)) or {}).get("port", 0))
    port_file(workspace).unlink(missing_ok=True)
    log = workspace.folder / "local-aws.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(workspace.python), "-m", module, "--port", str(port), "--port-file", str(port_file(workspace))],
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + seconds
    try:
        while process.poll() is None and time.monotonic() < deadline:
            started = running(workspace)
            if started:
                return started
            time.sleep(_POLL_INTERVAL_SECONDS)
    except KeyboardInterrupt:
        # It has its own session, so that the terminal's signal does not reach it.
        process.terminate()
        raise
    code = process.poll()
    reason = f"was not up after {seconds:g} seconds" if code is None else f"ended with {code}"
    process.terminate()
    output_text = log.read_text(errors="replace").strip()[-2000:] or "it printed nothing"
    raise EmulatorError(f"the local AWS {reason}: {output_text}")


def stop(workspace: Workspace) -> None:
    """End the local AWS of this clone, even if it does not respond or has not written its port yet."""
    processes = _processes(workspace)
    for end in (signal.SIGTERM, signal.SIGKILL):
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, end)
        deadline = time.monotonic() + _STOP_SECONDS
        while (processes := [each for each in processes if _is_of(workspace, each)]) and time.monotonic() < deadline:
            time.sleep(_POLL_INTERVAL_SECONDS)
    port_file(workspace).unlink(missing_ok=True)


def instance_id(endpoint_url: str) -> str:
    """Return the ID of the local AWS at an endpoint; the same ID means the same process, with the same state.

    Raises:
        EmulatorError: Nothing responds, or something else does.
    """
    answer = request(f"{endpoint_url}{HEALTH}")
    try:
        return str(answer["instanceId"])
    except (KeyError, TypeError):
        raise EmulatorError(f"{endpoint_url} is not a local AWS: {answer}") from None


def wake(endpoint_url: str, execution_id: str) -> None:
    """End the current sleep of a runbook's execution."""
    request(f"{endpoint_url}{WAKE}", json.dumps({"executionId": execution_id}).encode())


def request(url: str, body: bytes | None = None, method: str | None = None) -> Any:
    """Send a request to a local AWS and return the JSON document in the response.

    Args:
        url: URL of a route.
        body: Body; if there is one, the method is POST by default.
        method: HTTP method.

    Raises:
        EmulatorError: Nothing responds, the response is an error, or it is not JSON.
    """
    headers = {"Content-Type": "application/json"}
    sent = urllib.request.Request(url, data=body, headers=headers, method=method)  # noqa: S310 -- 127.0.0.1 only
    try:
        with _LOOPBACK.open(sent, timeout=_REQUEST_SECONDS) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refused:
        raise EmulatorError(f"{url}: HTTP {refused.code}: {refused.read().decode(errors='replace')}") from refused
    except (OSError, ValueError, http.client.HTTPException) as problem:
        raise EmulatorError(f"{url}: {problem}") from problem


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
    return os.fsencode(port_file(workspace)) in command.split(b"\0")


def port_file(workspace: Workspace) -> Path:
    """Return the file with the port, process and instance of this clone's local AWS."""
    return workspace.folder / "local-aws.json"


def _written(port_file: Path) -> dict[str, Any] | None:
    try:
        return json.loads(port_file.read_text())
    except (OSError, ValueError):
        return None


def _free_port(preferred: int) -> int:
    """Return the preferred port, or 0 (any) if another process listens on it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", preferred))
        except OSError:
            return 0
    return preferred
