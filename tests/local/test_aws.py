from __future__ import annotations

import os
import signal
import socket
import time
from typing import TYPE_CHECKING

import pytest

from local import aws
from local.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


pytestmark = pytest.mark.local_aws


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    made = Workspace(tmp_path / "local")
    yield made
    aws.stop(made)


def test_later_command_finds_the_one_that_was_started(workspace: Workspace) -> None:
    assert aws.running(workspace) is None
    started = aws.start(workspace)
    assert aws.running(workspace) == started


def test_stopped_one_is_gone(workspace: Workspace) -> None:
    aws.start(workspace)
    aws.stop(workspace)
    assert aws.running(workspace) is None


def test_killed_one_is_started_again_on_its_port_as_another(workspace: Workspace) -> None:
    first = aws.start(workspace)
    os.kill(first.pid, signal.SIGKILL)
    while aws.running(workspace):
        time.sleep(0.01)
    second = aws.start(workspace)
    assert second.endpoint_url == first.endpoint_url
    assert second.instance_id != first.instance_id


def test_port_that_somebody_else_took_is_left_to_them(workspace: Workspace) -> None:
    first = aws.start(workspace)
    aws_port = int(first.endpoint_url.rsplit(":", 1)[1])
    os.kill(first.pid, signal.SIGKILL)
    while aws.running(workspace):
        time.sleep(0.01)
    with socket.socket() as somebody:
        somebody.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        somebody.bind(("127.0.0.1", aws_port))
        somebody.listen()
        assert aws.start(workspace).endpoint_url != first.endpoint_url


def test_two_clones_have_one_each(workspace: Workspace, tmp_path: Path) -> None:
    other = Workspace(tmp_path / "other")
    try:
        assert aws.start(workspace).endpoint_url != aws.start(other).endpoint_url
    finally:
        aws.stop(other)
    assert aws.running(workspace)
