from __future__ import annotations

from typing import Any

import pytest

from components.domain_controllers.monitoring_policies import (
    Scope,
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


def test_china_has_a_service_principal_of_its_own_for_logs() -> None:
    china = Scope(partition="aws-cn", account_id="111122223333", region="cn-north-1")
    principals = [each["Principal"] for each in monitoring_key_policy(china, "flows")["Statement"]]
    assert {"Service": "logs.cn-north-1.amazonaws.com.cn"} in principals
