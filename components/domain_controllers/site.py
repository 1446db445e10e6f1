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

from components.domain_controllers.monitoring import Monitoring, MonitoringArgs
from components.domain_controllers.names import (
    CONTROLLERS_KEY_ALIAS,
    ROLE_TAG,
    VOLUME_TYPE,
    acls_name,
    controllers_name,
    groups_name,
)
from components.domain_controllers.network_resources import (
    DirectoryNetworkAcl,
    DirectoryNetworkAclArgs,
    DirectorySecurityGroups,
    DirectorySecurityGroupsArgs,
)
from components.domain_controllers.operations.component import SiteOperations, SiteOperationsArgs
from components.domain_controllers.operations.patching import PATCH_GROUP, PATCH_GROUP_TAG
from components.domain_controllers.operations.plan import endpoint_services, plan_operations
from components.domain_controllers.resource_policies import controllers_key_policy
from components.session_manager.endpoint_services import interface_services
from components.session_manager.endpoints import SystemsManagerEndpoints, SystemsManagerEndpointsArgs
from components.session_manager.keys import AliasedKey

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pulumi_aws.kms import Key

    from common.aws.arns import Scope
    from components.domain_controllers.operations.patching import PatchWindow
    from components.domain_controllers.operations.plan import OperationsPlan
    from components.domain_controllers.settings import ControllerSettings, DomainControllersSection, VolumeSettings
    from components.domain_controllers.site_plan import SitePlan
    from components.domain_controllers.site_resources import SiteResources
    from components.network import Subnet
    from components.session_manager.settings import SessionManagerSettings


@dataclass(frozen=True, kw_only=True)
class ControllersArgs:
    """Arguments of a site's controllers.

    Attributes:
        region: Region of the site.
        controllers: Controllers of the settings.
        subnets: Subnets by their names in the settings.
        images: Image IDs by the setting that names the image.
        group_ids: IDs of all security groups.
        profile: Name of the instance profile.
        key_arn: ARN of the key that encrypts every volume.
        termination_protection: Whether termination requires that protection is disabled first.
        volumes: Data volumes by controller.
        instance_tags: Further tags of the instances.
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
    volumes: Mapping[str, Sequence[VolumeSettings]]
    instance_tags: dict[str, str] = field(default_factory=dict[str, str])
    tags: dict[str, str] = field(default_factory=dict[str, str])


class Controllers(pulumi.ComponentResource):
    """Instances and their volumes; the directory team manages the software on them.

    Attributes:
        instances: Instances in the settings' order.
        attachments: Attachments of their data volumes.
    """

    def __init__(self, name: str, args: ControllersArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shell-access:domainControllers:Controllers", name, None, opts)
        self._name, self._args = name, args
        self.attachments: list[VolumeAttachment] = []
        self.instances: list[Instance] = []
        for each in args.controllers:
            self.instances.append(self._controller(each))
        self.register_outputs({"instanceIds": [each.id for each in self.instances]})

    def _controller(self, controller: ControllerSettings) -> Instance:
        args, name = self._args, f"{self._name}-{controller.name}"
        instance = Instance(
            name,
            ami=args.images[controller.image],
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
            tags={**self._tags(controller.name), **args.instance_tags},
            # The parameter names a new image every month, and an empty server must not replace a directory.
            # One after the other, as a change of the type stops an instance.
            opts=pulumi.ResourceOptions(
                parent=self,
                ignore_changes=["ami"],
                protect=args.termination_protection,
                depends_on=self.instances[-1:],
            ),
        )
        for volume in args.volumes[controller.name]:
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
            # EC2 protects only the instance: without this, its volumes are deleted before EC2 refuses to terminate it.
            opts=pulumi.ResourceOptions(parent=self, protect=self._args.termination_protection),
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
            opts=pulumi.ResourceOptions(
                parent=self, delete_before_replace=True, protect=self._args.termination_protection
            ),
        )
        self.attachments.append(attachment)

    def _tags(self, name: str) -> dict[str, str]:
        return {**self._args.tags, "Name": name, **dict([ROLE_TAG])}


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
        network, region = args.resources.network, args.scope.region
        before: list[pulumi.Resource] = [self._endpoints()] if args.resources.needs_endpoints else []
        resolver = self._resolver_group()
        groups = DirectorySecurityGroups(
            groups_name(name),
            DirectorySecurityGroupsArgs(
                region=region,
                vpc_id=network.vpc_id,
                plan=args.plan.groups,
                resolver_group_id=resolver.id if resolver else "",
                tags=args.tags,
            ),
            self._child,
        )
        acl = self._acl()
        before += [*groups.rules, *([acl] if acl else [])]
        key = self._key()
        controllers = self._controllers(args.profile, groups, key, before) if args.profile else None
        if resolver:
            self._name_resolution(resolver, groups, controllers.instances if controllers else ())
        operations = plan_operations(args.section, region)
        monitoring = Monitoring(
            f"{name}-monitoring",
            MonitoringArgs(
                scope=args.scope,
                settings=args.section.monitoring,
                network=network,
                instances=controllers.instances if controllers else (),
                group_ids=groups.ids,
                acl_ids=[acl.id] if acl else [],
                log_groups=operations.log_groups,
                has_alarms=operations.has_alarms,
                tags=args.tags,
            ),
            self._child,
        )
        self.topic_arn = monitoring.topic_arn
        if controllers:
            self._operations(operations, controllers, monitoring)
        self.outputs: dict[str, pulumi.Input[object]] = {
            "securityGroupIds": groups.ids,
            "networkAclId": acl.id if acl else None,
            "keyArn": key.arn,
            "instanceIds": [each.id for each in controllers.instances] if controllers else [],
            "ruleCounts": args.plan.groups.rule_counts,
            "quotaHeadroom": args.plan.headroom,
            "subnets": {each.given: list(each.cidrs) for each in network.subnets},
        }
        self.register_outputs({**self.outputs, "topicArn": self.topic_arn})

    def _operations(self, plan: OperationsPlan, controllers: Controllers, monitoring: Monitoring) -> None:
        args = self._args
        names = [each.name for each in args.section.sites[args.scope.region].controllers]
        ids = dict(zip(names, (each.id for each in controllers.instances), strict=True))
        if plan.documents:
            SiteOperations(
                f"{self._name}-operations",
                SiteOperationsArgs(
                    region=args.scope.region,
                    plan=plan,
                    instance_ids=ids,
                    attachments=controllers.attachments,
                    topic_arn=monitoring.topic_arn,
                    key_arn=monitoring.key_arn,
                    patching=args.section.patches,
                    windows=args.windows,
                    take_over=args.take_over,
                    tags=args.tags,
                ),
                self._child,
            )

    def _endpoints(self) -> SystemsManagerEndpoints:
        args = self._args
        return SystemsManagerEndpoints(
            f"{self._name}-endpoints",
            SystemsManagerEndpointsArgs(
                region=args.scope.region,
                network=args.resources.network.one_subnet_a_zone(),
                services=tuple(
                    sorted({*interface_services(args.preferences), *endpoint_services(args.section, args.scope.region)})
                ),
                allowed_cidrs=args.resources.network.cidrs,
                s3_gateway=args.resources.s3_list is not None,
                account_id=args.scope.account_id,
                tags=args.tags,
            ),
            self._child,
        )

    def _resolver_group(self) -> SecurityGroup | None:
        args, settings = self._args, self._args.section.resolver_endpoints
        if settings is None or args.scope.region not in settings.sites:
            return None
        # Imported where a stack has it, as below: the packages of Route 53 and AWS RAM.
        from components.domain_controllers.name_resolution import resolver_group  # noqa: PLC0415

        return resolver_group(
            self._name,
            "outbound",
            region=args.scope.region,
            vpc_id=args.resources.network.vpc_id,
            tags=args.tags,
            opts=self._child,
        )

    def _name_resolution(
        self, group: SecurityGroup, groups: DirectorySecurityGroups, controllers: Sequence[Instance]
    ) -> None:
        args, settings = self._args, self._args.section.resolver_endpoints
        if settings is None:
            return
        from components.domain_controllers.name_resolution import NameResolution, NameResolutionArgs  # noqa: PLC0415

        NameResolution(
            self._name,
            NameResolutionArgs(
                region=args.scope.region,
                vpc_id=args.resources.network.vpc_id,
                subnet_ids=args.resources.network.one_subnet_a_zone().subnet_ids,
                settings=settings,
                vpcs=args.resources.resolver_vpcs,
                outbound_group=group,
                controllers_group_id=groups.ids[0],
                addresses=[each.private_ip for each in controllers],
                tags=args.tags,
            ),
            self._child,
        )

    def _acl(self) -> DirectoryNetworkAcl | None:
        args, network = self._args, self._args.resources.network
        if args.plan.acl is None:
            return None
        return DirectoryNetworkAcl(
            acls_name(self._name),
            DirectoryNetworkAclArgs(
                region=args.scope.region,
                vpc_id=network.vpc_id,
                subnet_ids=network.subnet_ids,
                plan=args.plan.acl,
                tags=args.tags,
            ),
            self._child,
        )

    def _key(self) -> Key:
        args = self._args
        return AliasedKey(
            f"{self._name}-key",
            alias=CONTROLLERS_KEY_ALIAS,
            description="Domain controllers: volumes",
            policy=controllers_key_policy(args.scope, args.key_users),
            region=args.scope.region,
            tags=args.tags,
            # The team's snapshots are encrypted with this key.
            retain=args.section.termination_protection,
            opts=self._child,
        ).key

    def _controllers(
        self,
        profile: pulumi.Output[str],
        groups: DirectorySecurityGroups,
        key: Key,
        before: list[pulumi.Resource],
    ) -> Controllers:
        """Create the controllers after all network rules, so that they change to other groups only then, too."""
        args = self._args
        site = args.section.sites[args.scope.region]
        return Controllers(
            controllers_name(self._name),
            ControllersArgs(
                region=args.scope.region,
                controllers=site.controllers,
                subnets={each.given: each for each in args.resources.network.subnets},
                images=args.resources.images,
                group_ids=groups.ids,
                profile=profile,
                key_arn=key.arn,
                termination_protection=args.section.termination_protection,
                volumes={each.name: args.section.volumes_of(each) for each in site.controllers},
                instance_tags={PATCH_GROUP_TAG: PATCH_GROUP} if args.section.patches else {},
                tags=args.tags,
            ),
            pulumi.ResourceOptions(parent=self, depends_on=before),
        )
