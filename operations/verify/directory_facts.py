"""What is live of a site of domain controllers. None means that it is not there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from components.directory.monitoring_policies import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.directory.network_acl import AclRule
    from components.directory.settings import DomainControllersSection, SiteSettings
    from components.directory.site_plan import SiteNetworks
    from operations.reading import Unread
    from operations.verify.delivery import Sender
    from operations.verify.event_rules import RuleTargetsFacts
    from operations.verify.facts import Asked, KeyFacts, LogGroupFacts, NetworkFacts
    from operations.verify.roles import RoleFacts
    from operations.verify.security_groups import GroupFacts
    from operations.verify.topics import TopicFacts


@dataclass(frozen=True, kw_only=True)
class AskedSite:
    """What the settings ask for at one site.

    Attributes:
        asked: in the Region.
        partition: `aws`, `aws-cn`, `aws-us-gov`.
        section: the settings of all sites.
        boundary: ARN of the permissions boundary of the stack's roles; "": none.
    """

    asked: Asked
    partition: str
    section: DomainControllersSection
    boundary: str = ""

    @property
    def site(self) -> SiteSettings:
        """The settings of this one."""
        return self.section.sites[self.asked.region]

    @property
    def scope(self) -> Scope:
        """Scope of the policies of monitoring."""
        return Scope(partition=self.partition, account_id=self.asked.account_id, region=self.asked.region)

    def arn(self, service: str, resource: str) -> str:
        """Of something in this account and Region."""
        return f"arn:{self.partition}:{service}:{self.asked.region}:{self.asked.account_id}:{resource}"


@dataclass(frozen=True, kw_only=True)
class PlaceSubnet:
    """A subnet of the controllers.

    Attributes:
        id: `subnet-...`.
        given: as the settings name it.
        zone: such as `eu-west-1a`.
        cidrs: its networks.
        internet_gateway: that a route of it leads to; "": none.
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
        vpc_id: the only one that the settings name.
        subnets: in the settings' order.
        networks: what planning needs.
        endpoint_subnets: subnets of the endpoints, by ID what the settings call them.
        shares_endpoints: the endpoints are those of `shell-access:endpoints`.
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
        id: `pl-...`.
        name: its Name tag.
        max_entries: how many it can hold.
    """

    id: str
    name: str
    max_entries: int


@dataclass(frozen=True, kw_only=True)
class AclFacts:
    """A network ACL of the VPC.

    Attributes:
        id: `acl-...`.
        name: its Name tag.
        subnet_ids: that it is in force for.
        rules: without the default denials.
    """

    id: str
    name: str
    subnet_ids: frozenset[str]
    rules: tuple[AclRule, ...]


@dataclass(frozen=True, kw_only=True)
class VolumeFacts:
    """A volume of a controller.

    Attributes:
        id: `vol-...`.
        key_arn: "": not encrypted.
        tagged: it carries the controllers' tag.
        device: name of the device that it is attached as.
        size: in GiB.
        type: `gp3`, ...
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
        id: `i-...`.
        name: its Name tag.
        state: `running`, `stopped`, ...
        metadata: options of instance metadata, by their names in the API.
        type: `m6i.large`, ...
        checks_source: packets that are not for it are dropped.
        public: public addresses with their allocations' associations ("": an address that came with the instance).
        protected: nobody terminates it without switching that off; None: not read, as it lacks the controllers' tag.
        group_ids: of its security groups.
        subnet_id: where it stands.
        interface_id: of its first interface.
        profile: name of the instance profile; "": none.
        tagged: it carries the controllers' tag.
        volumes: that are attached.
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
        id: `fl-...`.
        subnet_id: subnet whose traffic it records.
        active: it is active.
        traffic: `ALL`, `ACCEPT` or `REJECT`.
        destination: ARN of the log group.
        role_arn: ARN of the role that writes to it.
        failure: reason for which it cannot deliver; "": it delivers, or has not tried yet.
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
    """Everything of one site; what the settings do not ask for is not read.

    Attributes:
        groups: of the VPC that carry the controllers' tag.
        lists: prefix lists of the account.
        entries: of the lists that rules of the groups refer to, and of those of the plan: by id, descriptions by CIDR.
        acls: of the VPC.
        controllers: of the VPC that the settings name, by name; a name may be there twice.
        key: for volumes.
        monitoring_key: for alerts and flow logs.
        flow_logs: of the controllers' subnets.
        flow_logs_role: role that writes them.
        log_group: of the flow logs.
        topic: of the alerts.
        rules: EventBridge rules of the alerts, by name.
        failures: number of messages that were not delivered, by sender.
        endpoints: endpoints of the VPC, with their security group.
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
