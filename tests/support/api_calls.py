"""API calls, parsed from HTTP requests into service, operation and parameters."""

import io
import json
import re
import urllib.parse
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, cast
from xml.etree import ElementTree as ET

import botocore.session
from botocore.parsers import RpcV2CBORParser

_SIGNATURE: Final = re.compile(r"Credential=([^/]+)/\d{8}/([^/]+)/([a-z0-9-]+)/")

_CBOR: Final = "application/cbor"
_BY_MODEL: Final = frozenset({"guardduty", "inspector2", "securityhub"})
"""Services whose operations are named as in botocore's model, since one path has several of them."""
_CONTROL_TAGS: Final = "/v20180820/tags/"

SUBRESOURCES: Final = (
    *(
        "accelerate",
        "acl",
        "cors",
        "encryption",
        "lifecycle",
        "location",
        "logging",
        "object-lock",
        "ownershipControls",
    ),
    *("policy", "publicAccessBlock", "replication", "requestPayment", "tagging", "versioning", "versions", "website"),
)
"""Operations on a bucket: S3 has one path for all of them (Amazon S3 API Reference)."""


UNKNOWN: Final = "unknown"
"""Action of an authorization request that is unknown."""


@dataclass(frozen=True, kw_only=True)
class ApiCall:
    """One API call.

    Attributes:
        service: Service in the signature, such as `ssm`.
        operation: Name such as `PutParameter`; for services that route by method and path, the key in
            `authorization.toml`, such as `PUT bucket?policy`.
        parameters: Parameters, by their names in the request.
    """

    service: str
    operation: str
    region: str
    access_key: str
    parameters: dict[str, Any] = field(default_factory=dict[str, Any])

    def __str__(self) -> str:
        return f"{self.service}:{self.operation}"


def is_write(operation: str) -> bool:
    """Return whether an operation may change something."""
    return not operation.startswith(("Describe", "Get", "Head", "List", "GET ", "HEAD "))


def read_call(environ: dict[str, Any]) -> ApiCall | None:
    """Return the call in a WSGI request, whose body can be read again afterwards; None if the request is not signed."""
    signed = _SIGNATURE.search(environ.get("HTTP_AUTHORIZATION", ""))
    if signed is None:
        return None
    access_key, region, service = signed.groups()
    operation, parameters = _read(service, environ)
    return ApiCall(service=service, operation=operation, region=region, access_key=access_key, parameters=parameters)


def _read(service: str, environ: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if service == "s3":
        return _bucket_operation(environ)
    raw = body_of(environ)
    if environ.get("CONTENT_TYPE", "") == _CBOR:
        return environ["PATH_INFO"].rsplit("/", 1)[-1], _cbor(raw)
    body = raw.decode(errors="replace")
    target = environ.get("HTTP_X_AMZ_TARGET")
    if target:
        return str(target).rsplit(".", 1)[-1], json.loads(body or "{}")
    if "x-www-form-urlencoded" in environ.get("CONTENT_TYPE", ""):
        form = dict(urllib.parse.parse_qsl(body, keep_blank_values=True))
        return form.get("Action", ""), nested(form)
    given: dict[str, Any] = json.loads(body) if body else {}
    query = urllib.parse.parse_qs(environ.get("QUERY_STRING", ""))
    if service in _BY_MODEL:
        operation, named = _modelled(service, environ)
        return operation, {**given, **query, **named}
    kind, _, name = environ["PATH_INFO"].strip("/").partition("/")
    return f"{environ['REQUEST_METHOD']} {kind}", {**given, **query, "Name": urllib.parse.unquote(name)}


def _modelled(service: str, environ: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Return the operation that a method and a path mean, and the parameters in the path; the fewest of them."""
    path = urllib.parse.unquote(environ["PATH_INFO"])
    found: list[tuple[str, dict[str, str]]] = [
        (operation, match.groupdict())
        for method, pattern, operation in _routes(service)
        if method == environ["REQUEST_METHOD"] and (match := pattern.fullmatch(path))
    ]
    unknown: tuple[str, dict[str, str]] = (f"{environ['REQUEST_METHOD']} {path}", {})
    return min(found, key=lambda each: len(each[1]), default=unknown)


@cache
def _routes(service: str) -> list[tuple[str, re.Pattern[str], str]]:
    model: Any = botocore.session.get_session().get_service_model(service)
    routes: list[tuple[str, re.Pattern[str], str]] = []
    for name in model.operation_names:
        http: dict[str, str] = model.operation_model(name).http
        # An ARN contains slashes.
        path = re.sub(r"\\{(\w*Arn)\\}", r"(?P<\1>.+)", re.escape(http["requestUri"].partition("?")[0]))
        path = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", path)
        routes.append((http["method"], re.compile(path), str(name)))
    return routes


def _bucket_operation(environ: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if environ["PATH_INFO"].startswith(_CONTROL_TAGS):
        return _control_operation(environ)
    bucket, _, key = environ["PATH_INFO"].strip("/").partition("/")
    query = urllib.parse.parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    subresource = next((f"?{each}" for each in SUBRESOURCES if each in query), "?delete" if "delete" in query else "")
    kind = "object" if key else "bucket" if bucket else "service"
    operation = f"{environ['REQUEST_METHOD']} {kind}{subresource}"
    tags = _tags(environ) if operation == "PUT bucket" else []
    return operation, {"Bucket": bucket, "Key": key, "Tags": tags}


def _control_operation(environ: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Parse tags of S3 Control, which is signed as S3; WSGI has unquoted the ARN in the path."""
    removed = urllib.parse.parse_qs(environ.get("QUERY_STRING", "")).get("tagKeys", [])
    arn = environ["PATH_INFO"].removeprefix(_CONTROL_TAGS)
    return f"{environ['REQUEST_METHOD']} tags", {"ResourceArn": arn, "Tags": _tags(environ), "tagKeys": removed}


def _tags(environ: dict[str, Any]) -> list[dict[str, str]]:
    """Parse tags in an XML body, in any namespace and at any depth."""
    body = body_of(environ)
    given = ET.fromstring(body).findall(".//{*}Tag") if body else ()
    return [{part.tag.rpartition("}")[2]: part.text or "" for part in tag} for tag in given]


def nested(form: dict[str, str]) -> dict[str, Any]:
    """Parse `Tags.member.1.Key=a` into `{"Tags": [{"Key": "a"}]}`."""
    tree: dict[str, Any] = {}
    for name, value in form.items():
        parts = [part for part in name.split(".") if part not in ("member", "entry")]
        place: dict[str, Any] = tree
        for part in parts[:-1]:
            place = place.setdefault(part, {})
        place[parts[-1]] = value
    return _lists(tree)


def _lists(tree: Any) -> Any:
    if not isinstance(tree, dict):
        return tree
    given = cast("dict[str, Any]", tree)
    if given and all(key.isdigit() for key in given):
        return [_lists(given[key]) for key in sorted(given, key=int)]
    return {key: _lists(value) for key, value in given.items()}


def _cbor(body: bytes) -> dict[str, Any]:
    """Parse a body of Smithy RPC v2, which is CBOR; the operation is the end of the path."""
    parser = RpcV2CBORParser()
    return parser.parse_data_item(parser.get_peekable_stream_from_bytes(body)) if body else {}


def body_of(environ: dict[str, Any]) -> bytes:
    """Return the body of a request, which can be read again afterwards."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body
