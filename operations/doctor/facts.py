"""Configuration and state of a node, and of everything that a session on it needs.

What could not be read is an `Unread`, never omitted; None means that it does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from operations.verify.facts import RegionFacts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from common.iam.documents import Policy
    from common.iam.principals import Principal
    from components.domain_controllers.network_acl import AclRule
    from components.domain_controllers.packet_evaluation import Permission
    from operations.reading import Unread
    from operations.verify.facts import Asked, KeyFacts


@dataclass(frozen=True, kw_only=True)
class Instance:
    """EC2 instance, as seen through its first network interface.

    Attributes:
        state: State, such as `running` or `stopped`.
        vpc_id: ID of the VPC (`vpc-...`).
        subnet_id: ID of the subnet (`subnet-...`).
        address: Private IPv4 address. Empty: none.
        group_ids: IDs of the security groups.
        has_public_address: Whether the instance has a public IPv4 address.
        public_address: Public IPv4 address. Empty: none, or not known.
        profile_arn: ARN of the instance profile. None: no instance profile.
        answers_metadata: Whether the agent can get credentials and identity from the metadata service.
        requires_metadata_tokens: Whether the metadata service only accepts IMDSv2 requests.
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
    """Node as registered with Systems Manager.

    Attributes:
        ping: Ping status: `Online`, `ConnectionLost` or `Inactive`.
        last_ping: Time of the agent's last ping, as text. Empty: not known.
        agent_version: Version of the agent, such as `3.3.987.0`. Empty: not known.
        platform: Platform: `Linux`, `Windows` or `MacOS`. Empty: not known.
        role_name: Role of a node outside EC2.
    """

    ping: str
    last_ping: str = ""
    agent_version: str = ""
    platform: str = ""
    role_name: str = ""

    @property
    def is_online(self) -> bool:
        """Whether the agent is online."""
        return self.ping == "Online"


@dataclass(frozen=True, kw_only=True)
class Subnet:
    """Subnet.

    Attributes:
        id: ID of the subnet (`subnet-...`).
        zone: Availability Zone.
        cidr: IPv4 CIDR block. Empty: none.
        owner_id: Account that shares the subnet. Empty: not known.
        blocks: Mode of VPC Block Public Access: `off`, `block-ingress` or `block-bidirectional`.
    """

    id: str
    zone: str
    cidr: str
    owner_id: str = ""
    blocks: str = "off"


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """VPC endpoint.

    Attributes:
        id: ID of the endpoint (`vpce-...`).
        service: Service name, such as `com.amazonaws.eu-west-1.ssm`.
        kind: Type, such as `Interface` or `Gateway`.
        state: State, such as `available` or `pending`.
        private_dns: Whether the service's own DNS name resolves to the endpoint within the VPC.
        subnet_ids: Subnets of an interface endpoint.
        group_ids: Security groups of an interface endpoint.
        route_table_ids: Route tables of a gateway endpoint.
        prefix_list_id: Prefix list of a gateway endpoint. Empty: not known.
        policy: Endpoint policy. None: everything is allowed.
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
    """Route.

    Attributes:
        destination: CIDR block or prefix list (`pl-...`).
        target: Target, such as `igw-...`, `nat-...`, `tgw-...` or `local`.
        active: False for a blackhole route, whose target no longer exists.
    """

    destination: str
    target: str
    active: bool = True


@dataclass(frozen=True, kw_only=True)
class RouteTable:
    """Route table: its subnets, whether it is the main route table for subnets without their own, and its routes."""

    id: str
    subnet_ids: frozenset[str] = frozenset()
    main: bool = False
    routes: tuple[Route, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NatGateway:
    """NAT gateway: its subnet, its state, and its connectivity type.

    A regional NAT gateway has no subnet, but a route table of its own. Its public addresses are empty if not known.
    """

    id: str
    subnet_id: str
    table_id: str = ""
    state: str = "available"
    public: bool = True
    public_addresses: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NetworkAcl:
    """Network ACL: the subnets it is associated with, and its rules without the default denials."""

    id: str
    subnet_ids: frozenset[str] = frozenset()
    rules: tuple[AclRule, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Network:
    """VPC.

    Attributes:
        vpc_id: ID of the VPC (`vpc-...`).
        resolves_private_names: Whether the DNS attributes of the VPC let private DNS names of endpoints resolve.
        subnets: Subnets by ID.
        endpoints: VPC endpoints.
        tables: Route tables.
        nats: NAT gateways by ID.
        acls: Network ACLs.
        groups: Rules of each security group by ID.
        prefix_lists: CIDR blocks of the prefix lists that routes and rules reference, by ID.
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
        """Return the route table of a subnet: its own, or the VPC's main route table."""
        own = (each for each in self.tables if subnet_id in each.subnet_ids)
        return next(own, next((each for each in self.tables if each.main), None))

    def acl_of(self, subnet_id: str) -> NetworkAcl | None:
        """Return the network ACL of a subnet."""
        return next((each for each in self.acls if subnet_id in each.subnet_ids), None)


@dataclass(frozen=True, kw_only=True)
class Destinations:
    """Resources that sessions in a Region use and are logged to.

    Attributes:
        live: Document, keys, log group and bucket.
        data_key_policy: Key policy of the key for session data.
        data_key_aliases: All aliases of that key, which conditions on `kms:ResourceAliases` evaluate.
        log_group_key: Key that encrypts the log group. None: no key, or the key no longer exists.
        bucket_key: Customer managed key of the bucket. None: no key, or the key no longer exists.
        bucket_policy: Bucket policy. None: no policy.
        bucket_key_policy: Key policy of the bucket's key. None: no such key.
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
    """Configuration and state of a node.

    Attributes:
        id: ID of the node (`i-...` or `mi-...`).
        name: Name tag or computer name. Empty: none.
        partition: Partition: `aws`, `aws-cn` or `aws-us-gov`.
        asked: Desired configuration of the node's Region.
        instance: EC2 instance. None for a node outside EC2.
        managed: Registration with Systems Manager. None if the node has never registered.
        role: Role of the instance profile or activation. None: no role.
        default_role: Role of Default Host Management Configuration. None: it is off.
        network: VPC of the node. None for a node outside EC2.
        destinations: Resources that sessions in the Region use and are logged to.
        organization_id: ID of the organization (`o-...`). None: no organization, or not known.
        organization_path: Path of the account (`o-.../r-.../ou-.../`). Empty: not known.
        in_organization: Whether the account belongs to an organization. None: not known.
        limits: Limits of the evaluation, as text.
        read_at: Time of the reading, with its time zone. None: not known.
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
        """Return the ARN of a resource in the node's account and Region."""
        return f"arn:{self.partition}:{service}:{self.asked.region}:{self.asked.account_id}:{resource}"

    @property
    def node_arn(self) -> str:
        """ARN of the node itself."""
        return (
            self.arn("ec2", f"instance/{self.id}")
            if self.id.startswith("i-")
            else self.arn("ssm", f"managed-instance/{self.id}")
        )
