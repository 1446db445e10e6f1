"""Local AWS of a test: a process of its own, whose calls are counted and recorded."""

import json
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local import aws
from local.aws import Emulator, EmulatorError, instance_id, request, wake
from local.emulator.application import RESET, SETTINGS_ROUTE
from local.workspace import Workspace

__all__ = [
    "INSTRUMENTED",
    "Emulator",
    "EmulatorError",
    "change_settings",
    "instance_id",
    "reset",
    "running_emulator",
    "wake",
]

INSTRUMENTED = "tests.support.recorder"
"""Module that serves the local AWS with the routes that tests need."""


@contextmanager
def running_emulator(seconds: float = 30) -> Generator[Emulator]:
    """Run a local AWS on a free port, and stop it on exit."""
    with tempfile.TemporaryDirectory(prefix="local-aws-") as folder:
        workspace = Workspace(Path(folder))
        try:
            yield aws.start(workspace, INSTRUMENTED, seconds)
        finally:
            aws.stop(workspace)


def reset(endpoint_url: str) -> None:
    """Reset the local AWS: every account, every Region, and the settings to their defaults."""
    request(f"{endpoint_url}{RESET}", b"")


def change_settings(endpoint_url: str, settings: Mapping[str, object]) -> dict[str, Any]:
    """Change settings of the local AWS (see `local.emulator.settings`), and return all of them."""
    return request(f"{endpoint_url}{SETTINGS_ROUTE}", json.dumps(settings).encode())
