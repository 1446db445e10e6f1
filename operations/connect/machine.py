"""What this machine brings along for a session: a free port, and the programs that make it."""

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
"""Where the Session Manager plugin listens."""

PROGRAMS: Final = {
    "aws": "the AWS command line (https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html)",
    "session-manager-plugin": "the Session Manager plugin (https://docs.aws.amazon.com/systems-manager/latest/userguide/"
    "session-manager-working-with-install-plugin.html)",
}


def missing_programs() -> list[str]:
    """What has to be installed before a session can be started, in words."""
    return [said for program, said in PROGRAMS.items() if shutil.which(program) is None]


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether a port of this machine can be listened on."""
    with closing(socket.socket()) as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def run(arguments: Sequence[str]) -> int:
    """Runs a program in this terminal until it ends.

    Args:
        arguments: of the program, its name first.

    Returns:
        Its exit code.
    """
    # On Windows `aws` may be a batch file, which only the full path finds.
    program = shutil.which(arguments[0]) or arguments[0]
    # An interrupt reaches the session, too, and it is for the session to decide what that means. A handler, unlike
    # ignoring it, is not inherited.
    before = signal.signal(signal.SIGINT, _leave_it_to_the_session)
    try:
        return subprocess.run([program, *arguments[1:]], check=False).returncode  # noqa: S603 -- no shell takes part
    finally:
        signal.signal(signal.SIGINT, before)


def _leave_it_to_the_session(_number: int, _frame: FrameType | None) -> None: ...
