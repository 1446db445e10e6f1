"""Domain controllers: instances in private subnets, with encrypted volumes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi
from pulumi_aws.ebs import Volume
from pulumi_aws.ec2 import (
    Instance,
    InstanceMetadataOptionsArgs,
    InstanceRootBlockDeviceArgs,
    VolumeAttachment,
)

from components.domain_controllers.names import VOLUME_TYPE
from components.domain_controllers.port_forwarding_policy import ROLE_TAG

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.domain_controllers.settings import ControllerSettings, VolumeSettings
    from components.network import Subnet


@dataclass(frozen=True, kw_only=True)
class ControllersArgs:
    """Arguments of a site's controllers.

    Attributes:
        region: Region of the site.
        controllers: Controllers of the settings.
        subnets: Subnets by their names in the settings.
        images: Image IDs by parameter.
        group_ids: IDs of all security groups.
        profile: Name of the instance profile.
        key_arn: ARN of the key that encrypts every volume.
        termination_protection: Whether termination requires that protection is disabled first.
        tags: Tags applied to all taggable resources.
    """

    region: str
    controllers: Sequence[ControllerSettings]
    subnets: Mapping[str, Subnet]
    images: Mapping[str, str]
    group_ids: Sequence[pulumi.Input[str]]
    profile: pulumi.Input[str]
    key_arn: pulumi.Input[str]
    termination_protection: bool
    tags: dict[str, str] = field(default_factory=dict[str, str])


class Controllers(pulumi.ComponentResource):
    """Instances and their volumes; the directory team manages the software on them.

    Attributes:
        instances: Instances in the settings' order.
    """

    def __init__(self, name: str, args: ControllersArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shell-access:domainControllers:Controllers", name, None, opts)
        self._name, self._args = name, args
        self.instances = [self._controller(each) for each in args.controllers]
        self.register_outputs({"instanceIds": [each.id for each in self.instances]})

    def _controller(self, controller: ControllerSettings) -> Instance:
        args, name = self._args, f"{self._name}-{controller.name}"
        instance = Instance(
            name,
            ami=args.images[controller.image_parameter],
            instance_type=controller.instance_type,
            subnet_id=args.subnets[controller.subnet].id,
            # Explicit, although the subnet determines it, so that previews and policies show the Availability Zone.
            availability_zone=args.subnets[controller.subnet].zone,
            associate_public_ip_address=False,
            vpc_security_group_ids=args.group_ids,
            iam_instance_profile=args.profile,
            disable_api_termination=args.termination_protection,
            metadata_options=InstanceMetadataOptionsArgs(
                http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
            ),
            root_block_device=InstanceRootBlockDeviceArgs(
                volume_type=VOLUME_TYPE, encrypted=True, kms_key_id=args.key_arn, tags=self._tags(controller.name)
            ),
            region=args.region,
            tags=self._tags(controller.name),
            # The parameter names a new image every month, and an empty server must not replace a directory.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["ami"]),
        )
        for volume in controller.volumes:
            self._volume(f"{name}-{volume.device_name}", controller, volume, instance)
        return instance

    def _volume(self, name: str, controller: ControllerSettings, volume: VolumeSettings, instance: Instance) -> None:
        made = Volume(
            name,
            availability_zone=self._args.subnets[controller.subnet].zone,
            size=volume.size,
            type=VOLUME_TYPE,
            encrypted=True,
            kms_key_id=self._args.key_arn,
            region=self._args.region,
            tags=self._tags(f"{controller.name}-{volume.device_name}"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        VolumeAttachment(
            name,
            device_name=volume.device_name,
            instance_id=instance.id,
            volume_id=made.id,
            # Windows loses unwritten data when a volume is detached from a running instance.
            stop_instance_before_detaching=True,
            region=self._args.region,
            # EC2 attaches a volume to one instance at a time: it is detached from the replaced instance first.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )

    def _tags(self, name: str) -> dict[str, str]:
        return {**self._args.tags, "Name": name, **dict([ROLE_TAG])}
