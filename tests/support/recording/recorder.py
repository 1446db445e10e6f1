"""Recorder of authorization requests, and the functions for tools to start, stop and read it."""

from __future__ import annotations

import json
import threading
import urllib.request
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from local.emulator.application import ONE_AT_A_TIME

if TYPE_CHECKING:
    from collections.abc import Iterable

QUESTIONS_ROUTE: Final = "/local-aws/questions"
UNKNOWN: Final = "unknown"
"""Value in place of the action if the authorization request is unknown."""

_LOOPBACK = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class RecordingApplication:
    """Middleware that forwards every request and, while recording, stores each distinct authorization request."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._lock = threading.Lock()
        self._noted: dict[str, None] | None = None

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Handle one request; on the route GET returns the recording, POST clears and starts it, DELETE stops it."""
        if environ["PATH_INFO"] == QUESTIONS_ROUTE:
            return self._answer(environ["REQUEST_METHOD"], start_response)
        if self._noted is not None and not environ["PATH_INFO"].startswith(("/local-aws/", "/moto-api")):
            self._note(environ)
        return self._application(environ, start_response)

    def _note(self, environ: dict[str, Any]) -> None:
        """Record before the call changes any state, because IAM also evaluates before it."""
        asked: list[dict[str, Any]]
        try:
            with ONE_AT_A_TIME:
                asked = _asked(environ)
        except Exception as failed:  # noqa: BLE001 -- what cannot be recorded is noted too; the call goes on
            asked = [{"caller": "", "action": UNKNOWN, "resource": repr(failed), "keys": {}}]
        with self._lock:
            if self._noted is not None:
                self._noted.update(dict.fromkeys(json.dumps(each, sort_keys=True) for each in asked))

    def _answer(self, method: str, start_response: Any) -> Iterable[bytes]:
        with self._lock:
            noted = self._noted or {}
            if method in ("POST", "DELETE"):
                self._noted = {} if method == "POST" else None
                noted = {}
        content = f"[{','.join(noted)}]".encode()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(content)))])
        return [content]


def _asked(environ: dict[str, Any]) -> list[dict[str, Any]]:
    # Without a recording, moto's services need not be loaded.
    from tests.support.recording.authorization import questions  # noqa: PLC0415
    from tests.support.recording.names import caller  # noqa: PLC0415
    from tests.support.recording.request import read_call  # noqa: PLC0415

    call = read_call(environ)
    if call is None:
        return []
    account, name = caller(call.access_key)
    return [{"caller": name, **asdict(each)} for each in questions(call, account)]


def begin(endpoint_url: str) -> None:
    """Clear the recording and start it."""
    _ask(endpoint_url, "POST")


def end(endpoint_url: str) -> None:
    """Stop the recording."""
    _ask(endpoint_url, "DELETE")


def noted(endpoint_url: str) -> list[dict[str, Any]]:
    """Return each distinct authorization request: `caller`, `action`, `resource`, `keys`."""
    return _ask(endpoint_url, "GET")


def _ask(endpoint_url: str, method: str) -> Any:
    data = b"" if method == "POST" else None
    request = urllib.request.Request(f"{endpoint_url}{QUESTIONS_ROUTE}", data=data, method=method)
    with _LOOPBACK.open(request, timeout=10) as answer:
        return json.load(answer)
