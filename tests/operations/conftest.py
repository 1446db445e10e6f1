import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from click.testing import Result
from typer.testing import CliRunner

from common.aws import session as aws_session
from operations.cli import app
from operations.command_line import CommandContext
from operations.inventory import reader
from operations.stack import StackConfiguration, StackState
from tests.operations import arrangement
from tests.support.emulator import Emulator, reset


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls without an answer fail at once; nothing of the machine takes part, see `tests/conftest.py`."""
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setitem(aws_session.RETRIES, "total_max_attempts", 1)


@dataclass
class State:
    """State of the local AWS: as `stack` configures it, so that tests which only read need not arrange it again."""

    right: bool = False


@pytest.fixture(scope="session")
def state() -> State:
    return State()


@pytest.fixture
def reachable(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> arrangement.Account:
    """The local AWS as the last test left it, where everything that is verified looks."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.endpoint_url)
    # Sessions and clients of its own would cost each test more than its calls.
    monkeypatch.setattr(aws_session.AwsClients, "_base_session", lambda _: SharedSession())
    return arrangement.Account(clients(emulator.endpoint_url))


@pytest.fixture
def account(reachable: arrangement.Account, emulator: Emulator, state: State) -> arrangement.Account:
    """The local AWS, empty."""
    state.right = False
    reset(emulator.endpoint_url)
    return reachable


@cache
def shared_session() -> boto3.Session:
    return boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name=arrangement.REGION)


class SharedSession:
    """Makes each client once in all tests."""

    @staticmethod
    def get_config_variable(_name: str) -> str:
        return arrangement.REGION

    @staticmethod
    def create_client(service: str, *, region_name: str, **options: Any) -> Any:
        key = (service, region_name, os.environ["AWS_ENDPOINT_URL"])
        if key not in SHARED:
            SHARED[key] = shared_session().client(service, region_name, **options)
        return SHARED[key]


SHARED: dict[tuple[str, str, str], Any] = {}


class OwnClients(aws_session.AwsClients):
    """Clients that a test may change."""

    def _base_session(self) -> botocore.session.Session:
        session = aws_session.new_session()
        session.set_credentials("local", "local")
        return session


@cache
def clients(endpoint_url: str) -> Callable[..., Any]:
    session = shared_session()

    @cache
    def client(service: str, region: str = arrangement.REGION) -> Any:
        return session.client(service, region, endpoint_url=endpoint_url)

    return client


@pytest.fixture
def stack() -> StackConfiguration:
    """One Region with every feature on."""
    return arrangement.configuration(session_manager=arrangement.SESSION_MANAGER, endpoints=arrangement.ENDPOINTS)


@pytest.fixture
def stack_without_network() -> StackConfiguration:
    """The same without endpoints, which take longest to arrange."""
    return arrangement.configuration(session_manager=arrangement.SESSION_MANAGER)


@pytest.fixture
def right(account: arrangement.Account, stack: StackConfiguration) -> arrangement.Account:
    """An account that is just as `stack` asks, to break."""
    account.arrange(stack)
    return account


@pytest.fixture
def untouched(
    reachable: arrangement.Account, emulator: Emulator, stack: StackConfiguration, state: State
) -> arrangement.Account:
    """An account that is just as `stack` asks, to read only."""
    if not state.right:
        reset(emulator.endpoint_url)
        reachable.arrange(stack)
        state.right = True
    return reachable


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch) -> arrangement.Fail:
    """Makes a call fail: `fail("kms", "DescribeKey", error)`."""
    errors: dict[tuple[str, str], Exception] = {}

    class Failing(OwnClients):
        def client(self, service: str, region: str) -> Any:
            client = super().client(service, region)
            for (name, operation), error in errors.items():
                if name == service:

                    def answer(error: Exception = error, **_: Any) -> None:
                        raise error

                    client.meta.events.register(f"before-call.{service}.{operation}", answer)
            return client

    monkeypatch.setattr(reader, "AwsClients", Failing)

    def register(service: str, operation: str, error: Exception) -> None:
        errors[service, operation] = error

    return register


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> arrangement.Calls:
    """The calls that a test makes through the stack's clients."""
    calls: arrangement.Calls = {}

    class Recording(OwnClients):
        def client(self, service: str, region: str) -> Any:
            client = super().client(service, region)

            def record(model: Any, params: dict[str, Any], **_: Any) -> None:
                calls[service, model.name] = {"region": region, "headers": params["headers"]}

            client.meta.events.register(f"before-call.{service}", record)
            return client

    monkeypatch.setattr(reader, "AwsClients", Recording)
    return calls


@pytest.fixture
def pauses() -> list[float]:
    """Pauses of commands in seconds, which tests do not wait for."""
    return []


@pytest.fixture
def command(pauses: list[float]) -> arrangement.Command:
    """Runs the command line as on a terminal of 100 columns that shows no colors."""

    def run_command(*arguments: str, stack: StackConfiguration | Exception) -> Result:
        def read_stack(_directory: Path, _name: str | None) -> StackConfiguration:
            if isinstance(stack, Exception):
                raise stack
            return stack

        # Another stack than the one in the tags of what tests arrange, so that nothing is an orphan.
        state = StackState(stack="shell-access/empty", resources=())
        context = CommandContext(read_stack=read_stack, read_state=lambda _directory, _name: state, pause=pauses.append)
        return CliRunner().invoke(app, list(arguments), obj=context, env={"COLUMNS": "100", "TERM": "dumb"})

    return run_command
