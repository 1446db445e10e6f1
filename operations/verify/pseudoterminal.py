"""A program in a pseudoterminal of its own, which the Session Manager plugin requires."""

from __future__ import annotations

import os
import select
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


_CHUNK: Final = 65536
_GRACE: Final = 2.0
"""Seconds that a program has to end by itself, and again after each signal."""
_STEP: Final = 0.2
"""Seconds between two polls."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Timeouts in seconds.

    Attributes:
        start: Timeout for the start of the session.
        quiet: Time without output, after which the shell is expected to wait for input.
        answer: Timeout for an answer, before the command is sent again.
        end: Timeout for the end of the session.
    """

    start: float = 60
    quiet: float = 2
    answer: float = 15
    end: float = 30


class Pseudoterminal:
    """A program, and its output so far."""

    def __init__(self, arguments: Sequence[str]) -> None:
        """Start the program."""
        import pty  # noqa: PLC0415 -- POSIX only

        self.output = ""
        self._code: int | None = None
        self._pid, self._file = pty.fork()
        if self._pid == 0:  # pragma: no cover -- in the child
            try:
                os.execvp(arguments[0], list(arguments))  # noqa: S606 -- no shell takes part
            finally:
                os._exit(127)

    def send(self, line: str) -> None:
        """Send a line."""
        os.write(self._file, f"{line}\n".encode())

    def wait(self, reached: Callable[[str], bool], seconds: float) -> bool:
        """Read until the condition is true, the program ends, or the time is over; return the condition."""
        end = time.monotonic() + seconds
        while not reached(self.output):
            if not self._read(min(_STEP, max(end - time.monotonic(), 0))) or time.monotonic() >= end:
                break
        return reached(self.output)

    def settle(self, quiet: float, seconds: float) -> None:
        """Read until there is no output for a while."""
        end = time.monotonic() + seconds
        last, text = time.monotonic(), self.output
        while time.monotonic() < end and time.monotonic() - last < quiet:
            if not self._read(min(_STEP, quiet)):
                return
            if self.output != text:
                last, text = time.monotonic(), self.output

    def close(self) -> int:
        """End the program if it is still running, and return its exit code. Call no other method afterwards."""
        for each in (None, signal.SIGTERM, signal.SIGKILL):
            if each is not None:
                os.kill(self._pid, each)
            if self._has_ended(_GRACE):
                break
        os.close(self._file)
        return -1 if self._code is None else self._code

    def _read(self, seconds: float) -> bool:
        """Read the available output; return False if the program has closed its end."""
        ready, _, _ = select.select([self._file], [], [], seconds)
        if not ready:
            return True
        try:
            found = os.read(self._file, _CHUNK)
        except OSError:
            # Linux raises EIO when the other end is closed.
            return False
        self.output += found.decode(errors="replace")
        return bool(found)

    def _has_ended(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while True:
            ended, status = os.waitpid(self._pid, os.WNOHANG)
            if ended:
                self._code = os.waitstatus_to_exitcode(status)
                return True
            if time.monotonic() >= end:
                return False
            # Read, as a program that still prints could block.
            self._read(0.05)
