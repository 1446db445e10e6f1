"""Actions of https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/, named in each test."""

from typing import Any

import pytest

GROUP = "ssm-sessionmanager-logs"
RETENTION = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]


def described(logs: Any) -> Any:
    return logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"][0]


@pytest.fixture
def key(kms: Any) -> Any:
    return kms.create_key()["KeyMetadata"]


def test_retention_accepts_the_documented_days(logs: Any) -> None:
    """API_PutRetentionPolicy, retentionInDays."""
    logs.create_log_group(logGroupName=GROUP)
    for days in RETENTION:
        logs.put_retention_policy(logGroupName=GROUP, retentionInDays=days)
        assert described(logs)["retentionInDays"] == days
    logs.delete_retention_policy(logGroupName=GROUP)
    assert "retentionInDays" not in described(logs)


@pytest.mark.parametrize("days", [0, 2, 91, 366, 3654])
def test_retention_of_other_days_is_refused(logs: Any, days: Any) -> None:
    """API_PutRetentionPolicy, InvalidParameterException."""
    logs.create_log_group(logGroupName=GROUP)
    with pytest.raises(logs.exceptions.InvalidParameterException, match="retentionInDays"):
        logs.put_retention_policy(logGroupName=GROUP, retentionInDays=days)
    assert "retentionInDays" not in described(logs)


def test_key_is_associated_replaced_and_disassociated(logs: Any, kms: Any, key: Any) -> None:
    """API_AssociateKmsKey and API_DisassociateKmsKey."""
    other = kms.create_key()["KeyMetadata"]["Arn"]
    logs.create_log_group(logGroupName=GROUP)
    logs.associate_kms_key(logGroupName=GROUP, kmsKeyId=key["Arn"])
    assert described(logs)["kmsKeyId"] == key["Arn"]
    logs.associate_kms_key(logGroupName=GROUP, kmsKeyId=other)
    assert described(logs)["kmsKeyId"] == other
    logs.disassociate_kms_key(logGroupName=GROUP)
    assert "kmsKeyId" not in described(logs)


def test_group_is_created_with_a_key(logs: Any, key: Any) -> None:
    """API_CreateLogGroup, kmsKeyId."""
    logs.create_log_group(logGroupName=GROUP, kmsKeyId=key["Arn"])
    assert described(logs)["kmsKeyId"] == key["Arn"]


@pytest.mark.parametrize("state", ["missing", "disabled", "pending deletion", "elsewhere", "no ARN"])
def test_key_that_cannot_be_used_is_refused(logs: Any, kms: Any, key: Any, connect: Any, state: Any) -> None:
    """API_CreateLogGroup and API_AssociateKmsKey, InvalidParameterException; pending deletion is inferred."""
    arn = key["Arn"]
    if state == "missing":
        arn = arn.replace(key["KeyId"], "00000000-0000-0000-0000-000000000000")
    elif state == "disabled":
        kms.disable_key(KeyId=key["KeyId"])
    elif state == "pending deletion":
        kms.schedule_key_deletion(KeyId=key["KeyId"])
    elif state == "elsewhere":
        arn = connect("kms", "us-east-1").create_key()["KeyMetadata"]["Arn"]
    else:
        arn = key["KeyId"]
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.create_log_group(logGroupName=GROUP, kmsKeyId=arn)
    logs.create_log_group(logGroupName=GROUP)
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.associate_kms_key(logGroupName=GROUP, kmsKeyId=arn)
    assert "kmsKeyId" not in described(logs)


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("delete_log_group", {}),
        ("put_retention_policy", {"retentionInDays": 90}),
        ("disassociate_kms_key", {}),
        ("associate_kms_key", {"kmsKeyId": "arn:aws:kms:eu-west-1:123456789012:key/x"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_group_that_is_not_there_is_not_found(logs: Any, call: Any, arguments: Any) -> None:
    """ResourceNotFoundException in the errors of each of these actions."""
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        getattr(logs, call)(logGroupName=GROUP, **arguments)


def test_group_that_exists_is_not_created_again(logs: Any) -> None:
    """API_CreateLogGroup, ResourceAlreadyExistsException."""
    logs.create_log_group(logGroupName=GROUP)
    with pytest.raises(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_group(logGroupName=GROUP)


def test_tags_of_a_group_go_with_the_group(logs: Any) -> None:
    """API_TagResource, API_UntagResource, API_ListTagsForResource."""
    logs.create_log_group(logGroupName=GROUP, tags={"owner": "platform"})
    arn = described(logs)["logGroupArn"]
    logs.tag_resource(resourceArn=arn, tags={"tier": "1"})
    logs.untag_resource(resourceArn=arn, tagKeys=["owner"])
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"tier": "1"}
    logs.delete_log_group(logGroupName=GROUP)
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.list_tags_for_resource(resourceArn=arn)
    logs.create_log_group(logGroupName=GROUP)
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {}
