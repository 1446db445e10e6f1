"""Verification follows the settings, per Region, with the credentials of the stack; calls that are refused cannot tell."""

import json
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError

from operations.verify.run import verify_stack
from tests.operations.arrangement import (
    Account,
    Calls,
    Fail,
    StackConfiguration,
    configuration,
    encrypt_bucket,
    findings_of,
    not_ok,
    refusal,
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


INTERFACES = {f"endpoint-{each}" for each in ("ec2messages", "kms", "logs", "ssm", "ssmmessages")}
REFUSALS = [
    ("ssm", "DescribeDocument", "ssm:DescribeDocument", {"document"}),
    ("ssm", "GetDocument", "ssm:GetDocument", {"document-content"}),
    ("ssm", "GetParameter", "ssm:GetParameter", {"data-key-parameter"}),
    ("kms", "DescribeKey", "kms:DescribeKey", {"data-key", "logs-key"}),
    ("kms", "GetKeyRotationStatus", "kms:GetKeyRotationStatus", {"data-key-rotation", "logs-key-rotation"}),
    ("kms", "GetKeyPolicy", "kms:GetKeyPolicy", {"data-key-policy", "logs-key-policy"}),
    ("logs", "DescribeLogGroups", "logs:DescribeLogGroups", {"log-group"}),
    ("s3", "HeadBucket", "s3:ListBucket", {"bucket"}),
    ("s3", "GetBucketEncryption", "s3:GetEncryptionConfiguration", {"bucket-encryption"}),
    ("s3", "GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock", {"bucket-public-access"}),
    ("iam", "GetPolicy", "iam:GetPolicy", {"instance-policy", "governing-stack"}),
    ("iam", "GetPolicyVersion", "iam:GetPolicyVersion", {"instance-policy-content"}),
    ("iam", "ListEntitiesForPolicy", "iam:ListEntitiesForPolicy", {"instance-policy-roles"}),
    ("ec2", "DescribeVpcs", "ec2:DescribeVpcs", {"network"}),
    ("ec2", "DescribeSubnets", "ec2:DescribeSubnets", {"network"}),
    ("ec2", "DescribeRouteTables", "ec2:DescribeRouteTables", {"endpoint-s3"}),
    ("ec2", "DescribeVpcEndpoints", "ec2:DescribeVpcEndpoints", {*INTERFACES, "endpoint-s3"}),
    ("ec2", "DescribeSecurityGroups", "ec2:DescribeSecurityGroups", {*INTERFACES, "endpoint-security-group"}),
    ("ec2", "DescribeSecurityGroupRules", "ec2:DescribeSecurityGroupRules", {*INTERFACES, "endpoint-security-group"}),
]


@pytest.mark.parametrize("refused", REFUSALS, ids=[each[2] for each in REFUSALS])
@pytest.mark.usefixtures("untouched")
def test_denied_call_is_reported_with_permission(
    stack: StackConfiguration,
    stack_without_network: StackConfiguration,
    fail: Fail,
    refused: tuple[str, str, str, set[str]],
) -> None:
    service, operation, action, checks = refused
    stack = stack if service == "ec2" else stack_without_network
    fail(service, operation, refusal("UnauthorizedOperation" if service == "ec2" else "AccessDeniedException"))
    verification = verify_stack(stack)
    assert not_ok(verification) == dict.fromkeys(checks, "cannotTell")
    for check in checks:
        finding = findings_of(verification)[check]
        assert finding.found.startswith(f"{action}: refused: ")
        assert f"allow {action} to arn:aws:sts::123456789012:user/moto" in finding.remedy
    assert verification.exit_code == 1


@pytest.mark.usefixtures("untouched")
def test_every_call_that_is_made_has_its_refusal_tested(stack: StackConfiguration, called: Calls) -> None:
    verify_stack(stack)
    assert called.keys() - {("sts", "GetCallerIdentity")} == {
        (service, operation) for service, operation, *_ in REFUSALS
    }


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("ThrottlingException", ("throttled: no", "try again in a few minutes")),
        ("ExpiredTokenException", ("the credentials have expired: no", "log in again, then try again")),
        (
            "UnrecognizedClientException",
            (
                "eu-west-1 does not know these credentials, which is how a Region that is not enabled answers: no",
                "aws account enable-region --region-name eu-west-1, or remove eu-west-1 from shell-access:regions",
            ),
        ),
        ("InternalServerError", ("InternalServerError: no", "see the error message, then try again")),
    ],
)
@pytest.mark.usefixtures("untouched")
def test_failed_call_has_its_remedy(stack: StackConfiguration, fail: Fail, code: str, said: tuple[str, str]) -> None:
    fail("ssm", "DescribeDocument", refusal(code, "no."))
    verification = verify_stack(stack)
    finding = findings_of(verification)["document"]
    assert not_ok(verification) == {"document": "cannotTell"}
    assert (finding.found, finding.remedy) == (f"ssm:DescribeDocument: {said[0]}", said[1])


@pytest.mark.usefixtures("untouched")
def test_unresponsive_endpoint_is_called_once(stack: StackConfiguration, fail: Fail) -> None:
    fail("ssm", "DescribeDocument", ConnectTimeoutError(endpoint_url="https://ssm.eu-west-1.amazonaws.com/"))
    fail("ssm", "GetParameter", refusal("Asked", "again"))
    verification = verify_stack(stack)
    assert not_ok(verification) == {"document": "cannotTell", "data-key-parameter": "cannotTell"}
    finding = findings_of(verification)["data-key-parameter"]
    assert finding.found.startswith("ssm:GetParameter: no answer: Connect timeout on endpoint URL")
    assert "AWS_ENDPOINT_URL" in finding.remedy


@pytest.mark.usefixtures("untouched")
def test_bucket_of_other_account_differs_from_denied_call(stack: StackConfiguration, fail: Fail) -> None:
    fail("s3", "HeadBucket", refusal("403", "Forbidden"))
    finding = findings_of(verify_stack(stack))["bucket"]
    assert finding.found == (
        "s3:ListBucket: refused: the bucket is not of account 123456789012, or the caller lacks the permission"
    )
    assert finding.remedy.endswith("; or set shell-access:sessionManager.s3BucketOwner")


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (None, "sts:AssumeRole: refused: not authorized"),
        (EndpointConnectionError(endpoint_url="https://sts"), "sts:GetCallerIdentity: no answer: Could not connect"),
    ],
)
@pytest.mark.usefixtures("account")
def test_unreadable_caller_is_undecided(fail: Fail, error: Any, found: str) -> None:
    fail("sts", "GetCallerIdentity", error or refusal(operation="AssumeRole"))
    verification = verify_stack(configuration(regions=("eu-west-1", "us-east-1"), session_manager={}))
    assert verification.account_id is None
    assert [[each.check for each in findings] for findings in verification.regions.values()] == [["account"]] * 2
    assert findings_of(verification)["account"].found.startswith(found)
    assert verification.exit_code == 1


def test_no_answer_at_all_is_undecided() -> None:
    verification = verify_stack(configuration(session_manager={}))
    assert not_ok(verification) == {"account": "cannotTell"}
