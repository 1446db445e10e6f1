"""GuardDuty of the local AWS, as documented by AWS."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

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
