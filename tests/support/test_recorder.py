from __future__ import annotations

import boto3

from tests.support.emulator import running_emulator
from tests.support.recorder import calls, reset_calls


def test_every_call_is_counted_by_its_service_and_operation() -> None:
    with running_emulator() as emulator:

        def client(service: str) -> object:
            return boto3.client(
                service,
                region_name="eu-west-1",
                endpoint_url=emulator.endpoint_url,
                aws_access_key_id="local",
                aws_secret_access_key="local",
            )

        client("ssm").describe_parameters()
        client("ssm").describe_parameters()
        client("sts").get_caller_identity()
        client("s3").list_buckets()
        assert calls(emulator.endpoint_url) == {
            "ssm:DescribeParameters": 2,
            "sts:GetCallerIdentity": 1,
            "s3:GET service": 1,
        }
        reset_calls(emulator.endpoint_url)
        assert calls(emulator.endpoint_url) == {}
