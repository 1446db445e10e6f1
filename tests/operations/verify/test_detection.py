"""Detection services against the settings: what is off, what another account manages, what cannot be read."""

from typing import Any

import pytest

from components.adoption.document_ownership import OWNER_TAG
from components.adoption.resource_kinds import MADE_HERE_TAG
from components.detection.cis_scans import scan_content
from components.detection.names import AGENTS, DETECTOR, HUB, RUNTIME, SecurityService, SecurityStandard
from components.detection.services import ServiceState
from components.domain_controllers.names import ROLE_TAG
from components.domain_controllers.settings import DomainControllersSection
from operations.deployment import Deployment, SiteDeployment
from operations.findings import Finding, Status
from operations.inventory.monitoring import read_unrecorded
from operations.inventory.reader import ReadFailure
from operations.verify.domain_controllers.detection import (
    EVALUATED,
    detection_findings,
    read_detection,
    recorder_finding,
    scan_findings,
)
from tests.operations.arrangement import ACCOUNT, REGION, FakeReader

GUARD_DUTY = SecurityService.GUARD_DUTY
CHECK = "directory-detection-guardduty"
OWNER = "organization/shell-access/dev"
ALL = frozenset({AGENTS, DETECTOR, RUNTIME})
REFUSED = ReadFailure(action="guardduty:ListDetectors", cause="refused: no", remedy="allow it", refused=True)


def site(detection: dict[str, Any]) -> SiteDeployment:
    sites = {REGION: {"vpc": "directory", "subnets": ["a", "b"]}}
    section = DomainControllersSection.model_validate({"sites": sites, "detection": detection})
    return SiteDeployment(deployment=Deployment(stack="dev", account_id="123456789012", region=REGION), section=section)


SITE = site({"guardDuty": {"runtimeMonitoring": True}})


def state(*off: str, administrator: str = "", owner: str = OWNER) -> ServiceState:
    tags = {OWNER_TAG: owner} if owner else {}
    return ServiceState(arn="arn:detector", switches=ALL - {*off}, tags=tags, administrator=administrator)


def found(live: ServiceState | ReadFailure | None, of: SiteDeployment = SITE) -> dict[str, Finding]:
    return {each.check: each for each in detection_findings(of, {GUARD_DUTY: live})}


def guard_duty(failing: str = "", **administrator: Any) -> FakeReader:
    """GuardDuty in which one call fails."""
    role = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/guardduty.amazonaws.com/AWSServiceRoleForAmazonGuardDuty"
    answers: dict[str, Any] = {
        "list_detectors": {"DetectorIds": ["d1"]},
        "get_detector": {"Status": "ENABLED", "ServiceRole": role, "Features": []},
        "get_administrator_account": administrator,
    }
    return FakeReader(answers | ({failing: REFUSED} if failing else {}))


def inspector(status: str, failing: str = "", administrator: dict[str, str] | None = None) -> FakeReader:
    """Inspector in which one call fails."""
    states = {"ec2": {"status": status}} if status else {}
    answers: dict[str, Any] = {
        "batch_get_account_status": {"accounts": [{"accountId": ACCOUNT, "resourceState": states}]},
        "get_delegated_admin_account": {"delegatedAdmin": administrator} if administrator else None,
    }
    return FakeReader(answers | ({failing: REFUSED} if failing else {}))


def test_service_as_configured_is_accepted() -> None:
    assert {each.status for each in found(state()).values()} == {Status.OK}
    # More than the settings is of others.
    more = ServiceState(arn="arn:detector", switches=ALL | {"S3_DATA_EVENTS"}, tags={OWNER_TAG: OWNER})
    assert {each.status for each in found(more).values()} == {Status.OK}


@pytest.mark.parametrize("off", [(DETECTOR,), (RUNTIME, AGENTS), (AGENTS,)])
def test_switch_that_is_off_is_reported(off: tuple[str, ...]) -> None:
    reported = found(state(*off))[CHECK]
    assert reported.status is Status.DIFFERENT
    assert reported.found == f"{' '.join(sorted(off))} is off"
    assert reported.remedy == "pulumi up --refresh --stack dev"


def test_missing_detector_is_reported() -> None:
    (reported,) = found(None).values()
    assert (reported.status, reported.found) == (Status.DIFFERENT, "GuardDuty is not enabled in eu-west-1")


@pytest.mark.parametrize("owner", ["", "organization/shell-access/other"])
def test_lost_owner_tag_is_reported(owner: str) -> None:
    reported = found(state(owner=owner))
    assert reported[CHECK].status is Status.OK
    assert reported[f"{CHECK}-owner"].status is Status.DIFFERENT


def test_managed_service_names_its_administrator() -> None:
    (accepted,) = found(state(administrator="999988887777", owner="")).values()
    assert (accepted.status, accepted.found.endswith("managed by the account 999988887777")) == (Status.OK, True)
    (reported,) = found(state(RUNTIME, administrator="999988887777", owner="")).values()
    assert reported.status is Status.DIFFERENT
    assert reported.remedy.startswith("Ask the administrator account 999988887777 of GuardDuty")


def test_unread_service_is_never_accepted() -> None:
    (reported,) = found(REFUSED).values()
    assert (reported.check, reported.status) == (CHECK, Status.UNKNOWN)


@pytest.mark.parametrize("detection", [{}, {"enabled": False, "guardDuty": {}}, {"guardDuty": {"enabled": False}}])
def test_service_without_setting_is_not_read(detection: dict[str, Any]) -> None:
    assert read_detection(FakeReader({}), site(detection)) == {}
    assert detection_findings(site(detection), {}) == []


@pytest.mark.parametrize("operation", ["list_detectors", "get_detector", "get_administrator_account"])
def test_any_failed_read_is_a_failure(operation: str) -> None:
    read = read_detection(guard_duty(operation), SITE)[GUARD_DUTY]
    assert isinstance(read, ReadFailure)
    whole = read_detection(guard_duty(), SITE)[GUARD_DUTY]
    assert isinstance(whole, ServiceState)
    assert whole.switches == {DETECTOR}
    assert whole.administrator == ""


@pytest.mark.parametrize(("status", "manages"), [("Enabled", True), ("Paused", True), ("Removed", False)])
def test_former_administrator_manages_nothing(status: str, manages: bool) -> None:  # noqa: FBT001 -- a case
    administrator = {"AccountId": "999988887777", "RelationshipStatus": status}
    read = read_detection(guard_duty(Administrator=administrator), SITE)[GUARD_DUTY]
    assert isinstance(read, ServiceState)
    assert bool(read.administrator) is manages


SCANS = site({"inspector": {}})
INSPECTOR = SecurityService.INSPECTOR


@pytest.mark.parametrize(
    ("status", "is_on"), [("ENABLED", True), ("ENABLING", True), ("DISABLING", False), ("", False)]
)
def test_scans_are_compared_without_an_owner(status: str, is_on: bool) -> None:  # noqa: FBT001 -- a case
    read = read_detection(inspector(status), SCANS)
    (compared,) = detection_findings(SCANS, read)
    assert compared.check == "directory-detection-inspector2"
    assert compared.status is (Status.OK if is_on else Status.DIFFERENT)
    assert compared.found == ("Inspector with EC2" if is_on else "EC2 is off")


@pytest.mark.parametrize("operation", ["batch_get_account_status", "get_delegated_admin_account"])
def test_unread_scans_are_never_accepted(operation: str) -> None:
    read = read_detection(inspector("ENABLED", operation), SCANS)
    (compared,) = detection_findings(SCANS, read)
    assert compared.status is Status.UNKNOWN


def test_scans_without_a_status_are_never_accepted() -> None:
    read = read_detection(FakeReader({"batch_get_account_status": {"accounts": []}}), SCANS)
    (compared,) = detection_findings(SCANS, read)
    assert compared.status is Status.UNKNOWN
    assert compared.found.startswith("inspector2:BatchGetAccountStatus: Inspector does not return the status")


@pytest.mark.parametrize(
    ("account", "relation", "manages"),
    [("999988887777", "ENABLED", True), ("999988887777", "REMOVED", False), ("123456789012", "ENABLED", False)],
)
def test_scans_name_the_administrator(account: str, relation: str, manages: bool) -> None:  # noqa: FBT001 -- a case
    administrator = {"accountId": account, "relationshipStatus": relation}
    read = read_detection(inspector("DISABLED", administrator=administrator), SCANS)
    (compared,) = detection_findings(SCANS, read)
    assert compared.status is Status.DIFFERENT
    asked = compared.remedy.startswith("Ask the administrator account 999988887777 of Inspector to enable it")
    assert asked is manages


HUBS = site({"securityHub": {}})
FOUNDATIONAL = str(SecurityStandard.FOUNDATIONAL)


def hub_state(*switches: str, tags: dict[str, str] | None = None, fault: str = "") -> ServiceState:
    faults = {FOUNDATIONAL: fault} if fault else {}
    return ServiceState(arn="arn:hub", switches=frozenset({HUB, *switches}), tags=tags or {}, faults=faults)


def hub_findings(live: ServiceState | ReadFailure | None) -> dict[str, Finding]:
    return {each.check: each for each in detection_findings(HUBS, {SecurityService.SECURITY_HUB: live})}


def test_hub_as_configured_is_accepted() -> None:
    (adopted,) = hub_findings(hub_state(FOUNDATIONAL, "nist-800-53/v/5.0.0")).values()
    assert (adopted.check, adopted.status) == ("directory-detection-securityhub", Status.OK)
    own = hub_findings(hub_state(FOUNDATIONAL, tags={MADE_HERE_TAG: OWNER, OWNER_TAG: OWNER}))
    assert [each.status for each in own.values()] == [Status.OK, Status.OK]
    lost = hub_findings(hub_state(FOUNDATIONAL, tags={MADE_HERE_TAG: OWNER}))
    assert lost["directory-detection-securityhub-owner"].status is Status.DIFFERENT


@pytest.mark.parametrize("live", [None, hub_state(), hub_state(FOUNDATIONAL, fault="INCOMPLETE (no reason)")])
def test_hub_without_its_standard_is_reported(live: ServiceState | None) -> None:
    (reported,) = hub_findings(live).values()
    assert reported.status is Status.DIFFERENT


@pytest.mark.parametrize(
    ("live", "status"),
    [("", Status.OK), ("has an AWS Config recorder that is stopped", Status.DIFFERENT), (REFUSED, Status.UNKNOWN)],
)
def test_recorder_that_is_off_is_reported(live: str | ReadFailure, status: Status) -> None:
    found = recorder_finding(HUBS, live)
    assert (found.check, found.status) == ("directory-detection-recorder", status)


def test_recorder_without_status_is_unknown() -> None:
    recorders = {"ConfigurationRecorders": [{"name": "default", "recordingGroup": {"allSupported": True}}]}
    answers = {"describe_configuration_recorders": recorders}
    for statuses in ([], [{"name": "default"}]):
        answers["describe_configuration_recorder_status"] = {"ConfigurationRecordersStatus": statuses}
        found = recorder_finding(HUBS, read_unrecorded(FakeReader(answers), *EVALUATED))
        assert found.status is Status.UNKNOWN


@pytest.mark.parametrize(
    ("detection", "evaluates"),
    [({"securityHub": {}}, True), ({"securityHub": {"standards": []}}, False), ({"guardDuty": {}}, False)],
)
def test_recorder_is_needed_for_standards(detection: dict[str, Any], evaluates: bool) -> None:  # noqa: FBT001 -- a case
    assert site(detection).section.evaluates is evaluates


def test_unread_hub_is_never_accepted() -> None:
    (reported,) = hub_findings(REFUSED).values()
    assert reported.status is Status.UNKNOWN


CIS = site({"inspector": {"cisScans": {}}})
CIS_CHECK = "directory-detection-cis"


def scan(*, owner: str = OWNER, arn: str = "arn:1", **changes: Any) -> dict[str, Any]:
    settings = CIS.section.benchmark
    assert settings is not None
    tags = {OWNER_TAG: owner} if owner else {}
    content = scan_content(settings, "123456789012", ROLE_TAG)
    return {"scanConfigurationArn": arn, **content, "tags": tags, **changes}


def scan_statuses(*live: dict[str, Any]) -> dict[str, Status]:
    return {each.check: each.status for each in scan_findings(CIS, [*live])}


def test_cis_scan_as_configured_is_accepted() -> None:
    assert set(scan_statuses(scan()).values()) == {Status.OK}
    assert set(scan_statuses(scan(owner="", arn="arn:0", scanName="of others"), scan()).values()) == {Status.OK}
    assert scan_findings(SCANS, []) == []


@pytest.mark.parametrize("live", [[], [scan(owner="", scanName="other")]])
def test_absent_cis_scan_is_reported(live: list[dict[str, Any]]) -> None:
    assert scan_statuses(*live) == {CIS_CHECK: Status.DIFFERENT}


@pytest.mark.parametrize(
    "change",
    [
        {"scanName": "other"},
        {"securityLevel": "LEVEL_2"},
        {"schedule": {"oneTime": {}}},
        {"targets": {"accountIds": ["123456789012"], "targetResourceTags": {"Role": ["WebServer"]}}},
        {"targets": {"accountIds": ["999988887777"], "targetResourceTags": {"Role": ["DomainController"]}}},
    ],
)
def test_changed_cis_scan_is_reported(change: dict[str, Any]) -> None:
    assert scan_statuses(scan(**change))[CIS_CHECK] is Status.DIFFERENT


@pytest.mark.parametrize("owner", ["", "organization/shell-access/other"])
def test_cis_scan_without_owner_is_reported(owner: str) -> None:
    assert scan_statuses(scan(owner=owner)) == {CIS_CHECK: Status.OK, f"{CIS_CHECK}-owner": Status.DIFFERENT}


def test_second_cis_scan_is_reported() -> None:
    assert scan_statuses(scan(), scan(arn="arn:2"))[CIS_CHECK] is Status.DIFFERENT


def test_unread_cis_scan_is_never_accepted() -> None:
    (compared,) = scan_findings(CIS, REFUSED)
    assert compared.status is Status.UNKNOWN
