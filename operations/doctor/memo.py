"""Cache for data that many nodes share, safe for concurrent threads."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

ValueT = TypeVar("ValueT")


class Memo:
    """Values by key; concurrent callers for the same key wait for the first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[Hashable, Future[Any]] = {}

    def get(self, key: Hashable, make: Callable[[], ValueT]) -> ValueT:
        """Return the value of a key, created by the first caller; an exception is raised for every caller."""
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
