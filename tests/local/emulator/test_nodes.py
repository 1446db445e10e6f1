"""Readiness of nodes: service settings and associations of Systems Manager, rules of AWS Config."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.emulator.extension.nodes import HOST_MANAGEMENT
from local.emulator.fixtures import LINUX_IMAGE

GUARD: dict[str, Any] = {
    "ConfigRuleName": "roles",
    "Scope": {"ComplianceResourceTypes": ["AWS::IAM::Role"]},
    "Source": {
        "Owner": "CUSTOM_POLICY",
        "SourceDetails": [{"EventSource": "aws.config", "MessageType": "ConfigurationItemChangeNotification"}],
        "CustomPolicyDetails": {"PolicyRuntime": "guard-2.x.x", "PolicyText": "rule named { configuration exists }"},
    },
}
REMEDIATION = {"ConfigRuleName": "roles", "TargetType": "SSM_DOCUMENT", "TargetId": "AWS-DetachIAMRole"}


@pytest.fixture
def config(connect: Any) -> Any:
    recorder = {"name": "default", "roleARN": "arn:aws:iam::123456789012:role/config"}
    connect("config").put_configuration_recorder(ConfigurationRecorder=recorder)
    return connect("config")


def setting(ssm: Any, id_: str = HOST_MANAGEMENT) -> tuple[str, str]:
    found = ssm.get_service_setting(SettingId=id_)["ServiceSetting"]
    return found["SettingValue"], found["Status"]


def test_service_setting_is_set_and_reset(ssm: Any, connect: Any) -> None:
    """API_ServiceSetting, Status; API_GetServiceSetting takes the ARN as well."""
    assert setting(ssm) == ("$None", "Default")
    ssm.update_service_setting(SettingId=HOST_MANAGEMENT, SettingValue="Hosts")
    arn = ssm.get_service_setting(SettingId=HOST_MANAGEMENT)["ServiceSetting"]["ARN"]
    assert arn == f"arn:aws:ssm:eu-west-1:123456789012:servicesetting{HOST_MANAGEMENT}"
    assert setting(ssm, arn) == ("Hosts", "Customized")
    assert setting(connect("ssm", "us-east-1")) == ("$None", "Default")
    assert ssm.reset_service_setting(SettingId=HOST_MANAGEMENT)["ServiceSetting"]["Status"] == "Default"
    with pytest.raises(ClientError, match="ServiceSettingNotFound"):
        ssm.get_service_setting(SettingId="/ssm/none")


def test_host_management_manages_instances_without_profile(ssm: Any, connect: Any) -> None:
    """User Guide, Default Host Management Configuration."""
    made = connect("ec2").run_instances(ImageId=LINUX_IMAGE, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    assert ssm.describe_instance_information()["InstanceInformationList"] == []
    ssm.update_service_setting(SettingId=HOST_MANAGEMENT, SettingValue="Hosts")
    (managed,) = ssm.describe_instance_information()["InstanceInformationList"]
    assert managed["InstanceId"] == made
    connect("ec2").modify_instance_metadata_options(InstanceId=made, HttpEndpoint="disabled")
    assert ssm.describe_instance_information()["InstanceInformationList"] == []


def test_association_has_a_document_and_a_schedule_that_exist(ssm: Any) -> None:
    """API_CreateAssociation: InvalidDocument, InvalidSchedule."""
    with pytest.raises(ClientError, match="InvalidDocument"):
        ssm.create_association(Name="None")
    with pytest.raises(ClientError, match="InvalidSchedule"):
        ssm.create_association(Name="AWS-UpdateSSMAgent", ScheduleExpression="daily")


def test_association_update_removes_omitted_properties(ssm: Any) -> None:
    """API_UpdateAssociation."""
    made = ssm.create_association(Name="AWS-UpdateSSMAgent", AssociationName="agents", MaxErrors="5%")
    id_ = made["AssociationDescription"]["AssociationId"]
    ssm.update_association(AssociationId=id_, ScheduleExpression="rate(1 day)")
    found = ssm.describe_association(AssociationId=id_)["AssociationDescription"]
    assert (found["Name"], found["ScheduleExpression"], found["AssociationVersion"]) == (
        *("AWS-UpdateSSMAgent", "rate(1 day)", "2"),
    )
    assert not {"AssociationName", "MaxErrors"} & set(found)


def test_tags_of_associations_stay_apart_from_those_of_documents(ssm: Any) -> None:
    """API_AddTagsToResource, ResourceType."""
    made = ssm.create_association(Name="AWS-UpdateSSMAgent", Tags=[{"Key": "a", "Value": "1"}])
    named = {"ResourceType": "Association", "ResourceId": made["AssociationDescription"]["AssociationId"]}
    ssm.add_tags_to_resource(**named, Tags=[{"Key": "b", "Value": "2"}])
    ssm.remove_tags_from_resource(**named, TagKeys=["a"])
    assert ssm.list_tags_for_resource(**named)["TagList"] == [{"Key": "b", "Value": "2"}]
    ssm.delete_association(AssociationId=named["ResourceId"])
    with pytest.raises(ClientError, match="InvalidResourceId"):
        ssm.list_tags_for_resource(**named)


def test_rule_in_guard_needs_a_recorder_and_shows_its_text_apart(connect: Any, config: Any) -> None:
    """API_PutConfigRule, NoAvailableConfigurationRecorderException; API_GetCustomRulePolicy."""
    with pytest.raises(ClientError, match="NoAvailableConfigurationRecorderException"):
        connect("config", "us-east-1").put_config_rule(ConfigRule=GUARD)
    config.put_config_rule(ConfigRule=GUARD)
    (found,) = config.describe_config_rules(ConfigRuleNames=["roles"])["ConfigRules"]
    assert (found["ConfigRuleState"], found["EvaluationModes"]) == ("ACTIVE", [{"Mode": "DETECTIVE"}])
    assert found["Source"]["CustomPolicyDetails"] == {"PolicyRuntime": "guard-2.x.x"}
    assert config.get_custom_rule_policy(ConfigRuleName="roles")["PolicyText"].startswith("rule named")
    with pytest.raises(ClientError, match="NoSuchConfigRuleException"):
        config.describe_config_rules(ConfigRuleNames=["others"])


@pytest.mark.parametrize("change", [{"PolicyRuntime": "guard-3"}, {"PolicyText": "x" * 10_001}])
def test_rule_in_guard_is_checked(config: Any, change: dict[str, str]) -> None:
    """API_CustomPolicyDetails."""
    details = {**GUARD["Source"]["CustomPolicyDetails"], **change}
    with pytest.raises(ClientError, match="InvalidParameterValueException"):
        config.put_config_rule(ConfigRule={**GUARD, "Source": {**GUARD["Source"], "CustomPolicyDetails": details}})


def test_rule_with_a_remediation_stays(config: Any) -> None:
    """API_DeleteConfigRule, ResourceInUseException."""
    config.put_config_rule(ConfigRule=GUARD)
    config.put_remediation_configurations(RemediationConfigurations=[REMEDIATION])
    with pytest.raises(ClientError, match="ResourceInUseException"):
        config.delete_config_rule(ConfigRuleName="roles")
    config.delete_remediation_configuration(ConfigRuleName="roles")
    config.delete_config_rule(ConfigRuleName="roles")


def test_remediation_requires_rule_runbook_and_role(config: Any, ssm: Any) -> None:
    """API_PutRemediationConfigurations."""
    with pytest.raises(ClientError, match="NoSuchConfigRuleException"):
        config.put_remediation_configurations(RemediationConfigurations=[REMEDIATION])
    config.put_config_rule(ConfigRule=GUARD)
    ours = {**REMEDIATION, "TargetId": "Ours"}
    with pytest.raises(ClientError, match="The document Ours does not exist"):
        config.put_remediation_configurations(RemediationConfigurations=[ours])
    step = {"name": "Wait", "action": "aws:sleep", "inputs": {"Duration": "PT1M"}}
    content = json.dumps({"schemaVersion": "0.3", "mainSteps": [step]})
    ssm.create_document(Name="Ours", DocumentType="Automation", Content=content)
    with pytest.raises(ClientError, match="AutomationAssumeRole"):
        config.put_remediation_configurations(RemediationConfigurations=[{**ours, "Automatic": True}])
    config.put_remediation_configurations(RemediationConfigurations=[ours])
    (found,) = config.describe_remediation_configurations(ConfigRuleNames=["roles"])["RemediationConfigurations"]
    assert found["Automatic"] is False
