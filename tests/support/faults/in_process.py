"""A local AWS in this process: most calls reach it without a connection; the proxy uses one that faults can break."""

import copy
import io
import json
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, Final, cast
from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSResponse
from werkzeug.test import EnvironBuilder, run_wsgi_app

from local.emulator.application import RESET, SETTINGS_ROUTE, Application
from tests.support.middleware import serving
from tests.support.recorder import CALLS_ROUTE, Recorder

ACCOUNT_ID: Final = "123456789012"
REGION: Final = "eu-west-1"

Snapshot = tuple[Any, Any, Any]
"""Documents, their tags, and managed policies."""


class LocalAws:
    """The application of the local AWS, called directly and served on 127.0.0.1."""

    def __init__(self) -> None:
        os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
        self.application = Recorder(Application("in-process"))
        self.endpoint_url = "http://127.0.0.1"
        self.session = boto3.Session("local", "local", region_name=REGION)

    def client(self, service: str, region: str = REGION, *, config: Any = None) -> Any:
        """Return a client that needs no connection."""
        made = cast("Callable[..., Any]", self.session.client)(
            service, region_name=region, endpoint_url=self.endpoint_url, config=config
        )
        made.meta.events.register("before-send", self.answer)
        return made

    def reset(self) -> None:
        """Clear every account."""
        self._post(RESET, b"")

    def change_settings(self, **settings: object) -> None:
        """Change settings of the local AWS, by the names of its route."""
        self._post(SETTINGS_ROUTE, json.dumps(settings).encode())

    def calls(self) -> dict[str, int]:
        """Return the number of requests since the last reset, by `service:Operation`."""
        return self.application.respond(CALLS_ROUTE, "GET")

    def reset_calls(self) -> None:
        """Reset the number of requests."""
        self.application.respond(CALLS_ROUTE, "POST")

    def forget_documents(self) -> None:
        """Delete all documents of the Region."""
        backend = _systems_manager()
        backend["_documents"].clear()
        backend["_resource_tags"].clear()

    def snapshot(self) -> Snapshot:
        """Return the current documents, tags and managed policies."""
        documents, policies = _systems_manager(), _managed_policies()
        return *copy.deepcopy((documents["_documents"], documents["_resource_tags"])), dict(policies)

    def restore(self, snapshot: Snapshot) -> None:
        """Restore everything in the snapshot."""
        documents, policies = _systems_manager(), _managed_policies()
        documents["_documents"], documents["_resource_tags"] = copy.deepcopy(snapshot[:2])
        policies.clear()
        policies.update(snapshot[2])

    def answer(self, request: Any, **_: object) -> AWSResponse:
        """Return the response to a prepared request of botocore; a handler of its `before-send`."""
        url = urlsplit(str(request.url))
        headers = {name: _text(value) for name, value in request.headers.items()}
        status, answered, body = self._call(request.method, url.path, url.query, headers, request.body)
        raw: Any = _Raw(body)
        make: Any = AWSResponse
        return make(request.url, status, answered, raw)

    def _post(self, path: str, body: bytes) -> None:
        status, _, content = self._call("POST", path, "", {"Content-Type": "application/json"}, body)
        if status >= 400:
            raise ValueError(content.decode())

    def _call(
        self, method: str, path: str, query: str, headers: dict[str, str], body: Any
    ) -> tuple[int, dict[str, str], bytes]:
        builder = EnvironBuilder(
            path=path,
            query_string=query,
            base_url=self.endpoint_url,
            method=method,
            headers=[*headers.items()],
            data=body,
        )
        parts, status, answered = run_wsgi_app(self.application, builder.get_environ())
        return int(status.split()[0]), dict(answered), b"".join(parts)


class _Raw(io.BytesIO):
    """A body with the interface of urllib3."""

    def stream(self, **_: object) -> Iterator[bytes]:
        """Yield the rest in one piece."""
        rest = self.read()
        if rest:
            yield rest


@contextmanager
def local_aws() -> Generator[LocalAws]:
    """Yield a local AWS in this process, and stop it afterwards."""
    aws = LocalAws()
    with serving(aws.application) as aws.endpoint_url:
        yield aws


def _systems_manager() -> dict[str, Any]:
    from moto.ssm.models import ssm_backends  # noqa: PLC0415 -- settings of moto are read when it loads

    return vars(ssm_backends[ACCOUNT_ID][REGION])


def _managed_policies() -> dict[str, Any]:
    from moto.iam.models import iam_backends  # noqa: PLC0415

    return iam_backends[ACCOUNT_ID]["aws"].managed_policies


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
