"""GuardDuty, Amazon Inspector and Security Hub CSPM of the local AWS, as documented by AWS."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from common.aws.failures import code_of
from tests.local.emulator.conftest import Connect
from tests.support.emulator import Emulator, change_settings

OFF = {"EKS_RUNTIME_MONITORING", "RUNTIME_MONITORING"}


@pytest.fixture
def guardduty(connect: Connect) -> Any:
    return connect("guardduty")


def features(guardduty: Any, detector: str, status: str) -> set[str]:
    found = guardduty.get_detector(DetectorId=detector)["Features"]
    return {each["Name"] for each in found if each["Status"] == status}


def rejected(call: Any, /, **arguments: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    assert "(BadRequestException)" in str(refused.value)
    return str(refused.value)


def test_region_has_one_detector_with_all_features(guardduty: Any, connect: Connect) -> None:
    """https://docs.aws.amazon.com/guardduty/latest/APIReference/API_CreateDetector.html."""
    detector = guardduty.create_detector(Enable=True)["DetectorId"]
    assert features(guardduty, detector, "DISABLED") == OFF
    assert "already exists" in rejected(guardduty.create_detector, Enable=True)
    assert connect("guardduty", "us-east-1").list_detectors()["DetectorIds"] == []


def test_update_keeps_features_that_it_omits(guardduty: Any) -> None:
    """https://docs.aws.amazon.com/guardduty/latest/APIReference/API_UpdateDetector.html."""
    detector = guardduty.create_detector(Enable=True)["DetectorId"]
    options = [{"Name": "EC2_AGENT_MANAGEMENT", "Status": "ENABLED"}]
    runtime = {"Name": "RUNTIME_MONITORING", "Status": "ENABLED", "AdditionalConfiguration": options}
    guardduty.update_detector(DetectorId=detector, Features=[runtime])
    guardduty.update_detector(DetectorId=detector, Features=[{"Name": "S3_DATA_EVENTS", "Status": "DISABLED"}])
    found = {each["Name"]: each for each in guardduty.get_detector(DetectorId=detector)["Features"]}
    agents = {each["Name"]: each["Status"] for each in found["RUNTIME_MONITORING"]["AdditionalConfiguration"]}
    assert agents["EC2_AGENT_MANAGEMENT"] == "ENABLED"
    assert agents["EKS_ADDON_MANAGEMENT"] == "DISABLED"
    assert found["S3_DATA_EVENTS"]["Status"] == "DISABLED"
    guardduty.update_detector(DetectorId=detector, Enable=False)
    assert guardduty.get_detector(DetectorId=detector)["Status"] == "DISABLED"
    assert features(guardduty, detector, "DISABLED") == {"S3_DATA_EVENTS", "EKS_RUNTIME_MONITORING"}


@pytest.mark.parametrize("call", ["create_detector", "update_detector"])
def test_features_that_exclude_each_other_are_rejected(guardduty: Any, call: str) -> None:
    """https://docs.aws.amazon.com/guardduty/latest/APIReference/API_UpdateDetector.html."""
    place: dict[str, Any] = {"Enable": True}
    if call == "update_detector":
        place = {"DetectorId": guardduty.create_detector(Enable=True)["DetectorId"]}
    both = [{"Name": each, "Status": "ENABLED"} for each in sorted(OFF)]
    assert "cannot both" in rejected(getattr(guardduty, call), **place, Features=both)


def test_unknown_detector_and_feature_are_rejected(guardduty: Any) -> None:
    detector = guardduty.create_detector(Enable=True)["DetectorId"]
    unknown = [{"Name": "ANYTHING", "Status": "ENABLED"}]
    assert "not valid" in rejected(guardduty.update_detector, DetectorId=detector, Features=unknown)
    for call in (guardduty.get_detector, guardduty.delete_detector, guardduty.get_administrator_account):
        assert "not owned" in rejected(call, DetectorId="0" * 32)


def test_detector_is_tagged_by_its_arn(guardduty: Any) -> None:
    """https://docs.aws.amazon.com/guardduty/latest/APIReference/API_TagResource.html."""
    detector = guardduty.create_detector(Enable=True, Tags={"team": "soc"})["DetectorId"]
    arn = f"arn:aws:guardduty:eu-west-1:123456789012:detector/{detector}"
    guardduty.tag_resource(ResourceArn=arn, Tags={"owner": "directory", "cost": "7"})
    guardduty.untag_resource(ResourceArn=arn, TagKeys=["team", "cost"])
    assert guardduty.get_detector(DetectorId=detector)["Tags"] == {"owner": "directory"}
    assert guardduty.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"owner": "directory"}


def test_member_is_changed_by_its_administrator_alone(guardduty: Any, emulator: Emulator) -> None:
    """https://docs.aws.amazon.com/guardduty/latest/ug/administrator_member_relationships.html."""
    detector = guardduty.create_detector(Enable=True)["DetectorId"]
    assert guardduty.get_administrator_account(DetectorId=detector).get("Administrator") is None
    change_settings(emulator.endpoint_url, {"reportedStates": {detector: {"Administrator": "999988887777"}}})
    administrator = guardduty.get_administrator_account(DetectorId=detector)["Administrator"]
    assert administrator == {"AccountId": "999988887777", "RelationshipStatus": "Enabled"}
    assert "member" in rejected(guardduty.update_detector, DetectorId=detector, Enable=False)
    assert "member" in rejected(guardduty.delete_detector, DetectorId=detector)


# Amazon Inspector.


@pytest.fixture
def inspector(connect: Connect) -> Any:
    return connect("inspector2")


def scans(inspector: Any) -> set[str]:
    (account,) = inspector.batch_get_account_status()["accounts"]
    return {name for name, each in account["resourceState"].items() if each["status"] == "ENABLED"}


def code(call: Any, /, **arguments: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return code_of(refused.value)


def test_types_of_resources_are_scanned_per_region(inspector: Any, connect: Connect) -> None:
    """https://docs.aws.amazon.com/inspector/v2/APIReference/API_Enable.html."""
    assert scans(inspector) == set()
    (enabled,) = inspector.enable(resourceTypes=["EC2", "LAMBDA_CODE"])["accounts"]
    assert (enabled["status"], enabled["resourceStatus"]["lambdaCode"]) == ("ENABLED", "ENABLED")
    assert scans(inspector) == {"ec2", "lambdaCode"}
    assert scans(connect("inspector2", "us-east-1")) == set()
    (again,) = inspector.enable(resourceTypes=["EC2"])["failedAccounts"]
    assert again["errorCode"] == "ALREADY_ENABLED"


def test_disable_without_types_ends_all_scans(inspector: Any) -> None:
    """https://docs.aws.amazon.com/inspector/v2/APIReference/API_Disable.html."""
    inspector.enable(resourceTypes=["EC2", "ECR", "LAMBDA"])
    inspector.disable(resourceTypes=["EC2"])
    assert scans(inspector) == {"ecr", "lambda"}
    inspector.disable()
    assert scans(inspector) == set()


def test_unknown_types_and_accounts_are_rejected(inspector: Any) -> None:
    assert code(inspector.enable, resourceTypes=["ANYTHING"]) == "ValidationException"
    for call in (inspector.disable, inspector.batch_get_account_status):
        assert code(call, accountIds=["999988887777"]) == "AccessDeniedException"


def test_scans_of_member_are_those_of_its_administrator(inspector: Any, emulator: Emulator) -> None:
    """https://docs.aws.amazon.com/inspector/latest/user/admin-member-relationship.html."""
    assert code(inspector.get_delegated_admin_account) == "ResourceNotFoundException"
    change_settings(emulator.endpoint_url, {"reportedStates": {"inspector2": {"Administrator": "999988887777"}}})
    administrator = inspector.get_delegated_admin_account()["delegatedAdmin"]
    assert administrator == {"accountId": "999988887777", "relationshipStatus": "ENABLED"}
    for call in (inspector.enable, inspector.disable):
        (failed,) = call(resourceTypes=["EC2"])["failedAccounts"]
        assert failed["errorCode"] == "ACCESS_DENIED"


def test_scan_configurations_have_tags_and_no_unique_name(inspector: Any, connect: Connect) -> None:
    """https://docs.aws.amazon.com/inspector/v2/APIReference/API_CreateCisScanConfiguration.html."""
    start = {"timeOfDay": "02:00", "timezone": "UTC"}
    given = {
        "scanName": "weekly",
        "securityLevel": "LEVEL_1",
        "schedule": {"weekly": {"startTime": start, "days": ["SAT"]}},
        "targets": {"accountIds": ["123456789012"], "targetResourceTags": {"Role": ["DomainController"]}},
    }
    first, second = (
        inspector.create_cis_scan_configuration(**given, tags=tags)["scanConfigurationArn"]
        for tags in ({"team": "soc"}, {})
    )
    found = {
        each["scanConfigurationArn"]: each for each in inspector.list_cis_scan_configurations()["scanConfigurations"]
    }
    assert found[first] == {**given, "scanConfigurationArn": first, "ownerId": "123456789012", "tags": {"team": "soc"}}
    assert found[second]["tags"] == {}
    assert connect("inspector2", "us-east-1").list_cis_scan_configurations()["scanConfigurations"] == []


def test_scan_configuration_changes_what_is_given(inspector: Any) -> None:
    """https://docs.aws.amazon.com/inspector/v2/APIReference/API_UpdateCisScanConfiguration.html."""
    targets = {"accountIds": ["SELF"], "targetResourceTags": {"Role": ["a"]}}
    given = {"scanName": "once", "securityLevel": "LEVEL_1", "schedule": {"oneTime": {}}, "targets": targets}
    arn = inspector.create_cis_scan_configuration(**given)["scanConfigurationArn"]
    inspector.update_cis_scan_configuration(scanConfigurationArn=arn, securityLevel="LEVEL_2")
    inspector.tag_resource(resourceArn=arn, tags={"a": "1", "b": "2"})
    inspector.untag_resource(resourceArn=arn, tagKeys=["a"])
    (found,) = inspector.list_cis_scan_configurations()["scanConfigurations"]
    assert (found["securityLevel"], found["scanName"], found["tags"]) == ("LEVEL_2", "once", {"b": "2"})
    inspector.delete_cis_scan_configuration(scanConfigurationArn=arn)
    assert inspector.list_cis_scan_configurations()["scanConfigurations"] == []
    for call in (inspector.delete_cis_scan_configuration, inspector.update_cis_scan_configuration):
        assert code(call, scanConfigurationArn=arn) == "ResourceNotFoundException"


# AWS Security Hub CSPM.


ARN = "arn:aws:securityhub:eu-west-1:123456789012:hub/default"
NIST = {"StandardsArn": "arn:aws:securityhub:eu-west-1::standards/nist-800-53/v/5.0.0"}


@pytest.fixture
def hub(connect: Connect) -> Any:
    return connect("securityhub")


def standards(hub: Any) -> list[str]:
    return [each["StandardsArn"] for each in hub.get_enabled_standards()["StandardsSubscriptions"]]


def test_default_standards_are_enabled_unless_refused(hub: Any, connect: Connect) -> None:
    """https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_EnableSecurityHub.html."""
    assert code(hub.describe_hub) == "InvalidAccessException"
    assert code(hub.get_enabled_standards) == "InvalidAccessException"
    hub.enable_security_hub(Tags={"team": "soc"})
    assert len(standards(hub)) == 2
    assert hub.describe_hub()["HubArn"] == ARN
    assert code(hub.enable_security_hub) == "ResourceConflictException"
    other = connect("securityhub", "us-east-1")
    other.enable_security_hub(EnableDefaultStandards=False)
    assert standards(other) == []
    hub.disable_security_hub()
    assert code(hub.describe_hub) == "InvalidAccessException"
    hub.enable_security_hub(EnableDefaultStandards=False)
    assert standards(hub) == []


def test_standards_are_enabled_and_disabled(hub: Any) -> None:
    """https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchEnableStandards.html."""
    hub.enable_security_hub(EnableDefaultStandards=False)
    (made,) = hub.batch_enable_standards(StandardsSubscriptionRequests=[NIST])["StandardsSubscriptions"]
    assert made["StandardsSubscriptionArn"] == ARN.replace("hub/default", "subscription/nist-800-53/v/5.0.0")
    assert standards(hub) == [NIST["StandardsArn"]]
    unknown = {"StandardsArn": "arn:aws:securityhub:eu-west-1::standards/any/v/1.0.0"}
    assert code(hub.batch_enable_standards, StandardsSubscriptionRequests=[unknown]) == "InvalidInputException"
    named = {"StandardsSubscriptionArns": [made["StandardsSubscriptionArn"]]}
    (gone,) = hub.batch_disable_standards(**named)["StandardsSubscriptions"]
    assert (gone["StandardsStatus"], standards(hub)) == ("DELETING", [])
    assert code(hub.batch_disable_standards, **named) == "InvalidInputException"


def test_hub_has_tags(hub: Any) -> None:
    """https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_TagResource.html."""
    hub.enable_security_hub(Tags={"team": "soc"})
    hub.tag_resource(ResourceArn=ARN, Tags={"a": "1"})
    hub.untag_resource(ResourceArn=ARN, TagKeys=["team"])
    assert hub.list_tags_for_resource(ResourceArn=ARN)["Tags"] == {"a": "1"}


def test_member_changes_nothing(hub: Any, emulator: Emulator) -> None:
    """https://docs.aws.amazon.com/securityhub/latest/userguide/central-configuration-management-type.html."""
    hub.enable_security_hub(EnableDefaultStandards=False)
    assert "Administrator" not in hub.get_administrator_account()
    change_settings(emulator.endpoint_url, {"reportedStates": {"securityhub": {"Administrator": "999988887777"}}})
    assert hub.get_administrator_account()["Administrator"]["AccountId"] == "999988887777"
    assert code(hub.batch_enable_standards, StandardsSubscriptionRequests=[NIST]) == "AccessDeniedException"
    assert code(hub.disable_security_hub) == "AccessDeniedException"
