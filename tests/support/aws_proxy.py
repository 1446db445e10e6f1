"""Proxy of the local AWS that knows the account of each call: denies roles and delays responses."""

from __future__ import annotations

import re
import threading
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

_ACCESS_KEY = re.compile(rb"<AccessKeyId>(\w+)</AccessKeyId>")
_CREDENTIAL = re.compile(r"Credential=(\w+)/")
_REFUSED = (
    b"<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized to perform: "
    b"sts:AssumeRole</Message></Error><RequestId>r</RequestId></ErrorResponse>"
)


def _nothing(_operation: str) -> None:
    pass


def _target(handler: BaseHTTPRequestHandler) -> str:
    """Return the operation, if the service names it in a header."""
    return (handler.headers.get("X-Amz-Target") or "").rpartition(".")[2]


class AwsProxy:
    """Proxy server on 127.0.0.1.

    Attributes:
        without_role: Accounts whose role no principal may assume.
        asked_for: ARNs of the roles in AssumeRole requests; callers that count them clear it.
        after: Function that receives the name of each operation after AWS has completed it, before the response.
        url: Endpoint URL for clients.
    """

    def __init__(self, endpoint: str) -> None:
        self.without_role: set[str] = set()
        self.asked_for: set[str] = set()
        self.after: Callable[[str], None] = _nothing
        self._accounts: dict[str, str] = {}
        self._held: tuple[str, str] | None = None
        self._arrived, self._released = threading.Event(), threading.Event()
        self._target = urlsplit(endpoint)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._server.server_close()

    def hold(self, account: str, operation: str) -> None:
        """Delay the response to the account's next call of an operation (`UpdateDocument`) until `release`."""
        self._arrived.clear()
        self._released.clear()
        self._held = (account, operation)

    def wait_for_held(self, process: subprocess.Popen[str]) -> None:
        """Wait for the call, as long as the process that should send it exists.

        Raises:
            ChildProcessError: The process ended first.
        """
        while not self._arrived.wait(0.2):
            if process.poll() is not None:
                raise ChildProcessError("the call that was to be held never came")

    def release(self) -> None:
        """Send the delayed response."""
        self._held = None
        self._released.set()

    def _answer(self, handler: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        form = "x-www-form-urlencoded" in (handler.headers.get("Content-Type") or "")
        asked = parse_qs(body.decode(errors="replace")) if form else {}
        operation = asked["Action"][0] if "Action" in asked else _target(handler)
        role = asked["RoleArn"][0] if operation == "AssumeRole" else None
        account = role.split(":")[4] if role else None
        if role:
            self.asked_for.add(role)
        if account in self.without_role:
            return 403, {"Content-Type": "text/xml"}, _REFUSED
        connection = HTTPConnection(self._target.hostname or "", self._target.port or 0, timeout=120)
        connection.request(handler.command, handler.path, body, dict(handler.headers))
        answer = connection.getresponse()
        content = answer.read()
        if account and (key := _ACCESS_KEY.search(content)):
            self._accounts[key[1].decode()] = account
        self.after(operation)
        self._hold_back(handler)
        unwanted = {"transfer-encoding", "connection", "content-length"}
        return answer.status, {k: v for k, v in answer.getheaders() if k.lower() not in unwanted}, content

    def _hold_back(self, handler: BaseHTTPRequestHandler) -> None:
        credential = _CREDENTIAL.search(handler.headers.get("Authorization") or "")
        account = self._accounts.get(credential[1]) if credential else None
        if self._held == (account, _target(handler)):
            self._arrived.set()
            self._released.wait(120)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _do(self) -> None:
                status, headers, content = proxy._answer(self)
                self.send_response(status)
                for key, value in headers.items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _do  # noqa: N815 -- the library's names

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's signature
                pass

        return Handler
