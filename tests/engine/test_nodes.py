"""Compliance of nodes on the real engine: creation, adoption, restoration."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from components.nodes import names
from components.session_manager.names import INSTANCE_POLICY_NAME
from tests.support.stack import Stack

pytestmark = pytest.mark.engine

ACCOUNT = "123456789012"
REGIONS = ["eu-west-1", "us-east-1"]
POLICY = f"arn:aws:iam::{ACCOUNT}:policy/{INSTANCE_POLICY_NAME}"
EVERYTHING: dict[str, Any] = {
    "roleCompliance": {"remediation": "automatic", "excludedRoles": ["Breakglass"]},
    "defaultHostManagement": {},
    "agents": {"schedule": "rate(7 days)"},
}


def asked(**nodes: Any) -> dict[str, Any]:
    return {
        "regions": REGIONS,
        "tags": {"owner": "platform-security"},
        "sessionManager": {"instanceRoles": ["WorkloadInstance"]},
        "nodes": {**EVERYTHING, **nodes},
    }


def host_management(aws: Callable[..., Any], region: str) -> tuple[str, str]:
    found = aws("ssm", region).get_service_setting(SettingId=names.HOST_MANAGEMENT_SETTING)["ServiceSetting"]
    return found["SettingValue"], found["Status"]


def attached(aws: Callable[..., Any], role: str) -> set[str]:
    policies = aws("iam").list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    return {policy["PolicyName"] for policy in policies}


def test_nodes_are_configured_and_restored_on_destroy(stack: Stack, aws: Callable[..., Any]) -> None:
    config, ssm = aws("config"), aws("ssm")
    theirs = names.AWS_HOST_ROLE
    ssm.update_service_setting(SettingId=names.HOST_MANAGEMENT_SETTING, SettingValue=theirs)
    stack.configure(asked())
    preview = stack.preview().succeeded()
    assert (
        f"{names.HOST_MANAGEMENT_SETTING} in eu-west-1 is {theirs}. It becomes {names.HOST_ROLE_NAME}" in preview.text
    )
    stack.up().succeeded()

    outputs = stack.outputs()["nodes"]
    assert outputs["roleCompliance"] == {
        "ruleName": names.RULE_NAME,
        "ruleArn": config.describe_config_rules()["ConfigRules"][0]["ConfigRuleArn"],
        "region": "eu-west-1",
        "remediation": "automatic",
        "runbookName": names.RUNBOOK_NAME,
        "remediationRoleArn": f"arn:aws:iam::{ACCOUNT}:role/{names.REMEDIATION_ROLE_NAME}",
    }
    assert outputs["defaultHostManagement"] == {
        "roleName": names.HOST_ROLE_NAME,
        "roleArn": f"arn:aws:iam::{ACCOUNT}:role/{names.HOST_ROLE_NAME}",
    }
    assert outputs["minimumAgentVersions"] == dict.fromkeys(REGIONS, "3.2.582.0")
    assert attached(aws, names.HOST_ROLE_NAME) == {names.HOST_MANAGED_POLICY, INSTANCE_POLICY_NAME}
    assert [host_management(aws, region) for region in REGIONS] == [(names.HOST_ROLE_NAME, "Customized")] * 2
    for region in REGIONS:
        (found,) = aws("ssm", region).list_associations()["Associations"]
        assert (found["Name"], found["AssociationName"]) == (names.UPDATE_DOCUMENT, names.ASSOCIATION_NAME)
        assert found["AssociationId"] == outputs["agents"][region]
    (remediation,) = config.describe_remediation_configurations(ConfigRuleNames=[names.RULE_NAME])[
        "RemediationConfigurations"
    ]
    assert (remediation["TargetId"], remediation["Automatic"]) == (names.RUNBOOK_NAME, True)
    text = config.get_custom_rule_policy(ConfigRuleName=names.RULE_NAME)["PolicyText"]
    assert POLICY in text
    assert '"Breakglass"' in text

    assert verified(stack) == {}
    stack.preview("--refresh", "--expect-no-changes").succeeded()

    aws("iam").attach_role_policy(RoleName="LegacyInstance", PolicyArn=POLICY)
    destroyed = stack.destroy().succeeded()
    assert host_management(aws, "eu-west-1") == (theirs, "Customized")
    assert host_management(aws, "us-east-1") == ("$None", "Default")
    assert config.describe_config_rules()["ConfigRules"] == []
    assert ssm.list_associations()["Associations"] == []
    assert INSTANCE_POLICY_NAME not in attached(aws, "LegacyInstance")
    assert "LegacyInstance" in destroyed.text


def test_manual_changes_are_reported_and_kept_on_destroy(stack: Stack, aws: Callable[..., Any]) -> None:
    stack.configure(asked())
    stack.up().succeeded()
    config, iam = aws("config"), aws("iam")
    rule = config.describe_config_rules(ConfigRuleNames=[names.RULE_NAME])["ConfigRules"][0]
    rule["Source"]["CustomPolicyDetails"]["PolicyText"] = "rule nothing { this exists }"
    config.put_config_rule(ConfigRule={key: rule[key] for key in ("ConfigRuleName", "Source", "Scope")})
    iam.attach_role_policy(RoleName=names.HOST_ROLE_NAME, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    iam.update_assume_role_policy(
        RoleName=names.REMEDIATION_ROLE_NAME, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    (association,) = aws("ssm", "us-east-1").list_associations()["Associations"]
    aws("ssm", "us-east-1").delete_association(AssociationId=association["AssociationId"])
    aws("ssm").reset_service_setting(SettingId=names.HOST_MANAGEMENT_SETTING)
    assert verified(stack) == {
        "eu-west-1": {"host-management", "host-management-role", "node-roles-content", "node-remediation-role"},
        "us-east-1": {"agent-updates"},
    }

    iam.detach_role_policy(RoleName=names.HOST_ROLE_NAME, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    stack.configure(asked(roleCompliance={"remediation": "off"}))
    stack.up("--refresh").succeeded()
    assert verified(stack) == {}
    assert (
        config.describe_remediation_configurations(ConfigRuleNames=[names.RULE_NAME])["RemediationConfigurations"] == []
    )
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName=names.REMEDIATION_ROLE_NAME)
    assert '"Breakglass"' not in config.get_custom_rule_policy(ConfigRuleName=names.RULE_NAME)["PolicyText"]
    # A value that is not the stack's any more is not the stack's to restore.
    aws("ssm").update_service_setting(SettingId=names.HOST_MANAGEMENT_SETTING, SettingValue="Theirs")
    assert "Theirs" in stack.destroy().succeeded().text
    assert host_management(aws, "eu-west-1") == ("Theirs", "Customized")


def verified(stack: Stack) -> dict[str, set[str]]:
    """By Region what is otherwise than asked."""
    done = stack.operate("verify", "--json")
    assert done.stderr == ""
    regions = json.loads(done.stdout)["regions"]
    assert "host-management" in {each["check"] for each in regions["us-east-1"]}
    different = {
        region: {each["check"] for each in findings if each["status"] != "ok"} for region, findings in regions.items()
    }
    return {region: checks for region, checks in different.items() if checks}


def test_missing_iam_recorder_is_refused_before_any_change(stack: Stack, aws: Callable[..., Any]) -> None:
    aws("config").stop_configuration_recorder(ConfigurationRecorderName="default")
    stack.configure(asked())
    refused = stack.up().failed()
    assert "shell-access:nodes.roleCompliance.region: expected a Region whose AWS Config recorder is on" in refused.text
    assert "eu-west-1 has an AWS Config recorder that is stopped" in refused.text
    assert "us-east-1 has an AWS Config recorder that leaves AWS::IAM::Role out" in refused.text
    assert refused.steps == {}


def test_rule_of_another_stack_is_refused(new_stack: Callable[..., Stack], aws: Callable[..., Any]) -> None:
    only = {"defaultHostManagement": None, "agents": None, "roleCompliance": {}}
    one, other = new_stack("one"), new_stack("other")
    one.configure(asked(**only))
    one.up().succeeded()
    other.configure(asked(**only))
    refused = other.preview().failed()
    assert "is governed by the stack organization/shell-access/one" in refused.text
    assert "the rule shell-access-node-roles in eu-west-1 (shell-access:nodes.takeOver)" in refused.text
    assert len(aws("config").describe_config_rules()["ConfigRules"]) == 1
