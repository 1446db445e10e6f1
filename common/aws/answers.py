"""Responses of AWS that are validated before use, and bounded listings.

botocore is lenient: it reads an HTML page of a proxy, an empty body or an error with status 200 as an empty response,
and follows page tokens without limit. An empty response would then mean "nothing exists". Here, each body is validated
against the shape of its operation, and a mismatch is a `MalformedAnswerError`. What AWS may add at any time (members,
values of enumerations) or omit (empty lists in XML) is accepted.
"""

from __future__ import annotations

import json
import re
import time
from datetime import MAXYEAR, MINYEAR, datetime
from functools import partial
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import unquote

from botocore import paginate, parsers

from common.aws.failures import (
    MALFORMED_ERROR,
    NOT_DONE,
    SERVICE,
    THROTTLED,
    IncompleteListingError,
    MalformedAnswerError,
    MissingMemberError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    _PageIterator = paginate.PageIterator[Any]
else:
    _PageIterator = paginate.PageIterator

MAX_PAGES: Final = 2_000
MAX_SECONDS: Final = 300.0
"""Limits of one listing: 100,000 nodes at 50 per page, 200,000 principals at 100."""

BREAK_SECONDS: Final = 60.0
"""Seconds without calls after a client was throttled at each of its attempts."""

THROTTLED_SERVICES: Final = 2
"""Number of throttled services of a Region after which the others are not called either."""

_FIRST_ERROR: Final = 301
"""HTTP status from which on botocore parses an error."""

_READING: Final = ("BatchGet", "Describe", "Get", "List", "Lookup", "Search", "Simulate")
"""Prefixes of the operations whose responses always have content, except in S3."""

_MAY_BE_EMPTY: Final = frozenset({"GetAdministratorAccount", "GetDelegatedAdminAccount"})
"""Operations of GuardDuty, Security Hub and Inspector whose only member is absent for an account without an administrator."""

_ERROR_ROOTS: Final = frozenset({"body", "error", "errorresponse", "html", "response"})
"""Root elements, in lower case, of pages and errors; a success has none of them."""

_JSON_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "character": (str,),
    "blob": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    # NaN and the infinities are strings.
    "float": (int, float, str),
    "double": (int, float, str),
    "timestamp": (int, float, str),
}
_POLICY: Final = "policyDocumentType"
"""Shape of policies in responses of IAM, which botocore decodes."""

_KEY_POLICY: Final = "GetKeyPolicy"
"""Operation of AWS KMS whose response has a policy as text."""

_PROTOCOL_NUMBER: Final = re.compile(r"-1|[0-9]{1,3}")
_PROTOCOL_NAMES: Final = frozenset({"esp", "icmp", "icmpv6", "tcp", "udp"})


def _is_network(text: str) -> bool:
    """Return whether a text is empty, which EC2 uses for an absent value, or a network."""
    try:
        return not text or bool(ip_network(text))
    except ValueError:
        return False


_EC2_FORMATS: Final[Mapping[str, Callable[[str], bool]]] = {
    **dict.fromkeys(("cidrBlock", "ipv6CidrBlock", "cidrIp", "cidrIpv4", "cidrIpv6"), _is_network),
    **dict.fromkeys(("destinationCidrBlock", "destinationIpv6CidrBlock"), _is_network),
    **dict.fromkeys(("ipv6Address", "privateIp", "privateIpAddress", "publicIp"), _is_network),
    "cidr": lambda text: bool(text) and _is_network(text),
    # Of security groups, and of network ACLs.
    "ipProtocol": lambda text: text in _PROTOCOL_NAMES or bool(_PROTOCOL_NUMBER.fullmatch(text)),
    "protocol": lambda text: bool(_PROTOCOL_NUMBER.fullmatch(text)),
}
"""Formats of texts in responses of EC2, whose model has none, by the name of the element."""

_IN_HEADERS: Final = ("header", "headers", "statusCode")


class Answer(dict[str, Any]):
    """A structure of a response; a missing member raises a `MissingMemberError`, with the structure's name."""

    __slots__ = ("_origin",)

    def __init__(self, content: Mapping[str, Any], origin: str) -> None:
        """Initialize the structure.

        Args:
            content: Members of the structure.
            origin: Operation and shape, for the error.
        """
        super().__init__(content)
        self._origin = origin

    def __missing__(self, member: str) -> Any:
        """Raise the error."""
        raise MissingMemberError(operation=self._origin, found=f"no {member}")

    def __or__(self, other: Mapping[str, Any]) -> Answer:  # type: ignore[override]
        """Return a copy with further members."""
        return type(self)({**self, **other}, self._origin)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle as the same class."""
        return type(self), (dict(self), self._origin)


class _CheckedParser(parsers.ResponseParser):
    """Validates the results of a botocore parser; a new one is created for each response."""

    _operation = "the call"

    def parse(self, response: Mapping[str, Any], shape: Any) -> Any:
        """Parse a response.

        Raises:
            MalformedAnswerError: It is not a response of AWS for this operation.
        """
        self._operation = response.get("context", {}).get("operation_name") or self._operation
        if response["status_code"] >= _FIRST_ERROR:
            return self._parse_error(response, shape)
        if not isinstance(response["body"], bytes):
            return super().parse(response, shape)  # a stream, which the caller reads
        body = response["body"].strip()
        if not body and self._needs_body(shape):
            raise self._malformed("an empty body")
        if body and not self._is_text(shape):
            self._check_body(body, shape)
        parsed = self._checked(
            lambda: super(_CheckedParser, self).parse(response, shape), "a body that is not as described"
        )
        if self._needs_content(shape) and not parsed.keys() - {"ResponseMetadata"}:
            raise self._malformed(f"none of {', '.join([*shape.members][:3])}")
        return self._answer(parsed, self._operation)

    def _parse_error(self, response: Mapping[str, Any], shape: Any) -> Any:
        """Parse an error; a proxy's page becomes one with the HTTP status, so that botocore retries where it should."""
        try:
            parsed = super().parse(response, shape)
        except Exception:  # noqa: BLE001 -- a parser may raise anything on invalid input
            parsed = None
        if shape is not None and shape.metadata.get("exception"):
            return parsed or {}
        if parsed is None or not isinstance(parsed.get("Error"), dict) or not parsed["Error"].get("Code"):
            status = response["status_code"]
            message = f"HTTP {status} with a body that is not an error of AWS"
            error = {"Code": MALFORMED_ERROR, "Message": message}
            headers = {name.lower(): value for name, value in response["headers"].items()}
            return {"Error": error, "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers}}
        return parsed

    def _parse_shape(self, shape: Any, node: Any) -> Any:
        """Validate and parse a value; botocore calls this for every value of a response."""
        is_of_body = shape.serialization.get("location") not in _IN_HEADERS
        if is_of_body and not self._fits(shape, node):
            raise self._malformed(f"no {shape.type_name} in {shape.name}")
        parse: Callable[[Any, Any], Any] = cast("Any", super())._parse_shape  # noqa: SLF001 -- botocore's method
        parsed = self._checked(lambda: parse(shape, node), f"no {shape.type_name} in {shape.name}")
        if isinstance(parsed, datetime):
            return _within_calendar(parsed)
        return self._answer(parsed, f"{self._operation}: {shape.name}")

    @staticmethod
    def _answer(parsed: Any, origin: str) -> Any:
        return Answer(cast("dict[str, Any]", parsed), origin) if type(parsed) is dict else parsed

    def _checked(self, parse: Callable[[], Any], otherwise: str) -> Any:
        try:
            return parse()
        except MalformedAnswerError:
            raise
        except Exception:  # noqa: BLE001 -- as above; its message may contain a secret
            raise self._malformed(otherwise) from None

    def _malformed(self, found: str) -> MalformedAnswerError:
        return MalformedAnswerError(operation=self._operation, found=found)

    def _needs_body(self, shape: Any) -> bool:
        return shape is not None and self._operation.startswith(_READING) and bool(_of_body(shape))

    def _needs_content(self, shape: Any) -> bool:
        return self._needs_body(shape) and self._operation not in _MAY_BE_EMPTY

    @staticmethod
    def _is_text(shape: Any) -> bool:
        """Return whether the body is one value without a structure, such as the policy of a bucket."""
        payload = shape and shape.serialization.get("payload")
        return bool(payload) and shape.members[payload].type_name in ("string", "blob")

    def _check_body(self, body: bytes, shape: Any) -> None:
        raise NotImplementedError

    def _fits(self, shape: Any, node: Any) -> bool:
        raise NotImplementedError


class _CheckedJson(_CheckedParser):
    def _check_body(self, body: bytes, shape: Any) -> None:
        try:
            content = json.loads(body)
        except (ValueError, RecursionError):
            raise self._malformed(_described(body, "JSON")) from None
        declared = {each.serialization.get("name", name) for name, each in _of_body(shape).items()}
        if content is None and not declared:
            return
        if not isinstance(content, dict):
            raise self._malformed("JSON that is not an object")
        if "__type" in content and not declared & content.keys():
            raise self._malformed("an error with the status of a success")

    def _fits(self, shape: Any, node: Any) -> bool:
        expected = _JSON_TYPES.get(shape.type_name, (object,))
        if getattr(shape, "is_document_type", False):
            return True
        if isinstance(node, bool):
            return bool in expected or object in expected
        if self._operation == _KEY_POLICY and isinstance(node, str) and shape.name == "PolicyType":
            return _is_policy(node)
        return isinstance(node, expected) and not (isinstance(node, list) and None in node)

    def _parse_body_as_json(self, body_contents: bytes) -> Any:
        """Parse a body as JSON; botocore would turn an invalid one into a message."""
        return json.loads(body_contents) if body_contents else {}


class _CheckedXml(_CheckedParser):
    _parse_xml_string_to_dom: Callable[[bytes], Any]
    _node_tag: Callable[[Any], str]

    def _check_body(self, body: bytes, shape: Any) -> None:
        try:
            root = self._parse_xml_string_to_dom(body)
        except parsers.ResponseParserError:
            raise self._malformed(_described(body, "XML")) from None
        if not self._is_root(root, shape):
            raise self._malformed(
                "XML of something else, such as an HTML page or an error with the status of a success"
            )

    def _is_root(self, root: Any, shape: Any) -> bool:  # noqa: ARG002 -- S3 uses the shape
        return self._node_tag(root) == f"{self._operation}Response"

    def _fits(self, shape: Any, node: Any) -> bool:
        """Return whether structures and lists have no text, and values no elements."""
        elements = cast("list[Any]", node if isinstance(node, list) else [node])
        if shape.type_name in ("structure", "list", "map"):
            return all(isinstance(each, str) or not (each.text or "").strip() for each in elements)
        if isinstance(node, str):
            return True
        (element,) = elements if len(elements) == 1 else (None,)
        if element is None or len(element):
            return False
        return shape.name != _POLICY or _is_policy(element.text or "")


class _CheckedRestXml(_CheckedXml):
    def _is_root(self, root: Any, shape: Any) -> bool:
        """Return whether the root is the payload by name, or has a member; default settings are an empty element."""
        tag = self._node_tag(root)
        payload = shape and shape.serialization.get("payload")
        if payload:
            member = shape.members[payload]
            return tag in (member.name, member.serialization.get("name"))
        declared = {each.serialization.get("name", name) for name, each in _of_body(shape).items()} | {*_of_body(shape)}
        found = {self._node_tag(each) for each in root}
        return (
            tag[:1].isupper()
            and tag.lower() not in _ERROR_ROOTS
            and (not found or not declared or bool(found & declared))
        )

    def _fits(self, shape: Any, node: Any) -> bool:
        """Accept GetBucketLocation, whose only value is the text of the root."""
        return shape.name == "GetBucketLocationOutput" or super()._fits(shape, node)

    def _needs_content(self, shape: Any) -> bool:  # noqa: ARG002 -- signature of the base class
        """Return False: default settings of a bucket are an empty element."""
        return False


class _Json(_CheckedJson, parsers.JSONParser): ...


class _RestJson(_CheckedJson, parsers.RestJSONParser): ...


class _Query(_CheckedXml, parsers.QueryParser): ...


class _Ec2(_CheckedXml, parsers.EC2QueryParser):
    def _fits(self, shape: Any, node: Any) -> bool:
        """Return whether the text of an element is a network, an address or a protocol too, if its name says so."""
        if not super()._fits(shape, node):
            return False
        if shape.type_name != "string" or isinstance(node, str):
            return True
        (element,) = cast("list[Any]", node if isinstance(node, list) else [node])
        is_valid = _EC2_FORMATS.get(self._node_tag(element))
        return is_valid is None or is_valid((element.text or "").strip())


class _RestXml(_CheckedRestXml, parsers.RestXMLParser): ...


_PARSERS: Final[dict[str, type[_CheckedParser]]] = {
    "json": _Json,
    "rest-json": _RestJson,
    "query": _Query,
    "ec2": _Ec2,
    "rest-xml": _RestXml,
}


class CheckedParsers(parsers.ResponseParserFactory):
    """Factory of a session's parsers; replaces its component `response_parser_factory`."""

    def create_parser(self, protocol_name: str) -> parsers.ResponseParser:
        """Return a parser for one answer.

        Args:
            protocol_name: Protocol of the service, `json`.

        Raises:
            KeyError: No service in use has the protocol.
        """
        defaults = cast("dict[str, Any]", vars(self)["_defaults"])
        return _PARSERS[protocol_name](**defaults)


def _of_body(shape: Any) -> dict[str, Any]:
    """Return the members of an operation's output that are in the body."""
    members: dict[str, Any] = shape.members if shape is not None else {}
    return {name: each for name, each in members.items() if each.serialization.get("location") not in _IN_HEADERS}


def _within_calendar(time: datetime) -> datetime:
    """Return a time that can be converted to each time zone, and to which a day can be added.

    AWS has no time of the first or the last year of the calendar, other than as "never".
    """
    return time.replace(year=min(max(time.year, MINYEAR + 1), MAXYEAR - 1))


def _is_policy(text: str) -> bool:
    """Return whether a text is a JSON object; botocore does not decode other texts."""
    try:
        return isinstance(json.loads(unquote(text)), dict)
    except ValueError:
        return False


def _described(body: bytes, expected: str) -> str:
    """Return the kind of a body, not its content, which may be secret."""
    if body[:200].lower().lstrip().startswith((b"<!doctype html", b"<html")):
        return "an HTML page"
    return f"a body that is not {expected}, or not all of it"


class ListingLimits:
    """Limits of one listing, against which each of its pages is checked."""

    def __init__(self, operation: str) -> None:
        """Start a listing.

        Args:
            operation: Name of the operation, for errors.
        """
        self._operation = operation
        self._started, self._pages, self._tokens = time.monotonic(), 0, set[str]()

    def check(self, token: str) -> None:
        """Check a page that was read.

        Args:
            token: Token of the next page; empty: this is the last one.

        Raises:
            IncompleteListingError: The listing exceeds its limits, or has no end.
        """
        self._pages += 1
        if self._pages > MAX_PAGES:
            raise self.incomplete(f"it has more than {MAX_PAGES:,} pages")
        if time.monotonic() - self._started > MAX_SECONDS:
            raise self.incomplete(f"it takes longer than {MAX_SECONDS:.0f} seconds")
        if token in self._tokens:
            raise self.incomplete("a page has the token of an earlier page")
        self._tokens |= {token} if token else set()

    def incomplete(self, why: str) -> IncompleteListingError:
        """Return the error for a listing that is not read to its end."""
        return IncompleteListingError(operation=self._operation, why=why)


class _Pages(_PageIterator):
    """Pages of one listing: bounded, each with the listed items."""

    _method: Any
    _more_results: Any
    _get_next_token: Callable[[Any], dict[str, Any]]

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the pages.

        Raises:
            IncompleteListingError: The listing exceeds its limits.
            MalformedAnswerError: A page has no list.
        """
        limits, before = ListingLimits(self._operation), None
        read: dict[str, list[Any]] = {}
        pages = iter(super().__iter__())
        while True:
            try:
                page = next(pages, None)
                if page is None:
                    return
                token = self._token(page)
                limits.check(token)
                listed = self._listed(page)
                if token and listed and listed == before:
                    raise limits.incomplete("two pages in a row are the same")
            except NOT_DONE as failed:
                vars(failed)["read_so_far"] = read
                raise
            before = listed or before
            for key in self._keys:
                found = key.search(page)
                if isinstance(found, list):
                    read.setdefault(key.expression, []).extend(cast("list[Any]", found))
            yield page

    @property
    def _client(self) -> Any:
        return self._method.__self__

    @property
    def _operation(self) -> str:
        return str(self._client.meta.method_to_api_mapping[self._method.__name__])

    @property
    def _keys(self) -> list[Any]:
        return list(self.result_keys or ())

    def _listed(self, page: Any) -> list[Any]:
        """Return the listed items of a page; services that use JSON never omit an empty list."""
        key = self._keys[0]
        listed = key.search(page)
        if listed is None and self._client.meta.service_model.resolved_protocol in ("json", "rest-json"):
            raise MalformedAnswerError(operation=self._operation, found=f"no {key.expression}")
        return cast("list[Any]", listed or [])

    def _token(self, page: Any) -> str:
        following = {key: token for key, token in self._get_next_token(page).items() if token}
        if not following and self._more_results is not None and self._more_results.search(page):
            raise MalformedAnswerError(operation=self._operation, found="no token of the next page")
        return json.dumps(following, sort_keys=True) if following else ""


def bound(client: Any, breaks: list[ThrottlingBreak] | None = None) -> None:
    """Bound the listings and the retries of a client. Idempotent.

    Args:
        client: Client of botocore.
        breaks: Breaks of the clients with the same credentials.
    """
    if "get_paginator" in vars(client):
        return
    make = client.get_paginator

    def get_paginator(operation_name: str) -> Any:
        paginator = make(operation_name)
        paginator.PAGE_ITERATOR_CLS = _Pages
        return paginator

    client.get_paginator = get_paginator
    client.meta.events.register("after-call", partial(_note_service, client.meta.service_model.service_name))
    ThrottlingBreak(client, [] if breaks is None else breaks)


def _note_service(service: str, http_response: Any, parsed: Any, **_: object) -> None:
    """Add the service to an error: its exception has the operation only, and a lookup may call several services."""
    if http_response.status_code >= _FIRST_ERROR:
        parsed.setdefault("ResponseMetadata", {})[SERVICE] = service


class ThrottlingBreak:
    """Stops the retries of a throttled client, and the calls of all clients of a Region in which several are throttled.

    A command makes dozens of calls in sequence to a dozen services; with eight attempts each, it would need hours to fail.

    Attributes:
        service: Service of the client.
        region: Region of the client.
        until: End of the break.
        answer: Response of the last attempt before it.
    """

    def __init__(self, client: Any, others: list[ThrottlingBreak]) -> None:
        """Register with a client.

        Args:
            client: Client of botocore.
            others: Breaks of the clients with the same credentials; the new one is added.
        """
        self.service, self.region = client.meta.service_model.service_name, client.meta.region_name
        self._others = others
        self.until = 0.0
        self.answer: tuple[Any, Any] | None = None
        others.append(self)
        client.meta.events.register("after-call", self._note)
        client.meta.events.register("before-call", self._answer_at_once)

    def _note(self, http_response: Any, parsed: Any, **_: object) -> None:
        is_throttled = http_response.status_code >= _FIRST_ERROR and parsed.get("Error", {}).get("Code") in THROTTLED
        if is_throttled and not any(each.answer and each.answer[0] is http_response for each in self._others):
            self.until, self.answer = time.monotonic() + BREAK_SECONDS, (http_response, parsed)

    def _answer_at_once(self, **_: object) -> tuple[Any, Any] | None:
        now = time.monotonic()
        if now < self.until:
            return self.answer
        resting = [each for each in self._others if now < each.until and each.region == self.region]
        if len(resting) < THROTTLED_SERVICES or resting[0].answer is None:
            return None
        http_response, parsed = resting[0].answer
        names = " and ".join(sorted(each.service for each in resting))
        error: dict[str, Any] = parsed["Error"]
        message = f"not called, as {names} throttle every call: {error.get('Message', error['Code'])}"
        return http_response, {"Error": {**error, "Message": message}, "ResponseMetadata": {}}
