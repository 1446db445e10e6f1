"""What runs in a warm Python cannot tell it from a cold one."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local.engine.warm_python import warm_python

if TYPE_CHECKING:
    from collections.abc import Callable

    Start = Callable[..., subprocess.Popen[str]]

TELL = """
import json, os, sys
import components
json.dump({
    "arguments": sys.argv, "folder": os.getcwd(), "environment": dict(os.environ), "path": sys.path[0],
    "components": list(components.__path__), "name": __name__, "given": sys.stdin.read(),
}, sys.stdout)
print("a warning", file=sys.stderr)
"""

WAIT = """
import time
print(__import__("os").getpid(), flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module", params=["warm", "cold"])
def python(request: pytest.FixtureRequest) -> str:
    return str(warm_python() / "bin" / "python") if request.param == "warm" else sys.executable


@pytest.fixture
def start(python: str, tmp_path: Path) -> Start:
    def begin(*arguments: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [python, *arguments],
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return begin


def written(folder: Path, text: str, name: str = "program.py") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


@pytest.mark.parametrize("as_module", [False, True], ids=["a file", "a module"])
def test_program_gets_what_it_was_started_with(start: Start, tmp_path: Path, *, as_module: bool) -> None:
    (tmp_path / "components").mkdir()
    written(tmp_path / "components", "", "__init__.py")
    program = written(tmp_path, TELL)
    process = start(*("-u", "-m", "program") if as_module else ("-u", program), "--flag", "x", COLOUR="blue")
    said, warned = process.communicate("hello")
    told = json.loads(said)
    assert process.returncode == 0
    assert warned.splitlines()[-1] == "a warning"
    assert told["arguments"] == [program, "--flag", "x"]
    assert (told["folder"], told["path"], told["given"], told["name"]) == (
        str(tmp_path),
        str(tmp_path),
        "hello",
        "__main__",
    )
    assert told["environment"]["COLOUR"] == "blue"
    assert told["components"] == [str(tmp_path / "components")]


@pytest.mark.parametrize(
    ("ending", "code"),
    [("", 0), ("raise SystemExit(32)", 32), ("raise SystemExit('no')", 1), ("raise ValueError('no')", 1)],
)
def test_exit_code_is_the_programs(start: Start, tmp_path: Path, ending: str, code: int) -> None:
    process = start(written(tmp_path, ending))
    _, said = process.communicate()
    assert process.returncode == code
    assert ("no" in said) == (code == 1)


def test_program_of_the_command_line_is_isolated_where_it_asks_for_it(start: Start, tmp_path: Path) -> None:
    written(tmp_path, "raise SystemExit(7)", "textwrap.py")
    process = start("-P", "-m", "textwrap")
    process.communicate()
    assert process.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_program_ends_with_the_process_that_was_started(start: Start, tmp_path: Path, number: signal.Signals) -> None:
    process = start(written(tmp_path, WAIT))
    assert process.stdout
    running = Path("/proc") / process.stdout.readline().strip()
    assert running.exists()
    process.send_signal(number)
    assert process.wait(60) == -number
    # Its end of the pipe closes when the program is gone.
    assert process.stdout.read() == ""


def test_what_ends_by_a_signal_is_seen_to(start: Start, tmp_path: Path) -> None:
    process = start(written(tmp_path, "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"))
    process.communicate()
    assert process.returncode == -signal.SIGKILL
