"""Reads what many nodes share just once, for many threads."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

ValueT = TypeVar("ValueT")


class Memo:
    """What was made already, by key; who asks while it is being made waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[Hashable, Future[Any]] = {}

    def get(self, key: Hashable, make: Callable[[], ValueT]) -> ValueT:
        """What is known under a key, made by the first who asks; what was raised then is raised again."""
        mine = Future[Any]()
        with self._lock:
            made = self._made.setdefault(key, mine)
        if made is mine:
            try:
                mine.set_result(make())
            except BaseException as failed:
                mine.set_exception(failed)
                raise
        return made.result()
