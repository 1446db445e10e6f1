"""WSGI middlewares that see every AWS call, and the server that puts one in front of a local AWS."""

import http.client
import json
import socket
import threading
import urllib.parse
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Any, Final, NoReturn

from werkzeug.serving import make_server

from tests.support.api_calls import UNKNOWN, ApiCall, body_of, read_call

UPSTREAM_SECONDS: Final = 120
_HOP_BY_HOP: Final = {"connection", "transfer-encoding", "content-length", "server", "date", "expect", "host"}


class Middleware:
    """Middleware that forwards every request; subclasses watch or change AWS calls.

    Attributes:
        routes: Paths that `respond` handles instead of the application.
    """

    routes: tuple[str, ...] = ()

    def __init__(self, application: Any) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] in self.routes:
            content = json.dumps(self.respond(environ["PATH_INFO"], environ["REQUEST_METHOD"])).encode()
            start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(content)))])
            return [content]
        if environ["PATH_INFO"].startswith(("/local-aws/", "/moto-api")):
            return self._application(environ, start_response)
        return self.handle(environ, start_response)

    def respond(self, path: str, method: str) -> Any:
        """Return the JSON document of a route."""
        raise NotImplementedError(f"{method} {path}")

    def handle(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Handle an AWS call."""
        raise NotImplementedError


def call_of(environ: dict[str, Any]) -> ApiCall:
    """Return the call in a request: without a service if the request is not signed, unknown if it cannot be read."""
    try:
        call = read_call(environ)
    except Exception as failed:  # noqa: BLE001 -- the local AWS responds to it
        return ApiCall(service=UNKNOWN, operation=repr(failed), region="", access_key="")
    return call or ApiCall(service="", operation=environ["REQUEST_METHOD"], region="", access_key="")


def drop(environ: dict[str, Any]) -> NoReturn:
    """Close the connection of a request without a response."""
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError


class Upstream:
    """WSGI application that forwards every request to a local AWS."""

    def __init__(self, endpoint_url: str) -> None:
        self._address = urllib.parse.urlsplit(endpoint_url)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        headers = {
            key.removeprefix("HTTP_").replace("_", "-"): value
            for key, value in environ.items()
            if key.startswith("HTTP_") or key == "CONTENT_TYPE"
        }
        headers = {name: value for name, value in headers.items() if name.lower() not in _HOP_BY_HOP}
        connection = http.client.HTTPConnection(self._address.hostname or "", self._address.port, UPSTREAM_SECONDS)
        try:
            connection.request(environ["REQUEST_METHOD"], environ["REQUEST_URI"], body_of(environ), headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP_BY_HOP]
        length = answer.getheader("Content-Length", str(len(content)))
        start_response(f"{answer.status} {answer.reason}", [*kept, ("Content-Length", length)])
        return [content]


@contextmanager
def serving(application: Any) -> Generator[str]:
    """Serve an application on a free port of 127.0.0.1, and yield its URL."""
    from moto.moto_server.werkzeug_app import MotoRequestHandler  # noqa: PLC0415 -- settings of moto are read here

    def log_nothing(*_: object) -> None: ...

    handler = type("QuietRequestHandler", (MotoRequestHandler,), {"log_request": log_nothing})
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
