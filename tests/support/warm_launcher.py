"""Replacement for `python` beside a `WarmPython`: runs the program in a fork of a warm process, or in a new one.

A fork is used only if it cannot differ from a new process: the same command line options, the same values of every
variable that CPython, the C library or an imported module reads at startup, no module in the program's folder that
shadows an imported one, and no terminal. It starts more than a thousand times in a run of all tests: it runs without
`site`, from bytecode, and imports modules that are written in C only, which takes half the time.
"""

from __future__ import annotations

import _socket as socket
import marshal
import os
import sys

TYPE_CHECKING = False
"""Replacement for the constant in `typing`, which is slow to import."""
if TYPE_CHECKING:
    import signal
    from typing import Any
else:
    import _signal as signal

OPTIONS = frozenset({"-u", "-P"})
"""Command line options of Python that a `WarmPython` supports."""
START_UP_PREFIXES = ("PYTHON", "LC_", "LD_", "MALLOC_", "OPENSSL_", "SSL_", "GRPC_")
START_UP_NAMES = frozenset({"LANG", "LANGUAGE", "TZ", "TZDIR", "HOME", "GLIBC_TUNABLES", "AWS_DATA_PATH"})
FORWARDED_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
SIZE_BYTES = 8
STANDARD_STREAMS = 3
DESCRIPTION = ".warm"
"""Suffix of the file that describes the requests a warm process takes, in the format of `marshal`."""


def split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Split a command line of Python into options that are supported, and the rest."""
    count = 0
    while count < len(arguments) and arguments[count] in OPTIONS:
        count += 1
    return arguments[:count], arguments[count:]


def is_read_at_start_up(variable: str) -> bool:
    """Return whether CPython or the C libraries read an environment variable before any program starts."""
    return variable.startswith(START_UP_PREFIXES) or variable in START_UP_NAMES


def program_folder(program: list[str]) -> str:
    """Return the folder that Python puts first on its path: `python -m module` or `python file`."""
    return os.getcwd() if program[0] == "-m" else os.path.dirname(os.path.realpath(program[0]))  # noqa: PTH109, PTH120


def _is_supported(program: list[str]) -> bool:
    if not program or (program[0].startswith("-") and (program[0] != "-m" or not program[1:])):
        return False
    if program[0] != "-m" and not os.path.isfile(program[0]):  # noqa: PTH113
        return False
    if any(os.isatty(number) for number in range(STANDARD_STREAMS)):
        return False
    return not any(_is_inherited(int(number)) for number in os.listdir("/proc/self/fd"))  # noqa: PTH208


def _is_inherited(number: int) -> bool:
    try:
        return number >= STANDARD_STREAMS and os.get_inheritable(number)
    except OSError:
        return False


def _fits(warm: dict[str, Any], options: list[str], program: list[str]) -> bool:
    """Return whether the description of a warm process matches the request."""
    if warm["options"] != options:
        return False
    if any(os.environ.get(name) != value for name, value in warm["environment"].items()):
        return False
    if any(is_read_at_start_up(name) and name not in warm["environment"] for name in os.environ):
        return False
    if "-P" in options:
        return True
    folder = program_folder(program)
    return not any(_shadows(f"{folder}/{entry}", warm["modules"]) for entry in os.listdir(folder))  # noqa: PTH208


def _shadows(path: str, modules: dict[str, str]) -> bool:
    """Return whether a file or folder would be imported in place of a loaded module."""
    name = path.rpartition("/")[2]
    origin = modules.get(name.partition(".")[0])
    if origin is None or os.path.realpath(path) == origin:
        return False
    return name.endswith((".py", ".so", ".pyc")) or os.path.isdir(path)  # noqa: PTH112


def _connect(folder: str) -> socket.socket | None:
    """Return a connection to a matching warm process, or None."""
    options, program = split(sys.argv[2:])
    if not _is_supported(program):
        return None
    for name in os.listdir(folder):  # noqa: PTH208
        if not name.endswith(DESCRIPTION):
            continue
        with open(f"{folder}/{name}", "rb") as file:  # noqa: PTH123
            warm = marshal.load(file)
        if _fits(warm, options, program):
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(f"{folder}/{name.removesuffix(DESCRIPTION)}")
            except OSError:
                return None
            return connection
    return None


def main() -> int:
    """Run the program and return its exit code; if a signal ended it, the negative signal number."""
    warm = _connect(sys.argv[1])
    if warm is None:
        os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
    mask = os.umask(0)
    os.umask(mask)
    request = marshal.dumps(
        {
            "arguments": sys.argv[2:],
            "folder": os.getcwd(),  # noqa: PTH109
            "environment": dict(os.environ),
            "mask": mask,
            "ignoresInterrupts": signal.getsignal(signal.SIGINT) == signal.SIG_IGN,
        }
    )
    files = (
        socket.SOL_SOCKET,
        socket.SCM_RIGHTS,
        b"".join(each.to_bytes(4, sys.byteorder) for each in range(STANDARD_STREAMS)),
    )
    # A signal that arrives before the program exists is forwarded once it does.
    signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED_SIGNALS)
    warm.sendmsg([len(request).to_bytes(SIZE_BYTES, "big")], [files])
    warm.sendall(request)
    answers = open(warm.fileno(), closefd=False)  # noqa: SIM115 -- open until the process ends
    child = int(answers.readline())
    # Only the program holds its streams, so that their readers see when it closes them.
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in range(STANDARD_STREAMS):
        os.dup2(nothing, number)
    for number in FORWARDED_SIGNALS:
        signal.signal(number, lambda number, _frame: os.kill(child, number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED_SIGNALS)
    return int(answers.readline() or -signal.SIGKILL)


if __name__ == "__main__":
    code = main()
    if code < 0:
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)
