"""Parser of a session's output, without side effects.

The lines are those of the Session Manager plugin (`Starting session with SessionId: ...`, `Exiting session with
sessionId: ...`) and of the SSM Agent (`This session is encrypted using AWS KMS.`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

NOTICE: Final = "This session is encrypted using AWS KMS."
"""Line as the AWS post quotes it."""

_MARK: Final = "shell-access"
_STEERING: Final = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])|[\x00-\x08\x0b-\x1f\x7f]"
)
"""Escape sequences (ECMA-48, OSC of xterm) and control characters other than tab and line feed."""
_STARTED: Final = re.compile(r"^Starting session with SessionId: (\S+)\n", re.MULTILINE)
_ENDED: Final = re.compile(r"^Exiting session with sessionId: (\S+?)\.?\n", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Transcript:
    """A session's output.

    Attributes:
        session_id: Session ID of the plugin's output; empty: no session has started.
        encrypted: Whether the notice of encryption precedes the first answer.
        user: User that the shell runs as; empty: the marker command was not answered.
        ended: Whether the plugin reports the end of the session.
        text: Output without escape sequences.
    """

    session_id: str
    encrypted: bool
    user: str
    ended: bool
    text: str


def marker(token: str) -> str:
    """Return the output of the marker command, which its own text does not contain: an echo is no answer."""
    return f"{_MARK}-{token}"


def marker_command(token: str, platform: str) -> str:
    """Return a command for the node's shell that prints the marker and the user.

    Args:
        token: Unique token of letters and digits.
        platform: `Linux`, `MacOS`, `Windows`.
    """
    if platform == "Windows":
        return f'"{{0}}-{{1}} user={{2}};" -f "{_MARK}","{token}",(whoami)'
    return f"printf '%s-%s user=%s;\\n' {_MARK} {token} \"$(whoami)\""


def read_transcript(output: str, token: str) -> Transcript:
    """Parse a session's output.

    Args:
        output: The original output, including escape sequences.
        token: Token of the marker command.
    """
    text = plain_text(output)
    answer = re.search(rf"{re.escape(marker(token))} user=([^;\n]*);", text)
    started, ended = _STARTED.search(text), _ENDED.search(text)
    before = text[: answer.start()] if answer else text
    return Transcript(
        session_id=started.group(1) if started else "",
        encrypted=NOTICE in before,
        user=answer.group(1).strip() if answer else "",
        ended=bool(started and ended and started.group(1) == ended.group(1)),
        text=text,
    )


def plain_text(output: str) -> str:
    """Return the text without escape sequences and control characters, for display and search."""
    return _STEERING.sub("", output.replace("\r\n", "\n").replace("\r", "\n"))
