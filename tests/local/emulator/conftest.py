"""The emulator of the worker, emptied before each test."""

from collections.abc import Callable
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.support.emulator import Emulator, reset

ONE_ATTEMPT = Config(retries={"total_max_attempts": 1})
Connect = Callable[..., Any]


@pytest.fixture(scope="session")
def connect(emulator: Emulator) -> Connect:
    """Makes clients: `connect("ssm")`, `connect("ssm", "us-east-1")`."""
    session = boto3.Session(aws_access_key_id="local", aws_secret_access_key="local")

    @cache
    def client(service: str, region: str = "eu-west-1") -> Any:
        return session.client(service, region, endpoint_url=emulator.endpoint_url, config=ONE_ATTEMPT)

    return client


@pytest.fixture(autouse=True)
def empty(emulator: Emulator) -> None:
    reset(emulator.endpoint_url)


def client_of(service: str) -> Any:
    @pytest.fixture
    def client(connect: Connect) -> Any:
        return connect(service)

    return client


ssm, logs, kms, iam, ec2, s3 = map(client_of, ("ssm", "logs", "kms", "iam", "ec2", "s3"))
