"""Buckets (Terraform AWS provider: internal/service/s3/bucket.go)."""

import json
from typing import Any

import pytest

from tests.local.aws_provider.conftest import refusals

bucket = "aws:s3/bucket:Bucket"
policy = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::logs/*"}],
}


test_bucket_refuses = refusals(
    bucket,
    {},
    ({"bucket": "x" * 64}, "length"),
    ({"bucket": "a--use1-az4--x-s3"}, "directory bucket"),
    ({"lifecycleRules": [{}]}, "lifecycleRules: is not supported by the local stand-in"),
    ({"website": {"indexDocument": "x"}}, "website: is not supported"),
)


@pytest.mark.parametrize("name", ["UPPER", "a..b", "10.0.0.1"])
def test_invalid_bucket_name_is_refused_on_creation(provider: Any, name: str) -> None:
    assert provider.check(bucket, "b", {"bucket": name})["bucket"] == name
    with pytest.raises(Exception, match="no valid bucket name"):
        provider.up(bucket, "b", {"bucket": name})


def test_outputs_of_a_bucket(provider: Any) -> None:
    made = provider.up(bucket, "Logs", {"tags": {"a": "b"}})
    assert made.id.startswith("logs-")
    assert made["arn"] == f"arn:aws:s3:::{made.id}"
    assert made["bucketDomainName"] == f"{made.id}.s3.amazonaws.com"
    assert made["bucketRegionalDomainName"] == f"{made.id}.s3.eu-west-1.amazonaws.com"
    assert (made["bucketRegion"], made["hostedZoneId"]) == ("eu-west-1", "Z1BKCTXD74EZPE")
    assert provider.unchanged(bucket, "Logs", {"tags": {"a": "b"}})


def test_bucket_ignores_settings_of_other_resources(provider: Any, aws: Any) -> None:
    provider.up(bucket, "b", {"bucket": "logs"})
    aws("s3").put_bucket_versioning(Bucket="logs", VersioningConfiguration={"Status": "Enabled"})
    aws("s3").put_bucket_policy(Bucket="logs", Policy=json.dumps(policy))
    assert provider.unchanged(bucket, "b", {"bucket": "logs"})


def test_another_name_replaces_delete_first(provider: Any) -> None:
    provider.up(bucket, "b", {"bucket": "logs"})
    answer = provider.diff(bucket, "b", {"bucket": "other"})
    assert list(answer.replaces) == ["bucket"]
    assert answer.deleteBeforeReplace


def test_bucket_with_objects_goes_only_by_force(provider: Any, aws: Any) -> None:
    provider.up(bucket, "b", {"bucket": "logs"})
    aws("s3").put_bucket_versioning(Bucket="logs", VersioningConfiguration={"Status": "Enabled"})
    aws("s3").put_object(Bucket="logs", Key="k", Body=b"1")
    aws("s3").put_object(Bucket="logs", Key="k", Body=b"2")
    old = provider.state[bucket, "b"]
    with pytest.raises(Exception, match="s3:DeleteBucket failed with BucketNotEmpty"):
        provider.destroy(bucket, "b")
    provider.state[bucket, "b"] = old
    provider.up(bucket, "b", {"bucket": "logs", "forceDestroy": True})
    provider.destroy(bucket, "b")
    assert aws("s3").list_buckets()["Buckets"] == []


def test_own_existing_bucket_in_us_east_1_is_an_error(provider: Any, aws: Any) -> None:
    aws("s3", "us-east-1").create_bucket(Bucket="mine")
    with pytest.raises(Exception, match="s3:CreateBucket failed with BucketAlreadyExists"):
        provider.up(bucket, "b", {"bucket": "mine", "region": "us-east-1"})


def test_tags_are_replaced_as_a_set(provider: Any, aws: Any) -> None:
    provider.up(bucket, "b", {"bucket": "logs", "tags": {"a": "1", "b": "2"}})
    provider.up(bucket, "b", {"bucket": "logs", "tags": {"b": "3"}})
    assert aws("s3").get_bucket_tagging(Bucket="logs")["TagSet"] == [{"Key": "b", "Value": "3"}]
    provider.up(bucket, "b", {"bucket": "logs"})
    assert provider.unchanged(bucket, "b", {"bucket": "logs"})


def test_bucket_deletion_is_read(provider: Any, aws: Any) -> None:
    provider.up(bucket, "b", {"bucket": "logs"})
    aws("s3").delete_bucket(Bucket="logs")
    assert provider.refresh(bucket, "b") is None
    provider.destroy(bucket, "b")


def test_bucket_is_imported_by_name(provider: Any, aws: Any) -> None:
    aws("s3").create_bucket(Bucket="logs", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    assert provider.take_over(bucket, "b", "logs").inputs["bucket"] == "logs"
