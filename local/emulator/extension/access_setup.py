"""Services that set up just-in-time node access and that moto lacks: RDP recording, and Quick Setup's configurations.

Sources: https://docs.aws.amazon.com/ssm-guiconnect/latest/APIReference/ (Get, Update and Delete of
ConnectionRecordingPreferences) and https://docs.aws.amazon.com/quick-setup/latest/APIReference/ (ListConfigurationManagers).
The answer to a Get without preferences is not documented: it is ResourceNotFoundException, which the model declares. Of
Quick Setup, the local AWS has the list and the creation, which deploys nothing and succeeds at once.
"""

import json
import re
from collections.abc import Callable
from typing import Any, Final

from moto.iam.models import get_account_id_from

_SIGNATURE: Final = re.compile(r"Credential=([^/]+)/\d{8}/([^/]+)/")
_JSON: Final = "application/json"
_PREFERENCES: Final = "ConnectionRecordingPreferences"

Answer = tuple[int, dict[str, Any]]

_RECORDINGS: dict[tuple[str, str], Any] = {}
"""Recording preferences by account and Region."""
_MANAGERS: dict[tuple[str, str], list[dict[str, Any]]] = {}
"""Configuration managers by account and Region."""


def forget() -> None:
    """Delete everything."""
    _RECORDINGS.clear()
    _MANAGERS.clear()


def answer(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Answer a signed request to one of the services."""
    access_key, region = _SIGNATURE.findall(environ["HTTP_AUTHORIZATION"])[0]
    place = (get_account_id_from(access_key), region)
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    operation = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
    known = _OPERATIONS.get(operation)
    status, document = known(place, json.loads(body or b"{}")) if known else _refusal(400, "UnknownOperationException")
    content = json.dumps(document).encode()
    headers = [("Content-Type", _JSON), ("Content-Length", str(len(content)))]
    if status != 200:  # noqa: PLR2004 -- HTTP
        headers.append(("x-amzn-ErrorType", str(document["__type"])))
    start_response(f"{status} {'OK' if status == 200 else 'Error'}", headers)  # noqa: PLR2004 -- HTTP
    return [content]


def _refusal(status: int, code: str, message: str = "") -> Answer:
    return status, {"__type": code, "message": message}


def _get(place: tuple[str, str], _given: dict[str, Any]) -> Answer:
    if place not in _RECORDINGS:
        return _refusal(404, "ResourceNotFoundException", "There are no connection recording preferences.")
    return 200, {_PREFERENCES: _RECORDINGS[place]}


def _update(place: tuple[str, str], given: dict[str, Any]) -> Answer:
    _RECORDINGS[place] = given[_PREFERENCES]
    return 200, {_PREFERENCES: given[_PREFERENCES]}


def _delete(place: tuple[str, str], _given: dict[str, Any]) -> Answer:
    if _RECORDINGS.pop(place, None) is None:
        return _refusal(404, "ResourceNotFoundException", "There are no connection recording preferences.")
    return 200, {}


def _list(place: tuple[str, str], _given: dict[str, Any]) -> Answer:
    return 200, {"ConfigurationManagersList": _MANAGERS.get(place, [])}


def _create(place: tuple[str, str], given: dict[str, Any]) -> Answer:
    account, region = place
    managers = _MANAGERS.setdefault(place, [])
    arn = f"arn:aws:ssm-quicksetup:{region}:{account}:configuration-manager/{len(managers)}"
    definitions = [
        {"Id": f"{arn}-{number}", "Type": each["Type"]} for number, each in enumerate(given["ConfigurationDefinitions"])
    ]
    status = {"StatusType": "Deployment", "Status": "SUCCEEDED", "LastUpdatedAt": "2026-01-01T00:00:00Z"}
    managers.append({"ManagerArn": arn, "ConfigurationDefinitionSummaries": definitions, "StatusSummaries": [status]})
    return 200, {"ManagerArn": arn}


_OPERATIONS: Final[dict[str, Callable[[tuple[str, str], dict[str, Any]], Answer]]] = {
    "POST /GetConnectionRecordingPreferences": _get,
    "POST /UpdateConnectionRecordingPreferences": _update,
    "POST /DeleteConnectionRecordingPreferences": _delete,
    "POST /listConfigurationManagers": _list,
    "POST /configurationManager": _create,
}
