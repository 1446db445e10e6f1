"""Facts about a site of domain controllers. None: the resource does not exist."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from components.domain_controllers.monitoring_policies import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.domain_controllers.network_acl import AclRule
    from components.domain_controllers.settings import DomainControllersSection, SiteSettings
    from components.domain_controllers.site_plan import SiteNetworks
    from operations.reading import Unread
    from operations.verify.delivery import Sender
    from operations.verify.event_rules import RuleTargetsFacts
    from operations.verify.facts import Asked, KeyFacts, LogGroupFacts, NetworkFacts
    from operations.verify.roles import RoleFacts
    from operations.verify.security_groups import GroupFacts
    from operations.verify.topics import TopicFacts


@dataclass(frozen=True, kw_only=True)
class AskedSite:
    """Settings of one site.

    Attributes:
        asked: Settings of the Region.
        partition: `aws`, `aws-cn`, `aws-us-gov`.
        section: Settings of all sites.
        boundary: ARN of the permissions boundary of the stack's roles; "": none.
    """

    asked: Asked
    partition: str
    section: DomainControllersSection
    boundary: str = ""

    @property
    def site(self) -> SiteSettings:
        """Settings of this site."""
        return self.section.sites[self.asked.region]

    @property
    def scope(self) -> Scope:
        """Scope of the monitoring policies."""
        return Scope(partition=self.partition, account_id=self.asked.account_id, region=self.asked.region)

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource in this account and Region."""
        return f"arn:{self.partition}:{service}:{self.asked.region}:{self.asked.account_id}:{resource}"


@dataclass(frozen=True, kw_only=True)
class PlaceSubnet:
    """A subnet of the controllers.

    Attributes:
        id: ID, `subnet-...`.
        given: ID or name in the settings.
        zone: Availability Zone, `eu-west-1a`.
        cidrs: CIDR blocks.
        internet_gateway: Internet gateway that one of its routes leads to; "": none.
    """

    id: str
    given: str
    zone: str
    cidrs: tuple[str, ...]
    internet_gateway: str = ""


@dataclass(frozen=True, kw_only=True)
class PlaceFacts:
    """The network of a site.

    Attributes:
        vpc_id: The only VPC that the settings name.
        subnets: Subnets in the settings' order.
        networks: Networks that planning requires.
        endpoint_subnets: Subnets of the endpoints: their names in the settings, by ID.
        shares_endpoints: Whether the endpoints are those of `shell-access:endpoints`.
    """

    vpc_id: str
    subnets: tuple[PlaceSubnet, ...]
    networks: SiteNetworks
    endpoint_subnets: Mapping[str, str] = field(default_factory=dict[str, str])
    shares_endpoints: bool = False


@dataclass(frozen=True, kw_only=True)
class ListFacts:
    """A managed prefix list of this account.

    Attributes:
        id: ID, `pl-...`.
        name: Its Name tag.
        max_entries: Maximum number of entries.
    """

    id: str
    name: str
    max_entries: int


@dataclass(frozen=True, kw_only=True)
class AclFacts:
    """A network ACL of the VPC.

    Attributes:
        id: ID, `acl-...`.
        name: Its Name tag.
        subnet_ids: Subnets that it is associated with.
        rules: Rules without the default denials.
    """

    id: str
    name: str
    subnet_ids: frozenset[str]
    rules: tuple[AclRule, ...]


@dataclass(frozen=True, kw_only=True)
class VolumeFacts:
    """A volume of a controller.

    Attributes:
        id: ID, `vol-...`.
        key_arn: ARN of the KMS key; "": not encrypted.
        tagged: Whether it carries the controllers' tag.
        device: Device name of the attachment.
        size: Size in GiB.
        type: Volume type, `gp3`, ...
    """

    id: str
    key_arn: str
    tagged: bool
    device: str = ""
    size: int = 0
    type: str = "gp3"


@dataclass(frozen=True, kw_only=True)
class ControllerFacts:
    """A domain controller.

    Attributes:
        id: ID, `i-...`.
        name: Its Name tag.
        state: `running`, `stopped`, ...
        metadata: Instance metadata options, by their names in the API.
        type: Instance type, `m6i.large`, ...
        checks_source: Whether the source/destination check is on.
        public: Public addresses with the IDs of their associations ("": not an Elastic IP address).
        protected: Whether termination protection is on; None: not read, as the instance lacks the controllers' tag.
        group_ids: IDs of its security groups.
        subnet_id: ID of its subnet.
        interface_id: ID of its primary network interface.
        profile: Name of the instance profile; "": none.
        tagged: Whether it carries the controllers' tag.
        volumes: Attached volumes.
    """

    id: str
    name: str
    state: str
    metadata: Mapping[str, object]
    type: str
    checks_source: bool
    public: tuple[tuple[str, str], ...]
    protected: bool | Unread | None
    group_ids: frozenset[str]
    subnet_id: str
    interface_id: str
    profile: str
    tagged: bool
    volumes: tuple[VolumeFacts, ...] | Unread


@dataclass(frozen=True, kw_only=True)
class FlowLogFacts:
    """A flow log.

    Attributes:
        id: ID, `fl-...`.
        subnet_id: Subnet whose traffic it records.
        active: Whether it is active.
        traffic: `ALL`, `ACCEPT` or `REJECT`.
        destination: ARN of the log group.
        role_arn: ARN of the role that writes to it.
        failure: Reason for which delivery fails; "": it succeeds, or was not attempted yet.
    """

    id: str
    subnet_id: str
    active: bool
    traffic: str
    destination: str
    role_arn: str
    failure: str = ""


@dataclass(frozen=True, kw_only=True)
class SiteFacts:
    """Facts about one site; resources that the settings do not define are not read.

    Attributes:
        groups: Security groups of the VPC that carry the controllers' tag.
        lists: Prefix lists of the account.
        entries: Descriptions by CIDR, by ID of the prefix list: those that the groups' rules refer to, and the plan's.
        acls: Network ACLs of the VPC.
        controllers: Controllers of the VPC that the settings name, by name; several can have the same name.
        key: Key for volumes.
        monitoring_key: Key for alerts and flow logs.
        flow_logs: Flow logs of the controllers' subnets.
        flow_logs_role: Role that writes them.
        log_group: Log group of the flow logs.
        topic: Topic of the alerts.
        rules: EventBridge rules of the alerts, by name.
        failures: Number of messages that were not delivered, by sender.
        endpoints: Endpoints of the VPC, with their security group.
    """

    groups: tuple[GroupFacts, ...] | Unread
    lists: tuple[ListFacts, ...] | Unread
    entries: Mapping[str, Mapping[str, str]] | Unread
    acls: tuple[AclFacts, ...] | Unread
    controllers: tuple[ControllerFacts, ...] | Unread
    key: KeyFacts | Unread | None
    monitoring_key: KeyFacts | Unread | None
    flow_logs: tuple[FlowLogFacts, ...] | Unread
    flow_logs_role: RoleFacts | Unread | None
    log_group: LogGroupFacts | Unread | None
    topic: TopicFacts | Unread | None
    rules: Mapping[str, RuleTargetsFacts] | Unread
    failures: Mapping[Sender, int] | Unread
    endpoints: NetworkFacts
