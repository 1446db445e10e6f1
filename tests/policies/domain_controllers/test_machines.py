"""Controllers that are reached by what does not carry their tag."""

from typing import Any

import pytest

from policies.domain_controllers.controller_tagged import CONTROLLER_TAGGED as TAGGED
from policies.domain_controllers.controller_traffic import CONTROLLER_INBOUND_SOURCES as SOURCES
from tests.policies.domain_controllers.stacks import (
    GROUP,
    INGRESS_RULE,
    INSTANCE,
    LAUNCH_TEMPLATE,
    MARKED,
    NETWORK_INTERFACE,
)
from tests.policies.judging import SILENT, UNKNOWN, Made, judge_stack

OPEN = Made(
    INGRESS_RULE,
    "open",
    {"securityGroupId": UNKNOWN, "ipProtocol": "tcp", "fromPort": 389, "toPort": 389, "cidrIpv4": "0.0.0.0/0"},
    sources={"securityGroupId": ["group"]},
)
GROUP_OF_ALL = Made(GROUP, "group", {"id": UNKNOWN, "ingress": UNKNOWN, "egress": UNKNOWN, "tags": {"Name": "web"}})
ATTACHMENT = "aws:ec2/networkInterfaceAttachment:NetworkInterfaceAttachment"
GROUP_ATTACHMENT = "aws:ec2/networkInterfaceSecurityGroupAttachment:NetworkInterfaceSecurityGroupAttachment"
SPOT_FLEET = "aws:ec2/spotFleetRequest:SpotFleetRequest"
FLEET = "aws:ec2/fleet:Fleet"
SCALING = "aws:autoscaling/group:Group"
CONFIGURATION = "aws:ec2/launchConfiguration:LaunchConfiguration"
TAG = "aws:ec2/tag:Tag"


def made(type_: str, name: str, sources: dict[str, list[str]] | None = None, **properties: Any) -> Made:
    return Made(type_, name, {"id": UNKNOWN, **properties}, sources=sources or {})


def interface(**more: Any) -> Made:
    return made(NETWORK_INTERFACE, "eni", {"securityGroups": ["group"]}, securityGroups=[UNKNOWN], **more)


def template(tags: Any = None) -> Made:
    sources = {"vpcSecurityGroupIds": ["group"]}
    return made(LAUNCH_TEMPLATE, "template", sources, vpcSecurityGroupIds=[UNKNOWN], tags=tags)


def server(tags: Any, sources: dict[str, list[str]] | None = None, **more: Any) -> Made:
    return made(INSTANCE, "server", sources, tags=tags, **more)


def reached(tags: Any) -> dict[str, list[Made]]:
    """Stacks in which a machine of some tags has the group by a detour."""
    return {
        "its interface": [
            interface(),
            server(tags, {"networkInterfaces": ["eni"]}, networkInterfaces=[{"networkInterfaceId": UNKNOWN}]),
        ],
        "its primary interface": [
            interface(),
            server(tags, {"primaryNetworkInterface": ["eni"]}, primaryNetworkInterface={"networkInterfaceId": UNKNOWN}),
        ],
        "an interface that is attached": [
            interface(),
            server(tags),
            made(
                ATTACHMENT,
                "attachment",
                {"networkInterfaceId": ["eni"], "instanceId": ["server"]},
                networkInterfaceId=UNKNOWN,
                instanceId=UNKNOWN,
            ),
        ],
        "an interface that attaches itself": [
            made(
                NETWORK_INTERFACE,
                "eni",
                {"securityGroups": ["group"], "attachments": ["server"]},
                securityGroups=[UNKNOWN],
                attachments=[{"instance": UNKNOWN, "deviceIndex": 1}],
            ),
            server(tags),
        ],
        "a group that is attached to its interface": [
            made(NETWORK_INTERFACE, "eni"),
            server(tags, {"networkInterfaces": ["eni"]}, networkInterfaces=[{"networkInterfaceId": UNKNOWN}]),
            made(
                GROUP_ATTACHMENT,
                "attachment",
                {"networkInterfaceId": ["eni"], "securityGroupId": ["group"]},
                networkInterfaceId=UNKNOWN,
                securityGroupId=UNKNOWN,
            ),
        ],
        "its template": [template(), server(tags, {"launchTemplate": ["template"]}, launchTemplate={"id": UNKNOWN})],
        "a fleet": [
            template(),
            made(
                FLEET,
                "fleet",
                {"launchTemplateConfigs": ["template"]},
                tags=tags,
                launchTemplateConfigs=[{"launchTemplateSpecification": {"launchTemplateId": UNKNOWN}}],
            ),
        ],
        "a spot fleet": [
            made(
                SPOT_FLEET,
                "fleet",
                {"launchSpecifications": ["group"]},
                launchSpecifications=[{"tags": tags, "vpcSecurityGroupIds": [UNKNOWN]}],
            )
        ],
        "a launch configuration": [
            made(CONFIGURATION, "configuration", {"securityGroups": ["group"]}, securityGroups=[UNKNOWN]),
            made(
                SCALING,
                "scaling",
                {"launchConfiguration": ["configuration"]},
                launchConfiguration=UNKNOWN,
                tags=[{"key": key, "value": value, "propagateAtLaunch": True} for key, value in (tags or {}).items()],
            ),
        ],
        "a tag of its own": [
            server({}, {"vpcSecurityGroupIds": ["group"]}, vpcSecurityGroupIds=[UNKNOWN]),
            *(
                made(TAG, f"tag-{key}", {"resourceId": ["server"]}, resourceId=UNKNOWN, key=key, value=value)
                for key, value in (tags or {}).items()
            ),
        ],
    }


@pytest.mark.parametrize("way", reached(MARKED))
def test_controllers_group_is_found_by_a_detour(way: str) -> None:
    (said,) = judge_stack(SOURCES, OPEN, GROUP_OF_ALL, *reached(MARKED)[way]).violations
    assert '"open": ' in said


@pytest.mark.parametrize("way", reached(MARKED))
def test_group_of_another_machine_is_not_a_controllers(way: str) -> None:
    assert judge_stack(SOURCES, OPEN, GROUP_OF_ALL, *reached({"Role": "Web"})[way]) == SILENT


@pytest.mark.parametrize("way", reached(MARKED))
def test_what_a_controller_brings_along_is_tagged(way: str) -> None:
    assert judge_stack(TAGGED, GROUP_OF_ALL, *reached(MARKED)[way]).violations
    assert judge_stack(TAGGED, GROUP_OF_ALL, *reached({"Role": "Web"})[way]) == SILENT


def test_group_that_is_tagged_apart_is_a_controllers() -> None:
    tag = made(TAG, "tag", {"resourceId": ["group"]}, resourceId=UNKNOWN, key="Role", value="DomainController")
    assert judge_stack(SOURCES, OPEN, GROUP_OF_ALL, tag).violations
    other = made(TAG, "tag", {"resourceId": ["group"]}, resourceId=UNKNOWN, key="Role", value="Web")
    assert judge_stack(SOURCES, OPEN, GROUP_OF_ALL, other) == SILENT
    assert judge_stack(TAGGED, GROUP_OF_ALL, tag) == SILENT
