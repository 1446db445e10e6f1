"""Interrupted `make up`: the terminal's signal reaches all of its processes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local import aws, dev
from local.dev import Dev
from local.workspace import REPOSITORY, Workspace
from tests.support.emulator import Emulator

CHILD = """
import pathlib, signal, sys, time
def save(*_):
    time.sleep(float(sys.argv[2]))
    pathlib.Path(sys.argv[1], "saved").touch()
    sys.exit(1)
signal.signal(signal.SIGINT, save)
pathlib.Path(sys.argv[1], "ready").touch()
time.sleep(600)
"""
PARENT = """
import os, sys
from local.dev import run_to_its_end
run_to_its_end("pulumi up", os.environ, [sys.executable, *sys.argv[1:]])
"""


@pytest.mark.parametrize(("seconds", "presses", "saved"), [(1, 1, True), (600, 2, False)])
def test_interrupted_engine_ends_by_itself(tmp_path: Path, seconds: int, presses: int, *, saved: bool) -> None:
    command = [sys.executable, "-c", PARENT, "-c", CHILD, str(tmp_path), str(seconds)]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(
        command, cwd=REPOSITORY, env=environment, start_new_session=True, stderr=subprocess.PIPE, text=True
    ) as run:
        while not (tmp_path / "ready").exists():
            assert run.poll() is None
        assert run.stderr
        said = ""
        for _ in range(presses):
            os.killpg(run.pid, signal.SIGINT)
            while "waiting for pulumi up to end" not in said:
                said += run.stderr.readline()
        assert run.wait() == -signal.SIGINT
    assert (tmp_path / "saved").exists() is saved


@pytest.mark.parametrize(
    ("state", "destroys"), [('{"checkpoint": {}}', True), ('{"checkpoint": {"lat', False), ("", False)]
)
def test_down_state_cut_short_is_not_destroyed(
    tmp_path: Path, state: str, monkeypatch: pytest.MonkeyPatch, *, destroys: bool
) -> None:
    workspace, run = Workspace(tmp_path), list[tuple[str, ...]]()
    file = workspace.state / ".pulumi" / "stacks" / dev.PROJECT / f"{dev.STACK}.json"
    file.parent.mkdir(parents=True)
    file.write_text(state)
    monkeypatch.setattr(aws, "running", lambda _: Emulator(endpoint_url="http://127.0.0.1:1", pid=1, instance_id="i"))
    monkeypatch.setattr(dev, "command_line", lambda: None)
    monkeypatch.setattr(dev, "run_to_its_end", lambda _what, _environment, command: run.append(command) or 0)
    Dev(workspace).down()
    assert [command[1] for command in run] == (["destroy"] if destroys else [])
    assert not file.exists()
