"""Log groups (Terraform AWS provider: internal/service/logs)."""

from typing import Any

import pytest

from tests.local.aws_provider.conftest import refusals

group = "aws:cloudwatch/logGroup:LogGroup"


test_group_refuses = refusals(
    group,
    {},
    ({"retentionInDays": 2}, "expected one of .*, got 2"),
    ({"name": "a b"}, "must hold only"),
    ({"name": "x" * 513}, "length"),
)


def test_arn_has_no_star_at_its_end(provider: Any) -> None:
    made = provider.up(group, "g", {"name": "a/b"})
    assert made.id == "a/b"
    assert made["arn"] == "arn:aws:logs:eu-west-1:123456789012:log-group:a/b"


def test_log_group_retention_is_set_and_removed_in_place(provider: Any, aws: Any) -> None:
    provider.up(group, "g", {"name": "a", "retentionInDays": 7})
    assert aws("logs").describe_log_groups()["logGroups"][0]["retentionInDays"] == 7
    provider.up(group, "g", {"name": "a", "retentionInDays": 0})
    assert "retentionInDays" not in aws("logs").describe_log_groups()["logGroups"][0]
    assert provider.unchanged(group, "g", {"name": "a"})


def test_group_that_exists_is_an_error(provider: Any, aws: Any) -> None:
    aws("logs").create_log_group(logGroupName="a")
    with pytest.raises(Exception, match="logs:CreateLogGroup failed with ResourceAlreadyExistsException"):
        provider.up(group, "g", {"name": "a"})


def test_only_the_exact_name_counts(provider: Any, aws: Any) -> None:
    provider.up(group, "g", {"name": "a"})
    aws("logs").delete_log_group(logGroupName="a")
    aws("logs").create_log_group(logGroupName="ab")
    assert provider.refresh(group, "g") is None


def test_log_group_name_replaces(provider: Any) -> None:
    provider.up(group, "g", {"name": "a"})
    assert list(provider.diff(group, "g", {"name": "b"}).replaces) == ["name"]


def test_log_group_is_created_with_its_key(provider: Any, aws: Any) -> None:
    arn = aws("kms").create_key()["KeyMetadata"]["Arn"]
    made = provider.up(group, "g", {"kmsKeyId": arn})
    assert made["kmsKeyId"] == arn
    assert list(provider.diff(group, "g", {}).diffs) == ["kmsKeyId"]
