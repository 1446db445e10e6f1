"""Gate in front of a local AWS that holds one write, so that a test can end the caller at this moment."""

import select
import socket
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Any

from tests.support.api_calls import ApiCall, body_of, is_write
from tests.support.middleware import UPSTREAM_SECONDS, Middleware, Upstream, call_of, drop, serving

Held = int | str | Callable[[ApiCall, bytes], bool]


class Gate(Middleware):
    """Middleware that counts writes and holds one.

    Attributes:
        written: Writes since the start of counting.
        is_holding: Set while a write is held.
    """

    def __init__(self, application: Any) -> None:
        super().__init__(application)
        self._lock = threading.Lock()
        self._opened = threading.Event()
        self._held: Held | None = None
        self._after = False
        self._caller: socket.socket | None = None
        self.endpoint_url = ""
        self.written: list[ApiCall] = []
        self.is_holding = threading.Event()

    def hold(self, write: Held, *, after: bool) -> None:
        """Reset the count and hold a write.

        Args:
            write: Its number, from 0; its operation, `CreateAlias`: the first of these; or a predicate of a write and
                its path and body.
            after: Whether to hold the response, so that AWS has completed a write that is not reported; else AWS never
                gets the request.
        """
        with self._lock:
            self._held, self._after = write, after
            self.written = []
            self._opened.clear()
            self.is_holding.clear()

    def count(self) -> None:
        """Reset the count and hold nothing."""
        self.hold(-1, after=False)

    def open(self) -> None:
        """Release what is held: drop a request, or send a response to the caller if it still exists."""
        with self._lock:
            self._held = None
        self._opened.set()

    def is_abandoned(self, seconds: float) -> bool:
        """Wait until the caller of the held write has closed its connection, as its end does; False: it has not in time."""
        return bool(self._caller and select.select([self._caller], [], [], seconds)[0])

    def handle(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        held = self._is_to_be_held(call_of(environ), environ["REQUEST_URI"].encode() + body_of(environ))
        if held:
            self._caller = environ["werkzeug.socket"]
        if held and not self._after:
            self._wait()
            drop(environ)
        answer = self._application(environ, start_response)
        if held:
            self._wait()
        return answer

    def _is_to_be_held(self, call: ApiCall, content: bytes) -> bool:
        if not is_write(call.operation):
            return False
        with self._lock:
            self.written.append(call)
            if callable(self._held):
                is_held = self._held(call, content)
            else:
                is_held = self._held in (len(self.written) - 1, call.operation)
            if is_held:
                self._held = None
            return is_held

    def _wait(self) -> None:
        self.is_holding.set()
        self._opened.wait(UPSTREAM_SECONDS)


@contextmanager
def running_gate(upstream: str) -> Generator[Gate]:
    """Yield a gate in front of a local AWS, and stop it afterwards."""
    gate = Gate(Upstream(upstream))
    with serving(gate) as gate.endpoint_url:
        try:
            yield gate
        finally:
            gate.open()
