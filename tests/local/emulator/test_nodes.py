"""Readiness of nodes: settings, associations, windows and baselines of Systems Manager, rules of AWS Config."""

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


# Maintenance windows and patch baselines.


WINDOW: dict[str, Any] = {
    "Name": "dc-a",
    "Schedule": "cron(0 2 ? * SUN *)",
    "Duration": 4,
    "Cutoff": 1,
    "AllowUnassociatedTargets": False,
}
TARGETS = [{"Key": "InstanceIds", "Values": ["i-0123456789abcdef0"]}]
TASK: dict[str, Any] = {"TaskArn": "AWS-RunPatchBaselineWithHooks", "TaskType": "RUN_COMMAND", "Targets": TARGETS}


def window(ssm: Any) -> str:
    return ssm.create_maintenance_window(**WINDOW, Description="d", Tags=[{"Key": "a", "Value": "1"}])["WindowId"]


def test_window_is_replaced_by_an_update(ssm: Any) -> None:
    """API_UpdateMaintenanceWindow, Replace."""
    id_ = window(ssm)
    ssm.update_maintenance_window(WindowId=id_, Enabled=False)
    assert ssm.get_maintenance_window(WindowId=id_)["Description"] == "d"
    ssm.update_maintenance_window(WindowId=id_, Replace=True, Enabled=True, **WINDOW)
    found = ssm.get_maintenance_window(WindowId=id_)
    assert ("Description" in found, found["Enabled"]) == (False, True)
    named = [{"Key": "Name", "Values": ["dc-a"]}]
    assert [each["WindowId"] for each in ssm.describe_maintenance_windows(Filters=named)["WindowIdentities"]] == [id_]
    tags = ssm.list_tags_for_resource(ResourceType="MaintenanceWindow", ResourceId=id_)["TagList"]
    assert tags == [{"Key": "a", "Value": "1"}]
    ssm.delete_maintenance_window(WindowId=id_)
    with pytest.raises(ClientError, match="DoesNotExistException"):
        ssm.get_maintenance_window(WindowId=id_)


@pytest.mark.parametrize("change", [{"Cutoff": 4}, {"Duration": 24, "Cutoff": 24}, {"Schedule": "weekly"}])
def test_impossible_window_is_rejected(ssm: Any, change: dict[str, Any]) -> None:
    with pytest.raises(ClientError):
        ssm.create_maintenance_window(**WINDOW | change)


def test_targets_and_tasks_belong_to_their_window(ssm: Any) -> None:
    id_, other = window(ssm), ssm.create_maintenance_window(**WINDOW | {"Name": "dc-b"})["WindowId"]
    target = ssm.register_target_with_maintenance_window(WindowId=id_, ResourceType="INSTANCE", Targets=TARGETS)
    task = ssm.register_task_with_maintenance_window(WindowId=id_, MaxConcurrency="1", MaxErrors="0", **TASK)
    named = {"WindowId": id_, "WindowTaskId": task["WindowTaskId"]}
    assert ssm.get_maintenance_window_task(**named)["MaxErrors"] == "0"
    ssm.update_maintenance_window_task(**named, MaxConcurrency="2")
    assert ssm.describe_maintenance_window_tasks(WindowId=id_)["Tasks"][0]["MaxConcurrency"] == "2"
    assert ssm.describe_maintenance_window_tasks(WindowId=other)["Tasks"] == []
    with pytest.raises(ClientError, match="DoesNotExistException"):
        ssm.get_maintenance_window_task(WindowId=other, WindowTaskId=task["WindowTaskId"])
    wanted = {"WindowId": id_, "WindowTargetId": target["WindowTargetId"]}
    ssm.update_maintenance_window_target(**wanted, Targets=[{"Key": "tag:a", "Values": ["b"]}])
    (found,) = ssm.describe_maintenance_window_targets(WindowId=id_)["Targets"]
    assert found["Targets"][0]["Key"] == "tag:a"
    ssm.deregister_target_from_maintenance_window(**wanted)
    ssm.deregister_task_from_maintenance_window(**named)
    assert ssm.describe_maintenance_window_targets(WindowId=id_)["Targets"] == []


def test_group_has_one_baseline_that_is_in_use(ssm: Any) -> None:
    """API_RegisterPatchBaselineForPatchGroup, API_DeletePatchBaseline."""
    first, second = (ssm.create_patch_baseline(Name=f"windows-{each}")["BaselineId"] for each in "ab")
    ssm.register_patch_baseline_for_patch_group(BaselineId=first, PatchGroup="dc")
    with pytest.raises(ClientError, match="AlreadyExistsException"):
        ssm.register_patch_baseline_for_patch_group(BaselineId=second, PatchGroup="dc")
    with pytest.raises(ClientError, match="ResourceInUseException"):
        ssm.delete_patch_baseline(BaselineId=first)
    assert ssm.get_patch_baseline(BaselineId=first)["PatchGroups"] == ["dc"]
    ssm.update_patch_baseline(BaselineId=first, Description="changed")
    assert ssm.get_patch_baseline(BaselineId=first)["Description"] == "changed"
    named = [{"Key": "NAME_PREFIX", "Values": ["windows-a"]}]
    assert len(ssm.describe_patch_baselines(Filters=named)["BaselineIdentities"]) == 1
    ssm.deregister_patch_baseline_for_patch_group(BaselineId=first, PatchGroup="dc")
    assert ssm.describe_patch_groups()["Mappings"] == []
    ssm.delete_patch_baseline(BaselineId=first)
