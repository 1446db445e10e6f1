"""Command that starts a session, and the programs and ports that it requires."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import socket
import subprocess
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from components.domain_controllers.iam_policies import PORT_FORWARDING_DOCUMENT, SHELL_DOCUMENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import FrameType

    from operations.inventory.instances import Instance


RDP_PORT: Final = 3389
_PROFILES: Final = frozenset({"AWS_PROFILE", "AWS_DEFAULT_PROFILE"})


@dataclass(frozen=True, kw_only=True)
class Forwarding:
    """Port of the instance, forwarded to the local computer.

    Attributes:
        rdp: Whether it is a Remote Desktop port.
    """

    remote_port: int
    local_port: int
    rdp: bool

    @property
    def hint(self) -> str:
        """Address to open once the session has started."""
        return f"mstsc /v:localhost:{self.local_port}" if self.rdp else f"localhost:{self.local_port}"


def command(instance: Instance, forwarding: Forwarding | None, profile: str | None = None) -> list[str]:
    """Return the AWS CLI command with a document that the port-forwarding policy names; without a port, a shell.

    A request without a document uses the account's default document, which a policy that checks the document does not
    allow. The parameters use the shorthand syntax, which no shell splits.
    """
    document = PORT_FORWARDING_DOCUMENT if forwarding else SHELL_DOCUMENT
    parameters = (
        ["--parameters", f"portNumber={forwarding.remote_port},localPortNumber={forwarding.local_port}"]
        if forwarding
        else []
    )
    target = ["--region", instance.region, "--target", instance.id]
    options = ["--profile", profile] if profile else []
    return ["aws", "ssm", "start-session", *target, "--document-name", document, *parameters, *options]


def as_typed(arguments: list[str], *, windows: bool) -> str:
    """Return the command line for a shell."""
    if not windows:
        return shlex.join(arguments)
    # PowerShell splits an argument at an unquoted comma.
    return " ".join(f'"{each}"' if "," in each else subprocess.list2cmdline([each]) for each in arguments)


HOST: Final = "127.0.0.1"
"""Address on which the Session Manager plugin listens."""
PROGRAMS: Final = {
    "aws": "the AWS CLI (https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html)",
    "session-manager-plugin": "the Session Manager plugin (https://docs.aws.amazon.com/systems-manager/latest/userguide/"
    "session-manager-working-with-install-plugin.html)",
}


def missing_programs() -> list[str]:
    """Return descriptions of the programs that must be installed before a session can start."""
    return [text for program, text in PROGRAMS.items() if shutil.which(program) is None]


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


def run_program(arguments: Sequence[str], credentials: Mapping[str, str] | None = None) -> int:
    """Run a program in this terminal until it exits, and return its exit code.

    `credentials` are environment variables in place of those of a profile.
    """
    # On Windows, `aws` may be a batch file, which requires the full path.
    program = shutil.which(arguments[0]) or arguments[0]
    # An interrupt also reaches the session, which decides how to respond. Unlike SIG_IGN, a handler is not inherited.
    before = signal.signal(signal.SIGINT, _leave_it_to_the_session)
    try:
        return subprocess.run([program, *arguments[1:]], check=False, env=_environment(credentials)).returncode  # noqa: S603 -- no shell takes part
    finally:
        signal.signal(signal.SIGINT, before)


def _environment(credentials: Mapping[str, str] | None) -> dict[str, str] | None:
    """Return the environment of a program; credentials of a profile would take precedence over those given."""
    if credentials is None:
        return None
    return {name: value for name, value in os.environ.items() if name not in _PROFILES} | dict(credentials)


def _leave_it_to_the_session(_number: int, _frame: FrameType | None) -> None: ...
