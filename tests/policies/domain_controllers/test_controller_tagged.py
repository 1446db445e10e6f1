from typing import Any

import pytest

from policies.domain_controllers.controller_tagged import CONTROLLER_TAGGED as RULE
from tests.policies.domain_controllers.stacks import (
    INSTANCE,
    LAUNCH_TEMPLATE,
    MARKED,
    NETWORK_INTERFACE,
    SPOT_INSTANCE,
    VOLUME,
    group,
)
from tests.policies.judging import SILENT, UNKNOWN, Made, judge_stack

MACHINES = [
    (INSTANCE, "vpcSecurityGroupIds"),
    (INSTANCE, "securityGroups"),
    (SPOT_INSTANCE, "vpcSecurityGroupIds"),
    (NETWORK_INTERFACE, "securityGroups"),
    (LAUNCH_TEMPLATE, "vpcSecurityGroupIds"),
]


def machine(type_: str, name: str, tags: Any) -> Made:
    return Made(type_, "server", {"tags": tags, name: [UNKNOWN]}, sources={name: ["dc"]})


@pytest.mark.parametrize(("type_", "name"), MACHINES)
def test_machine_with_a_controllers_group_is_marked(type_: str, name: str) -> None:
    assert judge_stack(RULE, group(), machine(type_, name, MARKED)) == SILENT
    (said,) = judge_stack(RULE, group(), machine(type_, name, {"Name": "x"})).violations
    assert said.startswith(f'{type_} "server": tags: found ')
    assert "expected Role: DomainController, as it has a domain controllers' security group." in said
    assert judge_stack(RULE, group(), machine(type_, name, UNKNOWN)).unseen
    assert judge_stack(RULE, group(tags={}), machine(type_, name, {})) == SILENT


def test_instance_with_a_controllers_group_is_tagged_once_known() -> None:
    server = Made(INSTANCE, "server", {"vpcSecurityGroupIds": ["sg-1", "sg-2"]})
    assert len(judge_stack(RULE, group(id="sg-2"), server).violations) == 1
    assert judge_stack(RULE, group(id="sg-3"), server) == SILENT


@pytest.mark.parametrize("ids", [UNKNOWN, "known"])
def test_volume_of_a_controller_is_marked(ids: str) -> None:
    instance_id, volume_id = ("i-1", "vol-1") if ids == "known" else (UNKNOWN, UNKNOWN)
    controller = Made(INSTANCE, "dc1", {"id": instance_id, "tags": MARKED})
    attachment = Made(
        "aws:ec2/volumeAttachment:VolumeAttachment",
        "attachment",
        {"instanceId": instance_id, "volumeId": volume_id},
        sources={"instanceId": ["dc1"], "volumeId": ["data"]},
    )

    def volume(tags: Any) -> Made:
        return Made(VOLUME, "data", {"id": volume_id, "tags": tags})

    assert judge_stack(RULE, controller, attachment, volume(MARKED)) == SILENT
    (said,) = judge_stack(RULE, controller, attachment, volume({})).violations
    assert "as it is attached to a domain controller" in said


def test_machine_may_be_listed() -> None:
    server = machine(INSTANCE, "vpcSecurityGroupIds", {})
    assert judge_stack(RULE, group(), server, alsoControllers=["server"]) == SILENT


GROUP_OF_MACHINES = "aws:autoscaling/group:Group"
TEMPLATE_ID = {"id": UNKNOWN}
STARTERS = [
    pytest.param(INSTANCE, MARKED, "launchTemplate", TEMPLATE_ID, id="an instance"),
    pytest.param(
        GROUP_OF_MACHINES,
        [{"key": "Role", "value": "DomainController", "propagateAtLaunch": True}],
        "launchTemplate",
        TEMPLATE_ID,
        id="an Auto Scaling group",
    ),
    pytest.param(
        GROUP_OF_MACHINES,
        [{"key": "Role", "value": "DomainController", "propagateAtLaunch": True}],
        "mixedInstancesPolicy",
        {"launchTemplate": {"launchTemplateSpecification": {"launchTemplateId": UNKNOWN}}},
        id="an Auto Scaling group of mixed instances",
    ),
    pytest.param(
        "aws:ec2/fleet:Fleet",
        MARKED,
        "launchTemplateConfigs",
        [{"launchTemplateSpecification": {"launchTemplateId": UNKNOWN}}],
        id="a fleet",
    ),
]


@pytest.mark.parametrize(("type_", "tags", "name", "value"), STARTERS)
def test_template_that_controllers_start_from_is_marked(type_: str, tags: Any, name: str, value: Any) -> None:
    def template(tags: Any) -> Made:
        return Made(LAUNCH_TEMPLATE, "template", {"id": UNKNOWN, "tags": tags})

    starter = Made(type_, "dc", {"tags": tags, name: value}, sources={name: ["template"]})
    assert judge_stack(RULE, template(MARKED), starter) == SILENT
    (said,) = judge_stack(RULE, template({}), starter).violations
    assert f'{LAUNCH_TEMPLATE} "template": tags: found ' in said
    assert 'as "dc", a domain controller, starts from it' in said
    other = Made(type_, "web", {"tags": [], name: value}, sources={name: ["template"]})
    assert judge_stack(RULE, template({}), other) == SILENT


@pytest.mark.parametrize(
    ("type_", "tags", "name", "value"),
    [
        (GROUP_OF_MACHINES, [{"key": "Role", "value": "DomainController"}], "launchConfiguration", "old"),
        ("aws:ec2/spotFleetRequest:SpotFleetRequest", MARKED, "launchSpecifications", [{"ami": "ami-1"}]),
    ],
)
def test_controllers_start_from_nothing_that_cannot_be_marked(type_: str, tags: Any, name: str, value: Any) -> None:
    (said,) = judge_stack(RULE, Made(type_, "dc", {"tags": tags, name: value})).violations
    assert f"{name}: found given, expected a launch template, which can carry the tag." in said
