"""Warm Python processes, with the modules that the engine's programs and plugins import at each start.

One run of the engine starts five Python processes, which spend most of their time on imports; tests run the engine
hundreds of times. Each of those processes is forked from a warm one that was started with the same options and startup
variables; if none matches, a new one is started (`warm_launcher` decides). A fork differs from a new process in this:
its modules are already loaded, botocore's clients share parts, and its hash seed is that of the warm process.
"""

import argparse
import atexit
import contextlib
import faulthandler
import gc
import importlib
import io
import marshal
import os
import py_compile
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
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType, TracebackType
from typing import IO, Any, NoReturn, cast

REPOSITORY = Path(__file__).resolve().parents[2]
if not sys.flags.safe_path:  # started as a file, so imports behave as in a program elsewhere
    sys.path.insert(0, str(REPOSITORY))

from local.cache import locked  # noqa: E402
from tests.support import warm_launcher  # noqa: E402

_started: list[subprocess.Popen[bytes]] = []
"""References to processes, which end by themselves."""

SHARED = "SHELL_ACCESS_WARM_PYTHON"
"""Environment variable with the folder of the warm processes, which descendants share and which end with the owner."""

STACKS = "SHELL_ACCESS_STACKS"
"""Environment variable with the folder where forked processes write their stacks on SIGUSR1."""

LONGEST_PAUSE = "SHELL_ACCESS_LONGEST_PAUSE_SECONDS"
"""Environment variable that shortens the pauses of forked processes, such as those between two attempts."""

_FILE: Any = io.IOBase.__base__
"""Base class of all files; not abstract like `io.IOBase`, whose instance checks take longer than all else."""

_OURS = ("common", "components", "local", "operations", "policies")
_SERVICES = (
    *("cloudtrail", "config", "ec2", "events", "iam", "kms", "logs", "s3", "s3control", "scheduler", "sns", "ssm"),
    "sts",
)
_TYPES = REPOSITORY / "local" / "aws_provider" / "types"


@dataclass(frozen=True)
class Kind:
    """Preparation for one kind of engine process.

    Attributes:
        options: Command line options of Python.
        path: Value of PYTHONPATH, or "" to leave it unchanged.
        modules: Modules to import in advance.
        sessions: Modules whose botocore sessions load the service models in advance.
        prepared: Modules whose `prepare` is called; programs continue with the state that it leaves.
    """

    options: tuple[str, ...]
    path: str
    modules: tuple[str, ...]
    sessions: tuple[str, ...] = ()
    prepared: tuple[str, ...] = ()


EMULATOR = "emulator"
ENGINE = "engine"

KINDS = {
    "language-host": Kind((), "", ("local.language_host",)),
    "provider": Kind(
        ("-P",),
        str(REPOSITORY),
        (
            *("local.aws_provider.server", "local.aws_provider.servicer", "local.aws_provider.credentials"),
            *(f"local.aws_provider.types.{file.stem}" for file in _TYPES.glob("[a-z]*.py")),
        ),
        ("local.aws_provider.credentials",),
    ),
    "program": Kind(
        ("-u",),
        "",
        (
            *("pulumi", "pulumi.dynamic", "pulumi.policy", "pulumi_aws", "components.settings", "components.stack"),
            *("components.approval.component", "components.domain_controllers.component", "components.nodes.component"),
            *("components.session_manager.endpoints", "components.session_manager.component", "policies.serving"),
            *("components.approval.evidence_store", "components.account_access.component", "operations.cli"),
            "components.domain_controllers.name_resolution",
        ),
        ("common.aws.session",),
    ),
    EMULATOR: Kind((), "", ("local.emulator.__main__", "tests.support.emulator"), prepared=("tests.support.emulator",)),
}

_GROUPS = {ENGINE: tuple(name for name in KINDS if name != EMULATOR), EMULATOR: (EMULATOR,)}
"""Kinds that start together. A launcher knows those of one group: the local AWS has the options of a language host."""


@cache
def warm_python(group: str = ENGINE) -> Path:
    """Return a folder with the layout of a virtual environment whose Python forks from warm processes.

    Descendants of the process that calls `share_warm_python` use the same ones.

    Args:
        group: `ENGINE` for the engine's programs and plugins, `EMULATOR` for the local AWS.
    """
    if SHARED not in os.environ:
        share_warm_python()
    shared, _, owner = os.environ[SHARED].rpartition(":")
    folder = Path(shared) / group
    with locked(Path(shared) / f"{group}.lock", "it is starting the warm Pythons"):
        if not (folder / "bin").exists():
            folder.mkdir(exist_ok=True)
            starting = [_start(name, KINDS[name], folder, owner) for name in _GROUPS[group]]
            for process in starting:
                cast("IO[bytes]", process.stdout).readline()
            _started.extend(starting)
            _write_launcher(folder)
    return folder


def share_warm_python() -> None:
    """Set a folder for the warm processes of this process and its descendants; they end with this process."""
    folder = Path(tempfile.mkdtemp(prefix="warm-python-"))
    os.environ[SHARED] = f"{folder}:{os.getpid()}"
    atexit.register(shutil.rmtree, folder, ignore_errors=True)


def _start(name: str, kind: Kind, folder: Path, owner: str) -> subprocess.Popen[bytes]:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, *kind.options, __file__, name, str(folder), owner]
    return subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env=environment | ({"PYTHONPATH": kind.path} if kind.path else {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )


def _write_launcher(folder: Path) -> None:
    """Write `bin/python` atomically, after every warm process is ready or has failed to start."""
    binaries = folder / "bin.new"
    binaries.mkdir()
    bytecode = str(folder / f"{Path(warm_launcher.__file__).stem}.pyc")
    py_compile.compile(warm_launcher.__file__, bytecode, doraise=True)
    cold, launcher = shlex.quote(sys.executable), shlex.quote(bytecode)
    python = binaries / "python"
    python.write_text(f'#!/bin/sh\nexec {cold} -IS {launcher} {shlex.quote(str(folder))} "$@"\n')
    python.chmod(0o755)
    binaries.rename(folder / "bin")


class WarmPython:
    """Process that programs are forked from."""

    def __init__(self, name: str, folder: Path) -> None:
        """Import the modules of the kind.

        Args:
            name: Name of the kind and the socket.
            folder: Folder for the socket and the description of matching requests.
        """
        self._kind = KINDS[name]
        self._address = folder / name
        self._own_path = sys.path[2:] if not sys.flags.safe_path else list(sys.path)
        self._launchers: dict[socket.socket, int] = {}
        self._own_files: tuple[int, ...] = ()
        read = _variables_read_by(self._import)
        self._read_service_descriptions()
        for module in self._kind.prepared:
            importlib.import_module(module).prepare()
        # Shared objects are never garbage; scanning them would copy the shared memory.
        gc.collect()
        gc.freeze()
        environment = {
            key: value for key, value in os.environ.items() if key in read or warm_launcher.is_read_at_start_up(key)
        }
        description: dict[str, Any] = {
            "options": list(self._kind.options),
            "environment": dict.fromkeys(read) | environment,
            "modules": {key: origin for key, origin in _top_level_modules().items() if key not in {*_OURS, "__main__"}},
        }
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(self._address))
        listening.listen(64)
        self._listening = listening
        fresh = folder / f"{name}.new"
        fresh.write_bytes(marshal.dumps(description))
        fresh.rename(folder / f"{name}{warm_launcher.DESCRIPTION}")
        sys.stdout.write("ready\n")
        sys.stdout.flush()

    def _import(self) -> None:
        for module in self._kind.modules:
            importlib.import_module(module)

    def _read_service_descriptions(self) -> None:
        """Load service models, which saves half a second for each botocore session that creates its first clients."""
        if self._kind.sessions:
            importlib.import_module("local.client_parts").share_client_parts()
        for module in self._kind.sessions:
            session = importlib.import_module(module).new_session()
            session.set_credentials("none", "none")
            for service in _SERVICES:
                session.create_client(service, "us-east-1")

    def serve(self, owner: int) -> None:
        """Fork a process for each request until the owner ends; the remaining ones then end too."""
        ended, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(wake)
        try:
            alive = os.pidfd_open(owner)
        except ProcessLookupError:
            return
        self._own_files = (alive, ended, wake)
        while alive not in (ready := select.select([alive, ended, self._listening, *self._launchers], [], [])[0]):
            if ended in ready:
                os.read(ended, 4096)
                self._report_ended()
            for launcher in [each for each in ready if each in self._launchers]:
                # A launcher sends nothing after its request, so it has ended, and its program must end too.
                os.kill(self._launchers[launcher], signal.SIGKILL)
                self._forget(launcher)
            if self._listening in ready:
                self._fork()
        for process in self._launchers.values():
            os.kill(process, signal.SIGKILL)

    def _fork(self) -> None:
        launcher, _ = self._listening.accept()
        size, files, *_ = socket.recv_fds(launcher, warm_launcher.SIZE_BYTES, warm_launcher.STANDARD_STREAMS)
        request = launcher.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL)
        process = os.fork()
        if process == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for other in (self._listening, *self._launchers):
                other.close()
            for file in self._own_files:
                os.close(file)
            _Program(marshal.loads(request), files, launcher, self._own_path).run()
        for file in files:
            os.close(file)
        self._launchers[launcher] = process

    def _report_ended(self) -> None:
        for launcher, process in list(self._launchers.items()):
            with contextlib.suppress(ChildProcessError):
                found, status = os.waitpid(process, os.WNOHANG)
                if found:
                    with contextlib.suppress(OSError):
                        launcher.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
                    self._forget(launcher)

    def _forget(self, launcher: socket.socket) -> None:
        del self._launchers[launcher]
        launcher.close()


def _variables_read_by(action: Callable[[], None]) -> set[str]:
    """Return the environment variables that are read while an action runs; programs may not differ in them."""
    environment: Any = type(os.environ)
    original = environment.__getitem__
    read: set[str] = set()

    def note(self: Mapping[str, str], key: str) -> str:
        read.add(key)
        return original(self, key)

    environment.__getitem__ = note
    try:
        action()
    finally:
        environment.__getitem__ = original
    return read


def _top_level_modules() -> dict[str, str]:
    """Return imported packages and modules with the file or folder of their origin."""
    found: dict[str, str] = {}
    for name, module in list(sys.modules.items()):
        origin = getattr(module, "__file__", None)
        if "." not in name and origin:
            path = Path(origin)
            found[name] = os.path.realpath(path.parent if path.stem == "__init__" else path)
    return found


class _Program:
    """Forked process that becomes the requested Python process."""

    def __init__(self, request: dict[str, Any], files: list[int], launcher: socket.socket, own_path: list[str]) -> None:
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        os.chdir(request["folder"])
        os.umask(request["mask"])
        os.environ.clear()
        os.environ.update(request["environment"])
        if request["ignoresInterrupts"]:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        started = _peer(launcher)
        os.getppid = lambda: _parent(started)
        launcher.sendall(f"{os.getpid()}\n".encode())
        launcher.close()
        self._arguments: list[str] = request["arguments"]
        self._own_path = own_path
        if longest := os.environ.get(LONGEST_PAUSE):
            pause, most = time.sleep, float(longest)
            time.sleep = lambda seconds: pause(min(float(seconds), most))
        if stacks := os.environ.get(STACKS):
            faulthandler.register(signal.SIGUSR1, (Path(stacks) / str(os.getpid())).open("w"))

    def run(self) -> NoReturn:
        """Run the program, and exit like CPython: threads, exit functions, open files."""
        code = 0
        try:
            self._execute()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
            if code == 1 and not isinstance(ended.code, int):
                sys.stderr.write(f"{ended.code}\n")
        except BaseException as problem:  # noqa: BLE001 -- as the interpreter does at its end
            code = -signal.SIGINT if isinstance(problem, KeyboardInterrupt) else 1
            sys.excepthook(type(problem), problem, _without_our_frames(problem))
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()  # type: ignore[attr-defined]
        code = 120 if _flush() else code
        if code < 0:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
        os._exit(code & 0xFF)

    def _execute(self) -> None:
        """Run `-m module` or a file as `__main__`."""
        options, program = warm_launcher.split(self._arguments)
        is_module = program[0] == "-m"
        own = [] if "-P" in options else [warm_launcher.program_folder(program)]
        sys.path[:] = [*own, *self._own_path]
        sys.orig_argv[:] = [sys.executable, *self._arguments]
        sys.argv[:] = ["-m", *program[2:]] if is_module else program
        sys.path_importer_cache.clear()
        importlib.invalidate_caches()
        sys.meta_path.insert(0, _LoadedPackages())
        main = ModuleType("__main__")
        vars(main)["__builtins__"] = __builtins__
        sys.modules["__main__"] = main
        if is_module:
            runpy._run_module_as_main(program[1])  # type: ignore[attr-defined]
            return
        file = program[0]
        main.__loader__ = SourceFileLoader("__main__", file)
        vars(main).update({"__file__": file, "__cached__": None})
        exec(compile(Path(file).read_bytes(), file, "exec", dont_inherit=True), vars(main))


class _LoadedPackages(MetaPathFinder, Loader):
    """Loaded packages of this repository, for a program that finds the same files on its own path.

    They refer to each other: the first import provides all of them that the path has, unless it has another one by the name.
    """

    def __init__(self) -> None:
        self._packages: dict[str, dict[str, ModuleType]] = {
            name: {each: sys.modules.pop(each) for each in list(sys.modules) if f"{each}.".startswith(f"{name}.")}
            for name in _OURS
        }

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not self._packages.get(fullname):
            return None
        packages, self._packages = self._packages, {}
        found = {name: PathFinder.find_spec(name, path, target) for name, modules in packages.items() if modules}
        origins = {name: spec.origin for name, spec in found.items() if spec and spec.origin}
        if fullname not in origins or not all(
            Path(origin).samefile(packages[name][name].__file__ or "") for name, origin in origins.items()
        ):
            return None
        for name in origins:
            sys.modules.update(packages[name])
        spec = found[fullname]
        if spec:
            spec.loader = self
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return sys.modules[spec.name]

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: the module was executed when it was loaded."""


def _flush() -> bool:
    """Flush files that the program left open, and return True if the standard streams cannot be flushed."""
    for each in gc.get_objects():
        if isinstance(each, _FILE) and each not in {sys.stdout, sys.stderr}:
            with contextlib.suppress(OSError, ValueError):
                each.flush()
    has_failed = False
    for stream in (sys.stdout, sys.stderr):
        try:
            if not stream.closed:
                stream.flush()
        except OSError as problem:
            has_failed = True
            if stream is sys.stdout:
                where = "on flushing sys.stdout:" if sys.version_info >= (3, 13) else f"in: {stream!r}"
                sys.stderr.write(f"Exception ignored {where}\n{type(problem).__name__}: {problem}\n")
    return has_failed


def _without_our_frames(problem: BaseException) -> TracebackType | None:
    """Return the traceback from the program's first frame on."""
    frame = problem.__traceback__
    while frame and frame.tb_frame.f_code.co_filename == __file__:
        frame = frame.tb_next
    return frame


def _peer(launcher: socket.socket) -> int:
    return int.from_bytes(launcher.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)[:4], sys.byteorder)


def _parent(process: int) -> int:
    """Return the parent of a process, 1 if the process has ended."""
    try:
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 1


def main() -> None:
    """Serve one kind until the owner ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("owner", type=int)
    given = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    WarmPython(given.kind, given.folder).serve(given.owner)


if __name__ == "__main__":
    main()
