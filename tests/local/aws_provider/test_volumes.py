"""Volumes and their attachments (Terraform AWS provider: internal/service/ec2/ebs_volume.go, ebs_volume_attachment.go)."""

import zlib
from typing import Any

import pytest

from local.emulator.extension.images import image_id
from tests.local.aws_provider.conftest import lifecycle, refusals

token = "aws:ebs/volume:Volume"
attachment = "aws:ec2/volumeAttachment:VolumeAttachment"
data = {"availabilityZone": "eu-west-1a", "size": 20, "type": "gp3", "encrypted": True}


def found(aws: Any, made: Any) -> Any:
    return aws("ec2").describe_volumes(VolumeIds=[made.id])["Volumes"][0]


test_volume_refuses = refusals(
    token,
    data,
    ({"size": None}, "one of `size,snapshotId` must be specified"),
    ({"availabilityZone": None}, "availabilityZone: missing"),
    ({"type": "gp4"}, "gp3"),
    ({"kmsKeyId": "1234"}, "invalid ARN"),
)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"type": "io2"}, "'iops' must be set when 'type' is 'io2'"),
    ],
)
def test_what_its_type_does_not_have_fails_the_preview(provider: Any, change: dict[str, Any], reason: str) -> None:
    with pytest.raises(Exception, match=reason):
        provider.preview(token, "v", {**data, **change})


def test_outputs_of_a_volume(provider: Any) -> None:
    made = provider.up(token, "v", {**data, "tags": {"a": "b"}})
    assert made["arn"] == f"arn:aws:ec2:eu-west-1:123456789012:volume/{made.id}"
    assert made["kmsKeyId"].startswith("arn:aws:kms:eu-west-1:123456789012:key/")
    assert (made["iops"], made["throughput"], made["finalSnapshot"]) == (3000, 125, False)
    assert made["createTime"].endswith("Z")
    assert provider.unchanged(token, "v", {**data, "tags": {"a": "b"}})


def test_volume_size_and_type_change_in_place(provider: Any, aws: Any) -> None:
    made = provider.up(token, "v", data)
    changed = {**data, "size": 30, "type": "gp2"}
    assert not provider.diff(token, "v", changed).replaces
    provider.up(token, "v", changed)
    assert (found(aws, made)["Size"], found(aws, made)["VolumeType"]) == (30, "gp2")
    assert provider.unchanged(token, "v", changed)


def test_volume_does_not_shrink(provider: Any) -> None:
    provider.up(token, "v", data)
    with pytest.raises(Exception, match="ec2:ModifyVolume failed with InvalidParameterValue"):
        provider.up(token, "v", {**data, "size": 10})


@pytest.fixture
def pair(provider: Any, aws: Any) -> Any:
    """An instance and a volume of the same zone, to be joined."""
    ami = image_id("eu-west-1", "Windows_Server-2022-English-Core-Base")
    placement = {"AvailabilityZone": "eu-west-1a"}
    run = aws("ec2").run_instances(ImageId=ami, InstanceType="t3.large", MinCount=1, MaxCount=1, Placement=placement)
    instance = run["Instances"][0]["InstanceId"]
    return {"deviceName": "xvdf", "instanceId": instance, "volumeId": provider.up(token, "v", data).id}


def test_attachment_s_id_is_made_of_its_parts(provider: Any, pair: dict[str, str]) -> None:
    made = provider.up(attachment, "a", pair)
    text = f"xvdf-{pair['instanceId']}-{pair['volumeId']}-"
    assert made.id == f"vai-{zlib.crc32(text.encode())}"
    assert provider.unchanged(attachment, "a", pair)


def test_attachment_that_is_there_is_adopted(provider: Any, aws: Any, pair: dict[str, str]) -> None:
    aws("ec2").attach_volume(Device="xvdf", InstanceId=pair["instanceId"], VolumeId=pair["volumeId"])
    provider.up(attachment, "a", pair)


def test_how_it_is_undone_is_kept_in_the_state_alone(provider: Any, aws: Any, pair: dict[str, str]) -> None:
    provider.up(attachment, "a", pair)
    assert not provider.diff(attachment, "a", {**pair, "stopInstanceBeforeDetaching": True}).replaces
    provider.up(attachment, "a", {**pair, "stopInstanceBeforeDetaching": True})
    provider.destroy(attachment, "a")
    states = aws("ec2").describe_instances(InstanceIds=[pair["instanceId"]])["Reservations"][0]["Instances"]
    assert states[0]["State"]["Name"] == "stopped"
    assert found(aws, provider.state[token, "v"])["State"] == "available"


def test_attachment_of_deleted_volume_is_not_deleted(provider: Any, aws: Any, pair: dict[str, str]) -> None:
    provider.up(attachment, "a", pair)
    aws("ec2").detach_volume(VolumeId=pair["volumeId"])
    aws("ec2").delete_volume(VolumeId=pair["volumeId"])
    with pytest.raises(Exception, match="ec2:DetachVolume failed"):
        provider.destroy(attachment, "a")


def test_attachment_is_imported_by_its_parts(provider: Any, pair: dict[str, str]) -> None:
    made = provider.up(attachment, "a", pair)
    taken = provider.take_over(attachment, "b", f"xvdf:{pair['volumeId']}:{pair['instanceId']}")
    assert taken.id == made.id
    assert not provider.diff(attachment, "b", pair).diffs
    with pytest.raises(Exception, match="expected DEVICE_NAME:VOLUME_ID:INSTANCE_ID"):
        provider.take_over(attachment, "c", made.id)


TestVolume = lifecycle(
    token,
    data,
    delete=lambda aws, made: aws("ec2").delete_volume(VolumeId=made.id),
    imported_by="{id}",
    replacing=(
        {"availabilityZone": "eu-west-1b"},
        {"encrypted": False},
        {"kmsKeyId": "arn:aws:kms:eu-west-1:123456789012:key/1"},
    ),
    delete_first=False,
)
TestAttachment = lifecycle(
    attachment,
    "pair",
    delete=lambda aws, made: aws("ec2").detach_volume(VolumeId=made["volumeId"]),
    imported_by="{deviceName}:{volumeId}:{instanceId}",
    replacing=({"deviceName": "xvdg"}, {"instanceId": "i-1"}, {"volumeId": "vol-1"}),
    delete_first=False,
)
