"""Verification follows the settings, per Region, with the credentials of the stack."""

import json

import pytest

from operations.verify.run import verify_stack
from tests.operations.arrangement import (
    Account,
    Calls,
    StackConfiguration,
    configuration,
    encrypt_bucket,
    findings_of,
    not_ok,
)

BUCKET = "session-logs"


def test_existing_log_group_must_exist_and_be_encrypted(account: Account) -> None:
    stack = configuration(session_manager={"createCwLogGroup": False, "cwLogGroupName": "central"})
    account.arrange(stack)
    assert not_ok(verify_stack(stack)) == {"log-group": "different"}
    account.client("logs").create_log_group(logGroupName="central")
    verification = verify_stack(stack)
    assert not_ok(verification) == {"log-group-encryption": "different"}
    remedy = "aws logs associate-kms-key --log-group-name central --kms-key-id KEY_ARN --region eu-west-1"
    assert remedy in findings_of(verification)["log-group-encryption"].remedy
    account.client("logs").associate_kms_key(logGroupName="central", kmsKeyId=account.key()["Arn"])
    assert not_ok(verify_stack(stack)) == {}


def test_bucket_key_is_compared_by_arn_or_alias(account: Account) -> None:
    key = account.key("alias/logs-bucket")["Arn"]
    settings = {"s3Logging": True, "s3BucketName": BUCKET, "s3KmsKeyArn": key}
    stack = configuration(session_manager=settings)
    account.arrange(stack)
    assert not_ok(verify_stack(stack)) == {"bucket-encryption": "different"}
    encrypt_bucket(account, BUCKET, key)
    assert not_ok(verify_stack(stack)) == {}
    encrypt_bucket(account, BUCKET, "alias/logs-bucket")
    assert not_ok(verify_stack(stack)) == {}
    encrypt_bucket(account, BUCKET, account.key()["Arn"])
    assert not_ok(verify_stack(stack)) == {"bucket-encryption": "different"}


def test_aws_managed_key_of_bucket_is_ok(account: Account) -> None:
    stack = configuration(session_manager={"s3Logging": True, "s3BucketName": BUCKET})
    account.arrange(stack)
    encrypt_bucket(account, BUCKET, "arn:aws:kms:eu-west-1:123456789012:alias/aws/s3")
    assert not_ok(verify_stack(stack)) == {}


@pytest.mark.parametrize(
    ("settings", "owner", "operations"),
    [
        ({}, "123456789012", ("HeadBucket", "GetBucketEncryption", "GetPublicAccessBlock")),
        # The bucket of this name is this account's, so nothing more is read of it.
        ({"s3BucketOwner": "210987654321"}, "210987654321", ("HeadBucket",)),
    ],
    ids=["own", "another"],
)
def test_bucket_is_read_as_its_expected_owners(
    account: Account, called: Calls, settings: dict[str, str], owner: str, operations: tuple[str, ...]
) -> None:
    stack = configuration(session_manager={"s3Logging": True, "s3BucketName": BUCKET, **settings})
    account.arrange(stack)
    verification = verify_stack(stack)
    headers = {operation: call["headers"] for (service, operation), call in called.items() if service == "s3"}
    assert {name: each["x-amz-expected-bucket-owner"] for name, each in headers.items()} == dict.fromkeys(
        operations, owner
    )
    assert not_ok(verification) == ({"bucket": "cannotTell"} if settings else {})


def test_disabled_features_are_not_verified(account: Account) -> None:
    off = {"createCwLogGroup": False, "cwLogGroupName": "", "sessionDataEncryption": False}
    stack = configuration(session_manager=off)
    account.arrange(stack)
    verification = verify_stack(stack)
    assert not_ok(verification) == {}
    assert set(findings_of(verification)) == {
        *("document", "document-status", "document-default-version", "document-content"),
        *("document-owner", "document-prior-version", "governing-stack"),
    }


def test_regions_follow_their_overrides(account: Account) -> None:
    settings = {"regionOverrides": {"us-east-1": {"idleSessionTimeout": 5}}}
    stack = configuration(regions=("eu-west-1", "us-east-1"), session_manager=settings)
    account.arrange(stack)
    assert not_ok(verify_stack(stack)) == {}
    content = account.content("us-east-1")
    content["inputs"]["idleSessionTimeout"] = "20"
    account.publish(content, "us-east-1")
    verification = verify_stack(stack)
    assert not_ok(verification) == {"document-content": "different"}
    found = findings_of(verification, "us-east-1")["document-content"].found
    assert found == "idleSessionTimeout: 5 expected, 20 found"


@pytest.mark.usefixtures("account")
def test_empty_region_lacks_each_resource_once(stack: StackConfiguration) -> None:
    verification = verify_stack(stack)
    assert not_ok(verification) == dict.fromkeys(
        (
            *("document", "data-key", "data-key-parameter", "logs-key", "log-group", "bucket", "network"),
            *("instance-policy", "governing-stack"),
        ),
        "different",
    )


def test_endpoints_are_verified_without_session_manager(account: Account) -> None:
    endpoints = {"eu-west-1": {"vpc": "workloads", "subnets": ["private-a"], "allowedCidrs": ["10.20.0.0/16"]}}
    stack = configuration(regions=("eu-west-1", "us-east-1"), endpoints=endpoints)
    account.arrange(stack)
    verification = verify_stack(stack)
    assert not_ok(verification) == {}
    assert list(verification.regions) == ["eu-west-1"]


@pytest.mark.usefixtures("account")
def test_stacks_roles_are_assumed() -> None:
    role = "arn:aws:iam::210987654321:role/Deploy"
    stack = configuration(session_manager={}, aws__assumeRoles=json.dumps([{"roleArn": role}]))
    assert verify_stack(stack).account_id == "210987654321"


@pytest.mark.parametrize(
    ("aws", "region"), [({}, "eu-west-1"), ({"aws__stsRegion": "us-west-2"}, "us-west-2")], ids=["provider", "sts"]
)
@pytest.mark.usefixtures("account")
def test_identity_is_read_in_the_provider_region(aws: dict[str, str], region: str, called: Calls) -> None:
    verify_stack(configuration(regions=("us-east-1",), session_manager={}, **aws))
    assert called["sts", "GetCallerIdentity"]["region"] == region
