"""Requirements of a session on the local computer: a free port and the programs that start it."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

HOST: Final = "127.0.0.1"
"""Address on which the Session Manager plugin listens."""

PROGRAMS: Final = {
    "aws": "the AWS command line (https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html)",
    "session-manager-plugin": "the Session Manager plugin (https://docs.aws.amazon.com/systems-manager/latest/userguide/"
    "session-manager-working-with-install-plugin.html)",
}


def missing_programs() -> list[str]:
    """Return descriptions of the programs that must be installed before a session can start."""
    return [said for program, said in PROGRAMS.items() if shutil.which(program) is None]


def free_port() -> int:
    """Return a free local port."""
    with closing(socket.socket()) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Return whether a local port is free."""
    with closing(socket.socket()) as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def run(arguments: Sequence[str]) -> int:
    """Run a program in this terminal until it exits.

    Args:
        arguments: Command line of the program, starting with its name.

    Returns:
        Exit code of the program.
    """
    # On Windows, `aws` may be a batch file, which requires the full path.
    program = shutil.which(arguments[0]) or arguments[0]
    # An interrupt also reaches the session, which decides how to respond. Unlike SIG_IGN, a handler is not inherited.
    before = signal.signal(signal.SIGINT, _leave_it_to_the_session)
    try:
        return subprocess.run([program, *arguments[1:]], check=False).returncode  # noqa: S603 -- no shell takes part
    finally:
        signal.signal(signal.SIGINT, before)


def _leave_it_to_the_session(_number: int, _frame: FrameType | None) -> None: ...
