from typing import Any

import pytest

from policies.domain_controllers.controller_own_group import RULE
from tests.policies.domain_controllers.stacks import INSTANCE, LAUNCH_TEMPLATE, MARKED, NETWORK_INTERFACE, group
from tests.policies.judging import SILENT, UNKNOWN, Judgment, Made, judge_stack

VPC = Made(type="aws:ec2/vpc:Vpc", name="vpc", properties={"id": UNKNOWN, "defaultSecurityGroupId": UNKNOWN})
LATER = Made(type="aws:ec2/vpc:Vpc", name="vpc", properties={"id": "vpc-1", "defaultSecurityGroupId": "sg-default"})


def judged(type_: str, vpc: Made = VPC, tags: Any = MARKED, sources: Any = None, **properties: Any) -> Judgment:
    made = Made(type=type_, name="dc1", properties={"tags": tags, **properties}, sources=sources or {})
    return judge_stack(RULE, vpc, group(), made)


@pytest.mark.parametrize(("type_", "name"), [(INSTANCE, "vpcSecurityGroupIds"), (NETWORK_INTERFACE, "securityGroups")])
def test_machine_without_a_group_is_reported(type_: str, name: str) -> None:
    for value in (None, [], UNKNOWN):
        (said,) = judged(type_, **{name: value}).violations
        assert f"{name}: found no value, expected a group of domain controllers" in said
    assert judged(type_, tags={}) == SILENT
    assert judged(type_, tags=UNKNOWN).unseen


@pytest.mark.parametrize(
    ("type_", "name", "value"),
    [
        (INSTANCE, "vpcSecurityGroupIds", [UNKNOWN]),
        (NETWORK_INTERFACE, "securityGroups", [UNKNOWN]),
        (LAUNCH_TEMPLATE, "vpcSecurityGroupIds", [UNKNOWN]),
        (LAUNCH_TEMPLATE, "networkInterfaces", [{"securityGroups": [UNKNOWN]}]),
    ],
)
def test_default_group_is_reported(type_: str, name: str, value: Any) -> None:
    assert len(judged(type_, sources={name: ["vpc"]}, **{name: value}).violations) == 1
    assert judged(type_, sources={name: ["dc"]}, **{name: value}) == SILENT


def test_default_group_is_reported_once_its_id_is_known() -> None:
    assert len(judged(INSTANCE, LATER, vpcSecurityGroupIds=["sg-default"]).violations) == 1
    assert judged(INSTANCE, LATER, vpcSecurityGroupIds=["sg-other"]) == SILENT


def test_groups_of_an_interface_or_template_are_enough() -> None:
    assert judged(INSTANCE, networkInterfaces=[{"networkInterfaceId": "eni-1"}]) == SILENT
    assert judged(INSTANCE, launchTemplate={"id": "lt-1"}) == SILENT
    assert judged(LAUNCH_TEMPLATE) == SILENT
