"""Security Hub CSPM of the local AWS, as documented by AWS."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from common.aws.failures import code_of
from tests.local.emulator.conftest import Connect
from tests.support.emulator import Emulator, change_settings

ARN = "arn:aws:securityhub:eu-west-1:123456789012:hub/default"
NIST = {"StandardsArn": "arn:aws:securityhub:eu-west-1::standards/nist-800-53/v/5.0.0"}


@pytest.fixture
def hub(connect: Connect) -> Any:
    return connect("securityhub")


def code(call: Any, /, **arguments: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return code_of(refused.value)


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
