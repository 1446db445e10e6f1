"""Volumes attached to instances. Source: Terraform AWS provider, `internal/service/ec2/ebs_volume_attachment.go`."""

import zlib
from typing import Final

from local.aws_provider.aws import Aws
from local.aws_provider.failure import AwsError, InvalidInputError
from local.aws_provider.model import ResourceType, flag, text
from local.aws_provider.types.instances import wait_for_state
from local.aws_provider.types.volumes import not_found as volume_not_found
from local.aws_provider.wire import Values

wait_seconds: Final = 300
_parts_of_an_id: Final = 3


def _object_id(device: str, instance: str, volume: str) -> str:
    return f"vai-{zlib.crc32(f'{device}-{instance}-{volume}-'.encode())}"


def _attachment(aws: Aws, known: Values) -> Values | None:
    """Return the attachment in EC2; None also for a deleted volume, whose error a deletion would not ignore."""
    filters = [
        {"Name": "attachment.device", "Values": [known["deviceName"]]},
        {"Name": "attachment.instance-id", "Values": [known["instanceId"]]},
    ]
    try:
        found = aws.call("DescribeVolumes", VolumeIds=[known["volumeId"]], Filters=filters)["Volumes"]
    except AwsError as failure:
        if failure.code != volume_not_found:
            raise
        return None
    attachments: list[Values] = [item for volume in found for item in volume.get("Attachments", [])]
    return next((item for item in attachments if item["InstanceId"] == known["instanceId"]), None)


def _create(aws: Aws, wanted: Values) -> str:
    object_id = _object_id(wanted["deviceName"], wanted["instanceId"], wanted["volumeId"])
    if _attachment(aws, wanted) is None:
        wait_for_state(aws, wanted["instanceId"], "running", "stopped")
        aws.call(
            "AttachVolume", Device=wanted["deviceName"], InstanceId=wanted["instanceId"], VolumeId=wanted["volumeId"]
        )
    return object_id


def _settle(aws: Aws, _object_id: str, wanted: Values) -> None:
    aws.wait_until(lambda: _state(aws, wanted) == "attached", f"attachment of {wanted['volumeId']}", wait_seconds)


def _state(aws: Aws, known: Values) -> str:
    return (_attachment(aws, known) or {}).get("State", "detached")


def _read(aws: Aws, _object_id: str, known: Values) -> Values | None:
    if _attachment(aws, known) is None:
        return None
    return {name: known[name] for name in ("deviceName", "instanceId", "volumeId")}


def _delete(aws: Aws, _object_id: str, known: Values) -> None:
    if known.get("skipDestroy"):
        return
    if known.get("stopInstanceBeforeDetaching"):
        aws.call("StopInstances", InstanceIds=[known["instanceId"]], Force=bool(known.get("forceDetach")))
        wait_for_state(aws, known["instanceId"], "stopped")
    try:
        aws.call(
            "DetachVolume",
            Device=known["deviceName"],
            InstanceId=known["instanceId"],
            VolumeId=known["volumeId"],
            Force=bool(known.get("forceDetach")),
        )
    except AwsError as failure:
        if failure.code == "IncorrectState" and "available" in str(failure):
            return
        raise
    aws.wait_until(lambda: _attachment(aws, known) is None, f"detachment of {known['volumeId']}", wait_seconds)


def _parts(import_id: str) -> tuple[str, str, str]:
    parts = import_id.split(":")
    if len(parts) != _parts_of_an_id or not all(parts):
        raise InvalidInputError(f"unexpected format of ID ({import_id!r}), expected DEVICE_NAME:VOLUME_ID:INSTANCE_ID")
    return parts[0], parts[1], parts[2]


def _import_id(import_id: str) -> str:
    device, volume, instance = _parts(import_id)
    return _object_id(device, instance, volume)


def _import_state(import_id: str) -> Values:
    device, volume, instance = _parts(import_id)
    return {"deviceName": device, "volumeId": volume, "instanceId": instance}


VOLUME_ATTACHMENT = ResourceType(
    name="aws:ec2/volumeAttachment:VolumeAttachment",
    service="ec2",
    properties={
        "deviceName": text(required=True, replaces=True),
        "forceDetach": flag(local=True),
        "instanceId": text(required=True, replaces=True),
        "skipDestroy": flag(local=True),
        "stopInstanceBeforeDetaching": flag(local=True),
        "volumeId": text(required=True, replaces=True),
    },
    calls={
        "create": ("DescribeInstances", "AttachVolume"),
        "read": ("DescribeVolumes",),
        "delete": ("StopInstances", "DescribeInstances", "DetachVolume"),
    },
    create=_create,
    settle=_settle,
    read=_read,
    delete=_delete,
    import_id=_import_id,
    import_state=_import_state,
)

RESOURCES = (VOLUME_ATTACHMENT,)
