"""Functions (Terraform AWS provider: data sources of sts and meta)."""

from typing import Any

import pytest

identity = "aws:index/getCallerIdentity:getCallerIdentity"
partition = "aws:index/getPartition:getPartition"


def test_caller(provider: Any) -> None:
    found = provider.invoke(identity)
    assert found["accountId"] == found["id"] == "123456789012"
    assert {"arn", "userId"} <= set(found)


def test_partition_needs_no_call(provider: Any) -> None:
    found = provider.invoke(partition)
    assert found == {
        "partition": "aws",
        "id": "aws",
        "dnsSuffix": "amazonaws.com",
        "reverseDnsPrefix": "com.amazonaws",
    }


def test_unknown_argument_is_a_failure(provider: Any) -> None:
    with pytest.raises(Exception, match="ids: unknown property 'ids'; did you mean 'id'"):
        provider.invoke(identity, ids="1")
