"""Amazon Inspector of the local AWS, as documented by AWS."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from common.aws.failures import code_of
from tests.local.emulator.conftest import Connect
from tests.support.emulator import Emulator, change_settings


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
