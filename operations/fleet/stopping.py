"""Graceful shutdown by signals: engines are asked to stop and awaited, and only then killed."""

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
    """Stop requests."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._times = 0

    def ask(self) -> None:
        """Request a stop: the first request finishes started operations, the second one aborts them."""
        self._times += 1
        self._asked.set()

    @property
    def is_asked(self) -> bool:
        """Whether no further account is to start."""
        return self._asked.is_set()

    @property
    def is_urgent(self) -> bool:
        """Whether started operations are to be aborted."""
        return self._times > 1

    def wait(self, seconds: float) -> bool:
        """Wait up to a number of seconds for a stop request. Return whether there was one."""
        return self._asked.wait(seconds)


@contextmanager
def stopped_by_signals() -> Generator[Stop]:
    """Handle SIGINT and SIGTERM as stop requests within the context."""
    stop = Stop()

    def asked(_number: int, _frame: FrameType | None) -> None:
        stop.ask()

    before = {each: signal.signal(each, asked) for each in _SIGNALS}
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
