"""Counter of the calls that the local AWS receives, so that a test or benchmark can report the calls of a command."""

import io
import json
import re
import threading
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterable
from typing import Any

CALLS_ROUTE = "/local-aws/calls"

_LOOPBACK = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_SERVICE = re.compile(r"Credential=[^/]+/\d{8}/[^/]+/([a-z0-9-]+)/")


class CountingApplication:
    """Middleware that forwards every request and counts AWS calls, as `service:Operation`."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._calls: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Handle one request; GET on the route returns the counts, POST resets them."""
        if environ["PATH_INFO"] == CALLS_ROUTE:
            return self._answer(environ, start_response)
        if not environ["PATH_INFO"].startswith(("/local-aws/", "/moto-api")):
            with self._lock:
                self._calls[_name(environ)] += 1
        return self._application(environ, start_response)

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        with self._lock:
            if environ["REQUEST_METHOD"] == "POST":
                self._calls.clear()
            content = json.dumps(self._calls).encode()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(content)))])
        return [content]


def _name(environ: dict[str, Any]) -> str:
    signed = _SERVICE.search(environ.get("HTTP_AUTHORIZATION", ""))
    return f"{signed[1] if signed else 'unsigned'}:{_operation(environ)}"


def _operation(environ: dict[str, Any]) -> str:
    """Return the operation: JSON services name it in a header, query services in the body, S3 by method and path."""
    target = environ.get("HTTP_X_AMZ_TARGET")
    if target:
        return str(target).rsplit(".", 1)[-1]
    if "x-www-form-urlencoded" in environ.get("CONTENT_TYPE", ""):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        action = urllib.parse.parse_qs(body.decode(errors="replace")).get("Action")
        if action:
            return action[0]
    return f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"


def calls(endpoint_url: str) -> dict[str, int]:
    """Return the number of calls per operation since the start or the last reset."""
    with _LOOPBACK.open(f"{endpoint_url}{CALLS_ROUTE}", timeout=5) as answer:
        return json.load(answer)


def forget_calls(endpoint_url: str) -> None:
    """Reset all counts."""
    with _LOOPBACK.open(urllib.request.Request(f"{endpoint_url}{CALLS_ROUTE}", data=b""), timeout=5):
        pass
