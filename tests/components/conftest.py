from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest

from local.emulator.running import reset, running_emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    with running_emulator() as emulator:
        yield emulator.endpoint_url


@pytest.fixture
def client(endpoint: str) -> Callable[..., Any]:
    """Clients of an empty local AWS: `client("ssm")`."""
    reset(endpoint)

    def make(service: str, region: str = "eu-west-1", account: str = "local") -> Any:
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=endpoint,
            aws_access_key_id=account,
            aws_secret_access_key="local",
        )

    return make
