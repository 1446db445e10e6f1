"""Local AWS of a test: a process of its own, whose calls are counted and recorded."""

import io
import json
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from urllib3 import HTTPResponse
from werkzeug.test import Client

from local import aws
from local.aws import Emulator, EmulatorError, instance_id, request, wake
from local.emulator import extension, seed
from local.emulator.__main__ import set_defaults_of_moto
from local.emulator.application import RESET, SETTINGS_ROUTE, moto_application
from local.workspace import Workspace
from tests.support.warm_python import EMULATOR, warm_python

__all__ = [
    "INSTRUMENTED",
    "Emulator",
    "EmulatorError",
    "change_settings",
    "instance_id",
    "prepare",
    "reset",
    "running_emulator",
    "temporary_workspace",
    "wake",
]

INSTRUMENTED = "tests.support.recorder"
"""Module that serves the local AWS with the routes that tests need."""


@contextmanager
def temporary_workspace() -> Generator[Workspace]:
    """Create a folder for a local AWS, whose processes are forked from a warm one that has called `prepare`."""
    with tempfile.TemporaryDirectory(prefix="local-aws-") as folder:
        yield Workspace(Path(folder), warm_python(EMULATOR) / "bin" / "python")


@contextmanager
def running_emulator(seconds: float = 30, workspace: Workspace | None = None) -> Generator[Emulator]:
    """Run a local AWS, and stop it on exit. It has the fixtures: reset it where it has to be empty.

    Args:
        seconds: Timeout of its start.
        workspace: Workspace, whose next local AWS gets the same port if it is free; a temporary one by default.
    """
    if workspace is None:
        with temporary_workspace() as temporary, running_emulator(seconds, temporary) as running:
            yield running
        return
    try:
        yield aws.start(workspace, INSTRUMENTED, seconds)
    finally:
        file = aws.port_file(workspace)
        address = file.read_text() if file.exists() else ""
        aws.stop(workspace)
        file.write_text(address)


@cache
def prepare() -> None:
    """Load the services of the local AWS and create the fixtures in this process, once, without a server."""
    set_defaults_of_moto()
    moto = moto_application()
    for service in extension.MODULES:
        moto.app_instances[service] = moto.create_app(service)
    client = Client(moto)

    def respond(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        url = urlsplit(request.url)
        answer = client.open(
            f"{url.path}?{url.query}",
            method=request.method,
            base_url=f"{url.scheme}://{url.netloc}",
            headers=[(name, _text(value)) for name, value in request.headers.items()],
            data=request.body or b"",
        )
        body = HTTPResponse(io.BytesIO(answer.data), preload_content=False)
        headers: Any = dict(answer.headers)
        return AWSResponse(request.url, HTTPStatus(answer.status_code), headers, body)

    seed.session().events.register("before-send", respond)
    seed.seed("http://127.0.0.1")


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def reset(endpoint_url: str) -> None:
    """Reset the local AWS: every account, every Region, and the settings to their defaults."""
    request(f"{endpoint_url}{RESET}", b"")


def change_settings(endpoint_url: str, settings: Mapping[str, object]) -> dict[str, Any]:
    """Change settings of the local AWS (see `local.emulator.settings`), and return all of them."""
    return request(f"{endpoint_url}{SETTINGS_ROUTE}", json.dumps(settings).encode())
