"""Rules of AWS Config and their remediation (Terraform AWS provider: internal/service/configservice)."""

import json
from typing import Any

import pytest

from tests.local.aws_provider.conftest import lifecycle, refusals

rule = "aws:cfg/rule:Rule"
remediation = "aws:cfg/remediationConfiguration:RemediationConfiguration"
text = 'rule named when resourceType == "AWS::IAM::Role" { configuration.roleName exists }'
policy: dict[str, Any] = {"policyRuntime": "guard-2.x.x", "policyText": text}
source: dict[str, Any] = {
    "owner": "CUSTOM_POLICY",
    "customPolicyDetails": policy,
    "sourceDetails": [{"messageType": "ConfigurationItemChangeNotification"}],
}
given: dict[str, Any] = {
    "name": "roles",
    "description": "Roles have names",
    "scope": {"complianceResourceTypes": ["AWS::IAM::Role"]},
    "source": source,
    "tags": {"owner": "security"},
}
repair: dict[str, Any] = {
    "configRuleName": "roles",
    "targetType": "SSM_DOCUMENT",
    "targetId": "Repair",
    "resourceType": "AWS::IAM::Role",
    "executionControls": {"ssmControls": {"concurrentExecutionRatePercentage": 10, "errorPercentage": 5}},
    "parameters": [
        {"name": "AutomationAssumeRole", "staticValue": "arn:aws:iam::123456789012:role/repair"},
        {"name": "RoleId", "resourceValue": "RESOURCE_ID"},
    ],
}
runbook = {
    "schemaVersion": "0.3",
    "mainSteps": [{"name": "Wait", "action": "aws:sleep", "inputs": {"Duration": "PT1M"}}],
}


@pytest.fixture
def config(aws: Any) -> Any:
    group = {"allSupported": True, "includeGlobalResourceTypes": True}
    recorder = {"name": "default", "roleARN": "arn:aws:iam::123456789012:role/config", "recordingGroup": group}
    aws("config").put_configuration_recorder(ConfigurationRecorder=recorder)
    aws("ssm").create_document(Name="Repair", DocumentType="Automation", Content=json.dumps(runbook))
    return aws("config")


def test_rule_is_known_by_its_name(provider: Any, config: Any) -> None:
    made = provider.up(rule, "roles", given)
    assert made.id == "roles"
    assert made["arn"] == f"arn:aws:config:eu-west-1:123456789012:config-rule/{made['ruleId']}"
    assert made["evaluationModes"] == [{"mode": "DETECTIVE"}]
    assert provider.unchanged(rule, "roles", given)
    tags = config.list_tags_for_resource(ResourceArn=made["arn"])["Tags"]
    assert tags == [{"Key": "owner", "Value": "security"}]


def test_source_of_an_event_and_debug_logs_have_defaults(provider: Any, config: Any) -> None:
    assert config
    checked = provider.check(rule, "roles", given)["source"]
    assert checked["sourceDetails"][0]["eventSource"] == "aws.config"
    assert checked["customPolicyDetails"]["enableDebugLogDelivery"] is False


def test_rule_changes_in_place_and_only_its_name_replaces(provider: Any, config: Any) -> None:
    provider.up(rule, "roles", given)
    changed = {**given, "source": {**source, "customPolicyDetails": {**policy, "policyText": f"{text} # again"}}}
    assert not provider.diff(rule, "roles", changed).replaces
    provider.up(rule, "roles", changed)
    assert config.get_custom_rule_policy(ConfigRuleName="roles")["PolicyText"].endswith("# again")
    assert list(provider.diff(rule, "roles", {**changed, "name": "other"}).replaces) == ["name"]


def test_custom_policy_text_is_that_of_the_state(provider: Any, config: Any) -> None:
    provider.up(rule, "roles", given)
    meddled = config.describe_config_rules(ConfigRuleNames=["roles"])["ConfigRules"][0]
    assert "PolicyText" not in meddled["Source"]["CustomPolicyDetails"]
    meddled["Source"]["CustomPolicyDetails"]["PolicyText"] = "rule nothing { this exists }"
    config.put_config_rule(ConfigRule={key: meddled[key] for key in ("ConfigRuleName", "Source", "Scope")})
    provider.refresh(rule, "roles")
    changed = list(provider.diff(rule, "roles", given).diffs)
    assert changed == ["description"]


def test_message_types_are_unordered(provider: Any, config: Any) -> None:
    assert config
    both = [*source["sourceDetails"], {"messageType": "OversizedConfigurationItemChangeNotification"}]
    provider.up(rule, "roles", {**given, "source": {**source, "sourceDetails": both}})
    assert provider.unchanged(rule, "roles", {**given, "source": {**source, "sourceDetails": both[::-1]}})


def test_tags_of_a_rule_change_on_their_own(provider: Any, config: Any) -> None:
    provider.up(rule, "roles", given)
    arn = provider.up(rule, "roles", {**given, "tags": {"stage": "prod"}})["arn"]
    assert config.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "stage", "Value": "prod"}]


def test_rule_needs_a_recorder(provider: Any) -> None:
    with pytest.raises(Exception, match="NoAvailableConfigurationRecorderException"):
        provider.up(rule, "roles", given)


test_what_upstream_refuses_of_a_rule = refusals(
    rule,
    given,
    ({"name": "x" * 129}, "length"),
    ({"source": {**source, "owner": "ME"}}, "CUSTOM_POLICY"),
    ({"source": {**source, "customPolicyDetails": {**policy, "policyRuntime": "guard-3"}}}, "guard version"),
    ({"source": {**source, "customPolicyDetails": {**policy, "policyText": "x" * 10_001}}}, "length"),
    ({"source": {**source, "sourceDetails": [{"messageType": "Never"}]}}, "ScheduledNotification"),
)


def test_remediation_is_known_by_its_rule(provider: Any, config: Any) -> None:
    provider.up(rule, "roles", given)
    made = provider.up(remediation, "repair", repair)
    assert made.id == "roles"
    assert made["automatic"] is False
    assert provider.unchanged(remediation, "repair", repair)
    found = config.describe_remediation_configurations(ConfigRuleNames=["roles"])["RemediationConfigurations"][0]
    assert found["Parameters"] == {
        "AutomationAssumeRole": {"StaticValue": {"Values": ["arn:aws:iam::123456789012:role/repair"]}},
        "RoleId": {"ResourceValue": {"Value": "RESOURCE_ID"}},
    }
    assert list(provider.diff(remediation, "repair", {**repair, "configRuleName": "other"}).replaces) == [
        "configRuleName"
    ]


def test_parameters_not_sorted_by_name_always_differ(provider: Any, config: Any) -> None:
    assert config
    provider.up(rule, "roles", given)
    turned = {**repair, "parameters": repair["parameters"][::-1]}
    provider.up(remediation, "repair", turned)
    assert not provider.unchanged(remediation, "repair", turned)


def test_remediation_becomes_automatic_in_place(provider: Any, config: Any) -> None:
    provider.up(rule, "roles", given)
    provider.up(remediation, "repair", repair)
    automatic = {**repair, "automatic": True, "maximumAutomaticAttempts": 5, "retryAttemptSeconds": 300}
    assert not provider.diff(remediation, "repair", automatic).replaces
    provider.up(remediation, "repair", automatic)
    assert config.describe_remediation_configurations(ConfigRuleNames=["roles"])["RemediationConfigurations"][0][
        "Automatic"
    ]


def test_rule_stays_while_it_has_a_remediation(provider: Any, config: Any) -> None:
    provider.up(rule, "roles", given)
    provider.up(remediation, "repair", repair)
    with pytest.raises(config.exceptions.ResourceInUseException):
        config.delete_config_rule(ConfigRuleName="roles")
    provider.destroy(remediation, "repair")
    provider.destroy(rule, "roles")
    assert config.describe_config_rules()["ConfigRules"] == []


@pytest.fixture
def roles(config: Any) -> dict[str, Any]:
    assert config
    return given


@pytest.fixture
def repaired(provider: Any, roles: dict[str, Any]) -> dict[str, Any]:
    provider.up(rule, "roles", roles)
    return repair


TestRule = lifecycle(
    rule,
    "roles",
    delete=lambda aws, _: aws("config").delete_config_rule(ConfigRuleName="roles"),
    replacing=({"name": "other"},),
)
TestRemediation = lifecycle(
    remediation,
    "repaired",
    delete=lambda aws, _: aws("config").delete_remediation_configuration(ConfigRuleName="roles"),
    replacing=({"configRuleName": "other"},),
    delete_first=False,
)
