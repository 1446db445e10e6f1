from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from tests.simulator.simulator import Simulator, running_simulator
from tests.support.emulator import reset, running_emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    with running_emulator() as emulator:
        yield emulator.endpoint_url


@pytest.fixture(scope="session")
def simulator(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with running_simulator(endpoint, tmp_path_factory.mktemp("simulator")) as running:
        yield running


@pytest.fixture(scope="session")
def clients(endpoint: str) -> Callable[..., Any]:
    @cache
    def make(service: str, region: str = "eu-west-1", account: str = "local") -> Any:
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=endpoint,
            aws_access_key_id=account,
            aws_secret_access_key="local",
        )

    return make


@pytest.fixture
def client(endpoint: str, clients: Callable[..., Any]) -> Callable[..., Any]:
    """Clients of an empty local AWS: `client("ssm")`."""
    reset(endpoint)
    return clients
