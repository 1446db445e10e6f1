"""Drives the stand-in as the engine does, over gRPC, against the local AWS."""

import inspect
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from pulumi.runtime.proto import provider_pb2 as protocol
from pulumi.runtime.proto import provider_pb2_grpc

from local.aws_provider import server, wire
from local.aws_provider.aws import ProviderSession
from local.aws_provider.failure import AwsError
from tests.support.emulator import Emulator, reset
from tools import contract

region = "eu-west-1"
account = "123456789012"
policy = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}'


other_plugin = os.environ.get(contract.PLUGIN)
"""The plugin that takes the stand-in's place (`make contract`)."""
answers = os.environ.get(contract.ANSWERS)
"""Where to note what it answers."""


def note(line: Mapping[str, Any]) -> None:
    """Adds a line to the answers of this process."""
    if answers:
        with Path(answers, f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


@dataclass
class Recorded:
    """State of a resource, as the engine keeps it."""

    id: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    """As they came: secrets are still wrapped."""

    def __getitem__(self, name: str) -> Any:
        return wire.plain(self.outputs)[name]


class Refused(Exception):  # noqa: N818 - reads better where it is expected
    """Check failures, as the engine lists them."""


@dataclass
class Driver:
    """One provider resource, and the engine's side of the protocol."""

    stub: Any
    state: dict[tuple[str, str], Recorded] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)

    def configure(self, **config: Any) -> None:
        self.config = {"region": region, **config}
        news = wire.write(self.config)
        checked = self.stub.CheckConfig(protocol.CheckRequest(news=news))
        _refuse(checked.failures)
        self.stub.Configure(protocol.ConfigureRequest(args=checked.inputs, acceptSecrets=True))

    @staticmethod
    def urn(token: str, name: str) -> str:
        return f"urn:pulumi:dev::test::{token}::{name}"

    def check(self, token: str, name: str, inputs: dict[str, Any], **extra: Any) -> dict[str, Any]:
        old = self.state.get((token, name))
        request = protocol.CheckRequest(
            urn=self.urn(token, name),
            olds=wire.write(old.inputs if old else {}),
            news=wire.write(inputs),
            randomSeed=extra.pop("seed", b"seed"),
            **extra,
        )
        answer = self._ask("check", token, request, sorted(inputs))
        _refuse(answer.failures)
        return wire.read(answer.inputs)

    def _ask(self, step: str, token: str, request: Any, changed: list[str]) -> Any:
        """Checks or diffs, and notes what comes of it."""
        kept = {"step": step, "type": token, "request": MessageToDict(request), "config": self.config}
        try:
            answer = getattr(self.stub, step.capitalize())(request)
        except grpc.RpcError:
            note({**kept, "changed": changed, "outcome": contract.REFUSED})
            raise
        note({**kept, "changed": changed, "outcome": contract.outcome_of(step, answer)})
        return answer

    def diff(self, token: str, name: str, inputs: dict[str, Any], ignore: list[str] | None = None) -> Any:
        checked = self.check(token, name, inputs)
        return self._diff(token, name, checked, ignore or [])

    def _diff(self, token: str, name: str, checked: dict[str, Any], ignore: list[str]) -> Any:
        old = self.state[token, name]
        request = protocol.DiffRequest(
            id=old.id,
            urn=self.urn(token, name),
            olds=wire.write(old.outputs),
            old_inputs=wire.write(old.inputs),
            news=wire.write(checked),
            ignoreChanges=ignore,
        )
        keys = {*checked, *old.inputs} - {"__defaults"}
        changed = sorted(key for key in keys if checked.get(key) != old.inputs.get(key))
        return self._ask("diff", token, request, changed)

    def preview(self, token: str, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
        """Outputs that a preview shows, of a creation or of an update."""
        checked = self.check(token, name, inputs)
        urn = self.urn(token, name)
        old = self.state.get((token, name))
        if old is None:
            request = protocol.CreateRequest(urn=urn, properties=wire.write(checked), preview=True)
            return wire.read(self.stub.Create(request).properties)
        request = protocol.UpdateRequest(
            id=old.id, urn=urn, olds=wire.write(old.outputs), news=wire.write(checked), preview=True
        )
        return wire.read(self.stub.Update(request).properties)

    def up(self, token: str, name: str, inputs: dict[str, Any]) -> Recorded:
        """Creates, updates in place or replaces, as the engine decides."""
        checked = self.check(token, name, inputs)
        if (token, name) not in self.state:
            return self._create(token, name, checked)
        answer = self._diff(token, name, checked, [])
        if not answer.replaces:
            return self._update(token, name, checked) if answer.diffs else self.state[token, name]
        if answer.deleteBeforeReplace:
            self.destroy(token, name)
            return self._create(token, name, self.check(token, name, inputs))
        old = self.state.pop((token, name))
        made = self._create(token, name, self.check(token, name, inputs, seed=b"another"))
        self._delete(token, name, old)
        return made

    def _create(self, token: str, name: str, checked: dict[str, Any]) -> Recorded:
        request = protocol.CreateRequest(urn=self.urn(token, name), properties=wire.write(checked))
        answer = self.stub.Create(request)
        self.state[token, name] = Recorded(answer.id, checked, wire.read(answer.properties))
        return self.state[token, name]

    def _update(self, token: str, name: str, checked: dict[str, Any]) -> Recorded:
        old = self.state[token, name]
        answer = self.stub.Update(
            protocol.UpdateRequest(
                id=old.id,
                urn=self.urn(token, name),
                olds=wire.write(old.outputs),
                old_inputs=wire.write(old.inputs),
                news=wire.write(checked),
            )
        )
        self.state[token, name] = Recorded(old.id, checked, wire.read(answer.properties))
        return self.state[token, name]

    def refresh(self, token: str, name: str) -> Recorded | None:
        """Reads a known resource again; None when it is gone."""
        old = self.state[token, name]
        answer = self.stub.Read(
            protocol.ReadRequest(
                id=old.id,
                urn=self.urn(token, name),
                properties=wire.write(old.outputs),
                inputs=wire.write(old.inputs),
            )
        )
        if not answer.id:
            return None
        self.state[token, name] = Recorded(answer.id, wire.read(answer.inputs), wire.read(answer.properties))
        return self.state[token, name]

    def take_over(self, token: str, name: str, import_id: str) -> Recorded | None:
        """`pulumi import`: reads by id alone."""
        answer = self.stub.Read(protocol.ReadRequest(id=import_id, urn=self.urn(token, name)))
        if not answer.id:
            return None
        self.state[token, name] = Recorded(answer.id, wire.read(answer.inputs), wire.read(answer.properties))
        return self.state[token, name]

    def destroy(self, token: str, name: str) -> None:
        self._delete(token, name, self.state.pop((token, name)))

    def _delete(self, token: str, name: str, old: Recorded) -> None:
        self.stub.Delete(
            protocol.DeleteRequest(id=old.id, urn=self.urn(token, name), properties=wire.write(old.outputs))
        )

    def invoke(self, token: str, **arguments: Any) -> dict[str, Any]:
        answer = self.stub.Invoke(protocol.InvokeRequest(tok=token, args=wire.write(arguments)))
        _refuse(answer.failures)
        return wire.plain(wire.read(getattr(answer, "return")))

    def unchanged(self, token: str, name: str, inputs: dict[str, Any]) -> bool:
        """Return whether neither the same program nor a refresh has changes."""
        before = list(self.diff(token, name, inputs).diffs)
        self.refresh(token, name)
        return not before and not list(self.diff(token, name, inputs).diffs)


def _refuse(failures: Any) -> None:
    if failures:
        raise Refused("\n".join(f"{failure.property}: {failure.reason}" for failure in failures))


@pytest.fixture(scope="session")
def aws_address(emulator: Emulator) -> str:
    """The local AWS of this test process."""
    return emulator.endpoint_url


@pytest.fixture
def aws(aws_address: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An empty AWS: makes clients, for looking and for meddling."""
    reset(aws_address)
    _use(monkeypatch, aws_address)
    return lambda service, where=region: _client(aws_address, service, where)


def _use(monkeypatch: pytest.MonkeyPatch, aws_address: str) -> None:
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws_address)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


_clients: dict[tuple[str, str, str], Any] = {}


def _client(address: str, service: str, where: str) -> Any:
    key = (address, service, where)
    if key not in _clients:
        _clients[key] = boto3.client(
            service,
            region_name=where,
            endpoint_url=address,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
    return _clients[key]


@pytest.fixture
def fresh(aws: Any, aws_address: str) -> Any:
    """A provider that is not configured yet."""
    assert aws  # it must be empty and in place first
    if other_plugin:
        with contract.running_plugin(Path(other_plugin), {"HTTP_PROXY": aws_address}) as running:
            yield Driver(running.stub)
        return
    with running_stand_in() as driver:
        yield driver


@contextmanager
def running_stand_in() -> Iterator[Driver]:
    running, port = server.start(threading.Event())
    channel = grpc.insecure_channel(f"127.0.0.1:{port}")
    yield Driver(provider_pb2_grpc.ResourceProviderStub(channel))
    channel.close()
    running.stop(None)


@pytest.fixture(scope="session")
def configured(aws_address: str) -> Iterator[Any]:
    """One provider for all tests with the default settings, as starting it takes longer than most of them."""
    environment = {
        "AWS_ENDPOINT_URL": aws_address,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "HTTP_PROXY": aws_address,
    }
    with contract.running_plugin(Path(other_plugin), environment) if other_plugin else running_stand_in() as running:
        with pytest.MonkeyPatch.context() as patch:
            _use(patch, aws_address)
            Driver(running.stub).configure()
        yield running.stub


@pytest.fixture
def checker(configured: Any) -> Driver:
    """A provider for eu-west-1 with the default settings, for tests that only check inputs, whatever AWS has."""
    return Driver(configured, config={"region": region})


@pytest.fixture
def provider(aws: Any, checker: Driver) -> Driver:
    """The same with an empty AWS."""
    assert aws
    return checker


def refusals(token: str, inputs: Mapping[str, Any], *rows: tuple[dict[str, Any], str]) -> Callable[..., None]:
    """Return a test that each change of a type's inputs is refused with its reason: `test_rule_refuses = refusals(...)`."""

    @pytest.mark.parametrize(("change", "reason"), rows)
    def refused(checker: Driver, change: dict[str, Any], reason: str) -> None:
        with pytest.raises(Exception, match=reason):
            checker.check(token, "x", {**inputs, **change})

    return refused


def lifecycle(  # noqa: PLR0913 -- one argument per test
    token: str,
    inputs: Mapping[str, Any] | str,
    *,
    delete: Callable[[Any, Recorded], object] | None = None,
    imported_by: str = "",
    replacing: tuple[dict[str, Any], ...] = (),
    delete_first: bool = True,
    exists: str = "",
) -> type:
    """Return the tests that every type has: `TestTrail = lifecycle(...)`.

    Args:
        token: Type.
        inputs: Inputs of a resource, or the name of a fixture that returns them.
        delete: Function that deletes the resource, by a client of AWS.
        imported_by: Template of the ID for an import, of `id` and outputs.
        replacing: Changes of inputs that replace the resource.
        delete_first: Whether the old resource is deleted before its replacement is created.
        exists: Error where a second resource with the same inputs is created.
    """

    class Lifecycle:
        @pytest.fixture
        def inputs(self, request: pytest.FixtureRequest) -> Mapping[str, Any]:
            return request.getfixturevalue(inputs) if isinstance(inputs, str) else inputs

        if delete is not None:

            def test_deletion_is_read(self, provider: Driver, aws: Any, inputs: dict[str, Any]) -> None:
                delete(aws, provider.up(token, "x", inputs))
                assert provider.refresh(token, "x") is None
                provider.destroy(token, "x")

        if imported_by:

            def test_import_has_no_difference(self, provider: Driver, inputs: dict[str, Any]) -> None:
                made = provider.up(token, "x", inputs)
                import_id = imported_by.format_map({**wire.plain(made.outputs), "id": made.id})
                taken = provider.take_over(token, "y", import_id)
                assert taken is not None
                assert taken.id == made.id
                assert not provider.diff(token, "y", inputs).diffs

        if replacing:

            @pytest.mark.parametrize("change", replacing, ids=lambda change: next(iter(change)))
            def test_change_replaces(self, provider: Driver, inputs: dict[str, Any], change: dict[str, Any]) -> None:
                provider.up(token, "x", inputs)
                answer = provider.diff(token, "x", {**inputs, **change})
                assert (list(answer.replaces), answer.deleteBeforeReplace) == (list(change), delete_first)

        if exists:

            def test_existing_one_is_an_error(self, provider: Driver, inputs: dict[str, Any]) -> None:
                provider.up(token, "x", inputs)
                with pytest.raises(Exception, match=exists):
                    provider.up(token, "other", inputs)

    return Lifecycle


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Function]) -> None:
    """With another plugin, only the tests that reach it over the protocol alone are of use."""
    if not other_plugin:
        return
    selected = [item for item in items if _is_of_the_protocol(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in selected])
    items[:] = selected


def _is_of_the_protocol(item: pytest.Function) -> bool:
    names = set(inspect.signature(item.obj).parameters)
    return bool({"checker", "fresh", "provider"} & set(item.fixturenames)) and not {"refusing", "monkeypatch"} & names


@pytest.fixture(autouse=True)
def _refusal_in_any_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another plugin refuses in its own words."""
    if other_plugin:
        raises: Callable[..., Any] = pytest.raises

        def whatever_is_said(expected: Any, **_words: Any) -> Any:
            return raises(expected)

        monkeypatch.setattr(pytest, "raises", whatever_is_said)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Notes which fact holds."""
    if report.when == "call":
        note({"test": report.nodeid, "outcome": report.outcome})


@pytest.fixture
def refusing() -> Callable[[str], Callable[..., Any]]:
    """Makes a `Session.request` that refuses one operation and passes the others on."""
    request = ProviderSession.request

    def make(refused: str) -> Callable[..., Any]:
        def call(self: ProviderSession, service: str, where: str, operation: str, **arguments: Any) -> Any:
            if operation == refused:
                raise AwsError(f"{service}:{operation}", "Refused", "by the\ntest")
            return request(self, service, where, operation, **arguments)

        return call

    return make
