"""Instances and EBS volumes as documented by AWS.

API_… pages: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/; error codes:
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html; performance of volumes by type:
https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html.
"""

import base64
import copy
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.core.types import Base64EncodedString
from moto.ec2.exceptions import EC2ClientError, InvalidParameterValueError, InvalidSecurityGroupNotFoundError
from moto.ec2.models.elastic_block_store import EBSBackend, Volume
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.iam_instance_profile import (
    IamInstanceProfileAssociation,
    IamInstanceProfileAssociationBackend,
)
from moto.ec2.models.instances import Instance, MetadataOptions
from moto.ec2.responses.elastic_block_store import ElasticBlockStore
from moto.ec2.responses.elastic_network_interfaces import ElasticNetworkInterfaces
from moto.ec2.responses.iam_instance_profiles import IamInstanceProfiles
from moto.ec2.responses.instances import InstanceResponse
from moto.ec2.responses.monitoring import Monitoring

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


# Instances.


METADATA = ("HttpTokens", "HttpPutResponseHopLimit", "HttpEndpoint", "HttpProtocolIpv6", "InstanceMetadataTags")
WHILE_STOPPED = ("InstanceType", "UserData")
"""Attributes that can change only while the instance is stopped: API_ModifyInstanceAttribute."""
DEFAULT_GIB = 8


class LocalInstances(ElasticNetworkInterfaces, InstanceResponse, Monitoring, IamInstanceProfiles):
    """moto's instances with corrected volumes, termination protection, groups and instance profile."""

    def run_instances(self) -> ActionResult:
        """API_RunInstances: applies termination protection, interface groups, and volumes of the image and request."""
        result = super().run_instances()
        reservation: Any = result.result
        for instance in reservation.instances:
            instance.disable_api_termination = self._get_bool_param("DisableApiTermination", if_none=False)
            self._settle_interfaces(instance)
            if not self._get_param("LaunchTemplate"):
                self._make_volumes(instance)
        return result

    def _parse_block_device_mapping(self) -> list[dict[str, Any]]:
        """Leave the volumes to `_make_volumes`, unless they come from a launch template."""
        return super()._parse_block_device_mapping() if self._get_param("LaunchTemplate") else []

    def modify_instance_attribute(self) -> ActionResult:
        """API_ModifyInstanceAttribute: groups are those of the interface; some attributes need a stopped instance."""
        instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
        if instance.state != "stopped" and any(self._get_param(f"{name}.Value") is not None for name in WHILE_STOPPED):
            raise EC2ClientError(
                "IncorrectInstanceState", f"The instance '{instance.id}' is not in the 'stopped' state."
            )
        behavior, data = (
            self._get_param(f"{name}.Value") for name in ("InstanceInitiatedShutdownBehavior", "UserData")
        )
        if behavior is not None:
            instance.instance_initiated_shutdown_behavior = behavior
            return EmptyResult()
        if data is not None:
            # moto has already decoded it once
            instance.user_data = Base64EncodedString(base64.b64encode(data).decode()) if data else None
            return EmptyResult()
        self._refuse_missing_groups()
        result = super().modify_instance_attribute()
        if self._get_param("Groups"):
            interface: Any = instance.nics[0]
            interface._group_set = list(instance.security_groups)  # noqa: SLF001
        return result

    def modify_network_interface_attribute(self) -> ActionResult:
        """API_ModifyNetworkInterfaceAttribute: groups of the primary interface are also those of its instance."""
        self._refuse_missing_groups()
        result = super().modify_network_interface_attribute()
        interface = self.ec2_backend.get_network_interface(self._get_param("NetworkInterfaceId"))
        if interface.instance is not None and interface.device_index == 0:
            interface.instance.security_groups = list(interface.group_set)
        return result

    def modify_instance_metadata_options(self) -> ActionResult:
        """API_ModifyInstanceMetadataOptions: omitted options stay unchanged."""
        instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
        old = instance.metadata_options
        before = (old.http_tokens, old.http_put_response_hop_limit, old.http_endpoint, old.http_protocol_ipv6)
        kept = dict(zip(METADATA, (*before, old.instance_metadata_tags), strict=True))
        given = {name: self._get_param(name) for name in METADATA}
        make: Any = MetadataOptions
        instance.metadata_options = make({**kept, **{key: value for key, value in given.items() if value is not None}})
        return ActionResult({"InstanceId": instance.id, "InstanceMetadataOptions": instance.metadata_options})

    def monitor_instances(self) -> Any:
        """API_MonitorInstances: detailed monitoring."""
        return self._monitor("enabled", "pending")

    def unmonitor_instances(self) -> Any:
        """API_UnmonitorInstances: basic monitoring."""
        return self._monitor("disabled", "disabling")

    def replace_iam_instance_profile_association(self) -> ActionResult:
        """API_ReplaceIamInstanceProfileAssociation: creates an association, which the instance shows."""
        id_ = self._get_param("AssociationId")
        known: Any = self.ec2_backend.iam_instance_profile_associations
        instance_id = next((key for key, item in known.items() if item.association_id == id_), None)
        if instance_id is None:
            return super().replace_iam_instance_profile_association()
        self.ec2_backend.disassociate_iam_instance_profile(id_)
        made = self.ec2_backend.associate_iam_instance_profile(
            instance_id=instance_id,
            iam_instance_profile_name=self._get_param("IamInstanceProfile.Name"),
            iam_instance_profile_arn=self._get_param("IamInstanceProfile.Arn"),
        )
        return ActionResult({"IamInstanceProfileAssociation": made})

    def _refuse_missing_groups(self) -> None:
        """Errors overview: InvalidGroup.NotFound, where moto treats a missing group as one without a name."""
        for id_ in self._get_param("Groups", []):
            if self.ec2_backend.get_security_group_from_id(id_) is None:
                raise InvalidSecurityGroupNotFoundError(id_)

    def _monitor(self, state: str, shown: str) -> ActionResult:
        monitored: list[dict[str, Any]] = []
        for id_ in self._get_param("InstanceIds", []):
            self.ec2_backend.get_instance(id_).monitoring_state = state
            monitored.append({"InstanceId": id_, "Monitoring": {"State": shown}})
        return ActionResult({"InstanceMonitorings": monitored})

    def _settle_interfaces(self, instance: Instance) -> None:
        """API_Instance, groupSet: that of the primary interface. Interfaces created at launch end with the instance."""
        given = {int(item.get("DeviceIndex", 0)): item for item in self._get_param("NetworkInterfaces", [])}
        for index, interface in instance.nics.items():
            requested: dict[str, Any] = given.get(index, {})
            if "NetworkInterfaceId" not in requested:
                interface.delete_on_termination = requested.get("DeleteOnTermination", True)
        if not instance.security_groups and instance.vpc_id is not None:
            primary = instance.nics[0]
            default = self.ec2_backend.get_default_security_group(instance.vpc_id)
            if not primary.group_set and default is not None:
                groups: Any = primary
                groups._group_set.append(default)  # noqa: SLF001
            instance.security_groups = list(primary.group_set)

    def _make_volumes(self, instance: Instance) -> None:
        """Create the volumes of the image and of the request, which overrides it, instead of moto's one of 8 GiB."""
        instance.teardown_defaults()
        for device in list(instance.block_device_mapping):
            volume_id = instance.block_device_mapping[device].volume_id
            self.ec2_backend.detach_volume(volume_id, instance.id, device)
            self.ec2_backend.delete_volume(volume_id)
        tags = self._parse_tag_specification().get("volume", {})
        for device, specified in self._devices(instance).items():
            size, snapshot = specified.get("VolumeSize"), specified.get("SnapshotId")
            if not size and not snapshot:
                raise EC2ClientError("MissingParameter", "The request must contain the parameter size or snapshotId")
            volume = self.ec2_backend.create_volume(
                size=size,
                zone_name=instance.availability_zone,
                snapshot_id=snapshot,
                encrypted=specified.get("Encrypted", False),
                kms_key_id=specified.get("KmsKeyId"),
                volume_type=specified.get("VolumeType"),
                iops=specified.get("Iops"),
                throughput=specified.get("Throughput"),
            )
            volume.add_tags(tags)
            self.ec2_backend.attach_volume(volume.id, instance.id, device, specified.get("DeleteOnTermination", True))

    def _devices(self, instance: Instance) -> dict[str, dict[str, Any]]:
        """API_RunInstances, BlockDeviceMapping: the request's values override the image's."""
        images = self.ec2_backend.describe_images(filters={"image-id": instance.image_id})
        known: list[dict[str, Any]] = images[0].block_device_mappings if images else []
        # moto's images would keep their volumes on termination; those of AWS do not
        devices = {item["DeviceName"]: {**item["Ebs"], "DeleteOnTermination": True} for item in known}
        devices.setdefault(instance.root_device_name or "/dev/sda1", {"VolumeSize": DEFAULT_GIB})
        for item in self._get_param("BlockDeviceMappings", []):
            if "NoDevice" in item:
                devices.pop(item["DeviceName"], None)
            elif "Ebs" in item:
                devices[item["DeviceName"]] = {**devices.get(item["DeviceName"], {}), **item["Ebs"]}
        return devices


def show_profiles() -> None:
    """API_IamInstanceProfile, id: the profile's ID, where moto returns that of the association."""
    moto_associate: Any = IamInstanceProfileAssociationBackend.associate_iam_instance_profile

    def associate(self: Any, *arguments: Any, **keywords: Any) -> IamInstanceProfileAssociation:
        made: Any = moto_associate(self, *arguments, **keywords)
        made.instance.iam_instance_profile = {
            "Arn": made.iam_instance_profile.arn,
            "Id": made.iam_instance_profile.id,
        }
        return made

    backend: Any = IamInstanceProfileAssociationBackend
    backend.associate_iam_instance_profile = associate


def terminate_once() -> None:
    """API_TerminateInstances: idempotent."""
    moto_instance: Any = Instance
    moto_terminate = moto_instance.terminate

    def terminate(self: Any) -> Any:
        if self.state == "terminated":
            return copy.copy(self.instance_state)
        return moto_terminate(self)

    moto_instance.terminate = terminate


def separate_interfaces() -> None:
    """API_InstanceNetworkInterface: no association without a public address, and only its own groups.

    moto returns an empty association, and adds the instance's groups to those of each of its interfaces.
    """
    interface: Any = NetworkInterface
    moto_association: Any = interface.association.fget
    interface.association = property(lambda self: moto_association(self) or None)
    interface.group_set = property(lambda self: self._group_set)


def apply_to_models() -> None:
    """Apply changes outside the actions: properties of volumes, interfaces and profiles, and termination."""
    describe_performance()
    separate_interfaces()
    show_profiles()
    terminate_once()
