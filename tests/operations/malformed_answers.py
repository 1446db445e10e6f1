"""A local AWS in this process whose answers can be spoiled, and the ways to spoil them."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from botocore.awsrequest import AWSResponse

from common.aws import session as aws_session
from tests.support.faults.in_process import LocalAws, _Raw

Spoil = Callable[[bytes, str], bytes]
"""Makes another body of an answer's; also gets the name of the operation."""

PAGE: Final = b"<html><head><title>Sign in</title></head><body><p>Sign in to continue.</p></body></html>"


def _is_json(body: bytes) -> bool:
    return not body.lstrip().startswith(b"<")


def _error(body: bytes, _operation: str) -> bytes:
    if _is_json(body):
        return b'{"__type": "InternalFailure", "message": "an internal error"}'
    return b"<ErrorResponse><Error><Code>InternalFailure</Code><Message>internal</Message></Error></ErrorResponse>"


def denial(body: bytes, operation: str) -> bytes:
    """The body of an access denial, which does not name the action; with an HTTP status of 400 or more."""
    if _is_json(body):
        return b'{"__type": "AccessDeniedException", "message": "not authorized"}'
    error = b"<Error><Code>AccessDenied</Code><Message>not authorized</Message></Error>"
    wrapped = {"Describe": b"<Response><Errors>%b</Errors></Response>"}
    return (
        next(
            (each for start, each in wrapped.items() if operation.startswith(start)),
            b"<ErrorResponse>%b</ErrorResponse>",
        )
        % error
    )


def _nothing(body: bytes, operation: str) -> bytes:
    return b"{}" if _is_json(body) else f"<{operation}Response/>".encode()


def _text(body: bytes, _operation: str) -> bytes:
    """Text in place of every list and object of the answer."""
    if not _is_json(body):
        return re.sub(rb"(<\w+>)(<\w+>.*)(</\w+>)", rb"\1text\3", body, flags=re.DOTALL)
    return json.dumps(dict.fromkeys(json.loads(body), "text")).encode()


GARBAGE: Final[dict[str, Spoil]] = {
    "truncated": lambda body, _: body[: len(body) // 2],
    "page": lambda _body, _: PAGE,
    "doctype": lambda _body, _: b"<!DOCTYPE html>" + PAGE,
    "empty": lambda _body, _: b"",
    "null": lambda body, _: b"null" if _is_json(body) else b"<null/>",
    "array": lambda body, _: b"[]" if _is_json(body) else b"<array><item/></array>",
    "error": _error,
    "text": _text,
    "nothing": _nothing,
    "binary": lambda _body, _: b"\x1f\x8b\x08\x00\xff\xfe",
}
"""Bodies that are no answer of AWS."""


@dataclass
class SpoiledAws:
    """A local AWS.

    Attributes:
        aws: It.
        spoiled: The operation whose answers are spoiled, as `ssm:DescribeDocument`, and how.
        status: The HTTP status of spoiled answers.
        key: The access key of the caller.
        called: The operations that were called, with their last answer.
    """

    aws: LocalAws
    spoiled: tuple[str, Spoil] | None = None
    status: int = 200
    key: str = "local"
    called: dict[str, bytes] = field(default_factory=dict)
    _clients: dict[tuple[str, str | None, str], Any] = field(default_factory=dict)
    _tape: dict[Any, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)

    def get_config_variable(self, _name: str) -> str:
        """As a session of botocore."""
        return "eu-west-1"

    def create_client(self, service: str, *, region_name: str | None, config: Any, **_: object) -> Any:
        """As a session of botocore; each client is made once."""
        key = (service, region_name, self.key)
        if key not in self._clients:
            session = aws_session.new_session()
            session.set_credentials(self.key, "local")
            client = session.create_client(
                service, region_name=region_name, endpoint_url=self.aws.endpoint_url, config=config
            )
            client.meta.events.register("before-send", self.answer)
            self._clients[key] = client
        return self._clients[key]

    def answer(self, request: Any, event_name: str, **_: object) -> AWSResponse:
        """The recorded answer, or that of the local AWS, spoiled where this operation's is to be."""
        _, service, operation = event_name.split(".")
        key = (self.key, service, request.method, request.url, request.body, request.headers.get("X-Amz-Target"))
        if key not in self._tape:
            answer = self.aws.answer(request)
            self._tape[key] = answer.status_code, dict(answer.headers), answer.content
        status, headers, body = self._tape[key]
        name = f"{service}:{operation}"
        if status < 300:
            self.called[name] = body
        if self.spoiled and self.spoiled[0] == name:
            status, body = self.status, self.spoiled[1](body, operation)
        headers = {key: value for key, value in headers.items() if key.lower() != "content-length"}
        make: Any = AWSResponse
        return make(request.url, status, headers, _Raw(body))


def changed(value: Any, change: Callable[[Any], Iterator[Any]]) -> Iterator[Any]:
    """All versions of a value of JSON in which one member, at any depth, is changed."""
    if isinstance(value, dict):
        for key, each in value.items():
            for other in change(each):
                rest = {name: kept for name, kept in value.items() if name != key}
                yield rest if other is MISSING else rest | {key: other}
            for other in changed(each, change):
                yield value | {key: other}
    elif isinstance(value, list) and value:
        for other in changed(value[0], change):
            yield [other, *value[1:]]


MISSING: Final = object()
