"""An interrupted command of `make up`: the terminal's signal reaches all of its processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from local.workspace import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

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
