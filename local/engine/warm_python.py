"""A Python that has imported already what the engine's programs and plugins import at each start.

One run of the engine starts five Pythons, which spend most of their time on imports; tests run the engine hundreds of
times. Here each of those Pythons is forked from one that is ready. What runs in it is the same: the program,
its arguments, environment, folder and open files.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import itertools
import json
import os
import runpy
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn, cast

from local.engine import warm_launcher
from local.workspace import REPOSITORY

if TYPE_CHECKING:
    import io

_READY = (
    "pulumi",
    "pulumi.dynamic",
    "pulumi.policy",
    "pulumi_aws",
    "components.stack",
    "components.systems.approval",
    "components.systems.controllers",
    "components.systems.endpoints",
    "local.aws_provider.credentials",
    "local.aws_provider.server",
    "local.aws_provider.servicer",
)
_SERVICES = (
    "cloudtrail",
    "config",
    "ec2",
    "events",
    "iam",
    "kms",
    "logs",
    "s3",
    "s3control",
    "scheduler",
    "sns",
    "ssm",
    "sts",
)


@cache
def warm_python() -> Path:
    """A folder laid out as a virtual environment, whose Python is warm from the first call to the end of this process."""
    folder = Path(tempfile.mkdtemp(prefix="warm-python-"))
    address = folder / "socket"
    python = folder / "bin" / "python"
    python.parent.mkdir()
    launcher = shlex.quote(str(Path(warm_launcher.__file__)))
    cold = shlex.quote(sys.executable)
    python.write_text(
        f'#!/bin/sh\n{warm_launcher.ADDRESS}={address} {warm_launcher.COLD}={cold} exec {cold} -IS {launcher} "$@"\n'
    )
    python.chmod(0o755)
    command = [sys.executable, "-m", "local.engine.warm_python", str(address)]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    cast("IO[bytes]", process.stdout).readline()
    atexit.register(_end, process, folder)
    return folder


def _end(process: subprocess.Popen[bytes], folder: Path) -> None:
    process.terminate()
    process.wait()
    shutil.rmtree(folder)


def serve(address: str) -> None:
    """Forks a Python for each request, until the process that started this one ends.

    Args:
        address: path of the socket to listen on.
    """
    for module in _READY:
        importlib.import_module(module)
    _read_service_descriptions()
    # A run of the engine is over before its garbage matters; looking for it would copy the memory that is shared.
    gc.collect()
    gc.freeze()
    gc.disable()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    # As a Python does that is not in the background: with it the engine ends its plugins.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address)
    listening.listen(64)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while listening in select.select([listening, sys.stdin], [], [])[0]:
        launcher, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            _become(launcher)
        launcher.close()


def _read_service_descriptions() -> None:
    """Half a second for each session of botocore that makes its first clients."""
    from components.aws_session import new_session as of_components  # noqa: PLC0415 -- for whoever is warm only
    from local.aws_provider.credentials import new_session as of_plugin  # noqa: PLC0415

    for new_session in (of_components, of_plugin):
        session = new_session()
        session.set_credentials("none", "none")
        for service in _SERVICES:
            session.create_client(service, "us-east-1")


def _become(launcher: socket.socket) -> NoReturn:
    """Turns this process into the Python that was asked for."""
    size, files, *_ = socket.recv_fds(launcher, warm_launcher.SIZE_BYTES, warm_launcher.OPEN_FILES)
    wanted = json.loads(launcher.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL))
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.chdir(wanted["folder"])
    os.environ.clear()
    os.environ.update(wanted["environment"])
    launcher.sendall(f"{os.getpid()}\n".encode())
    threading.Thread(target=_end_with, args=(launcher,), daemon=True).start()
    ending = _Ending(launcher)
    try:
        _run(wanted["arguments"])
    except SystemExit as asked:
        ending.code = asked.code
        raise
    except BaseException:
        ending.code = 1
        raise
    sys.exit()


def _end_with(launcher: socket.socket) -> None:
    launcher.recv(1)
    os.kill(os.getpid(), signal.SIGKILL)


class _Ending:
    """Says with which code this process ends, as the last thing that it does."""

    def __init__(self, launcher: socket.socket) -> None:
        self.code: Any = 0
        self._launcher = launcher
        atexit.register(self._say)

    def _say(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        code = self.code if isinstance(self.code, int) else int(self.code is not None)
        self._launcher.sendall(f"{code}\n".encode())
        # Nothing is left to be done: taking apart all that was imported would only copy the memory that is shared.
        os._exit(code)


def _run(arguments: list[str]) -> None:
    """Runs a Python command line: any of `-u` and `-P`, then `-m module` or a file."""
    options = list(itertools.takewhile(lambda argument: argument in {"-u", "-P"}, arguments))
    name, *rest = arguments[len(options) :]
    module = name == "-m"
    if module:
        name, *rest = rest
    if "-u" in options:
        for stream in (sys.stdout, sys.stderr):
            cast("io.TextIOWrapper", stream).reconfigure(write_through=True)
    own = [] if "-P" in options else [str(Path.cwd() if module else Path(name).parent)]
    sys.path[:] = [*own, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)), *sys.path[1:]]
    sys.argv[:] = [name, *rest]
    if Path("components").resolve() != REPOSITORY / "components":
        for other in [each for each in sys.modules if each.partition(".")[0] == "components"]:
            del sys.modules[other]
    if module:
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(name, run_name="__main__")


if __name__ == "__main__":
    serve(sys.argv[1])
