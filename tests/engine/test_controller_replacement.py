"""Replacing a domain controller with a data volume on the real engine, as docs/domain-controllers.md says."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.test_directory import ONE_SITE, SUBNETS, directory, tagged

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.stack import Stack

pytestmark = pytest.mark.engine

ATTACHMENT = "VolumeAttachment:domain-controllers-eu-west-1-dc-DC1-xvdb"
VOLUME = "Volume:domain-controllers-eu-west-1-dc-DC1-xvdb"
INSTANCE = "Instance:domain-controllers-eu-west-1-dc-DC1"
REPLACED = {"create-replacement", "delete-replaced", "replace"}


def data_volume(ec2: Any) -> dict[str, Any]:
    (found,) = [each for each in tagged(ec2)["volumes"] if each["Size"] == 20]
    return found


def urn_of(stack: Stack, step: str) -> str:
    kind, name = step.split(":")
    urns = [each["urn"] for each in stack.state()]
    return next(urn for urn in urns if urn.endswith(f"::{name}") and f":{kind}::" in urn)


def swapped(names: list[str]) -> dict[str, Any]:
    """Each controller in the other one's subnet."""
    section = deepcopy(ONE_SITE)
    site = section["sites"]["eu-west-1"]
    site["subnets"] = names
    for controller, subnet in zip(site["controllers"], reversed(names), strict=True):
        controller["subnet"] = subnet
    return section


def test_replaced_controller_keeps_its_data_volume(stack: Stack, aws: Callable[..., Any]) -> None:
    ec2 = aws("ec2")
    stack.configure(directory(ONE_SITE))
    stack.up().succeeded()
    volume, before = data_volume(ec2), {each["InstanceId"] for each in tagged(ec2)["instances"]}

    steps = stack.up("--replace", urn_of(stack, INSTANCE)).succeeded().steps
    assert {name for name, step in steps.items() if step in REPLACED} == {INSTANCE, ATTACHMENT}
    after = {each["InstanceId"] for each in tagged(ec2)["instances"]}
    assert len(after) == 2
    (new,) = after - before
    attached = data_volume(ec2)
    assert attached["VolumeId"] == volume["VolumeId"]
    assert [each["InstanceId"] for each in attached["Attachments"]] == [new]
    stack.preview("--refresh", "--expect-no-changes").succeeded()

    # Another subnet is in another zone, where the volume cannot follow. That subnets are now given by ID changes nothing else.
    by_name = {"Name": "tag:Name", "Values": SUBNETS}
    found = {each["Tags"][0]["Value"]: each for each in ec2.describe_subnets(Filters=[by_name])["Subnets"]}
    stack.configure(directory(swapped([found[name]["SubnetId"] for name in SUBNETS])))
    steps = stack.up().succeeded().steps
    assert {name for name, step in steps.items() if step in REPLACED} == {
        INSTANCE,
        INSTANCE.replace("DC1", "DC2"),
        ATTACHMENT,
        VOLUME,
    }
    assert "create" not in steps.values()
    moved = data_volume(ec2)
    assert moved["AvailabilityZone"] == found["directory-b"]["AvailabilityZone"] != volume["AvailabilityZone"]
    (instance,) = [each["InstanceId"] for each in moved["Attachments"]]
    assert instance in {each["InstanceId"] for each in tagged(ec2)["instances"]} - after
    stack.preview("--refresh", "--expect-no-changes").succeeded()
    stack.destroy().succeeded()
    assert tagged(ec2) == {"instances": [], "volumes": [], "groups": [], "acls": []}
