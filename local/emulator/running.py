"""Functions for tests and tools to start, reset and stop a local AWS."""

import http.client
import json
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from local.emulator.application import HEALTH, RESET, SETTINGS_ROUTE, WAKE

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 30.0
STOP_SECONDS = 5.0
LOOK_AGAIN_SECONDS = 0.02
LOOPBACK = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""URL opener that connects to 127.0.0.1 directly, regardless of proxies in the environment."""


class EmulatorError(RuntimeError):
    """Error of a local AWS that did not start or does not respond."""


@dataclass(frozen=True, kw_only=True)
class Emulator:
    """A running local AWS."""

    endpoint_url: str
    pid: int
    instance_id: str


@contextmanager
def running_emulator(*, start_seconds: float = START_SECONDS) -> Generator[Emulator]:
    """Run a local AWS on a free port, and stop it on exit.

    Raises:
        EmulatorError: The process ended early or was not healthy in time; the message has its output.
    """
    with tempfile.TemporaryDirectory(prefix="local-aws-") as folder:
        port_file, log = Path(folder, "port.json"), Path(folder, "log")
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "local.emulator", "--port", "0", "--port-file", str(port_file)],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            yield _wait(process, port_file, log, start_seconds)
        finally:
            _end(process)


def instance_id(endpoint_url: str, *, seconds: float = 5.0) -> str:
    """Return the ID of the local AWS at an endpoint; the same ID means the same process, with the same state.

    Raises:
        EmulatorError: Nothing responds, or something else does.
    """
    answer = _call(f"{endpoint_url}{HEALTH}", seconds=seconds)
    found = answer.get("instanceId")
    if not isinstance(found, str):
        raise EmulatorError(f"{endpoint_url} is not a local AWS: {answer}")
    return found


def reset(endpoint_url: str) -> None:
    """Reset the local AWS: every account, every Region, and the settings to their defaults."""
    _call(f"{endpoint_url}{RESET}", body=b"")


def change_settings(endpoint_url: str, settings: Mapping[str, object]) -> dict[str, Any]:
    """Change settings of the local AWS (see `local.emulator.settings`), and return all of them."""
    return _call(f"{endpoint_url}{SETTINGS_ROUTE}", body=json.dumps(settings).encode())


def wake(endpoint_url: str, execution_id: str) -> None:
    """End the current sleep of a runbook's execution."""
    _call(f"{endpoint_url}{WAKE}", body=json.dumps({"executionId": execution_id}).encode())


def _wait(process: subprocess.Popen[bytes], port_file: Path, log: Path, seconds: float) -> Emulator:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise EmulatorError(f"the local AWS ended with {process.returncode}: {_said(log)}")
        if port_file.exists():
            written = json.loads(port_file.read_text(encoding="utf-8"))
            endpoint_url = f"http://127.0.0.1:{written['port']}"
            found = instance_id(endpoint_url, seconds=max(deadline - time.monotonic(), LOOK_AGAIN_SECONDS))
            return Emulator(endpoint_url=endpoint_url, pid=written["pid"], instance_id=found)
        time.sleep(LOOK_AGAIN_SECONDS)
    raise EmulatorError(f"the local AWS was not up after {seconds:g} seconds: {_said(log)}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _said(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace").strip() or "it printed nothing"


def _call(url: str, *, body: bytes | None = None, seconds: float = 5.0) -> dict[str, Any]:
    """Send a GET, or a POST if there is a body, and return the JSON object in the response."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, data=body, headers=headers)  # noqa: S310 (http to 127.0.0.1 only)
    try:
        with LOOPBACK.open(request, timeout=seconds) as answer:
            content = json.loads(answer.read())
    except urllib.error.HTTPError as refused:
        raise EmulatorError(f"{url}: HTTP {refused.code}: {refused.read().decode(errors='replace')}") from refused
    except (OSError, ValueError, http.client.HTTPException) as problem:
        raise EmulatorError(f"{url}: {problem}") from problem
    if not isinstance(content, dict):
        raise EmulatorError(f"{url}: not a JSON object: {content!r}")
    return cast("dict[str, Any]", content)
