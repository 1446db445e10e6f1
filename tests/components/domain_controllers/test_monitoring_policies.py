from __future__ import annotations

from typing import Any

import pytest

from components.domain_controllers.monitoring_policies import (
    Scope,
    flow_logs_policy,
    flow_logs_trust_policy,
    monitoring_key_policy,
    topic_policy,
    trail_bucket_policy,
    trail_key_policy,
)

SCOPE = Scope(partition="aws", account_id="111122223333", region="eu-west-1")
TRAIL = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/calls"
POLICIES = {
    "topic": topic_policy(SCOPE, "alerts"),
    "monitoring key": monitoring_key_policy(SCOPE, ["flows"]),
    "topic with alarms": topic_policy(SCOPE, "alerts", alarms=True),
    "monitoring key with events": monitoring_key_policy(SCOPE, ["flows", "events"], alarms=True),
    "flow logs' trust": flow_logs_trust_policy(SCOPE),
    "trail key": trail_key_policy(SCOPE, "calls"),
    "trail bucket": trail_bucket_policy(SCOPE, "calls", "calls-111122223333"),
}


def services(policy: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        each for each in policy["Statement"] if "Service" in (each["Principal"] if each["Principal"] != "*" else {})
    ]


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES.keys())
def test_services_act_for_this_account_alone(policy: dict[str, Any]) -> None:
    assert services(policy)
    for statement in services(policy):
        assert "111122223333" in str(statement["Condition"]), statement["Sid"]


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES.keys())
def test_no_principal_is_allowed_without_being_named(policy: dict[str, Any]) -> None:
    assert [each for each in policy["Statement"] if each["Effect"] == "Allow" and each.get("Principal") == "*"] == []


@pytest.mark.parametrize("name", ["topic", "trail bucket"])
def test_what_is_not_encrypted_on_its_way_is_refused(name: str) -> None:
    denied = [each for each in POLICIES[name]["Statement"] if each["Effect"] == "Deny"]
    assert [each["Condition"] for each in denied] == [{"Bool": {"aws:SecureTransport": "false"}}]


def test_events_need_both_actions_of_an_encrypted_topic() -> None:
    (events,) = (
        each
        for each in services(POLICIES["monitoring key"])
        if each["Principal"] == {"Service": "events.amazonaws.com"}
    )
    assert events["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]


def test_key_serves_the_flow_logs_group_alone() -> None:
    (logs,) = (
        each
        for each in services(POLICIES["monitoring key"])
        if each["Principal"] == {"Service": "logs.eu-west-1.amazonaws.com"}
    )
    assert logs["Condition"] == {
        "ArnEquals": {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:eu-west-1:111122223333:log-group:flows"}
    }


def test_alarms_publish_to_the_topic_alone() -> None:
    (alarms,) = (
        each
        for each in services(POLICIES["topic with alarms"])
        if each["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    )
    assert alarms["Condition"]["ArnLike"]["aws:SourceArn"].endswith(":alarm:shell-access-domain-controllers-*")
    key = POLICIES["monitoring key with events"]
    assert "shell-access-domain-controllers" in str([each for each in key["Statement"] if "Alarms" in each["Sid"]])
    assert str(key).count("log-group:") == 2


def test_flow_logs_write_to_their_group_alone() -> None:
    write, find = flow_logs_policy(SCOPE, "flows")["Statement"]
    group = "arn:aws:logs:eu-west-1:111122223333:log-group:flows"
    assert write["Resource"] == [group, f"{group}:*"]
    assert find["Action"] == "logs:DescribeLogGroups"


@pytest.mark.parametrize("name", ["trail key", "trail bucket"])
def test_cloudtrail_acts_for_the_one_trail(name: str) -> None:
    for statement in services(POLICIES[name]):
        assert statement["Condition"]["StringEquals"]["aws:SourceArn"] == TRAIL


def test_trail_writes_under_the_prefix_of_this_account() -> None:
    (written,) = (each for each in services(POLICIES["trail bucket"]) if each["Action"] == "s3:PutObject")
    assert written["Resource"] == "arn:aws:s3:::calls-111122223333/AWSLogs/111122223333/*"


def test_china_has_a_service_principal_of_its_own_for_logs() -> None:
    china = Scope(partition="aws-cn", account_id="111122223333", region="cn-north-1")
    principals = [each["Principal"] for each in monitoring_key_policy(china, "flows")["Statement"]]
    assert {"Service": "logs.cn-north-1.amazonaws.com.cn"} in principals
