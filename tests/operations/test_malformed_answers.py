"""Commands whose answers are spoiled, one operation at a time: each fails in words, and none takes garbage for "nothing"."""

import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from xml.etree import ElementTree as ET

import boto3
import pytest
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from click.testing import Result
from typer.testing import CliRunner

from common.aws import session as aws_session
from common.aws.failures import action_of
from components.just_in_time.documents import policy_documents
from components.just_in_time.names import TOKEN_ROLE
from components.just_in_time.settings import JustInTimeSettings
from operations.cli import app
from operations.command_line import CommandContext
from tests.components.approval.workflow import Workflow, only
from tests.components.just_in_time.examples import approval, manual
from tests.operations.arrangement import named
from tests.operations.doctor.world import STACK, build
from tests.support.faults.in_process import LocalAws, _Raw, local_aws

Run = Callable[[tuple[str, ...]], Result]


pytestmark = pytest.mark.local_aws

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
    if operation.startswith("Describe"):
        return b"<Response><Errors>%b</Errors></Response>" % error
    return b"<ErrorResponse>%b</ErrorResponse>" % error


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


READING = [
    ("verify",),
    ("nodes",),
    ("nodes", "--json"),
    ("doctor", "app-1"),
    ("connect", "app-1", "--print"),
    ("audit",),
]
PLACE = ("--mode", "automation", "--region", "eu-west-1")
APPROVAL = [
    ("status", *PLACE),
    ("status", "RUN", *PLACE),
    ("approve", *PLACE),
    ("approve", "RUN", "--yes", *PLACE),
    ("revoke", "RUN", "--yes", *PLACE),
    ("request", "app-1", "--reason", "Disk is full", "--again", *PLACE),
]
JUST_IN_TIME = ("--mode", "just-in-time", "--region", "eu-west-1")
ACCESS = [("status", *JUST_IN_TIME), ("approve", *JUST_IN_TIME)]
ODD = [None, "gar bage", [], {}, 7, True, "", [None], -1, 1e300, MISSING]
SAMPLE = 97
NOT_XML = ("truncated", "binary")
"""Garbage of which botocore makes an HTTP 500 of S3, so that it is tried again: a failed call, which may make no difference."""


def _client(aws: Any) -> Callable[..., Any]:
    def client(service: str, region: str = "eu-west-1", account: str = "local") -> Any:
        session = boto3.Session(account, "local", region_name=region)
        made = session.client(service, endpoint_url=aws.endpoint_url)
        made.meta.events.register("before-send", aws.answer)
        return made

    return client


@pytest.fixture(scope="module")
def account() -> Iterator[tuple[SpoiledAws, str]]:
    """An account with a node that is ready, and no run."""
    with local_aws() as aws:
        aws.reset()
        build(_client(aws))
        yield _recorded(SpoiledAws(aws), READING), ""


@pytest.fixture(scope="module")
def workflow() -> Iterator[tuple[SpoiledAws, str]]:
    """An account with an approval workflow, and the run of a request that waits."""
    with local_aws() as aws:
        aws.reset()
        client = _client(aws)
        people = Workflow(client, aws.endpoint_url)
        node = people.instance()
        client("ec2").create_tags(Resources=[node], Tags=named("instance", "app-1")[0]["Tags"])
        run = people.ask(node)
        people.until(run, lambda found: found["AutomationExecutionStatus"] in ("Waiting", "PendingApproval"))
        _request_access(people, node)
        commands = [tuple(run if each == "RUN" else each for each in arguments) for arguments in [*APPROVAL, *ACCESS]]
        yield _recorded(SpoiledAws(aws), commands), run


def _request_access(people: Workflow, node: str) -> None:
    """Make an access request of just-in-time node access that waits for its approvers."""
    people.role(TOKEN_ROLE, only("other"))
    allowed = {"Effect": "Allow", "Action": "ssm:StartAccessRequest", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    people.iam.put_role_policy(RoleName="Operator", PolicyName="Request", PolicyDocument=policy)
    settings = JustInTimeSettings.model_validate(approval([manual(targets={"Name": ["app-1"]})], [])["justInTime"])
    for each in policy_documents(settings):
        people.ssm.create_document(Name=each.name, DocumentType=each.type, Content=json.dumps(each.content))
    targets = [{"Key": "InstanceIds", "Values": [node]}]
    people.as_role("Operator", "olivia").start_access_request(Reason="Disk is full", Targets=targets)


def _recorded(aws: SpoiledAws, commands: list[tuple[str, ...]]) -> SpoiledAws:
    """All local AWSs of a process have the same accounts, so every answer is recorded at once."""
    with pytest.MonkeyPatch.context() as patched:
        for arguments in commands:
            _arranged(aws, arguments, patched)
    return aws


def _run(arguments: tuple[str, ...]) -> Result:
    looks = itertools.count()

    def pause(_seconds: float) -> None:
        if next(looks) > 2:
            raise KeyboardInterrupt

    context = CommandContext(read_stack=lambda *_: STACK, pause=pause)
    return CliRunner().invoke(app, list(arguments), obj=context, env={"COLUMNS": "200", "TERM": "dumb"})


def _failures(aws: SpoiledAws, arguments: tuple[str, ...], spoils: list[tuple[str, str, Spoil]]) -> list[str]:
    """Where a command did not fail in words."""
    found: list[str] = []
    for operation, name, spoil in spoils:
        if spoil(aws.called[operation], operation.partition(":")[2]) == aws.called[operation]:
            continue
        aws.spoiled = (operation, spoil)
        result = _run(arguments)
        aws.spoiled = None
        where = f"{' '.join(arguments)}, {operation} {name}: exit code {result.exit_code}: {result.output[-300:]}"
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            where = f"{where} {result.exception!r}"
            found.append(where)
        elif not result.exit_code or "Traceback" in result.output or "0 nodes" in result.output:
            found.append(where)
    return found


def _spoils(aws: SpoiledAws, *, every: bool) -> list[tuple[str, str, Spoil]]:
    """Each operation with one kind of garbage, all kinds in turn; or with each of them."""
    pairs = [
        (operation, name, spoil)
        for number, operation in enumerate(each for each in sorted(aws.called) if not each.startswith("s3:Head"))
        for place, (name, spoil) in enumerate(GARBAGE.items())
        if (every or place == number % len(GARBAGE)) and not (operation.startswith("s3:") and name in NOT_XML)
    ]
    assert pairs
    return pairs


def _arranged(aws: SpoiledAws, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls of the command are known, and it does not fail by itself."""
    monkeypatch.setattr(aws_session.AwsClients, "_base_session", lambda _: aws)
    aws.called.clear()
    result = _run(arguments)
    assert isinstance(result.exception, SystemExit | None), result.output


@pytest.fixture
def arranged(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[SpoiledAws, tuple[str, ...]]:
    """The account of a command, and its arguments with the run of the request."""
    fixture, command = request.param
    aws, run = request.getfixturevalue(fixture)
    arguments = tuple(run if each == "RUN" else each for each in command)
    _arranged(aws, arguments, monkeypatch)
    return aws, arguments


def _about(*groups: tuple[str, list[tuple[str, ...]]]) -> pytest.MarkDecorator:
    """Try the commands of each group in the account of its fixture."""
    pairs = [(fixture, each) for fixture, commands in groups for each in commands]
    return pytest.mark.parametrize("arranged", pairs, indirect=True, ids=lambda each: " ".join(each[1][:2]))


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.exhaustive)])
@_about(("account", READING), ("workflow", APPROVAL))
def test_garbage_fails(arranged: tuple[SpoiledAws, tuple[str, ...]], *, every: bool) -> None:
    assert _failures(*arranged, _spoils(arranged[0], every=every)) == []


BESIDE = {
    "ec2:DescribeInstances": {"status", "approve", "revoke"},
    "iam:ListEntitiesForPolicy": {"request"},
    "organizations:DescribeOrganization": {"audit"},
    "ssm:DescribeDocument": {"request"},
    "ssm:DescribeInstanceInformation": {"connect", "request"},
}
"""Calls without which commands succeed: names, limits that are shown, and what the runbook checks again."""


def _silent_denials(aws: SpoiledAws, arguments: tuple[str, ...]) -> list[str]:
    """Where a command succeeds although a call is denied, or does not name the permission.

    An access request is listed with what its requester may not read.
    """
    is_listed = "just-in-time" in arguments
    found: list[str] = []
    aws.status = 403
    for operation in sorted(aws.called):
        aws.spoiled = (operation, denial)
        result = _run(arguments)
        action = action_of(*xform_name(operation.replace(":", "-", 1)).split("-", 1))
        is_named = re.search(action, re.sub(r"\W*│\W*", " ", result.output), re.IGNORECASE)
        is_reported = is_named and (result.exit_code or is_listed)
        if not is_reported and arguments[0] not in BESIDE.get(operation, set()):
            found.append(f"{operation}: exit code {result.exit_code}: {result.output[-300:]} {result.exception!r}")
    aws.spoiled, aws.status = None, 200
    return found


@_about(("account", [("connect", "app-1", "--print"), ("audit",)]), ("workflow", [*APPROVAL, *ACCESS]))
def test_denied_call_names_the_permission(arranged: tuple[SpoiledAws, tuple[str, ...]]) -> None:
    assert _silent_denials(*arranged) == []


def _variants(body: bytes) -> Iterator[Callable[[], bytes]]:
    """The same answer with one member missing, null or of another kind, each made only when it is called."""
    if body.lstrip().startswith(b"<"):
        root = ET.fromstring(body)
        for parent, place in [(each, place) for each in root.iter() for place in range(len(each))]:
            for text in (None, "gar bage", ""):
                yield partial(_with, root, parent, place, text)
    elif body.strip():
        for each in changed(json.loads(body), lambda _: iter(ODD)):
            yield partial(lambda document: json.dumps(document).encode(), each)


def _with(root: ET.Element, parent: ET.Element, place: int, text: str | None) -> bytes:
    """The whole text with one element replaced by text; without it where there is none."""
    child, other = parent[place], ET.Element(parent[place].tag)
    other.text = text
    parent.remove(child)
    if text is not None:
        parent.insert(place, other)
    written = ET.tostring(root)
    if text is not None:
        parent.remove(other)
    parent.insert(place, child)
    return written


def _stumbles(aws: SpoiledAws, arguments: tuple[str, ...], step: int) -> set[str]:
    """Where a command ends with a traceback over an answer that is odd: it may be a success, or say what is wrong."""
    found: set[str] = set()
    odd = [(operation, make) for operation in sorted(aws.called) for make in _variants(aws.called[operation])]
    step = max(step, len(odd) * step // 4_000)
    for operation, make in odd[::step]:
        body = make()
        aws.spoiled = (operation, partial(lambda spoiled, _body, _operation: spoiled, body))
        result = _run(arguments)
        aws.spoiled = None
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            found.add(f"{operation}: {result.exception!r}: {body[:300]!r}")
    return found


@pytest.mark.parametrize("step", [SAMPLE, pytest.param(5, marks=pytest.mark.exhaustive)])
@_about(("account", [("verify",), ("doctor", "app-1")]), ("workflow", [*APPROVAL[:4], *ACCESS]))
def test_odd_answer_has_no_traceback(arranged: tuple[SpoiledAws, tuple[str, ...]], step: int) -> None:
    assert _stumbles(*arranged, step) == set()


@_about(("account", [("nodes",)]))
def test_nodes_endless_listing_is_incomplete(arranged: tuple[SpoiledAws, tuple[str, ...]]) -> None:
    aws, _ = arranged
    pages = itertools.count()

    def endless(body: bytes, _operation: str) -> bytes:
        number = next(pages)
        listed = json.loads(body)["InstanceInformationList"] if number == 0 else []
        return json.dumps({"InstanceInformationList": listed, "NextToken": str(number % 7)}).encode()

    aws.spoiled = ("ssm:DescribeInstanceInformation", endless)
    shown = _run(("nodes",))
    for_machines = _run(("nodes", "--json"))
    aws.spoiled = None
    assert (shown.exit_code, for_machines.exit_code) == (1, 1)
    assert "Incomplete: at least 1 node: 1 ready" in shown.stdout
    assert "incomplete, 1 read so far" in shown.stdout
    (why,) = json.loads(for_machines.stdout)["cannotTell"]
    assert "the listing is incomplete: a page has the token of an earlier page" in why["cause"]


def test_status_endless_listing_is_incomplete(
    workflow: tuple[SpoiledAws, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    aws, run = workflow
    arguments = ("status", *PLACE)
    _arranged(aws, arguments, monkeypatch)

    def endless(body: bytes, _operation: str) -> bytes:
        return json.dumps(json.loads(body) | {"NextToken": "again"}).encode()

    aws.spoiled = ("ssm:DescribeAutomationExecutions", endless)
    shown, for_machines = _run(arguments), _run((*arguments, "--json"))
    aws.spoiled = None
    assert (shown.exit_code, for_machines.exit_code) == (1, 1)
    assert run[:8] in shown.stdout
    assert "Incomplete: ssm:DescribeAutomationExecutions: " in shown.stdout
    found = json.loads(for_machines.stdout)
    assert [each["run"] for each in found["requests"]] == [run]
    assert "the listing is incomplete" in found["incomplete"][0]
