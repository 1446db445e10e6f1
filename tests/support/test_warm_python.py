"""A program in a warm Python behaves as it does in a new one, for every option and variable that CPython reads."""

import json
import marshal
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.workspace import REPOSITORY
from tests.support import warm_launcher
from tests.support.warm_python import EMULATOR, KINDS, warm_python

Start = Callable[..., subprocess.Popen[str]]


# It waits for processes most of the time, so it begins before the tests that only compute.
pytestmark = pytest.mark.timeout(120)

# The launcher is a shell script, and shells set PWD.
REPORT = """
import gc, json, os, signal, sys, threading, time
import components

def stream(each):
    return [type(each).__name__, type(each.buffer).__name__, each.encoding, each.errors, each.line_buffering,
            each.write_through, each.isatty(), each.fileno(), each.name, each.mode]

json.dump({
    "arguments": [sys.argv, sys.orig_argv[1:]], "folder": os.getcwd(), "environment": sorted({**os.environ, "PWD": "", "OLDPWD": "", "_": ""}.items()),
    "path": sys.path, "flags": str(sys.flags), "warnings": sys.warnoptions,
    "x": sys._xoptions, "cache": [sys.pycache_prefix, sys.dont_write_bytecode], "components": list(components.__path__),
    "main": [__name__, __file__, __package__, __spec__ and __spec__.name, sys.modules["__main__"].__dict__ is globals()],
    "streams": [stream(each) for each in (sys.stdin, sys.stdout, sys.stderr)], "given": sys.stdin.read(),
    "seeded": os.environ.get("PYTHONHASHSEED") and hash("a word"), "zone": time.tzname,
    "signals": [str(signal.getsignal(each)) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)],
    "wakes": signal.set_wakeup_fd(-1), "mask": os.umask(0), "threads": threading.active_count(),
    "collects": gc.isenabled(), "parent": os.getppid(), "files": len(os.listdir("/proc/self/fd")),
    "encodings": [sys.getfilesystemencoding(), sys.getdefaultencoding()],
}, sys.stdout)
print("a warning", file=sys.stderr)
"""

WAYS_OF_WRITING = {
    "print": "print('x', end='')",
    "text": "sys.stdout.write('x')",
    "buffer": "sys.stdout.buffer.write(b'x')",
    "descriptor": "os.write(1, b'x')",
    "reopened": "open(1, 'wb', buffering=0, closefd=False).write(b'x')",
    "dunder": "sys.__stdout__.write('x')",
    "standard-error": "sys.stderr.write('x'); sys.stderr.buffer.write(b'x')",
}

ENDINGS = {
    "end": "",
    "code": "raise SystemExit(32)",
    "large code": "raise SystemExit(256 + 7)",
    "message": "raise SystemExit('no')",
    "none": "raise SystemExit(None)",
    "boolean": "raise SystemExit(True)",
    "error": "raise ValueError('no')",
    "hook": "sys.excepthook = lambda *_: print('hooked')\nraise ValueError",
    "at exit": "import atexit\natexit.register(print, 'one')\natexit.register(print, 'two')",
    "open file": "left = open('left', 'w')\nleft.write('text')",
    "thread": "import threading\nthreading.Timer(0.05, print, ('late',)).start()",
    "folder": "import tempfile\nleft = tempfile.TemporaryDirectory(dir='.')",
    "interrupt": "signal.raise_signal(signal.SIGINT)",
    "killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "terminated": "os.kill(os.getpid(), signal.SIGTERM)",
    "at once": "print('lost')\nos._exit(9)",
    "closed": "print('x')\nos.close(1)",
}

START_UP = {
    "plain": ([], {}),
    "unbuffered": (["-u"], {}),
    "safe path": (["-P"], {"PYTHONPATH": str(REPOSITORY)}),
    "both": (["-u", "-P"], {}),
    "isolated": (["-I", "-u"], {}),
    "no bytecode": (["-B"], {}),
    "optimized": (["-O"], {}),
    "warnings": (["-W", "error::UserWarning"], {}),
    "development": (["-X", "dev"], {}),
    "utf8": (["-X", "utf8=0"], {"LC_ALL": "C"}),
    "PYTHONUNBUFFERED": ([], {"PYTHONUNBUFFERED": "1"}),
    "PYTHONUNBUFFERED and option": (["-u"], {"PYTHONUNBUFFERED": "1"}),
    "PYTHONPATH": (["-u"], {"PYTHONPATH": "/tmp"}),
    "PYTHONWARNINGS": (["-u"], {"PYTHONWARNINGS": "error::UserWarning"}),
    "PYTHONHASHSEED": (["-u"], {"PYTHONHASHSEED": "7"}),
    "PYTHONDONTWRITEBYTECODE": (["-u"], {"PYTHONDONTWRITEBYTECODE": "1"}),
    "PYTHONPYCACHEPREFIX": (["-u"], {"PYTHONPYCACHEPREFIX": "/tmp/elsewhere"}),
    "PYTHONSAFEPATH": (["-u"], {"PYTHONSAFEPATH": "1"}),
    "PYTHONOPTIMIZE": (["-u"], {"PYTHONOPTIMIZE": "1"}),
    "PYTHONIOENCODING": (["-u"], {"PYTHONIOENCODING": "latin-1:replace"}),
    "PYTHONUTF8": (["-u"], {"PYTHONUTF8": "1"}),
    "PYTHONDEVMODE": (["-u"], {"PYTHONDEVMODE": "1"}),
    "PYTHONNOUSERSITE": (["-u"], {"PYTHONNOUSERSITE": "1"}),
    "LC_ALL": (["-u"], {"LC_ALL": "C"}),
    "TZ": (["-u"], {"TZ": "Asia/Tokyo"}),
}

NO_STREAMS: Any = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)

WAIT = """
import os, time
print(os.getpid(), flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def warm() -> str:
    return str(warm_python() / "bin" / "python")


@pytest.fixture
def start(tmp_path: Path) -> Start:
    def begin(python: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return subprocess.Popen(
            [python, *arguments],
            cwd=tmp_path,
            env=inherited | {"PULUMI_SKIP_UPDATE_CHECK": "true", **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return begin


def written(folder: Path, text: str, name: str = "program.py") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def outcome(process: subprocess.Popen[str]) -> tuple[Any, ...]:
    said, warned = process.communicate("hello")
    return process.returncode, said, [line for line in warned.splitlines() if not line.startswith("  ")]


def is_forked(process: subprocess.Popen[str]) -> bool:
    return process.communicate()[0].strip() == "True"


@pytest.mark.parametrize(
    ("case", "as_module"),
    [*((case, False) for case in START_UP), ("plain", True), ("unbuffered", True), ("both", True)],
)
def test_program_starts_as_in_a_new_python(
    start: Start,
    warm: str,
    tmp_path: Path,
    case: str,
    as_module: bool,  # noqa: FBT001
) -> None:
    options, environment = START_UP[case]
    (tmp_path / "components").mkdir()
    written(tmp_path / "components", "", "__init__.py")
    program = written(tmp_path, REPORT)
    command = [*options, *(["-m", "program"] if as_module else [program]), "--flag", "x"]
    forked, new = (outcome(start(python, *command, **environment)) for python in (warm, sys.executable))
    assert forked[0] == new[0]
    assert forked[2] == new[2]
    if new[0] == 0:
        assert json.loads(forked[1]) == json.loads(new[1])
        assert json.loads(new[1])["given"] == "hello"
        assert json.loads(new[1])["parent"] == os.getpid()


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("options", [["-u"], []], ids=["unbuffered", "buffered"])
def test_program_ends_as_in_a_new_python(
    start: Start, warm: str, tmp_path: Path, ending: str, options: list[str]
) -> None:
    program = written(tmp_path, f"import os, signal, sys\nprint('begun')\n{ENDINGS[ending]}\n")
    results: list[Any] = []
    for python in (warm, sys.executable):
        result = outcome(start(python, *options, program))
        left = sorted(path.name for path in tmp_path.iterdir() if path.name != "program.py")
        results.append((result, left, (tmp_path / "left").read_text() if "left" in left else None))
        (tmp_path / "left").unlink(missing_ok=True)
    assert results[0] == results[1]


@pytest.mark.parametrize("way", WAYS_OF_WRITING)
@pytest.mark.parametrize("setting", ["option", "variable"])
def test_output_is_unbuffered_with_the_option(start: Start, warm: str, tmp_path: Path, way: str, setting: str) -> None:
    program = written(tmp_path, f"import os, sys\n{WAYS_OF_WRITING[way]}\nsys.stdin.read()\n")
    for python in (warm, sys.executable):
        process = start(python, "-u", program) if setting == "option" else start(python, program, PYTHONUNBUFFERED="1")
        stream = process.stderr if way == "standard-error" else process.stdout
        assert stream
        assert stream.read(1) == "x"  # the program has not ended: it waits for its input
        process.communicate()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != EMULATOR])
def test_each_kind_of_engine_process_is_forked(start: Start, warm: str, tmp_path: Path, kind: str) -> None:
    module = KINDS[kind].modules[0]
    program = written(
        tmp_path, f"import sys\nprint({module.partition('.')[0]!r} in sys.modules or 'grpc' in sys.modules)"
    )
    path = {"PYTHONPATH": KINDS[kind].path} if KINDS[kind].path else {}
    assert is_forked(start(warm, *KINDS[kind].options, program, **path))


@pytest.mark.parametrize("name", ["json", "grpc"])
def test_module_that_shadows_a_loaded_one_is_imported(start: Start, warm: str, tmp_path: Path, name: str) -> None:
    written(tmp_path, "SHADOWS = True", f"{name}.py")
    program = written(tmp_path, f"import {name}\nprint({name}.SHADOWS)")
    assert is_forked(start(warm, "-u", program))


def test_repository_that_a_program_links_to_is_loaded_already(start: Start, warm: str, tmp_path: Path) -> None:
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "components").symlink_to(REPOSITORY / "components")
    text = "import sys\nsys.path.insert(0, 'linked')\nimport components\nprint('components.stack' in sys.modules)"
    program = written(tmp_path, text)
    assert is_forked(start(warm, "-u", program))
    assert not is_forked(start(sys.executable, "-u", program))


def test_packages_of_the_repository_are_provided_together(start: Start, warm: str, tmp_path: Path) -> None:
    text = f"import sys\nsys.path.insert(0, {str(REPOSITORY)!r})\nimport components\nprint('common.problems' in sys.modules)"
    assert is_forked(start(warm, "-u", written(tmp_path, text)))


def test_repository_with_another_package_is_imported(start: Start, warm: str, tmp_path: Path) -> None:
    (tmp_path / "linked" / "common").mkdir(parents=True)
    written(tmp_path / "linked" / "common", "", "__init__.py")
    (tmp_path / "linked" / "components").symlink_to(REPOSITORY / "components")
    text = "import sys\nsys.path.insert(0, 'linked')\nimport components\nprint('components.stack' in sys.modules)"
    assert not is_forked(start(warm, "-u", written(tmp_path, text)))


def test_repository_is_not_importable_elsewhere(start: Start, warm: str, tmp_path: Path) -> None:
    code, _, said = outcome(start(warm, "-u", written(tmp_path, "import local.cache")))
    assert code == 1
    assert said[-1] == "ModuleNotFoundError: No module named 'local'"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT, signal.SIGHUP])
def test_program_ends_with_the_process_that_was_started(
    start: Start, warm: str, tmp_path: Path, number: signal.Signals
) -> None:
    process = start(warm, "-u", written(tmp_path, WAIT))
    assert process.stdout
    running = Path("/proc") / process.stdout.readline().strip()
    assert running.exists()
    process.send_signal(number)
    assert process.wait(30) == -number
    # Its end of the pipe closes when the program is gone.
    assert process.stdout.read() == ""
    process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal_before_the_program_exists_is_forwarded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """The test is the warm Python, so that it decides when the program exists."""
    monkeypatch.chdir(tmp_path)  # a short path, as that of a socket has to be
    program = written(tmp_path, WAIT)
    read = {name: value for name, value in os.environ.items() if warm_launcher.is_read_at_start_up(name)}
    description = marshal.dumps({"options": [], "environment": read, "modules": {}})
    (tmp_path / f"warm{warm_launcher.DESCRIPTION}").write_bytes(description)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("warm")
        listening.listen()
        launcher = subprocess.Popen([sys.executable, "-IS", warm_launcher.__file__, ".", program], **NO_STREAMS)
        connection, _ = listening.accept()
    with connection, subprocess.Popen(["sleep", "600"]) as child:
        size, files, *_ = socket.recv_fds(connection, warm_launcher.SIZE_BYTES, warm_launcher.STANDARD_STREAMS)
        connection.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL)
        for file in files:
            os.close(file)
        launcher.send_signal(number)
        connection.sendall(f"{child.pid}\n".encode())
        assert child.wait(30) == -number
        connection.sendall(f"{-number}\n".encode())
        assert launcher.wait(30) == -number
