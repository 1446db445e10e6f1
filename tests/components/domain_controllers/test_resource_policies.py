from __future__ import annotations

from typing import Any

import pytest

from common.aws.arns import Scope
from components.domain_controllers.resource_policies import (
    controllers_key_policy,
    flow_logs_trust_policy,
    monitoring_key_policy,
    topic_policy,
    trail_bucket_policy,
    trail_key_policy,
)

SCOPE = Scope(partition="aws", account_id="111122223333", region="eu-west-1")
CHINA = Scope(partition="aws-cn", account_id="111122223333", region="cn-north-1")
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


def test_china_has_its_own_service_principal_for_logs() -> None:
    principals = [each["Principal"] for each in monitoring_key_policy(CHINA, "flows")["Statement"]]
    assert {"Service": "logs.cn-north-1.amazonaws.com.cn"} in principals


USERS = ["arn:aws:iam::111122223333:role/Directory", "arn:aws:iam::111122223333:role/Deployer"]
POLICY = controllers_key_policy(SCOPE, USERS)
STATEMENTS = {each["Sid"]: each for each in POLICY["Statement"]}
USE = ("Decrypt", "Encrypt", "ReEncrypt", "GenerateDataKey", "CreateGrant", "Sign")


def test_administrators_of_the_account_cannot_use_the_key() -> None:
    administration = STATEMENTS["AccountAdministers"]
    assert administration["Principal"] == {"AWS": "arn:aws:iam::111122223333:root"}
    assert not [each for each in administration["Action"] if "*" in each or each.removeprefix("kms:").startswith(USE)]


def test_grants_are_for_aws_resources_only() -> None:
    assert STATEMENTS["DirectoryTeamAttachesThroughEc2"]["Condition"]["Bool"] == {"kms:GrantIsForAWSResource": "true"}
    others = [each for each in POLICY["Statement"] if each["Sid"] != "DirectoryTeamAttachesThroughEc2"]
    assert "kms:CreateGrant" not in [action for each in others for action in each["Action"]]


def test_china_has_its_own_service_name_of_ec2() -> None:
    policy = controllers_key_policy(CHINA, USERS)
    assert policy["Statement"][1]["Condition"]["StringEquals"] == {"kms:ViaService": "ec2.cn-north-1.amazonaws.com.cn"}
