from typing import Any

import pytest

from policies.foundations.scans_enabled import ENABLER, ORGANIZATION, SCANS_ENABLED
from tests.policies.judging import SILENT, UNKNOWN, Made, judge_stack

OURS = "pulumi-python:dynamic/shellaccess:DetectionService"


def enabler(*types: str, name: str = "enabler") -> Made:
    return Made(type=ENABLER, name=name, properties={"resourceTypes": list(types)})


def ours(service: str = "inspector") -> Made:
    return Made(type=OURS, name="site-inspector2", properties={"service": service})


@pytest.mark.parametrize(
    "stack",
    [
        [enabler("EC2", "ECR")],
        [enabler("EC2"), enabler("ECR", name="images")],
        [ours()],
        [ours(), enabler("ECR")],
        [ours("guardDuty"), enabler("EC2")],
        [Made(type=ORGANIZATION, properties={"autoEnable": {"ec2": True, "ecr": False}})],
    ],
)
def test_scans_that_are_on_are_accepted(stack: list[Made]) -> None:
    assert judge_stack(SCANS_ENABLED, *stack) == SILENT


@pytest.mark.parametrize("stack", [[enabler("ECR")], [enabler()], [ours("guardDuty"), enabler("ECR")]])
def test_enabler_without_instances_is_reported(stack: list[Made]) -> None:
    (said,) = judge_stack(SCANS_ENABLED, *stack).violations
    assert "resourceTypes: found " in said
    assert "expected a list with EC2" in said


def test_second_owner_of_scans_is_reported() -> None:
    (said,) = judge_stack(SCANS_ENABLED, ours(), enabler("EC2")).violations
    assert 'expected no EC2, which "site-inspector2" turns on' in said


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
