from collections.abc import Callable
from typing import Any

from tests.support.recorder import calls, reset_calls


def test_every_call_is_counted_by_its_service_and_operation(client: Callable[..., Any], endpoint: str) -> None:
    reset_calls(endpoint)
    client("ssm").describe_parameters()
    client("ssm").describe_parameters()
    client("sts").get_caller_identity()
    client("s3").list_buckets()
    assert calls(endpoint) == {"ssm:DescribeParameters": 2, "sts:GetCallerIdentity": 1, "s3:GET service": 1}
    reset_calls(endpoint)
    assert calls(endpoint) == {}
