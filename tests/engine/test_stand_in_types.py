"""Types of the stand-in provider on the real engine: the life of one of each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.stack import Stack

pytestmark = pytest.mark.engine

PROGRAM = Path(__file__).with_name("stand_in_types")
SETTINGS: dict[str, Any] = {
    "port": 389,
    "entries": ["10.20.0.0/16"],
    "image": "Windows_Server-2022-English-Core-Base",
    "type": "t3.large",
    "protected": True,
    "size": 20,
    "versioning": "Enabled",
    "traffic": "ALL",
    "status": "Failed",
}
IN_PLACE: dict[str, Any] = {
    "entries": ["10.20.0.0/16", "10.21.0.0/16"],
    "type": "t3.xlarge",
    "protected": False,
    "size": 30,
    "versioning": "Suspended",
    "status": "Success",
}
REPLACING: dict[str, Any] = {"port": 636, "image": "Windows_Server-2025-English-Core-Base", "traffic": "REJECT"}


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


def test_one_of_each_is_made_changed_replaced_and_destroyed(
    new_stack: Callable[..., Stack], aws: Callable[..., Any]
) -> None:
    stack = new_stack(program=PROGRAM)
    stack.configure(SETTINGS)
    assert set(stack.up().succeeded().steps.values()) == {"create"}
    unchanged(stack)
    outputs = stack.outputs()
    assert (outputs["quota"], outputs["routes"], outputs["secret"]) == (60, [], "[secret]")
    assert outputs["plain"].startswith("ami-")
    (first,) = controllers(aws)

    stack.configure(SETTINGS | IN_PLACE)
    changed = stack.up().succeeded().steps
    assert set(changed.values()) == {"update"}
    kinds = {"ManagedPrefixList", "Instance", "Volume", "BucketVersioning", "EventRule"}
    assert {name.split(":")[0] for name in changed} == kinds
    assert controllers(aws) == [first]

    stack.configure(SETTINGS | IN_PLACE | REPLACING)
    replaced = set(stack.up().succeeded().steps)
    assert replaced == {"Instance:controller", "VolumeAttachment:database", "FlowLog:directory", "NetworkAclRule:ldap"}
    assert controllers(aws) != [first]
    unchanged(stack)
    stack.destroy().succeeded()
    assert nothing_left(aws)
