import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import aws
from local.workspace import Workspace

pytestmark = pytest.mark.local_aws


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    made = Workspace(tmp_path / "local")
    yield made
    aws.stop(made)


def test_running_finds_the_started_process(workspace: Workspace) -> None:
    assert aws.running(workspace) is None
    started = aws.start(workspace)
    assert aws.running(workspace) == started


def test_stop_ends_the_process(workspace: Workspace) -> None:
    aws.start(workspace)
    aws.stop(workspace)
    assert aws.running(workspace) is None


def test_start_after_kill_reuses_port_with_another_id(workspace: Workspace) -> None:
    first = aws.start(workspace)
    os.kill(first.pid, signal.SIGKILL)
    while aws.running(workspace):
        time.sleep(0.01)
    second = aws.start(workspace)
    assert second.endpoint_url == first.endpoint_url
    assert second.instance_id != first.instance_id


def test_start_with_port_in_use_uses_another(workspace: Workspace) -> None:
    first = aws.start(workspace)
    aws_port = int(first.endpoint_url.rsplit(":", 1)[1])
    os.kill(first.pid, signal.SIGKILL)
    while aws.running(workspace):
        time.sleep(0.01)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", aws_port))
        other.listen()
        assert aws.start(workspace).endpoint_url != first.endpoint_url


def test_start_of_two_clones_uses_two_ports(workspace: Workspace, tmp_path: Path) -> None:
    other = Workspace(tmp_path / "other")
    try:
        assert aws.start(workspace).endpoint_url != aws.start(other).endpoint_url
    finally:
        aws.stop(other)
    assert aws.running(workspace)


def test_interrupted_start_leaves_nothing_running(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_workspace: Workspace) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(aws, "running", interrupt)
    with pytest.raises(KeyboardInterrupt):
        aws.start(workspace)
    monkeypatch.undo()
    aws.stop(workspace)
    assert port_file_users(workspace) == []


def test_stop_ends_one_that_has_not_written_its_port(workspace: Workspace) -> None:
    port_file = str(workspace.folder / "local-aws.json")
    program = "import time; print('started', flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", program, port_file], stdout=subprocess.PIPE) as starting:
        # Until the kernel has set up the new program, its command line is empty, and nothing says whose process it is.
        assert starting.stdout is not None
        assert starting.stdout.readline() == b"started\n"
        aws.stop(workspace)
        assert starting.wait() == -signal.SIGTERM


def port_file_users(workspace: Workspace) -> list[int]:
    return [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit() and names(each, workspace)]


def names(process: Path, workspace: Workspace) -> bool:
    try:
        return str(workspace.folder).encode() in (process / "cmdline").read_bytes()
    except OSError:
        return False
