"""Rules about detection services."""

from typing import Any

import pytest

from policies.foundations.detection import (
    ASSOCIATION,
    CIS_SCAN,
    CIS_SCAN_RECURRING,
    CONTROL,
    DETECTOR_ENABLED,
    ENABLER,
    HUB,
    ORGANIZATION,
    SCANS_ENABLED,
    SECURITY_CONTROLS_ENABLED,
    STANDARD,
)
from tests.policies.judging import SILENT, UNKNOWN, Made, judge, judge_stack, violations

DETECTOR = "aws:guardduty/detector:Detector"


@pytest.mark.parametrize("enabled", [{}, {"enable": None}, {"enable": True}])
def test_enabled_detector_is_accepted(enabled: dict[str, object]) -> None:
    assert judge(DETECTOR_ENABLED, DETECTOR, enabled) == SILENT


@pytest.mark.parametrize("value", [False, "true", 0])
def test_suspended_detector_is_reported(value: object) -> None:
    (said,) = violations(DETECTOR_ENABLED, DETECTOR, {"enable": value})
    assert said.startswith(f'{DETECTOR} "subject": enable: found ')


def test_unknown_state_of_detector_is_unseen() -> None:
    assert judge(DETECTOR_ENABLED, DETECTOR, {"enable": UNKNOWN}).unseen


SERVICE = "pulumi-python:dynamic/shellaccess:DetectionService"


def enabler(*types: str, name: str = "enabler") -> Made:
    return Made(type=ENABLER, name=name, properties={"resourceTypes": list(types)})


def service(name: str = "inspector") -> Made:
    return Made(type=SERVICE, name="site-inspector2", properties={"service": name})


@pytest.mark.parametrize(
    "stack",
    [
        [enabler("EC2", "ECR")],
        [enabler("EC2"), enabler("ECR", name="images")],
        [service()],
        [service(), enabler("ECR")],
        [service("guardDuty"), enabler("EC2")],
        [Made(type=ORGANIZATION, properties={"autoEnable": {"ec2": True, "ecr": False}})],
    ],
)
def test_scans_that_are_on_are_accepted(stack: list[Made]) -> None:
    assert judge_stack(SCANS_ENABLED, *stack) == SILENT


@pytest.mark.parametrize("stack", [[enabler("ECR")], [enabler()], [service("guardDuty"), enabler("ECR")]])
def test_enabler_without_instances_is_reported(stack: list[Made]) -> None:
    (said,) = judge_stack(SCANS_ENABLED, *stack).violations
    assert "resourceTypes: found " in said
    assert "expected a list with EC2" in said


def test_second_owner_of_scans_is_reported() -> None:
    (said,) = judge_stack(SCANS_ENABLED, service(), enabler("EC2")).violations
    assert 'expected no EC2, which "site-inspector2" enables' in said


@pytest.mark.parametrize("given", [None, {}, {"ec2": False}, {"ec2": "true"}])
def test_new_accounts_without_scans_are_reported(given: Any) -> None:
    (said,) = judge_stack(SCANS_ENABLED, Made(type=ORGANIZATION, properties={"autoEnable": given})).violations
    assert "autoEnable.ec2: found " in said


@pytest.mark.parametrize(
    "one",
    [
        Made(type=ENABLER, properties={"resourceTypes": UNKNOWN}),
        Made(type=ENABLER, properties={"resourceTypes": ["ECR", UNKNOWN]}),
        Made(type=ORGANIZATION, properties={"autoEnable": UNKNOWN}),
        Made(type=ORGANIZATION, properties={"autoEnable": {"ec2": UNKNOWN}}),
    ],
)
def test_unknown_types_are_unseen(one: Made) -> None:
    judged = judge_stack(SCANS_ENABLED, one)
    assert (judged.violations, len(judged.unseen)) == ([], 1)


SCAN = "pulumi-python:dynamic/shellaccess:CisScanConfiguration"
WEEKLY = {"weekly": {"days": ["SAT"], "startTime": {"timeOfDay": "02:00", "timezone": "UTC"}}}
TAGGED = {"accountIds": ["SELF"], "targetResourceTags": {"Role": ["DomainController"]}}


@pytest.mark.parametrize("type_", [CIS_SCAN, SCAN])
@pytest.mark.parametrize("schedule", [WEEKLY, {"Daily": {"StartTime": {}}}, {"monthly": {"day": "SUN"}}])
def test_repeated_scan_is_accepted(type_: str, schedule: Any) -> None:
    assert judge(CIS_SCAN_RECURRING, type_, {"schedule": schedule, "targets": TAGGED}) == SILENT


@pytest.mark.parametrize("schedule", [None, {}, {"oneTime": {}}, {"OneTime": {}}, "weekly"])
def test_single_scan_is_reported(schedule: Any) -> None:
    (said,) = violations(CIS_SCAN_RECURRING, CIS_SCAN, {"schedule": schedule, "targets": TAGGED})
    assert "schedule: found " in said


@pytest.mark.parametrize("targets", [None, {}, {"accountIds": ["SELF"]}, {"targetResourceTags": {}}])
def test_scan_without_targets_is_reported(targets: Any) -> None:
    (said,) = violations(CIS_SCAN_RECURRING, CIS_SCAN, {"schedule": WEEKLY, "targets": targets})
    assert "targets: found " in said


@pytest.mark.parametrize("schedule", [UNKNOWN, {"weekly": UNKNOWN}])
def test_unknown_schedule_is_unseen(schedule: Any) -> None:
    judged = judge(CIS_SCAN_RECURRING, CIS_SCAN, {"schedule": schedule, "targets": TAGGED})
    assert (judged.violations, len(judged.unseen)) == ([], 1)


def test_embedded_scan_is_judged() -> None:
    given = {"schedule": {"oneTime": {}}, "targets": TAGGED, "scanName": "once", "securityLevel": "LEVEL_1"}
    assert violations(CIS_SCAN_RECURRING, "aws-native:inspectorv2:CisScanConfiguration", given)
    body = {"Resources": {"Scan": {"Type": "AWS::InspectorV2::CisScanConfiguration", "Properties": {"Schedule": {}}}}}
    assert violations(CIS_SCAN_RECURRING, "aws:cloudformation/stack:Stack", {"templateBody": body})


CASES: list[tuple[str, str, list[Any], list[Any]]] = [
    (HUB, "autoEnableControls", [None, True], [False, "true"]),
    (CONTROL, "controlStatus", ["ENABLED"], [None, "DISABLED"]),
    (ASSOCIATION, "associationStatus", ["ENABLED"], [None, "DISABLED"]),
    (STANDARD, "disabledStandardsControls", [None, []], [[{"StandardsControlArn": "arn"}], UNKNOWN[:4]]),
]


@pytest.mark.parametrize(("type_", "name", "value"), [(each[0], each[1], one) for each in CASES for one in each[2]])
def test_enabled_control_is_accepted(type_: str, name: str, value: Any) -> None:
    assert judge(SECURITY_CONTROLS_ENABLED, type_, {name: value}) == SILENT


@pytest.mark.parametrize(("type_", "name", "value"), [(each[0], each[1], one) for each in CASES for one in each[3]])
def test_disabled_control_is_reported(type_: str, name: str, value: Any) -> None:
    (said,) = violations(SECURITY_CONTROLS_ENABLED, type_, {name: value})
    assert f"{name}: found " in said


@pytest.mark.parametrize(("type_", "name"), [(each[0], each[1]) for each in CASES])
def test_unknown_control_is_unseen(type_: str, name: str) -> None:
    judged = judge(SECURITY_CONTROLS_ENABLED, type_, {name: UNKNOWN})
    assert (judged.violations, len(judged.unseen)) == ([], 1)


def test_embedded_hub_is_judged() -> None:
    assert violations(SECURITY_CONTROLS_ENABLED, "aws-native:securityhub:Hub", {"autoEnableControls": False})
    disabled = {"DisabledStandardsControls": [{"StandardsControlArn": "arn"}]}
    body = {"Resources": {"Standard": {"Type": "AWS::SecurityHub::Standard", "Properties": disabled}}}
    assert violations(SECURITY_CONTROLS_ENABLED, "aws:cloudformation/stack:Stack", {"templateBody": body})
