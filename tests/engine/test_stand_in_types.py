"""Types of the stand-in provider on the real engine: the life of one of each."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.emulator.extension.images import image_id
from tests.support.stack import Stack

pytestmark = pytest.mark.engine

PROGRAM = Path(__file__).with_name("stand_in_types")
SETTINGS: dict[str, Any] = {
    "port": 389,
    "entries": ["10.20.0.0/16"],
    "image": image_id("eu-west-1", "Windows_Server-2022-English-Core-Base"),
    "type": "t3.large",
    "protected": True,
    "size": 20,
    "versioning": "Enabled",
    "traffic": "ALL",
    "status": "Failed",
}
IN_PLACE: dict[str, Any] = {
    "port": 636,
    "entries": ["10.20.0.0/16", "10.21.0.0/16"],
    "type": "t3.xlarge",
    "protected": False,
    "size": 30,
    "versioning": "Suspended",
    "status": "Success",
}
REPLACING: dict[str, Any] = {
    "image": image_id("eu-west-1", "Windows_Server-2025-English-Core-Base"),
    "traffic": "REJECT",
}


def network(aws: Callable[..., Any]) -> dict[str, str]:
    """Settings for the network of the local AWS."""
    named = [{"Name": "tag:Name", "Values": ["directory-a"]}]
    (subnet,) = aws("ec2").describe_subnets(Filters=named)["Subnets"]
    return {"vpc": subnet["VpcId"], "subnet": subnet["SubnetId"], "zone": subnet["AvailabilityZone"]}


def unchanged(stack: Stack) -> None:
    """Neither the same program nor what AWS has now differs."""
    stack.preview("--refresh", "--expect-no-changes").succeeded()


def controllers(aws: Callable[..., Any]) -> list[str]:
    named = [
        {"Name": "tag:owner", "Values": ["directory"]},
        {"Name": "instance-state-name", "Values": ["running"]},
    ]
    found = aws("ec2").describe_instances(Filters=named)["Reservations"]
    return [instance["InstanceId"] for reservation in found for instance in reservation["Instances"]]


def nothing_left(aws: Callable[..., Any]) -> bool:
    own = [{"Name": "tag:owner", "Values": ["directory"]}]
    ec2 = aws("ec2")
    return not any(
        [
            controllers(aws),
            ec2.describe_volumes(Filters=own)["Volumes"],
            ec2.describe_network_acls(Filters=own)["NetworkAcls"],
            ec2.describe_managed_prefix_lists(Filters=own)["PrefixLists"],
            ec2.describe_flow_logs(Filters=own)["FlowLogs"],
            aws("cloudtrail").describe_trails()["trailList"],
            aws("events").list_rules()["Rules"],
        ]
    )


def test_each_type_is_created_updated_replaced_deleted(
    new_stack: Callable[..., Stack], aws: Callable[..., Any]
) -> None:
    stack = new_stack(program=PROGRAM)
    base = SETTINGS | network(aws)
    stack.configure(base)
    assert set(stack.up().succeeded().steps.values()) == {"create"}
    unchanged(stack)
    outputs = stack.outputs()
    assert (outputs["account"], outputs["secret"]) == ("123456789012", "[secret]")
    (first,) = controllers(aws)

    stack.configure(base | IN_PLACE)
    changed = stack.up().succeeded().steps
    assert set(changed.values()) == {"update"}
    kinds = {"ManagedPrefixList", "NetworkAcl", "Instance", "Volume", "BucketVersioning", "EventRule"}
    assert {name.split(":")[0] for name in changed} == kinds
    assert controllers(aws) == [first]

    stack.configure(base | IN_PLACE | REPLACING)
    replaced = set(stack.up().succeeded().steps)
    assert replaced == {"Instance:controller", "VolumeAttachment:database", "FlowLog:directory"}
    assert controllers(aws) != [first]
    unchanged(stack)
    stack.destroy().succeeded()
    assert nothing_left(aws)
