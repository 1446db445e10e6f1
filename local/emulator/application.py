"""WSGI application of the local AWS: moto's own, and additional routes under `/local-aws/`."""

import io
import json
import threading
from collections.abc import Iterable
from functools import cache
from typing import Any, cast

from local.emulator import extension
from local.emulator.extension import event_history, rest_services
from local.emulator.settings import SETTINGS, InvalidSettingsError

HEALTH = "/local-aws/health"
SETTINGS_ROUTE = "/local-aws/settings"
WAKE = "/local-aws/wake"
RESET = "/moto-api/reset"

ONE_AT_A_TIME = threading.RLock()
"""Lock for every read and change of moto's state: plain dictionaries and lists, which moto does not lock.

A request takes about a millisecond, so handling one at a time costs nothing. The lock covers the whole request, because
not every service of moto responds through the same method: S3 uses methods of its own.
"""


class Application:
    """Application that handles `/local-aws/` and forwards every other request to moto."""

    def __init__(self, instance_id: str) -> None:
        self._instance_id = instance_id
        self._moto = moto_application()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Handle one request."""
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
            event_history.EVENTS.clear()
            for store in rest_services.STORES.values():
                store.clear()
        _read_body(environ)
        with ONE_AT_A_TIME:
            if service := rest_services.service_of(environ):
                return rest_services.respond(service, environ, start_response)
            return self._moto(environ, start_response)


@cache
def moto_application() -> Any:
    """Return moto's application, whose state is that of this process; it loads a service with its first request."""
    from moto import backends  # noqa: PLC0415 (settings of moto are read when it loads)
    from moto.moto_server import werkzeug_app  # noqa: PLC0415

    extension.answer_every_action()
    # moto would list its own folder at every request, a fifth of the cost of a request
    modules = frozenset(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: modules

    def create_service(service: Any) -> Any:
        extension.apply_to(str(service))
        return werkzeug_app.create_backend_app(service)

    return werkzeug_app.DomainDispatcherApplication(create_service)


def _read_body(environ: dict[str, Any]) -> None:
    """Read the whole request, so that a slow sender does not block other requests."""
    length = environ.get("CONTENT_LENGTH")
    if length:
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(int(length)))


def _settings(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Return the settings, after changing them if the request is a POST."""
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
    """End the sleep of the execution with the `executionId` in the body."""
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
