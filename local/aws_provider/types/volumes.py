"""EBS volumes. Source: Terraform AWS provider, `internal/service/ec2/ebs_volume.go`."""

from typing import Final

from local.aws_provider import validators
from local.aws_provider.aws import Aws
from local.aws_provider.model import Change, Problem, ResourceType, flag, output, text, whole
from local.aws_provider.tags import from_pairs, pairs
from local.aws_provider.types import ec2_common
from local.aws_provider.types.instance_properties import volume_types
from local.aws_provider.wire import UNKNOWN, Values

wait_seconds: Final = 300
delete_seconds: Final = 120
"""Time to retry deleting an attached volume. The real plugin takes 10 minutes."""
not_found: Final = "InvalidVolume.NotFound"
_with_given_iops: Final = ("io1", "io2")
_without_iops: Final = ("gp2", "sc1", "st1", "standard")
_changing: Final = {"iops": "Iops", "size": "Size", "throughput": "Throughput", "type": "VolumeType"}


def _create(aws: Aws, wanted: Values) -> str:
    answer = aws.call(
        "CreateVolume",
        AvailabilityZone=wanted["availabilityZone"],
        Encrypted=wanted.get("encrypted"),
        Iops=wanted.get("iops"),
        KmsKeyId=wanted.get("kmsKeyId"),
        MultiAttachEnabled=wanted.get("multiAttachEnabled"),
        OutpostArn=wanted.get("outpostArn"),
        Size=wanted.get("size"),
        SnapshotId=wanted.get("snapshotId"),
        Throughput=wanted.get("throughput"),
        VolumeInitializationRate=wanted.get("volumeInitializationRate"),
        VolumeType=wanted.get("type"),
        TagSpecifications=ec2_common.tag_specification("volume", wanted["tagsAll"]),
    )
    return answer["VolumeId"]


def _settle(aws: Aws, volume_id: str, _wanted: Values) -> None:
    aws.wait_until(lambda: _find(aws, volume_id)["State"] == "available", f"{volume_id} being available", wait_seconds)


def _find(aws: Aws, volume_id: str) -> Values:
    return aws.call("DescribeVolumes", VolumeIds=[volume_id])["Volumes"][0]


def _read(aws: Aws, volume_id: str, known: Values) -> Values | None:
    found = _find(aws, volume_id)
    return {
        "arn": ec2_common.arn(aws, f"volume/{volume_id}"),
        "availabilityZone": found["AvailabilityZone"],
        "createTime": found["CreateTime"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        "encrypted": found.get("Encrypted", False),
        "iops": found.get("Iops"),
        "kmsKeyId": found.get("KmsKeyId"),
        "multiAttachEnabled": found.get("MultiAttachEnabled"),
        "outpostArn": found.get("OutpostArn"),
        "size": found["Size"],
        "snapshotId": found.get("SnapshotId"),
        "tags": from_pairs(found.get("Tags")),
        "throughput": found.get("Throughput"),
        "type": found["VolumeType"],
        "volumeInitializationRate": found.get("VolumeInitializationRate") or known.get("volumeInitializationRate"),
    }


def _update(aws: Aws, change: Change) -> None:
    changed = {
        theirs: change.new[ours] for ours, theirs in _changing.items() if change.has(ours) and ours in change.new
    }
    if not changed:
        return
    aws.call("ModifyVolume", VolumeId=change.object_id, **changed)

    def modified() -> bool:
        found = aws.call("DescribeVolumesModifications", VolumeIds=[change.object_id])["VolumesModifications"]
        return not found or found[-1]["ModificationState"] in {"completed", "optimizing"}

    aws.wait_until(modified, f"change of {change.object_id}", wait_seconds)


def _delete(aws: Aws, volume_id: str, known: Values) -> None:
    if known.get("finalSnapshot"):
        tags: dict[str, str] = known.get("tagsAll") or {}
        specification = [{"ResourceType": "snapshot", "Tags": pairs(tags)}] if tags else None
        snapshot = aws.call("CreateSnapshot", VolumeId=volume_id, TagSpecifications=specification)["SnapshotId"]
        aws.wait_until(lambda: _snapshot_state(aws, snapshot) == "completed", f"completion of {snapshot}")
    aws.retry({"VolumeInUse"}, lambda: aws.call("DeleteVolume", VolumeId=volume_id), delete_seconds)


def _snapshot_state(aws: Aws, snapshot_id: str) -> str:
    return aws.call("DescribeSnapshots", SnapshotIds=[snapshot_id])["Snapshots"][0]["State"]


def _plan(_old: Values, new: Values) -> list[Problem]:
    """Validate properties that depend on the type. Unknown values pass."""
    kind, iops = new.get("type"), new.get("iops")
    if kind is UNKNOWN or iops is UNKNOWN:
        return []
    problems: list[Problem] = []
    if kind in _with_given_iops and not iops:
        problems.append(Problem("iops", f"'iops' must be set when 'type' is '{kind}'"))
    if iops and (kind is None or kind in _without_iops):
        problems.append(Problem("iops", f"'iops' must not be set when 'type' is '{kind or 'gp2'}'"))
    if new.get("multiAttachEnabled") and kind not in _with_given_iops:
        problems.append(
            Problem("multiAttachEnabled", f"'multi_attach_enabled' must not be set when 'type' is '{kind}'")
        )
    if new.get("throughput") and kind != "gp3":
        problems.append(Problem("throughput", f"'throughput' must not be set when 'type' is '{kind or 'gp2'}'"))
    return problems


VOLUME = ResourceType(
    name="aws:ebs/volume:Volume",
    service="ec2",
    properties={
        "arn": output(),
        "availabilityZone": text(required=True, replaces=True),
        "createTime": output(),
        "encrypted": flag(computed=True, replaces=True),
        "finalSnapshot": flag(default=False, local=True),
        "iops": whole(computed=True),
        "kmsKeyId": text(computed=True, replaces=True, checks=(validators.arn,)),
        "multiAttachEnabled": flag(replaces=True),
        "outpostArn": text(replaces=True, checks=(validators.arn,)),
        "size": whole(computed=True),
        "snapshotId": text(computed=True, replaces=True),
        "throughput": whole(computed=True, checks=(validators.between(125, 2000),)),
        "type": text(computed=True, checks=(validators.one_of(*volume_types),)),
        "volumeInitializationRate": whole(checks=(validators.between(100, 300),)),
    },
    calls={
        "create": ("CreateVolume",),
        "read": ("DescribeVolumes",),
        "update": ("ModifyVolume", "DescribeVolumesModifications", "CreateTags", "DeleteTags"),
        "delete": ("CreateSnapshot", "DescribeSnapshots", "DeleteVolume"),
    },
    create=_create,
    settle=_settle,
    read=_read,
    update=_update,
    delete=_delete,
    retag=ec2_common.retag,
    gone=frozenset({not_found}),
    at_least_one=(("size", "snapshotId"),),
    plan=_plan,
)

RESOURCES = (VOLUME,)
