"""What stands in for `python` beside a `WarmPython`: hands its arguments, environment and open files over, and waits.

Runs without the standard library's `site`, as it has to begin at once; so it is a program of its own.
"""

import array
import json
import os
import signal
import socket
import sys

ADDRESS = "SHELL_ACCESS_WARM_PYTHON"
COLD = "SHELL_ACCESS_COLD_PYTHON"
SIZE_BYTES = 8
OPEN_FILES = 3


def main() -> int:
    """The exit code of the program that was asked for; where a signal ended it, its number below zero."""
    warm = socket.socket(socket.AF_UNIX)
    try:
        warm.connect(os.environ[ADDRESS])
    except OSError:
        os.execv(os.environ[COLD], [os.environ[COLD], *sys.argv[1:]])
    request = json.dumps({"arguments": sys.argv[1:], "folder": os.getcwd(), "environment": dict(os.environ)}).encode()  # noqa: PTH109 -- pathlib is slow to import
    files = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", range(OPEN_FILES)))
    warm.sendmsg([len(request).to_bytes(SIZE_BYTES, "big")], [files])
    warm.sendall(request)
    answers = warm.makefile("r")
    child = int(answers.readline())
    ended_by = signal.SIGKILL

    def pass_on(number: int, _frame: object) -> None:
        nonlocal ended_by
        ended_by = signal.Signals(number)
        os.kill(child, number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, pass_on)
    return int(answers.readline() or -ended_by)


if __name__ == "__main__":
    code = main()
    if code < 0:
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)
