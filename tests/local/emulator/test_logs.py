"""Actions of https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/, named in each test."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.emulator.extension.logs import PatternError, parse

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


# Metric filters, and patterns for unstructured messages (User Guide, "Filter pattern syntax").


EVENTS_GROUP = "/events/security"


@pytest.mark.parametrize(
    ("pattern", "message", "matches"),
    [
        ("", "anything", True),
        ("ERROR", "[ERROR 400] BAD REQUEST", True),
        ("ERROR", "[error 400]", False),
        ("ERROR", "ERRORS", False),
        ("ERROR ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", True),
        ("ERROR ARGUMENTS", "[ERROR 400] BAD REQUEST", False),
        ("?ERROR ?ARGUMENTS", "MISSING ARGUMENTS", True),
        ("?ERROR ?ARGUMENTS", "BAD REQUEST", False),
        ('"INTERNAL SERVER ERROR"', "[ERROR 500] INTERNAL SERVER ERROR", True),
        ('"INTERNAL SERVER ERROR"', "SERVER INTERNAL ERROR", False),
        ("ERROR -ARGUMENTS", "[ERROR 400] BAD REQUEST", True),
        ("ERROR -ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", False),
        ('">104</EventID>"', "<EventID>1104</EventID>", False),
        ('">104</EventID>"', "<EventID Qualifiers='16384'>104</EventID>", True),
    ],
)
def test_pattern_matches_as_documented(pattern: str, message: str, *, matches: bool) -> None:
    assert parse(pattern).matches(message) is matches


@pytest.mark.parametrize(
    "pattern", ["{ $.x = 1 }", "[a, b]", "%ERR%", '"open', "<EventID>", '?ERROR "x"', '""', 'ERROR"x"']
)
def test_pattern_of_another_form_is_rejected(pattern: str) -> None:
    with pytest.raises(PatternError):
        parse(pattern)


def put(logs: Any, pattern: str = "ERROR", **change: Any) -> None:
    transformation = {"metricName": "errors", "metricNamespace": "Test", "metricValue": "1"}
    logs.put_metric_filter(
        logGroupName=EVENTS_GROUP,
        filterName="f",
        filterPattern=pattern,
        metricTransformations=[transformation | change],
    )


def test_filter_is_replaced_by_its_name(logs: Any) -> None:
    """API_PutMetricFilter."""
    logs.create_log_group(logGroupName=EVENTS_GROUP)
    put(logs)
    put(logs, "WARN")
    (found,) = logs.describe_metric_filters(logGroupName=EVENTS_GROUP)["metricFilters"]
    assert found["filterPattern"] == "WARN"
    logs.delete_log_group(logGroupName=EVENTS_GROUP)
    logs.create_log_group(logGroupName=EVENTS_GROUP)
    assert logs.describe_metric_filters(logGroupName=EVENTS_GROUP)["metricFilters"] == []


@pytest.mark.parametrize("call", ["put", "describe", "delete"])
def test_filter_of_a_missing_group_is_an_error(logs: Any, call: str) -> None:
    calls: dict[str, Callable[[], object]] = {
        "put": lambda: put(logs),
        "describe": lambda: logs.describe_metric_filters(logGroupName=EVENTS_GROUP),
        "delete": lambda: logs.delete_metric_filter(logGroupName=EVENTS_GROUP, filterName="f"),
    }
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        calls[call]()


def test_missing_filter_is_an_error(logs: Any) -> None:
    """API_DeleteMetricFilter."""
    logs.create_log_group(logGroupName=EVENTS_GROUP)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        logs.delete_metric_filter(logGroupName=EVENTS_GROUP, filterName="f")
    with pytest.raises(ClientError, match="InvalidParameterException"):
        put(logs, "?a b")


def test_matching_events_become_a_metric(logs: Any, connect: Any) -> None:
    """User Guide, "Creating metrics from log events using filters"."""
    logs.create_log_group(logGroupName=EVENTS_GROUP)
    logs.create_log_stream(logGroupName=EVENTS_GROUP, logStreamName="s")
    put(logs)
    now = datetime.now(UTC)
    events = [{"timestamp": int(now.timestamp() * 1000), "message": each} for each in ("ERROR 1", "fine", "ERROR 2")]
    logs.put_log_events(logGroupName=EVENTS_GROUP, logStreamName="s", logEvents=events)
    found = connect("cloudwatch").get_metric_statistics(
        Namespace="Test",
        MetricName="errors",
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=5),
        Period=600,
        Statistics=["Sum"],
    )["Datapoints"]
    assert sum(each["Sum"] for each in found) == 2
    answer = logs.test_metric_filter(filterPattern="ERROR", logEventMessages=["fine", "ERROR"])
    assert [each["eventNumber"] for each in answer["matches"]] == [2]
