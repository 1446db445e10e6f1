"""Ending a run by a signal: engines are asked to stop, waited for, and only then left."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Whether, and how urgently, the run is to end."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._times = 0

    def ask(self) -> None:
        """Asks once more: the first time, what has begun is finished; the second time, it is broken off."""
        self._times += 1
        self._asked.set()

    @property
    def is_asked(self) -> bool:
        """Whether nothing further is to begin."""
        return self._asked.is_set()

    @property
    def is_urgent(self) -> bool:
        """Whether what has begun is to be broken off."""
        return self._times > 1

    def wait(self, seconds: float) -> bool:
        """Waits so long, or until asked. Tells whether it was."""
        return self._asked.wait(seconds)


@contextmanager
def stopped_by_signals() -> Generator[Stop]:
    """While this lasts, SIGINT and SIGTERM ask for the end instead of being it."""
    stop = Stop()

    def asked(_number: int, _frame: FrameType | None) -> None:
        stop.ask()

    before = {each: signal.signal(each, asked) for each in _SIGNALS}
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
