"""What is known of a node and of everything that a session on it needs.

What could not be read is an `Unread`, never left out; None means that it is not there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from operations.verify.facts import RegionFacts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from components.directory.network_acl import AclRule
    from components.directory.oracle import Permission
    from components.iam.documents import Policy
    from components.iam.principals import Principal
    from operations.reading import Unread
    from operations.verify.facts import Asked, KeyFacts


@dataclass(frozen=True, kw_only=True)
class Instance:
    """An EC2 instance, as seen through its first network interface.

    Attributes:
        state: `running`, `stopped`, ...
        vpc_id: `vpc-...`.
        subnet_id: `subnet-...`.
        address: its private IPv4 address; empty: none.
        group_ids: of its security groups.
        has_public_address: an IPv4 one.
        public_address: its public IPv4 address; empty: not known, or none.
        profile_arn: of its instance profile; None: it has none.
        answers_metadata: whether the agent can get credentials and identity from the metadata service.
        requires_metadata_tokens: whether the metadata service answers version 2 only.
    """

    state: str
    vpc_id: str
    subnet_id: str
    address: str
    group_ids: tuple[str, ...] = ()
    has_public_address: bool = False
    public_address: str = ""
    profile_arn: str | None = None
    answers_metadata: bool = True
    requires_metadata_tokens: bool = False


@dataclass(frozen=True, kw_only=True)
class Managed:
    """A node as Systems Manager knows it.

    Attributes:
        ping: `Online`, `ConnectionLost`, `Inactive`.
        last_ping: when the agent was last heard of, as text; empty: not known.
        agent_version: `3.3.987.0`; empty: not known.
        platform: `Linux`, `Windows`, `MacOS`; empty: not known.
        role_name: of a node outside EC2.
    """

    ping: str
    last_ping: str = ""
    agent_version: str = ""
    platform: str = ""
    role_name: str = ""

    @property
    def is_online(self) -> bool:
        """Whether the agent answers."""
        return self.ping == "Online"


@dataclass(frozen=True, kw_only=True)
class Subnet:
    """A subnet.

    Attributes:
        id: `subnet-...`.
        zone: its availability zone.
        cidr: its IPv4 network; empty: it has none.
        owner_id: the account that shares it; empty: not known.
        blocks: what VPC Block Public Access takes from it: `off`, `block-ingress`, `block-bidirectional`.
    """

    id: str
    zone: str
    cidr: str
    owner_id: str = ""
    blocks: str = "off"


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A VPC endpoint.

    Attributes:
        id: `vpce-...`.
        service: `com.amazonaws.eu-west-1.ssm`.
        kind: `Interface`, `Gateway`, ...
        state: `available`, `pending`, ...
        private_dns: whether the service's own name leads nodes of the VPC to it.
        subnet_ids: of an interface endpoint.
        group_ids: of an interface endpoint.
        route_table_ids: of a gateway endpoint.
        prefix_list_id: of a gateway endpoint; empty: not known.
        policy: of it; None: everything is allowed.
    """

    id: str
    service: str
    kind: str
    state: str = "available"
    private_dns: bool = False
    subnet_ids: tuple[str, ...] = ()
    group_ids: tuple[str, ...] = ()
    route_table_ids: tuple[str, ...] = ()
    prefix_list_id: str = ""
    policy: Policy | None = None


@dataclass(frozen=True, kw_only=True)
class Route:
    """One route.

    Attributes:
        destination: a network, or `pl-...`.
        target: `igw-...`, `nat-...`, `tgw-...`, `local`, ...
        active: false where what it led to is gone.
    """

    destination: str
    target: str
    active: bool = True


@dataclass(frozen=True, kw_only=True)
class RouteTable:
    """A route table: its subnets, whether it is in force for those that have none, its routes."""

    id: str
    subnet_ids: frozenset[str] = frozenset()
    main: bool = False
    routes: tuple[Route, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NatGateway:
    """A NAT gateway: where it stands, whether it works, whether it leads to the internet.

    A Regional one stands in no subnet and has a route table of its own. Its public addresses are empty where not known.
    """

    id: str
    subnet_id: str
    table_id: str = ""
    state: str = "available"
    public: bool = True
    public_addresses: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NetworkAcl:
    """A network ACL: the subnets that it is in force for, and its rules without the default denials."""

    id: str
    subnet_ids: frozenset[str] = frozenset()
    rules: tuple[AclRule, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Network:
    """A VPC.

    Attributes:
        vpc_id: `vpc-...`.
        resolves_private_names: whether its DNS settings let endpoints take over the services' names.
        subnets: by id.
        endpoints: of the VPC.
        tables: route tables of the VPC.
        nats: NAT gateways by id.
        acls: network ACLs.
        groups: what each security group lets pass, by id.
        prefix_lists: networks of the lists that routes and rules refer to, by id.
    """

    vpc_id: str
    resolves_private_names: bool = True
    subnets: Mapping[str, Subnet] = field(default_factory=dict[str, Subnet])
    endpoints: tuple[Endpoint, ...] = ()
    tables: tuple[RouteTable, ...] = ()
    nats: Mapping[str, NatGateway] = field(default_factory=dict[str, NatGateway])
    acls: tuple[NetworkAcl, ...] = ()
    groups: Mapping[str, tuple[Permission, ...]] = field(default_factory=dict[str, "tuple[Permission, ...]"])
    prefix_lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, "tuple[str, ...]"])

    def table_of(self, subnet_id: str) -> RouteTable | None:
        """The route table in force for a subnet: its own, or the VPC's main one."""
        own = (each for each in self.tables if subnet_id in each.subnet_ids)
        return next(own, next((each for each in self.tables if each.main), None))

    def acl_of(self, subnet_id: str) -> NetworkAcl | None:
        """The network ACL in force for a subnet."""
        return next((each for each in self.acls if subnet_id in each.subnet_ids), None)


@dataclass(frozen=True, kw_only=True)
class Destinations:
    """What sessions in a Region use and are logged to.

    Attributes:
        live: document, keys, log group, bucket.
        data_key_policy: of the key for session data.
        data_key_aliases: all of that key, which conditions on `kms:ResourceAliases` see.
        log_group_key: that encrypts the log group; None where it has none, or that one is gone.
        bucket_key: the customer managed key of the bucket, likewise.
        bucket_policy: of the bucket; None: it has none.
        bucket_key_policy: of the bucket's key; None where there is no such key.
    """

    live: RegionFacts = field(default_factory=RegionFacts)
    data_key_policy: Policy | Unread | None = None
    data_key_aliases: tuple[str, ...] | Unread = ()
    log_group_key: KeyFacts | Unread | None = None
    bucket_key: KeyFacts | Unread | None = None
    bucket_policy: Policy | Unread | None = None
    bucket_key_policy: Policy | Unread | None = None


@dataclass(frozen=True, kw_only=True)
class NodeFacts:
    """A node.

    Attributes:
        id: `i-...` or `mi-...`.
        name: its Name tag or computer name; empty: none.
        partition: `aws`, `aws-cn`, `aws-us-gov`.
        asked: what the settings ask for in its Region.
        instance: None for a node outside EC2.
        managed: None where it has never registered.
        role: of its instance profile or activation; None: none.
        default_role: of Default Host Management Configuration; None: that is off.
        network: of its VPC; None for a node outside EC2.
        destinations: of its Region.
        organization_id: `o-...`; None: not known, or there is none.
        organization_path: `o-.../r-.../ou-.../` of the account; empty: not known.
        in_organization: whether the account is in one; None: not known.
        limits: what the judgement cannot take into account, in words.
        read_at: time of the reading, with its time zone; None: not known.
    """

    id: str
    name: str = ""
    partition: str = "aws"
    asked: Asked
    instance: Instance | Unread | None
    managed: Managed | Unread | None
    role: Principal | Unread | None
    default_role: Principal | Unread | None = None
    network: Network | Unread | None
    destinations: Destinations
    organization_id: str | None = None
    organization_path: str = ""
    in_organization: bool | None = None
    limits: tuple[str, ...] = ()
    read_at: datetime | None = None

    def arn(self, service: str, resource: str) -> str:
        """Of something in the node's account and Region."""
        return f"arn:{self.partition}:{service}:{self.asked.region}:{self.asked.account_id}:{resource}"

    @property
    def node_arn(self) -> str:
        """Of the node itself."""
        return (
            self.arn("ec2", f"instance/{self.id}")
            if self.id.startswith("i-")
            else self.arn("ssm", f"managed-instance/{self.id}")
        )
