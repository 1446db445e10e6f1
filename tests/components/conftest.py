from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from components.aws_session import AwsClients
from local.emulator.running import Emulator, reset

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="session")
def endpoint(emulator: Emulator) -> str:
    return emulator.endpoint_url


@pytest.fixture
def client(endpoint: str) -> Callable[..., Any]:
    """Clients of an empty local AWS: `client("ssm")`."""
    reset(endpoint)
    return _clients(endpoint)


@cache
def _clients(endpoint: str) -> Callable[..., Any]:
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
def clients(endpoint: str, client: Callable[..., Any]) -> AwsClients:  # noqa: ARG001 -- an empty local AWS first
    """As a dynamic provider has them."""
    services = dict.fromkeys(("config", "ec2", "iam", "kms", "logs", "s3", "sns", "ssm", "sts"), endpoint)
    values = {"region": "eu-west-1", "accessKey": "local", "secretKey": "local", "endpoints": json.dumps([services])}
    return AwsClients(lambda key: values.get(key.removeprefix("aws:")))
