"""Warnings about data that an update deletes: not about what stays, whatever the preview shows of it."""

from typing import Any

import pytest

from components.adoption.adopted_resource import RESOURCE_TYPE
from components.adoption.deleted_data import changed_instances, deleted_logs, deleted_volumes, stopped_instances

URN = "urn:pulumi:prod::shell-access::"
PLACE = {"region": "eu-west-1", "name": "logs"}


def state(record: dict[str, Any] | None = None, **group: Any) -> dict[str, dict[str, Any]]:
    outputs = {f"{URN}aws:cloudwatch/logGroup:LogGroup::logs": {**PLACE, "skipDestroy": False, **group}}
    if record is not None:
        outputs[f"{URN}{RESOURCE_TYPE}::logs"] = {**PLACE, "kind": "logGroup", **record}
    return outputs


@pytest.mark.parametrize(
    ("outputs", "fix"),
    [
        (state(), "Export the logs first"),
        (state({"retain": False}), "first set shell-access:sessionManager.retainLogs to true"),
        (state({"retain": True}), None),
        (state({"retain": False, "prior": ""}), None),
        (state({"retain": False, "priorRecord": "none"}), None),
        (state(skipDestroy=True), None),
    ],
    ids=["other logs", "session logs", "retained", "adopted", "adopted, prior key lost", "left by the provider"],
)
def test_warns_about_log_groups_that_leave_the_stack(outputs: dict[str, dict[str, Any]], fix: str | None) -> None:
    found = [*deleted_logs(outputs, [("us-east-1", "logs"), ("eu-west-1", "others")])]
    assert [fix in message for message in found if fix] == ([True] if fix else [])
    assert len(found) == (fix is not None)
    assert not [*deleted_logs(outputs, [("eu-west-1", "logs")])]


@pytest.mark.parametrize(
    ("kept", "change"),
    [
        ({"DC1-xvdb": "eu-west-1a"}, ""),
        ({"DC1-xvdb": "eu-west-1b"}, "is replaced by an empty one."),
        ({"DC2-xvdb": "eu-west-1a"}, "is deleted with its data."),
    ],
)
def test_warns_about_volumes_that_lose_their_data(kept: dict[str, str], change: str) -> None:
    volume = {
        "arn": "arn:aws:ec2:eu-west-1:123456789012:volume/vol-1",
        "region": "eu-west-1",
        "availabilityZone": "eu-west-1a",
    }
    found = [*deleted_volumes({f"{URN}aws:ebs/volume:Volume::DC1-xvdb": volume}, kept)]
    assert [change in message and "The volume vol-1 (DC1-xvdb) in eu-west-1" in message for message in found] == (
        [True] if change else []
    )


@pytest.mark.parametrize(
    ("volumes", "instances", "stopped"),
    [
        (["DC1-xvdb", "DC2-xvdb"], ["DC1", "DC2"], ""),
        (["DC2-xvdb"], ["DC1", "DC2"], "i-1"),
        ([], ["DC1", "DC2"], "i-1 i-2"),
        ([], ["DC2"], "i-2"),
        ([], [], ""),
    ],
)
def test_warns_about_instances_that_stay_stopped(volumes: list[str], instances: list[str], stopped: str) -> None:
    outputs: dict[str, dict[str, Any]] = {}
    for number in (2, 1):
        outputs[f"{URN}aws:ec2/instance:Instance::DC{number}"] = {"arn": f"arn:aws:ec2:eu-west-1:1:instance/i-{number}"}
        outputs[f"{URN}aws:ec2/volumeAttachment:VolumeAttachment::DC{number}-xvdb"] = {
            "instanceId": f"i-{number}",
            "region": "eu-west-1",
            "stopInstanceBeforeDetaching": True,
        }
    found = [*stopped_instances(outputs, volumes, instances)]
    assert [each.partition("--region eu-west-1 --instance-ids ")[2] for each in found] == ([stopped] if stopped else [])


@pytest.mark.parametrize(
    ("types", "stopped"),
    [
        ({"DC1": "m6i.large", "DC2": "m6i.large"}, ""),
        ({"DC1": "m6i.xlarge", "DC2": "m6i.large"}, ""),
        ({"DC1": "m6i.xlarge", "DC2": "m7i.large"}, "i-1, i-2 in eu-west-1"),
        ({"DC1": "m6i.xlarge"}, ""),
    ],
)
def test_warns_about_several_instances_that_change_their_type(types: dict[str, str], stopped: str) -> None:
    outputs = {
        f"{URN}aws:ec2/instance:Instance::DC{number}": {
            "arn": f"arn:aws:ec2:eu-west-1:1:instance/i-{number}",
            "region": "eu-west-1",
            "instanceType": "m6i.large",
        }
        for number in (2, 1)
    }
    found = [*changed_instances(outputs, types)]
    assert [stopped in each for each in found] == ([True] if stopped else [])
