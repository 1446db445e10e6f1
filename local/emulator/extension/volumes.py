"""EBS volumes as documented by AWS.

API_… pages: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/; performance by type:
https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html.
"""

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError, InvalidParameterValueError
from moto.ec2.models.elastic_block_store import EBSBackend, Volume
from moto.ec2.responses.elastic_block_store import ElasticBlockStore

GP3_IOPS = 3000
GP3_THROUGHPUT = 125
GP2_LEAST, GP2_MOST, GP2_PER_GIB = 100, 16000, 3


def describe_performance() -> None:
    """Give every volume the baseline performance of its type, and its key as an ARN."""
    moto_create: Any = EBSBackend.create_volume

    def create_volume(self: Any, *arguments: Any, **keywords: Any) -> Volume:
        volume: Any = moto_create(self, *arguments, **keywords)
        settle(volume)
        if volume.kms_key_id:
            volume.kms_key_id = key_arn(self, volume.kms_key_id)
        return volume

    backend: Any = EBSBackend
    backend.create_volume = create_volume


def settle(volume: Any) -> None:
    """API_Volume, iops and throughput: defaults of the type unless specified."""
    if volume.volume_type == "gp2":
        volume.iops = min(max(GP2_LEAST, GP2_PER_GIB * volume.size), GP2_MOST)
    elif volume.volume_type == "gp3":
        volume.iops = volume.iops or GP3_IOPS
        volume.throughput = volume.throughput or GP3_THROUGHPUT
    elif volume.volume_type not in {"io1", "io2"}:
        volume.iops = None
    if volume.volume_type != "gp3":
        volume.throughput = None


def key_arn(backend: Any, key: str) -> str:
    """API_Volume, kmsKeyId: the ARN, whatever form of key ID API_CreateVolume was given."""
    if key.startswith("arn:") and ":alias/" not in key:
        return key
    from moto.kms.models import kms_backends  # noqa: PLC0415 (the service may never be called)

    keys = kms_backends[backend.account_id][backend.region_name]
    id_ = keys.get_key_id_from_alias(key) if "alias/" in key else key
    found = keys.keys.get(id_ or "")
    return found.arn if found is not None else key


class LocalVolumes(ElasticBlockStore):
    """moto's volumes with corrected attachment and modification."""

    def attach_volume(self) -> ActionResult:
        """API_AttachVolume: needs an available volume in the instance's Availability Zone, and a free device name."""
        volume = self.ec2_backend.get_volume(self._get_param("VolumeId"))
        instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
        device = self._get_param("Device")
        if volume.attachment is not None:
            raise EC2ClientError("VolumeInUse", f"{volume.id} is already attached to an instance")
        if volume.zone.name != instance.availability_zone:
            raise EC2ClientError(
                "InvalidVolume.ZoneMismatch",
                f"The volume '{volume.id}' is not in the same availability zone as instance",
            )
        if device in instance.block_device_mapping:
            raise InvalidParameterValueError(f"{device} is already in use")
        return super().attach_volume()

    def detach_volume(self) -> ActionResult:
        """API_DetachVolume: the instance is optional; IncorrectState (error codes) if the volume is not attached."""
        volume = self.ec2_backend.get_volume(self._get_param("VolumeId"))
        if volume.attachment is None:
            raise EC2ClientError("IncorrectState", f"Volume '{volume.id}' is in the 'available' state.")
        attached = volume.attachment
        instance = self._get_param("InstanceId", attached.instance.id)
        detached = self.ec2_backend.detach_volume(volume.id, instance, self._get_param("Device"))
        shown = {"VolumeId": volume.id, "InstanceId": instance, "Device": detached.device, "State": "detaching"}
        return ActionResult({**shown, "AttachTime": detached.attach_time})

    def modify_volume(self) -> ActionResult:
        """API_ModifyVolume, Size: must not be smaller than the current size."""
        volume = self.ec2_backend.get_volume(self._get_param("VolumeId"))
        size = self._get_param("Size")
        if size is not None and int(size) < volume.size:
            raise EC2ClientError(
                "InvalidParameterValue", f"New size cannot be smaller than existing size of {volume.size}"
            )
        result = super().modify_volume()
        settle(volume)
        if volume.attachment is not None:
            volume.attachment.instance.block_device_mapping[volume.attachment.device].size = volume.size
        return result
