"""A gate before a local AWS that holds one write, so that a test can end the caller at this moment."""

from __future__ import annotations

import http.client
import threading
import urllib.parse
from collections.abc import Callable
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

from tests.support.faults.faults import Call, writes

if TYPE_CHECKING:
    from collections.abc import Generator

HELD_SECONDS: Final = 120
Held = int | str | Callable[[Call, bytes], bool]
_HOP: Final = {"connection", "transfer-encoding", "content-length", "server", "date"}


class Gate:
    """A proxy that forwards all requests, and counts the writes.

    Attributes:
        endpoint_url: URL of the gate.
        written: Writes since the start of counting.
        is_holding: Set while a write is held.
    """

    def __init__(self, upstream: str) -> None:
        self._upstream = urllib.parse.urlsplit(upstream)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._serving = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._lock = threading.Lock()
        self._opened = threading.Event()
        self._held: Held | None = None
        self._after = False
        self.endpoint_url = f"http://127.0.0.1:{self._server.server_port}"
        self.written: list[Call] = []
        self.is_holding = threading.Event()

    def start(self) -> None:
        """Start the server."""
        self._serving.start()

    def stop(self) -> None:
        """Stop the server, and drop the held request."""
        self._opened.set()
        self._server.shutdown()
        self._serving.join()
        self._server.server_close()

    def hold(self, write: Held, *, after: bool) -> None:
        """Reset the count and hold a write.

        Args:
            write: Its number, from 0; its operation, `CreateAlias`: the first of these; or a predicate of a write and
                its body.
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

    def pass_on(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any, bytes] | None:
        """Return the response to a request; None where it is dropped."""
        held = self._is_to_be_held(_call(method, headers, body), path.encode() + body)
        if held and not self._after:
            self._wait()
            return None
        connection = http.client.HTTPConnection(
            self._upstream.hostname or "", self._upstream.port, timeout=HELD_SECONDS
        )
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if held:
            self._wait()
        return answer.status, answer.getheaders(), content

    def _is_to_be_held(self, call: Call, content: bytes) -> bool:
        if not writes(call):
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
        self._opened.wait(HELD_SECONDS)


@contextmanager
def running_gate(upstream: str) -> Generator[Gate]:
    """Yield a gate before a local AWS, and stop it afterwards.

    Args:
        upstream: URL of the local AWS.
    """
    gate = Gate(upstream)
    gate.start()
    try:
        yield gate
    finally:
        gate.stop()


def _call(method: str, headers: dict[str, str], body: bytes) -> Call:
    """Return the call; JSON services name the operation in a header, query services in the body, S3 by the method."""
    signed = headers.get("Authorization", "").partition("Credential=")[2].split("/")
    service = signed[3] if len(signed) > 3 else ""
    named = headers.get("X-Amz-Target", "").rpartition(".")[2]
    if not named and b"Action=" in body:
        named = urllib.parse.parse_qs(body.decode(errors="replace"))["Action"][0]
    return Call(service, named or {"GET": "Get", "HEAD": "Head"}.get(method, method.title()))


def _handler(gate: Gate) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """One request."""

        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name of http.server
            """Log nothing."""

        def handle_one(self) -> None:
            """Respond, or close the connection."""
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = gate.pass_on(self.command, self.path, dict(self.headers.items()), body)
            self.close_connection = True
            if answer is None:
                return
            status, headers, content = answer
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() not in _HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_one  # noqa: N815 -- the names of http.server

    return Handler
