import json
from collections.abc import Callable
from typing import Any

import pytest

from common.aws.session import AwsClients


@pytest.fixture
def clients(endpoint: str, client: Callable[..., Any]) -> AwsClients:  # noqa: ARG001 -- an empty local AWS first
    """As a dynamic provider has them."""
    services = dict.fromkeys(
        (
            "accountaccess",
            "config",
            "ec2",
            "guardduty",
            "iam",
            "identitystore",
            "inspector2",
            "kms",
            "logs",
            "s3",
            "securityhub",
            "servicequotas",
            "sns",
            "ssm",
            "ssoadmin",
            "sts",
        ),
        endpoint,
    )
    values = {"region": "eu-west-1", "accessKey": "local", "secretKey": "local", "endpoints": json.dumps([services])}
    return AwsClients(lambda key: values.get(key.removeprefix("aws:")))
