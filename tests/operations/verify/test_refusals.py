"""Calls that are refused or fail: only the checks that need them are undecided."""

from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError

from operations.verify.run import verify_stack
from tests.operations.arrangement import Calls, Fail, StackConfiguration, configuration, findings_of, not_ok, refusal

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
