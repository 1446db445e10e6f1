"""The local AWS as a WSGI application: moto's own, and a few routes of ours under `/local-aws/`."""

import io
import json
import threading
from collections.abc import Iterable
from typing import Any, cast

from local.emulator import extension
from local.emulator.settings import SETTINGS, InvalidSettingsError

HEALTH = "/local-aws/health"
SETTINGS_ROUTE = "/local-aws/settings"
WAKE = "/local-aws/wake"
RESET = "/moto-api/reset"

ONE_AT_A_TIME = threading.RLock()
"""Held while anything reads or changes what moto keeps: plain dictionaries and lists, which it does not lock itself.

A request takes about a millisecond, so one at a time costs nothing. It is held around the whole request, as not every
service of moto answers by the same method: those of S3 come by one of their own.
"""


class Application:
    """Answers `/local-aws/` itself and hands every other request to moto."""

    def __init__(self, instance_id: str) -> None:
        from moto import backends  # noqa: PLC0415 (settings of moto are read when it loads)
        from moto.moto_server import werkzeug_app  # noqa: PLC0415

        extension.apply_to_all()
        # moto would list its own folder at every request, a fifth of what a request costs
        modules = frozenset(backends.list_of_moto_modules())
        backends.list_of_moto_modules = lambda: modules

        def create_service(service: Any) -> Any:
            extension.apply_to(str(service))
            return werkzeug_app.create_backend_app(service)

        self._instance_id = instance_id
        self._moto: Any = werkzeug_app.DomainDispatcherApplication(create_service)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answers one request."""
        path = environ.get("PATH_INFO", "")
        if path == HEALTH:
            return _json(start_response, "200 OK", {"instanceId": self._instance_id})
        if path == SETTINGS_ROUTE:
            return _settings(environ, start_response)
        if path == WAKE:
            return _wake(environ, start_response)
        if path == RESET:
            SETTINGS.reset()
            _runs().forget()
        _read_body(environ)
        with ONE_AT_A_TIME:
            return self._moto(environ, start_response)


def _read_body(environ: dict[str, Any]) -> None:
    """Reads the request to its end, so that a slow sender does not hold up the others."""
    length = environ.get("CONTENT_LENGTH")
    if length:
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(int(length)))


def _settings(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Shows the settings, after changing them where the request is a POST."""
    if environ["REQUEST_METHOD"] != "POST":
        return _json(start_response, "200 OK", SETTINGS.current().to_json())
    try:
        given: object = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
        if not isinstance(given, dict):
            raise InvalidSettingsError("the body is not a JSON object")
        changed = SETTINGS.change(cast("dict[str, Any]", given))
        return _json(start_response, "200 OK", changed.to_json())
    except ValueError as problem:
        return _json(start_response, "400 Bad Request", {"error": str(problem)})


def _wake(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Ends the sleep of the run whose `executionId` the body names."""
    given = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
    run = _runs().find(given["executionId"])
    if run is None:
        return _json(start_response, "404 Not Found", {"error": "there is no such run"})
    run.wake()
    return _json(start_response, "200 OK", {})


def _runs() -> Any:
    from local.emulator.extension.automation_runs import RUNS  # noqa: PLC0415 (loads what only runbooks need)

    return RUNS


def _json(start_response: Any, status: str, body: dict[str, object]) -> Iterable[bytes]:
    content = json.dumps(body).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(content)))])
    return [content]
