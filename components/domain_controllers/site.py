"""Site: network rules for its controllers, the controllers themselves, and their monitoring."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi
from pulumi_aws.ebs import Volume
from pulumi_aws.ec2 import (
    Instance,
    InstanceMetadataOptionsArgs,
    InstanceRootBlockDeviceArgs,
    SecurityGroup,
    VolumeAttachment,
)

from components.domain_controllers.monitoring import Monitoring
from components.domain_controllers.names import (
    CONTROLLERS_KEY_ALIAS,
    ROLE_TAG,
    VOLUME_TYPE,
    acls_name,
    controllers_name,
    groups_name,
)
from components.domain_controllers.network_resources import DirectoryNetworkAcl, DirectorySecurityGroups
from components.domain_controllers.operations.component import SiteOperations
from components.domain_controllers.operations.patching import PATCH_GROUP, PATCH_GROUP_TAG
from components.domain_controllers.operations.plan import endpoint_services, plan_operations
from components.domain_controllers.resource_policies import controllers_key_policy
from components.session_manager.endpoint_services import interface_services
from components.session_manager.endpoints import SystemsManagerEndpoints, SystemsManagerEndpointsArgs
from components.session_manager.keys import AliasedKey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulumi_aws.kms import Key

    from common.aws.arns import Scope
    from components.domain_controllers.operations.patching import PatchWindow
    from components.domain_controllers.settings import (
        ControllerSettings,
        DomainControllersSection,
        SiteSettings,
        VolumeSettings,
    )
    from components.domain_controllers.site_plan import SitePlan
    from components.domain_controllers.site_resources import SiteResources
    from components.session_manager.settings import SessionManagerSettings


@dataclass(frozen=True, kw_only=True)
class SiteArgs:
    """Arguments of a site.

    Attributes:
        scope: Partition, account and Region.
        section: Settings of all sites.
        resources: Site as found in AWS.
        plan: Security groups and network ACL.
        preferences: Session Manager preferences of the Region; None where they are not managed here.
        profile: Name of the instance profile; None where the site creates no controllers.
        key_users: ARNs of principals that may use the volumes' key.
        windows: Maintenance windows for patches.
        take_over: Whether documents of another stack are taken over.
        tags: Tags applied to all taggable resources.
    """

    scope: Scope
    section: DomainControllersSection
    resources: SiteResources
    plan: SitePlan
    preferences: SessionManagerSettings | None
    profile: pulumi.Output[str] | None
    key_users: Sequence[str]
    windows: tuple[PatchWindow, ...] = ()
    take_over: bool = False
    tags: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def region(self) -> str:
        """Region of the site."""
        return self.scope.region

    @property
    def site(self) -> SiteSettings:
        """Settings of the site."""
        return self.section.sites[self.region]


class Controllers(pulumi.ComponentResource):
    """Instances and their volumes; the directory team manages the software on them.

    Attributes:
        instances: Instances in the settings' order.
        attachments: Attachments of their data volumes.
    """

    def __init__(
        self,
        name: str,
        args: SiteArgs,
        *,
        group_ids: Sequence[pulumi.Input[str]],
        key_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("shell-access:domainControllers:Controllers", name, None, opts)
        self._name, self._args, self._group_ids, self._key_arn = name, args, group_ids, key_arn
        self._protected = args.section.termination_protection
        self._subnets = {each.given: each for each in args.resources.network.subnets}
        self.attachments: list[VolumeAttachment] = []
        self.instances: list[Instance] = []
        for each in args.site.controllers:
            self.instances.append(self._controller(each))
        self.register_outputs({"instanceIds": [each.id for each in self.instances]})

    def _controller(self, controller: ControllerSettings) -> Instance:
        args, name = self._args, f"{self._name}-{controller.name}"
        subnet, tags = self._subnets[controller.subnet], self._tags(controller.name)
        instance = Instance(
            name,
            ami=args.resources.images[controller.image],
            instance_type=controller.instance_type,
            subnet_id=subnet.id,
            # Explicit, although the subnet determines it, so that previews and policies show the Availability Zone.
            availability_zone=subnet.zone,
            associate_public_ip_address=False,
            vpc_security_group_ids=self._group_ids,
            iam_instance_profile=args.profile,
            disable_api_termination=self._protected,
            metadata_options=InstanceMetadataOptionsArgs(
                http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
            ),
            root_block_device=InstanceRootBlockDeviceArgs(
                volume_type=VOLUME_TYPE, encrypted=True, kms_key_id=self._key_arn, tags=tags
            ),
            region=args.region,
            tags={**tags, **({PATCH_GROUP_TAG: PATCH_GROUP} if args.section.patching else {})},
            # The parameter names a new image every month, and an empty server must not replace a directory.
            # One after the other, as a change of the type stops an instance.
            opts=pulumi.ResourceOptions(
                parent=self,
                ignore_changes=["ami"],
                protect=self._protected,
                depends_on=self.instances[-1:],
            ),
        )
        for volume in args.section.volumes_of(controller):
            self._volume(f"{name}-{volume.device_name}", controller, volume, instance)
        return instance

    def _volume(self, name: str, controller: ControllerSettings, volume: VolumeSettings, instance: Instance) -> None:
        made = Volume(
            name,
            availability_zone=self._subnets[controller.subnet].zone,
            size=volume.size,
            type=VOLUME_TYPE,
            encrypted=True,
            kms_key_id=self._key_arn,
            region=self._args.region,
            tags=self._tags(f"{controller.name}-{volume.device_name}"),
            # EC2 protects only the instance: without this, its volumes are deleted before EC2 refuses to terminate it.
            opts=pulumi.ResourceOptions(parent=self, protect=self._protected),
        )
        attachment = VolumeAttachment(
            name,
            device_name=volume.device_name,
            instance_id=instance.id,
            volume_id=made.id,
            # Windows loses unwritten data when a volume is detached from a running instance.
            stop_instance_before_detaching=True,
            region=self._args.region,
            # EC2 attaches a volume to one instance at a time: it is detached from the replaced instance first.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True, protect=self._protected),
        )
        self.attachments.append(attachment)

    def _tags(self, name: str) -> dict[str, str]:
        return {**self._args.tags, "Name": name, **dict([ROLE_TAG])}


class Site(pulumi.ComponentResource):
    """The controllers of one Region.

    Attributes:
        outputs: `securityGroupIds`, `networkAclId`, `keyArn`, `instanceIds`, `ruleCounts`, `quotaHeadroom`,
            `subnets`.
        topic_arn: ARN of the topic for alerts.
    """

    def __init__(self, name: str, args: SiteArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shell-access:domainControllers:Site", name, None, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        before: list[pulumi.Resource] = [self._endpoints()] if args.resources.needs_endpoints else []
        resolver = self._resolver_group()
        groups = DirectorySecurityGroups(
            groups_name(name), args, resolver_group_id=resolver.id if resolver else "", opts=self._child
        )
        acl = DirectoryNetworkAcl(acls_name(name), args, args.plan.acl, self._child) if args.plan.acl else None
        before += [*groups.rules, *([acl] if acl else [])]
        key = self._key()
        # After all network rules, so that controllers change to other groups only then, too.
        controllers = (
            Controllers(
                controllers_name(name),
                args,
                group_ids=groups.ids,
                key_arn=key.arn,
                opts=pulumi.ResourceOptions(parent=self, depends_on=before),
            )
            if args.profile
            else None
        )
        instances = controllers.instances if controllers else []
        if resolver:
            self._name_resolution(resolver, groups, instances)
        operations = plan_operations(args.section, args.region)
        monitoring = Monitoring(
            f"{name}-monitoring",
            args,
            operations,
            instances=instances,
            group_ids=groups.ids,
            acl_ids=[acl.id] if acl else [],
            opts=self._child,
        )
        self.topic_arn = monitoring.topic_arn
        if controllers and operations.documents:
            SiteOperations(f"{name}-operations", args, operations, controllers, monitoring, self._child)
        self.outputs: dict[str, pulumi.Input[object]] = {
            "securityGroupIds": groups.ids,
            "networkAclId": acl.id if acl else None,
            "keyArn": key.arn,
            "instanceIds": [each.id for each in instances],
            "ruleCounts": args.plan.groups.rule_counts,
            "quotaHeadroom": args.plan.headroom,
            "subnets": {each.given: list(each.cidrs) for each in args.resources.network.subnets},
        }
        self.register_outputs({**self.outputs, "topicArn": self.topic_arn})

    def _endpoints(self) -> SystemsManagerEndpoints:
        args = self._args
        services = {*interface_services(args.preferences), *endpoint_services(args.section, args.region)}
        return SystemsManagerEndpoints(
            f"{self._name}-endpoints",
            SystemsManagerEndpointsArgs(
                region=args.region,
                network=args.resources.network.one_subnet_a_zone(),
                services=tuple(sorted(services)),
                allowed_cidrs=args.resources.network.cidrs,
                s3_gateway=args.resources.s3_list is not None,
                account_id=args.scope.account_id,
                tags=args.tags,
            ),
            self._child,
        )

    def _resolver_group(self) -> SecurityGroup | None:
        settings = self._args.section.resolver_endpoints
        if settings is None or self._args.region not in settings.sites:
            return None
        # Imported where a stack has it, as below: the packages of Route 53 and AWS RAM.
        from components.domain_controllers.name_resolution import resolver_group  # noqa: PLC0415

        return resolver_group(self._name, "outbound", self._args, self._child)

    def _name_resolution(
        self, group: SecurityGroup, groups: DirectorySecurityGroups, instances: Sequence[Instance]
    ) -> None:
        settings = self._args.section.resolver_endpoints
        if settings is None:
            return
        from components.domain_controllers.name_resolution import NameResolution  # noqa: PLC0415

        NameResolution(
            self._name,
            self._args,
            settings,
            outbound_group=group,
            controllers_group_id=groups.ids[0],
            addresses=[each.private_ip for each in instances],
            opts=self._child,
        )

    def _key(self) -> Key:
        args = self._args
        return AliasedKey(
            f"{self._name}-key",
            alias=CONTROLLERS_KEY_ALIAS,
            description="Domain controllers: volumes",
            policy=controllers_key_policy(args.scope, args.key_users),
            region=args.region,
            tags=args.tags,
            # The team's snapshots are encrypted with this key.
            retain=args.section.termination_protection,
            opts=self._child,
        ).key
