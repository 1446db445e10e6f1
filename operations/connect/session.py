"""The command that starts a session, as plain data."""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from components.directory.port_forwarding_policy import PORT_FORWARDING_DOCUMENT, SHELL_DOCUMENT

if TYPE_CHECKING:
    from operations.connect.finding import Instance

RDP_PORT: Final = 3389


@dataclass(frozen=True, kw_only=True)
class Forwarding:
    """A port of the instance, to be had on this machine.

    Attributes:
        remote_port: of the instance.
        local_port: of this machine.
        rdp: a remote desktop answers there.
    """

    remote_port: int
    local_port: int
    rdp: bool

    @property
    def hint(self) -> str:
        """What to open once the session is there."""
        return f"mstsc /v:localhost:{self.local_port}" if self.rdp else f"localhost:{self.local_port}"


def command(instance: Instance, forwarding: Forwarding | None) -> list[str]:
    """The AWS command line's arguments, by the documents that the port-forwarding policy names.

    Without a document a request counts as one for the account's default, which a policy that checks for the document
    does not allow. The parameters are in the short form, which no shell takes apart.

    Args:
        instance: the target.
        forwarding: of a port; None: a shell.
    """
    document = PORT_FORWARDING_DOCUMENT if forwarding else SHELL_DOCUMENT
    parameters = (
        ["--parameters", f"portNumber={forwarding.remote_port},localPortNumber={forwarding.local_port}"]
        if forwarding
        else []
    )
    target = ["--region", instance.region, "--target", instance.id]
    return ["aws", "ssm", "start-session", *target, "--document-name", document, *parameters]


def as_typed(arguments: list[str], *, windows: bool) -> str:
    """The arguments as a person types them.

    Args:
        arguments: of the program, its name first.
        windows: for its shells, rather than for those of POSIX.
    """
    if not windows:
        return shlex.join(arguments)
    # PowerShell takes an argument apart at a comma that is not in quotes.
    return " ".join(f'"{each}"' if "," in each else subprocess.list2cmdline([each]) for each in arguments)
