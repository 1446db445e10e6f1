import itertools
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

import boto3
import pytest

from local.workspace import REPOSITORY, Workspace
from tests.engine.deployer_policies import check_recording, held, scope_of_stacks
from tests.support import recorder
from tests.support.emulator import running_emulator, temporary_workspace
from tests.support.stack import Stack


@pytest.fixture(scope="session")
def local_aws() -> Iterator[Workspace]:
    with temporary_workspace() as workspace:
        yield workspace


@pytest.fixture
def aws_endpoint(local_aws: Workspace) -> Iterator[str]:
    """Address of a new local AWS with the fixtures in it, which takes a third of the time to reset one and create them."""
    with running_emulator(workspace=local_aws) as running:
        yield running.endpoint_url


@pytest.fixture
def aws(aws_endpoint: str) -> Callable[..., object]:
    """Clients of a new local AWS with the fixtures in it: `aws("ssm", "us-east-1")`."""
    return partial(_client, aws_endpoint)


@cache
def _client(endpoint: str, service: str, region: str = "eu-west-1") -> object:
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )


@pytest.fixture
def new_stack(
    aws_endpoint: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Iterator[Callable[..., Stack]]:
    """Makes stacks, and holds what their engines do to the deployer's policies; other programs are not held to them."""
    numbers = itertools.count()
    made: list[Stack] = []
    recorder.begin(aws_endpoint)

    def make(name: str = "test", program: Path | None = None, *, warm: bool = True, endpoint: str = "") -> Stack:
        folder = tmp_path / f"stack-{next(numbers)}"
        folder.mkdir()
        stack = Stack(folder, endpoint or aws_endpoint, name, program or REPOSITORY, warm=warm)
        made.append(stack)
        return stack

    yield make
    assert [each for stack in made for each in stack.left_running()] == []
    held_to = [stack for stack in made if not stack.is_foreign]
    questions = recorder.recorded(aws_endpoint)
    recorder.end(aws_endpoint)
    scope = scope_of_stacks(held_to)
    if scope:
        assert held(scope).refusals(questions) == []
        check_recording(request.node.nodeid.rsplit("/", 1)[-1], questions)


@pytest.fixture
def stack(new_stack: Callable[..., Stack]) -> Stack:
    return new_stack()
