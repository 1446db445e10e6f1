"""Rules about detection services."""

from typing import Any

import pytest

from policies.foundations.detection import (
    CIS_SCAN_RECURRING,
    ENABLER,
    ORGANIZATION,
    SCANS_ENABLED,
    SECURITY_CONTROLS_ENABLED,
)
from tests.policies.judging import SILENT, UNKNOWN, Made, judge_stack, violations

SERVICE = "pulumi-python:dynamic/shellaccess:DetectionService"


def enabler(*types: str, name: str = "enabler") -> Made:
    return Made(ENABLER, name, {"resourceTypes": list(types)})


def service(name: str = "inspector") -> Made:
    return Made(SERVICE, "site-inspector2", {"service": name})


@pytest.mark.parametrize(
    "stack",
    [
        [enabler("EC2", "ECR")],
        [enabler("EC2"), enabler("ECR", name="images")],
        [service()],
        [service(), enabler("ECR")],
        [service("guardDuty"), enabler("EC2")],
        [Made(ORGANIZATION, properties={"autoEnable": {"ec2": True, "ecr": False}})],
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
    (said,) = judge_stack(SCANS_ENABLED, Made(ORGANIZATION, properties={"autoEnable": given})).violations
    assert "autoEnable.ec2: found " in said


@pytest.mark.parametrize(
    "one",
    [
        Made(ENABLER, properties={"resourceTypes": UNKNOWN}),
        Made(ENABLER, properties={"resourceTypes": ["ECR", UNKNOWN]}),
        Made(ORGANIZATION, properties={"autoEnable": UNKNOWN}),
        Made(ORGANIZATION, properties={"autoEnable": {"ec2": UNKNOWN}}),
    ],
)
def test_unknown_types_are_unseen(one: Made) -> None:
    judged = judge_stack(SCANS_ENABLED, one)
    assert (judged.violations, len(judged.unseen)) == ([], 1)


TAGGED = {"accountIds": ["SELF"], "targetResourceTags": {"Role": ["DomainController"]}}


def test_embedded_scan_is_judged() -> None:
    given = {"schedule": {"oneTime": {}}, "targets": TAGGED, "scanName": "once", "securityLevel": "LEVEL_1"}
    assert violations(CIS_SCAN_RECURRING, "aws-native:inspectorv2:CisScanConfiguration", given)
    body = {"Resources": {"Scan": {"Type": "AWS::InspectorV2::CisScanConfiguration", "Properties": {"Schedule": {}}}}}
    assert violations(CIS_SCAN_RECURRING, "aws:cloudformation/stack:Stack", {"templateBody": body})


def test_embedded_hub_is_judged() -> None:
    assert violations(SECURITY_CONTROLS_ENABLED, "aws-native:securityhub:Hub", {"autoEnableControls": False})
    disabled = {"DisabledStandardsControls": [{"StandardsControlArn": "arn"}]}
    body = {"Resources": {"Standard": {"Type": "AWS::SecurityHub::Standard", "Properties": disabled}}}
    assert violations(SECURITY_CONTROLS_ENABLED, "aws:cloudformation/stack:Stack", {"templateBody": body})
