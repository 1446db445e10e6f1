"""EBS volumes and their attachments. Source: Terraform AWS provider, `internal/service/ec2/ebs_volume*.go`."""

import zlib
from typing import Final

from local.aws_provider import validators
from local.aws_provider.aws import Aws
from local.aws_provider.failure import AwsError, RejectedValue
from local.aws_provider.model import Code, Item, Operation, ResourceType, Retry, fixed, flag, text, whole
from local.aws_provider.types.ec2 import tagging
from local.aws_provider.types.instances import volume_types, wait_for_state, wait_for_volume
from local.aws_provider.wire import Values

wait_seconds: Final = 300
not_found: Final = "InvalidVolume.NotFound"


def _wait_until_available(aws: Aws, volume: Item) -> None:
    def available() -> bool:
        return aws.call("DescribeVolumes", VolumeIds=[volume.id])["Volumes"][0]["State"] == "available"

    aws.wait_until(available, f"{volume.id} being available", wait_seconds)


def _plan_volume(_old: Values, new: Values) -> list[RejectedValue]:
    kind = new.get("type")
    missing = kind in {"io1", "io2"}
    return [RejectedValue("iops", f"'iops' must be set when 'type' is '{kind}'")] if missing else []


VOLUME = ResourceType(
    name="aws:ebs/volume:Volume",
    service="ec2",
    properties={
        "availabilityZone": text(required=True, replaces=True),
        "encrypted": flag(computed=True, replaces=True),
        "finalSnapshot": fixed(False, local=True),
        "kmsKeyId": text(validators.arn, computed=True, replaces=True),
        "size": whole(computed=True),
        "type": text(validators.one_of(*volume_types), computed=True, aws="VolumeType"),
    },
    outputs="arn createTime iops multiAttachEnabled outpostArn snapshotId throughput",
    refused="iops multiAttachEnabled outpostArn snapshotId throughput volumeInitializationRate",
    arn="volume/{id}",
    create=(Operation("CreateVolume", result="VolumeId"), Code(_wait_until_available)),
    read=(Operation("DescribeVolumes", {"VolumeIds": "id"}, result="Volumes"),),
    update=(
        Operation("ModifyVolume", {"VolumeId": "id"}, only_changed=True),
        Code(lambda aws, volume: wait_for_volume(aws, volume.id), "DescribeVolumesModifications", on="size type"),
    ),
    # The real plugin repeats for 10 minutes while the volume is attached.
    delete=(Operation("DeleteVolume", {"VolumeId": "id"}, retry=Retry(codes=frozenset({"VolumeInUse"}), seconds=120)),),
    tagging=tagging("volume"),
    gone=frozenset({not_found}),
    at_least_one=(("size", "snapshotId"),),
    plan=_plan_volume,
)


def _attachment_id(values: Values) -> str:
    parts = f"{values['deviceName']}-{values['instanceId']}-{values['volumeId']}-"
    return f"vai-{zlib.crc32(parts.encode())}"


def _find_attachment(aws: Aws, attachment: Item) -> Values | None:
    """Return the attachment in EC2; None also for a deleted volume, whose error a deletion would not ignore."""
    instance: str = attachment.values["instanceId"]
    filters = [
        {"Name": "attachment.device", "Values": [attachment.values["deviceName"]]},
        {"Name": "attachment.instance-id", "Values": [instance]},
    ]
    found = (
        aws.attempt({not_found}, "DescribeVolumes", VolumeIds=[attachment.values["volumeId"]], Filters=filters) or {}
    )
    attachments: list[Values] = [item for volume in found.get("Volumes", []) for item in volume.get("Attachments", [])]
    return next((item for item in attachments if item["InstanceId"] == instance), None)


def _named(attachment: Item) -> Values:
    names = {"Device": "deviceName", "InstanceId": "instanceId", "VolumeId": "volumeId"}
    return {theirs: attachment.values[ours] for theirs, ours in names.items()}


def _attach(aws: Aws, attachment: Item) -> None:
    if _find_attachment(aws, attachment) is None:
        wait_for_state(aws, attachment.values["instanceId"], "running", "stopped")
        aws.call("AttachVolume", **_named(attachment))


def _wait_until_attached(aws: Aws, attachment: Item) -> None:
    def attached() -> bool:
        return (_find_attachment(aws, attachment) or {}).get("State") == "attached"

    aws.wait_until(attached, f"attachment of {attachment.values['volumeId']}", wait_seconds)


def _detach(aws: Aws, attachment: Item) -> None:
    instance: str = attachment.values["instanceId"]
    if attachment.values.get("stopInstanceBeforeDetaching"):
        aws.call("StopInstances", InstanceIds=[instance])
        wait_for_state(aws, instance, "stopped")
    try:
        aws.call("DetachVolume", **_named(attachment))
    except AwsError as failure:
        if failure.code == "IncorrectState" and "available" in str(failure):
            return
        raise
    volume = attachment.values["volumeId"]
    aws.wait_until(lambda: _find_attachment(aws, attachment) is None, f"detachment of {volume}", wait_seconds)


VOLUME_ATTACHMENT = ResourceType(
    name="aws:ec2/volumeAttachment:VolumeAttachment",
    service="ec2",
    properties={
        "deviceName": text(required=True, replaces=True, aws="Device"),
        "instanceId": text(required=True, replaces=True),
        "stopInstanceBeforeDetaching": flag(local=True),
        "volumeId": text(required=True, replaces=True),
    },
    refused="forceDetach skipDestroy",
    id=_attachment_id,
    import_id="{deviceName}:{volumeId}:{instanceId}",
    create=(Code(_attach, "DescribeInstances AttachVolume"), Code(_wait_until_attached)),
    read=(Code(_find_attachment, "DescribeVolumes"),),
    delete=(Code(_detach, "StopInstances DescribeInstances DetachVolume"),),
)
