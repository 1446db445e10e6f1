"""What a session's output says. Pure.

The lines are those of the Session Manager plugin (`Starting session with SessionId: ...`, `Exiting session with
sessionId: ...`) and of the SSM Agent (`This session is encrypted using AWS KMS.`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

NOTICE: Final = "This session is encrypted using AWS KMS."
"""As the post quotes it."""

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
        session_id: as the plugin gives it; empty: no session has begun.
        encrypted: whether the notice of encryption stands before the first answer.
        user: that the shell runs as; empty: the marker command was not answered.
        ended: whether the plugin says that the session is over.
        text: without escape sequences.
    """

    session_id: str
    encrypted: bool
    user: str
    ended: bool
    text: str


def marker(token: str) -> str:
    """What the marker command prints, and what its own text does not hold: an echo of it is no answer."""
    return f"{_MARK}-{token}"


def marker_command(token: str, platform: str) -> str:
    """A command for the node's shell that prints the marker and the user.

    Args:
        token: letters and digits that nobody else has.
        platform: `Linux`, `MacOS`, `Windows`.
    """
    if platform == "Windows":
        return f'"{{0}}-{{1}} user={{2}};" -f "{_MARK}","{token}",(whoami)'
    return f"printf '%s-%s user=%s;\\n' {_MARK} {token} \"$(whoami)\""


def read_transcript(output: str, token: str) -> Transcript:
    """Reads a session's output.

    Args:
        output: as it came, escape sequences included.
        token: of the marker command.
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
    """Without escape sequences and control characters, so that it can be shown and searched."""
    return _STEERING.sub("", output.replace("\r\n", "\n").replace("\r", "\n"))
