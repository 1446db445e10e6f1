"""Volumes of an instance: launch, read, and update."""

from typing import Final

from local.aws_provider.aws import Aws
from local.aws_provider.failure import InvalidInputError
from local.aws_provider.model import Change
from local.aws_provider.tags import from_pairs, pairs
from local.aws_provider.wire import Values, fields_of, items_of

_settings: Final = {
    "deleteOnTermination": "DeleteOnTermination",
    "encrypted": "Encrypted",
    "iops": "Iops",
    "kmsKeyId": "KmsKeyId",
    "snapshotId": "SnapshotId",
    "throughput": "Throughput",
    "volumeSize": "VolumeSize",
    "volumeType": "VolumeType",
}
_modifiable: Final = {"iops": "Iops", "throughput": "Throughput", "volumeSize": "Size", "volumeType": "VolumeType"}


def root_device_name(aws: Aws, image_id: str) -> str:
    """Return the device name of an image's root volume."""
    images = aws.call("DescribeImages", ImageIds=[image_id])["Images"]
    if not images or not images[0].get("RootDeviceName"):
        raise InvalidInputError(f"finding root device name for AMI ({image_id}): none")
    return images[0]["RootDeviceName"]


def mappings(aws: Aws, wanted: Values) -> list[Values] | None:
    """Return the block device mappings for RunInstances."""
    result = [_mapping(item["deviceName"], item) for item in wanted.get("ebsBlockDevices", [])]
    root: Values | None = wanted.get("rootBlockDevice")
    if root:
        result.append(_mapping(root_device_name(aws, wanted["ami"]), root))
    return result or None


def _mapping(device: str, block: Values) -> Values:
    # Terraform does not distinguish "not encrypted" from unset, and leaves both to the account's default.
    given = {theirs: block[ours] for ours, theirs in _settings.items() if block.get(ours) not in (None, "")}
    if not given.get("Encrypted"):
        given.pop("Encrypted", None)
    return {"DeviceName": device, "Ebs": given}


def _volumes(aws: Aws, instance: Values) -> dict[str, Values]:
    """Return the volumes by device name."""
    attached = {item["DeviceName"]: item["Ebs"] for item in instance.get("BlockDeviceMappings", [])}
    if not attached:
        return {}
    ids = [item["VolumeId"] for item in attached.values()]
    found = {item["VolumeId"]: item for item in aws.call("DescribeVolumes", VolumeIds=ids)["Volumes"]}
    return {
        device: {**found[item["VolumeId"]], "DeleteOnTermination": item.get("DeleteOnTermination", False)}
        for device, item in attached.items()
        if item["VolumeId"] in found
    }


def read(aws: Aws, instance: Values, known: Values) -> Values:
    """Return `rootBlockDevice`, `ebsBlockDevices`, and `volumeTags` if the program manages them."""
    volumes = _volumes(aws, instance)
    root = instance.get("RootDeviceName")
    result: Values = {
        "ebsBlockDevices": [
            {**_block(aws, device, volume), "snapshotId": volume.get("SnapshotId", "")}
            for device, volume in sorted(volumes.items())
            if device != root
        ],
        "rootBlockDevice": _block(aws, root, volumes[root]) if root in volumes else None,
    }
    if "volumeTags" in known:
        tagged: dict[str, str] = {}
        for volume in volumes.values():
            tagged |= from_pairs(volume.get("Tags"))
        result["volumeTags"] = {key: value for key, value in tagged.items() if not key.startswith("aws:")}
        for block in [*result["ebsBlockDevices"], *([result["rootBlockDevice"]] if root in volumes else [])]:
            block["tags"] = {}
    return result


def _block(aws: Aws, device: str, volume: Values) -> Values:
    tags = {key: value for key, value in from_pairs(volume.get("Tags")).items() if not key.startswith("aws:")}
    default = aws.session.config.default_tags
    return {
        "deleteOnTermination": volume["DeleteOnTermination"],
        "deviceName": device,
        "encrypted": volume.get("Encrypted", False),
        "iops": volume.get("Iops", 0),
        "kmsKeyId": volume.get("KmsKeyId", ""),
        "tags": {key: value for key, value in tags.items() if default.get(key) != value},
        "tagsAll": tags,
        "throughput": volume.get("Throughput", 0),
        "volumeId": volume["VolumeId"],
        "volumeSize": volume["Size"],
        "volumeType": volume["VolumeType"],
    }


def _tags_of(aws: Aws, block: Values) -> dict[str, str]:
    return {**aws.session.config.default_tags, **(block.get("tags") or {})}


def tag_new(aws: Aws, instance: Values, wanted: Values) -> None:
    """Tag the new volumes that the program describes individually."""
    if wanted.get("volumeTags"):
        return
    volumes = _volumes(aws, instance)
    for device, block in _described(instance, wanted).items():
        tags = _tags_of(aws, block)
        if tags and device in volumes:
            aws.call("CreateTags", Resources=[volumes[device]["VolumeId"]], Tags=pairs(tags))


def _described(instance: Values, values: Values) -> dict[str, Values]:
    """Return the volume descriptions by device name."""
    blocks: dict[str, Values] = {item["deviceName"]: item for item in items_of(values.get("ebsBlockDevices"))}
    if values.get("rootBlockDevice"):
        blocks[instance["RootDeviceName"]] = values["rootBlockDevice"]
    return blocks


def update(aws: Aws, instance: Values, change: Change) -> None:
    """Update the volumes of a running instance."""
    if change.has("rootBlockDevice"):
        _change_root(aws, instance, change)
    if change.has("rootBlockDevice", "ebsBlockDevices") and not change.new.get("volumeTags"):
        old, new = _described(instance, change.old), _described(instance, change.new)
        for device in sorted(set(old) & set(new)):
            _retag(aws, old[device]["volumeId"], old[device].get("tagsAll") or {}, _tags_of(aws, new[device]))
    if change.has("volumeTags"):
        before, after = fields_of(change.old.get("volumeTags")), fields_of(change.new.get("volumeTags"))
        for volume in _volumes(aws, instance).values():
            _retag(aws, volume["VolumeId"], before, after)


def _retag(aws: Aws, volume_id: str, old: dict[str, str], new: dict[str, str]) -> None:
    removed = [{"Key": key} for key in old if key not in new]
    added = {key: value for key, value in new.items() if old.get(key) != value}
    if removed:
        aws.call("DeleteTags", Resources=[volume_id], Tags=removed)
    if added:
        aws.call("CreateTags", Resources=[volume_id], Tags=pairs(added))


def _change_root(aws: Aws, instance: Values, change: Change) -> None:
    old: Values = change.old.get("rootBlockDevice") or {}
    new: Values = change.new.get("rootBlockDevice") or {}
    changed = {name: new[name] for name in _modifiable if new.get(name) is not None and new[name] != old.get(name)}
    if changed:
        aws.call(
            "ModifyVolume", VolumeId=old["volumeId"], **{_modifiable[name]: value for name, value in changed.items()}
        )
        aws.wait_until(lambda: _modified(aws, old["volumeId"]), f"change of {old['volumeId']}")
    if "deleteOnTermination" in new and new["deleteOnTermination"] != old.get("deleteOnTermination"):
        device = {
            "DeviceName": instance["RootDeviceName"],
            "Ebs": {"DeleteOnTermination": new["deleteOnTermination"]},
        }
        aws.call("ModifyInstanceAttribute", InstanceId=change.object_id, BlockDeviceMappings=[device])


def _modified(aws: Aws, volume_id: str) -> bool:
    found = aws.call("DescribeVolumesModifications", VolumeIds=[volume_id])["VolumesModifications"]
    return not found or found[-1]["ModificationState"] in {"completed", "optimizing"}
