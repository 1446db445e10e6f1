"""Command that starts a session."""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from components.domain_controllers.port_forwarding_policy import PORT_FORWARDING_DOCUMENT, SHELL_DOCUMENT

if TYPE_CHECKING:
    from operations.inventory.instances import Instance

RDP_PORT: Final = 3389


@dataclass(frozen=True, kw_only=True)
class Forwarding:
    """Port of the instance, forwarded to the local computer.

    Attributes:
        remote_port: Port of the instance.
        local_port: Local port.
        rdp: Whether it is a Remote Desktop port.
    """

    remote_port: int
    local_port: int
    rdp: bool

    @property
    def hint(self) -> str:
        """Address to open once the session has started."""
        return f"mstsc /v:localhost:{self.local_port}" if self.rdp else f"localhost:{self.local_port}"


def command(instance: Instance, forwarding: Forwarding | None) -> list[str]:
    """Return the AWS CLI command with a document that the port-forwarding policy names.

    A request without a document uses the account's default document, which a policy that checks the document does not
    allow. The parameters use the shorthand syntax, which no shell splits.

    Args:
        instance: Target of the session.
        forwarding: Port to forward. None: a shell.
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
    """Return the command line for a shell.

    Args:
        arguments: Command line of the program, starting with its name.
        windows: Whether to quote for shells of Windows instead of POSIX shells.
    """
    if not windows:
        return shlex.join(arguments)
    # PowerShell splits an argument at an unquoted comma.
    return " ".join(f'"{each}"' if "," in each else subprocess.list2cmdline([each]) for each in arguments)
