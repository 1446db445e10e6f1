"""Services with a REST protocol that moto lacks: botocore's model names the operation of a request, and its arguments.

The module of a service is loaded with its first request. Its class is created per request; its methods are the operations, by
their names in boto3.

Two services that set up just-in-time node access are here: RDP recording, and Quick Setup's configurations. Sources:
https://docs.aws.amazon.com/ssm-guiconnect/latest/APIReference/ (Get, Update and Delete of ConnectionRecordingPreferences) and
https://docs.aws.amazon.com/quick-setup/latest/APIReference/ (ListConfigurationManagers). The answer to a Get without preferences
is not documented: it is ResourceNotFoundException, which the model declares. Of Quick Setup, the local AWS has the list and the
creation, which deploys nothing and succeeds at once.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from http import HTTPStatus
from importlib import import_module
from typing import Any, Final

from botocore import xform_name
from moto.core.request import Request
from moto.core.routing import get_service_router
from werkzeug.exceptions import NotFound

_CLASSES: Final = {
    "account-access": "account_access:AccountAccessManager",
    "account-access-runtime": "account_access:AccessPortal",
    "ssm-guiconnect": "rest_services:RecordingService",
    "ssm-quicksetup": "rest_services:QuickSetup",
}
"""Module and class by service; a class receives the account and the Region of the caller."""
_SIGNATURE: Final = re.compile(r"Credential=([^/]+)/\d+/([a-z0-9-]+)/([a-z-]+)/aws4_request")
_BEARER: Final = "Bearer "

STORES: Final[dict[str, dict[Any, Any]]] = defaultdict(dict)
"""Resources of the services by a name; a reset deletes them."""


class RestServiceError(Exception):
    """An error of a service, with its code and status."""

    def __init__(self, code: str, message: str, status: int = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(message)
        self.code, self.status = code, status


def service_of(environ: dict[str, Any]) -> str:
    """Return the service that a request is for; "": another one. Only requests of the access portal have a bearer token."""
    authorization = str(environ.get("HTTP_AUTHORIZATION", ""))
    if authorization.startswith(_BEARER) and environ["PATH_INFO"].startswith("/access"):
        return "account-access-runtime"
    found = _SIGNATURE.search(authorization)
    return found[3] if found and found[3] in _CLASSES else ""


def respond(service: str, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Handle one request."""
    status, headers = HTTPStatus.OK, [("Content-Type", "application/json")]
    try:
        body = _answer(service, environ)
    except RestServiceError as failed:
        status, body = HTTPStatus(failed.status), {"message": str(failed)}
        headers.append(("x-amzn-ErrorType", failed.code))
    content = json.dumps(body).encode()
    start_response(f"{status.value} {status.phrase}", [*headers, ("Content-Length", str(len(content)))])
    return [content]


def _answer(service: str, environ: dict[str, Any]) -> dict[str, Any]:
    module, _, name = _CLASSES[service].partition(":")
    request = Request(environ)
    try:
        operation, place = get_service_router(service).match(request)
    except NotFound:
        raise RestServiceError("UnknownOperationException", f"{request.method} {request.path}") from None
    given = {**request.args, **json.loads(request.data or b"{}"), **place}
    handler = getattr(import_module(f"{__package__}.{module}"), name)(*_caller(environ))
    method = getattr(handler, xform_name(operation.name), None)
    if method is None:
        raise RestServiceError("UnknownOperationException", f"The local AWS does not have {operation.name}.")
    return method(given)


def _caller(environ: dict[str, Any]) -> tuple[str, ...]:
    """Return the account and the Region of the signature, or the bearer token."""
    from moto.iam.models import get_account_id_from  # noqa: PLC0415 (slow to load, and only needed here)

    authorization = str(environ["HTTP_AUTHORIZATION"])
    found = _SIGNATURE.search(authorization)
    return (get_account_id_from(found[1]), found[2]) if found else (authorization.removeprefix(_BEARER),)


# Services of just-in-time node access.


_PREFERENCES: Final = "ConnectionRecordingPreferences"


class RecordingService:
    """Systems Manager GUI Connect of an account in a Region."""

    def __init__(self, account: str, region: str) -> None:
        self._place, self._all = (account, region), STORES["recordings"]

    def get_connection_recording_preferences(self, _given: dict[str, Any]) -> dict[str, Any]:
        return {_PREFERENCES: self._existing()}

    def update_connection_recording_preferences(self, given: dict[str, Any]) -> dict[str, Any]:
        self._all[self._place] = given[_PREFERENCES]
        return {_PREFERENCES: given[_PREFERENCES]}

    def delete_connection_recording_preferences(self, _given: dict[str, Any]) -> dict[str, Any]:
        self._existing()
        del self._all[self._place]
        return {}

    def _existing(self) -> Any:
        if self._place not in self._all:
            message = "There are no connection recording preferences."
            raise RestServiceError("ResourceNotFoundException", message, HTTPStatus.NOT_FOUND)
        return self._all[self._place]


class QuickSetup:
    """Quick Setup of an account in a Region."""

    def __init__(self, account: str, region: str) -> None:
        self._managers: list[dict[str, Any]] = STORES["configuration managers"].setdefault((account, region), [])
        self._stem = f"arn:aws:ssm-quicksetup:{region}:{account}:configuration-manager/"

    def list_configuration_managers(self, _given: dict[str, Any]) -> dict[str, Any]:
        return {"ConfigurationManagersList": self._managers}

    def create_configuration_manager(self, given: dict[str, Any]) -> dict[str, Any]:
        arn = f"{self._stem}{len(self._managers)}"
        kinds = [each["Type"] for each in given["ConfigurationDefinitions"]]
        definitions = [{"Id": f"{arn}-{number}", "Type": kind} for number, kind in enumerate(kinds)]
        status = {"StatusType": "Deployment", "Status": "SUCCEEDED", "LastUpdatedAt": "2026-01-01T00:00:00Z"}
        self._managers.append(
            {"ManagerArn": arn, "ConfigurationDefinitionSummaries": definitions, "StatusSummaries": [status]}
        )
        return {"ManagerArn": arn}
