"""Buckets and their settings (Terraform AWS provider: internal/service/s3)."""

import json
from typing import Any

import pytest

from tests.local.aws_provider.conftest import lifecycle, refusals

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


TestBucket = lifecycle(
    bucket,
    {"bucket": "logs"},
    delete=lambda aws, _: aws("s3").delete_bucket(Bucket="logs"),
    imported_by="logs",
    replacing=({"bucket": "other"},),
)


# Settings with a resource of their own: internal/service/s3/bucket_policy.go and its neighbors.


setting_policy = "aws:s3/bucketPolicy:BucketPolicy"
encryption = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
block = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
versioning = "aws:s3/bucketVersioning:BucketVersioning"
deny = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::logs/*"}],
}
by_kms = {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms"}, "bucketKeyEnabled": True}
every = {
    "blockPublicAcls": True,
    "blockPublicPolicy": True,
    "ignorePublicAcls": True,
    "restrictPublicBuckets": True,
}
settings = {
    setting_policy: {"bucket": "logs", "policy": deny},
    encryption: {"bucket": "logs", "rules": [by_kms]},
    block: {"bucket": "logs", **every},
    versioning: {"bucket": "logs", "versioningConfiguration": {"status": "Enabled"}},
}


@pytest.fixture
def s3(aws: Any) -> Any:
    aws("s3").create_bucket(Bucket="logs", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return aws("s3")


@pytest.mark.parametrize(
    ("token", "change", "reason"),
    [
        (setting_policy, {"policy": "{"}, "invalid JSON"),
        (setting_policy, {"bucket": None}, "bucket: missing"),
        (encryption, {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "rot13"}}]}, "aws:kms"),
        (encryption, {"rules": [{"applyServerSideEncryptionByDefault": {}}]}, "sseAlgorithm: missing"),
        (versioning, {"versioningConfiguration": {"status": "On"}}, "Suspended"),
    ],
)
def test_setting_refuses(provider: Any, token: str, change: dict[str, Any], reason: str) -> None:
    with pytest.raises(Exception, match=reason):
        provider.check(token, "x", {**settings[token], **change})


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize("token", settings, ids=lambda token: token.rsplit(":", 1)[1])
def test_setting_is_made_and_does_not_differ(provider: Any, token: str) -> None:
    made = provider.up(token, "x", settings[token])
    assert made.id == "logs"
    assert provider.unchanged(token, "x", settings[token])


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize("token", settings, ids=lambda token: token.rsplit(":", 1)[1])
def test_another_bucket_replaces(provider: Any, token: str) -> None:
    provider.up(token, "x", settings[token])
    answer = provider.diff(token, "x", {**settings[token], "bucket": "other"})
    assert (list(answer.replaces), answer.deleteBeforeReplace) == (["bucket"], False)


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize("token", settings, ids=lambda token: token.rsplit(":", 1)[1])
def test_setting_is_imported_by_bucket(provider: Any, token: str) -> None:
    provider.up(token, "x", settings[token])
    provider.take_over(token, "y", "logs")
    assert not provider.diff(token, "y", settings[token]).diffs


@pytest.mark.parametrize("token", settings, ids=lambda token: token.rsplit(":", 1)[1])
def test_bucket_deletion_deletes_its_settings(provider: Any, s3: Any, token: str) -> None:
    provider.up(token, "x", settings[token])
    s3.delete_bucket(Bucket="logs")
    assert provider.refresh(token, "x") is None
    provider.destroy(token, "x")


def test_policy_changes_in_place_and_is_compared_by_meaning(provider: Any, s3: Any) -> None:
    provider.up(setting_policy, "x", settings[setting_policy])
    statement = {**deny["Statement"][0], "Action": ["s3:*"]}
    same = {"bucket": "logs", "policy": json.dumps({"Version": "2012-10-17", "Statement": statement}, indent=1)}
    assert not provider.diff(setting_policy, "x", same).diffs
    changed = {"bucket": "logs", "policy": json.dumps({**deny, "Id": "new"})}
    assert not provider.diff(setting_policy, "x", changed).replaces
    provider.up(setting_policy, "x", changed)
    assert json.loads(s3.get_bucket_policy(Bucket="logs")["Policy"])["Id"] == "new"
    s3.delete_bucket_policy(Bucket="logs")
    assert provider.refresh(setting_policy, "x") is None


def test_encryption_falls_back_to_that_of_s3(provider: Any, s3: Any) -> None:
    key = "arn:aws:kms:eu-west-1:123456789012:key/1"
    own = {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": key}}
    inputs = {"bucket": "logs", "rules": [own]}
    provider.up(encryption, "x", inputs)
    assert provider.unchanged(encryption, "x", inputs)
    assert not provider.diff(encryption, "x", settings[encryption]).replaces
    provider.up(encryption, "x", settings[encryption])
    assert provider.unchanged(encryption, "x", settings[encryption])
    provider.destroy(encryption, "x")
    (rule,) = s3.get_bucket_encryption(Bucket="logs")["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"


def test_public_access_block_defaults_to_false(provider: Any, s3: Any) -> None:
    provider.up(block, "x", {"bucket": "logs"})
    found = s3.get_public_access_block(Bucket="logs")["PublicAccessBlockConfiguration"]
    assert set(found.values()) == {False}
    provider.up(block, "x", settings[block])
    found = s3.get_public_access_block(Bucket="logs")["PublicAccessBlockConfiguration"]
    assert set(found.values()) == {True}
    s3.delete_public_access_block(Bucket="logs")
    assert provider.refresh(block, "x") is None


def test_versioning_ends_suspended(provider: Any, s3: Any) -> None:
    provider.up(versioning, "x", settings[versioning])
    assert s3.get_bucket_versioning(Bucket="logs")["Status"] == "Enabled"
    provider.destroy(versioning, "x")
    assert s3.get_bucket_versioning(Bucket="logs")["Status"] == "Suspended"


def test_versioning_that_was_never_on_makes_no_call(provider: Any, s3: Any) -> None:
    disabled = {"bucket": "logs", "versioningConfiguration": {"status": "Disabled"}}
    provider.up(versioning, "x", disabled)
    assert provider.unchanged(versioning, "x", disabled)
    provider.destroy(versioning, "x")
    assert "Status" not in s3.get_bucket_versioning(Bucket="logs")


@pytest.mark.usefixtures("s3")
def test_versioning_is_never_switched_off_again(provider: Any) -> None:
    provider.up(versioning, "x", settings[versioning])
    with pytest.raises(Exception, match="cannot be updated from 'Enabled' to 'Disabled'"):
        provider.diff(versioning, "x", {"bucket": "logs", "versioningConfiguration": {"status": "Disabled"}})


@pytest.mark.usefixtures("s3")
def test_settings_beside_the_bucket_make_no_difference_to_it(provider: Any) -> None:
    bucket = "aws:s3/bucket:Bucket"
    provider.take_over(bucket, "b", "logs")
    for token, inputs in settings.items():
        provider.up(token, "x", inputs)
    assert provider.unchanged(bucket, "b", {"bucket": "logs"})
