"""A program in a terminal of its own, which it is talked to through: the Session Manager plugin wants one."""

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
"""Seconds that a program has to end by itself, and again when it is told to."""
_STEP: Final = 0.2
"""Seconds between two looks."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How long to wait, in seconds.

    Attributes:
        start: for the session.
        quiet: without output, after which the shell is taken to wait for input.
        answer: for an answer, before the command is sent again.
        end: for the session to end.
    """

    start: float = 60
    quiet: float = 2
    answer: float = 15
    end: float = 30


class Terminal:
    """Starts a program and keeps what it prints."""

    def __init__(self, arguments: Sequence[str]) -> None:
        """Starts it.

        Args:
            arguments: of the program, its name first.
        """
        import pty  # noqa: PLC0415 -- only where there are POSIX terminals

        self.output = ""
        self._code: int | None = None
        self._pid, self._file = pty.fork()
        if self._pid == 0:  # pragma: no cover -- in the child
            try:
                os.execvp(arguments[0], list(arguments))  # noqa: S606 -- no shell takes part
            finally:
                os._exit(127)

    def send(self, line: str) -> None:
        """Types a line."""
        os.write(self._file, f"{line}\n".encode())

    def wait(self, reached: Callable[[str], bool], seconds: float) -> bool:
        """Reads until something is reached, the program ends, or the time is over; says whether it was reached."""
        end = time.monotonic() + seconds
        while not reached(self.output):
            if not self._read(min(_STEP, max(end - time.monotonic(), 0))) or time.monotonic() >= end:
                break
        return reached(self.output)

    def settle(self, quiet: float, seconds: float) -> None:
        """Reads until nothing has come for a while."""
        end = time.monotonic() + seconds
        last, said = time.monotonic(), self.output
        while time.monotonic() < end and time.monotonic() - last < quiet:
            if not self._read(min(_STEP, quiet)):
                return
            if self.output != said:
                last, said = time.monotonic(), self.output

    def close(self) -> int:
        """Ends the program if it still runs, and gives its exit code. Nothing else may be called afterwards."""
        for each in (None, signal.SIGTERM, signal.SIGKILL):
            if each is not None:
                os.kill(self._pid, each)
            if self._has_ended(_GRACE):
                break
        os.close(self._file)
        return -1 if self._code is None else self._code

    def _read(self, seconds: float) -> bool:
        """Reads what is there; false where the program has closed its end."""
        ready, _, _ = select.select([self._file], [], [], seconds)
        if not ready:
            return True
        try:
            found = os.read(self._file, _CHUNK)
        except OSError:
            # How Linux says that nobody holds the other end any more.
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
            # A program that still prints would wait for somebody to read.
            self._read(0.05)
