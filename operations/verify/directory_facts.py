"""What is live of a site of domain controllers. None means that it is not there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.directory.demands import Direction
    from components.directory.network_acl import AclRule
    from components.directory.settings import DomainControllersSection, SiteSettings
    from components.directory.site_plan import SiteNetworks
    from operations.reading import Unread
    from operations.verify.facts import Asked, KeyFacts, LogGroupFacts


@dataclass(frozen=True, kw_only=True)
class AskedSite:
    """What the settings ask for at one site.

    Attributes:
        asked: in the Region.
        partition: `aws`, `aws-cn`, `aws-us-gov`.
        section: the settings of all sites.
    """

    asked: Asked
    partition: str
    section: DomainControllersSection

    @property
    def site(self) -> SiteSettings:
        """The settings of this one."""
        return self.section.sites[self.asked.region]

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
    """

    vpc_id: str
    subnets: tuple[PlaceSubnet, ...]
    networks: SiteNetworks


@dataclass(frozen=True, kw_only=True)
class RuleFacts:
    """A rule of a security group.

    Attributes:
        id: `sgr-...`.
        direction: ingress or egress.
        protocol: as EC2 names it.
        from_port: first port or ICMP type; -1: any.
        to_port: last port or ICMP code; -1: any.
        peer: CIDR, `sg-...` or `pl-...`.
        description: "": none.
        name: its Name tag, which the stack's own rules have; "": none.
        answer: as EC2 answered.
    """

    id: str
    direction: Direction
    protocol: str
    from_port: int
    to_port: int
    peer: str
    description: str = ""
    name: str = ""
    answer: Mapping[str, Any] = field(default_factory=dict[str, Any], compare=False, repr=False)

    def __str__(self) -> str:
        ends = f"{self.from_port}" if self.to_port in (self.from_port, -1) else f"{self.from_port}-{self.to_port}"
        what = "everything" if self.protocol == "-1" else f"{self.protocol} {ends}"
        return f"{self.direction} {what} {'from' if self.direction == 'ingress' else 'to'} {self.peer}"


@dataclass(frozen=True, kw_only=True)
class GroupFacts:
    """A security group.

    Attributes:
        id: `sg-...`.
        name: its Name tag.
        rules: of both directions.
    """

    id: str
    name: str
    rules: tuple[RuleFacts, ...] = ()


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
    """

    id: str
    key_arn: str
    tagged: bool


@dataclass(frozen=True, kw_only=True)
class ControllerFacts:
    """A domain controller.

    Attributes:
        id: `i-...`.
        name: its Name tag.
        state: `running`, `stopped`, ...
        tokens: of instance metadata: `required` means IMDSv2 only.
        public: public addresses with their allocations' associations ("": an address that came with the instance).
        protected: nobody terminates it without switching that off.
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
    tokens: str
    public: tuple[tuple[str, str], ...]
    protected: bool | Unread
    group_ids: frozenset[str]
    subnet_id: str
    interface_id: str
    profile: str
    tagged: bool
    volumes: tuple[VolumeFacts, ...] | Unread


@dataclass(frozen=True, kw_only=True)
class FlowLogFacts:
    """A flow log: of which subnet, whether it is active, of which traffic, where to."""

    subnet_id: str
    active: bool
    traffic: str
    destination: str


@dataclass(frozen=True, kw_only=True)
class AlertFacts:
    """An EventBridge rule.

    Attributes:
        enabled: it is.
        pattern: of the events.
        targets: ARNs.
    """

    enabled: bool
    pattern: Mapping[str, Any]
    targets: tuple[str, ...] | Unread


@dataclass(frozen=True, kw_only=True)
class TopicFacts:
    """The topic of the alerts.

    Attributes:
        key: that encrypts it, as the topic names it; "": none.
        unconfirmed: e-mail addresses that have not confirmed.
    """

    key: str
    unconfirmed: tuple[str, ...] | Unread


@dataclass(frozen=True, kw_only=True)
class TrailFacts:
    """A trail.

    Attributes:
        logging: it records.
        multi_region: all Regions.
    """

    logging: bool
    multi_region: bool


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
        log_group: of the flow logs.
        topic: of the alerts.
        alerts: by the alert's name.
    """

    groups: tuple[GroupFacts, ...] | Unread
    lists: tuple[ListFacts, ...] | Unread
    entries: Mapping[str, Mapping[str, str]] | Unread
    acls: tuple[AclFacts, ...] | Unread
    controllers: tuple[ControllerFacts, ...] | Unread
    key: KeyFacts | Unread | None
    monitoring_key: KeyFacts | Unread | None
    flow_logs: tuple[FlowLogFacts, ...] | Unread
    log_group: LogGroupFacts | Unread | None
    topic: TopicFacts | Unread | None
    alerts: Mapping[str, AlertFacts | Unread | None]
