from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import boto3
import pytest

from local.emulator.running import reset, running_emulator
from local.emulator.seed import seed
from local.engine.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def aws_endpoint() -> Iterator[str]:
    with running_emulator() as emulator:
        yield emulator.endpoint_url


@pytest.fixture
def aws(aws_endpoint: str) -> Callable[..., object]:
    """Clients of a fresh local AWS with the fixtures in it: `aws("ssm", "us-east-1")`."""
    reset(aws_endpoint)
    seed(aws_endpoint)

    def client(service: str, region: str = "eu-west-1") -> object:
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=aws_endpoint,
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )

    return client


@pytest.fixture
def new_stack(aws: object, aws_endpoint: str, tmp_path: Path) -> Callable[..., Stack]:  # noqa: ARG001 -- freshly reset
    numbers = itertools.count()

    def make(name: str = "test", program: Path | None = None) -> Stack:
        folder = tmp_path / f"stack-{next(numbers)}"
        folder.mkdir()
        return Stack(folder, aws_endpoint, name, **({"program": program} if program else {}))

    return make


@pytest.fixture
def stack(new_stack: Callable[..., Stack]) -> Stack:
    return new_stack()
