"""Networks: VPCs, subnets, VPC endpoints, route tables, network ACLs and security groups."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from common.iam.documents import DocumentError, parse
from components.domain_controllers.packet_evaluation import acl_rules_from_aws, permissions_from_aws
from components.domain_controllers.traffic_requirements import Direction
from operations.inventory.reader import known, returns_failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from common.iam.documents import Policy
    from components.domain_controllers.network_acl import AclRule
    from components.domain_controllers.packet_evaluation import Permission
    from operations.inventory.reader import Answer, Reader, ReadFailure

_TARGETS: Final = (
    *("GatewayId", "NatGatewayId", "TransitGatewayId", "VpcPeeringConnectionId", "NetworkInterfaceId", "InstanceId"),
    *("LocalGatewayId", "CarrierGatewayId", "CoreNetworkArn", "EgressOnlyInternetGatewayId", "OdbNetworkArn"),
)
FILTER_VALUES: Final = 200
"""Maximum number of values of an EC2 filter (API reference, Filter)."""


@dataclass(frozen=True, kw_only=True)
class SecurityGroupRule:
    """A rule of a security group.

    Attributes:
        id: ID, `sgr-...`.
        direction: Ingress or egress.
        protocol: Protocol, by its name in EC2.
        from_port: First port or ICMP type; -1: any.
        to_port: Last port or ICMP code; -1: any.
        peer: CIDR, `sg-...` or `pl-...`.
        description: Its description; "": none.
        name: Its Name tag, which the stack's own rules have; "": none.
        answer: The original response of EC2.
    """

    id: str
    direction: Direction
    protocol: str
    from_port: int
    to_port: int
    peer: str
    description: str = ""
    name: str = ""
    answer: Answer = field(default_factory=dict[str, Any], compare=False, repr=False)

    @property
    def key(self) -> tuple[str, str, int, int, str]:
        """Permission of the rule; a group has no two rules with the same one."""
        return (self.direction, self.protocol, self.from_port, self.to_port, self.peer)

    def __str__(self) -> str:
        ends = f"{self.from_port}" if self.to_port in (self.from_port, -1) else f"{self.from_port}-{self.to_port}"
        what = "everything" if self.protocol == "-1" else f"{self.protocol} {ends}"
        return f"{self.direction} {what} {'from' if self.direction == 'ingress' else 'to'} {self.peer}"


@dataclass(frozen=True, kw_only=True)
class SecurityGroup:
    """A security group.

    Attributes:
        id: ID, `sg-...`.
        name: Its Name tag.
        rules: Ingress and egress rules.
    """

    id: str
    name: str
    rules: tuple[SecurityGroupRule, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SubnetFacts:
    """Subnet.

    Attributes:
        id: ID of the subnet (`subnet-...`).
        cidr: IPv4 CIDR block. Empty: none.
        owner_id: Account that shares the subnet. Empty: not known.
        name: Its Name tag; "": none.
        blocks: Mode of VPC Block Public Access: `off`, `block-ingress` or `block-bidirectional`.
    """

    id: str
    zone: str = ""
    cidr: str = ""
    owner_id: str = ""
    name: str = ""
    blocks: str = "off"


@dataclass(frozen=True, kw_only=True)
class VpcEndpoint:
    """VPC endpoint.

    Attributes:
        id: ID of the endpoint (`vpce-...`).
        service: Service name, such as `com.amazonaws.eu-west-1.ssm`; "": none, as for VPC Lattice.
        kind: Type, such as `Interface` or `Gateway`.
        state: State, such as `available` or `pending`.
        private_dns: Whether the service's own DNS name resolves to the endpoint within the VPC.
        group_ids: Security groups of an interface endpoint.
        policy_text: Endpoint policy, as JSON; "": everything is allowed.
        policy: Endpoint policy, parsed; None: everything is allowed.
    """

    id: str
    service: str
    kind: str
    state: str = "available"
    private_dns: bool = False
    subnet_ids: tuple[str, ...] = ()
    group_ids: tuple[str, ...] = ()
    route_table_ids: tuple[str, ...] = ()
    policy_text: str = ""
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
    """Network ACL: its Name tag, the subnets it is associated with, and its rules without the default denials."""

    id: str
    name: str = ""
    subnet_ids: frozenset[str] = frozenset()
    rules: tuple[AclRule, ...] = ()


@dataclass(frozen=True, kw_only=True)
class VpcFacts:
    """VPC.

    Attributes:
        vpc_id: ID of the VPC (`vpc-...`).
        resolves_private_names: Whether the DNS attributes of the VPC let private DNS names of endpoints resolve.
        subnets: Subnets by ID.
        nats: NAT gateways by ID.
        groups: Rules of each security group by ID.
        prefix_lists: CIDR blocks of the prefix lists that routes and rules reference, by ID.
    """

    vpc_id: str
    resolves_private_names: bool = True
    subnets: Mapping[str, SubnetFacts] = field(default_factory=dict[str, SubnetFacts])
    endpoints: tuple[VpcEndpoint, ...] = ()
    tables: tuple[RouteTable, ...] = ()
    nats: Mapping[str, NatGateway] = field(default_factory=dict[str, NatGateway])
    acls: tuple[NetworkAcl, ...] = ()
    groups: Mapping[str, tuple[Permission, ...]] = field(default_factory=dict[str, "tuple[Permission, ...]"])
    prefix_lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, "tuple[str, ...]"])

    def table_of(self, subnet_id: str) -> RouteTable | None:
        """Return the route table of a subnet."""
        return route_table_of(self.tables, subnet_id)

    def acl_of(self, subnet_id: str) -> NetworkAcl | None:
        """Return the network ACL of a subnet."""
        return next((each for each in self.acls if subnet_id in each.subnet_ids), None)


def route_table_of(tables: Sequence[RouteTable], subnet_id: str) -> RouteTable | None:
    """Return the route table of a subnet: its own, or the VPC's main route table."""
    own = (each for each in tables if subnet_id in each.subnet_ids)
    return next(own, next((each for each in tables if each.main), None))


@dataclass(frozen=True, kw_only=True)
class EndpointNetwork:
    """The VPC of the endpoints.

    Attributes:
        vpc_ids: VPCs with the ID or Name tag of the settings; the other attributes are about the only one.
        groups: Security groups with the name of the endpoints' group.
    """

    vpc_ids: tuple[str, ...]
    subnets: tuple[SubnetFacts, ...] | ReadFailure = ()
    endpoints: tuple[VpcEndpoint, ...] | ReadFailure = ()
    route_tables: tuple[RouteTable, ...] | ReadFailure = ()
    groups: tuple[SecurityGroup, ...] | ReadFailure = ()


@returns_failure
def read_endpoint_network(reader: Reader, vpc: str, group: str) -> EndpointNetwork:
    """Read the VPC that settings name, with its endpoints."""
    vpc_ids = read_vpc_ids(reader, vpc)
    if len(vpc_ids) != 1:
        return EndpointNetwork(vpc_ids=vpc_ids)
    return replace(read_endpoints(reader, vpc_ids[0], group), subnets=read_subnets(reader, vpc_ids[0]))


def read_vpc_ids(reader: Reader, vpc: str) -> tuple[str, ...]:
    """Read the IDs of the VPCs with an ID or Name tag."""
    chosen = [{"Name": "vpc-id" if vpc.startswith("vpc-") else "tag:Name", "Values": [vpc]}]
    return tuple(each["VpcId"] for each in reader.items("ec2", "describe_vpcs", "Vpcs", Filters=chosen))


def read_endpoints(reader: Reader, vpc_id: str, group: str) -> EndpointNetwork:
    """Read the endpoints of a VPC with its route tables and their security group; not the subnets."""
    named = [*filters(vpc_id=[vpc_id]), {"Name": "tag:Name", "Values": [group]}]
    return EndpointNetwork(
        vpc_ids=(vpc_id,),
        endpoints=_vpc_endpoints(reader, vpc_id),
        route_tables=read_route_tables(reader, vpc_id),
        groups=read_groups(reader, named),
    )


@returns_failure
def read_vpc(reader: Reader, vpc_id: str) -> VpcFacts:
    """Read a VPC. If a single part cannot be read, all of it counts as unread, because any part may be decisive."""
    within = filters(vpc_id=[vpc_id])
    subnets = known(read_subnets(reader, vpc_id))
    endpoints = known(_vpc_endpoints(reader, vpc_id))
    tables = known(read_route_tables(reader, vpc_id))
    nats = reader.items("ec2", "describe_nat_gateways", "NatGateways", Filter=within)
    acls = known(read_network_acls(reader, vpc_id))
    groups = reader.items("ec2", "describe_security_groups", "SecurityGroups", Filters=within)
    resolves_private_names = _resolves_private_names(reader, vpc_id)
    of_group: dict[str, list[Answer]] = {each["GroupId"]: [] for each in groups}
    rules = _rules(reader, list(of_group))
    for rule in rules:
        of_group.setdefault(rule["GroupId"], []).append(rule)
    lists = _prefix_lists(reader, tables, rules)
    return VpcFacts(
        vpc_id=vpc_id,
        resolves_private_names=resolves_private_names,
        subnets={each.id: each for each in subnets},
        endpoints=endpoints,
        tables=tables,
        nats={each["NatGatewayId"]: _nat(each) for each in nats},
        acls=acls,
        groups={each: permissions_from_aws(several, lists) for each, several in of_group.items()},
        prefix_lists=lists,
    )


@returns_failure
def read_subnets(reader: Reader, vpc_id: str) -> tuple[SubnetFacts, ...]:
    """Read the subnets of a VPC."""
    return tuple(
        SubnetFacts(
            id=each["SubnetId"],
            zone=each["AvailabilityZone"],
            cidr=each.get("CidrBlock", ""),
            owner_id=each.get("OwnerId", ""),
            name=tag(each, "Name"),
            blocks=each.get("BlockPublicAccessStates", {}).get("InternetGatewayBlockMode", "off"),
        )
        for each in reader.items("ec2", "describe_subnets", "Subnets", Filters=filters(vpc_id=[vpc_id]))
    )


@returns_failure
def _vpc_endpoints(reader: Reader, vpc_id: str) -> tuple[VpcEndpoint, ...]:
    found = reader.items("ec2", "describe_vpc_endpoints", "VpcEndpoints", Filters=filters(vpc_id=[vpc_id]))
    return tuple(_vpc_endpoint(each) for each in found)


def _vpc_endpoint(each: Answer) -> VpcEndpoint:
    text = str(each.get("PolicyDocument") or "")
    return VpcEndpoint(
        id=each["VpcEndpointId"],
        # Endpoints for resources and service networks of VPC Lattice have no service name.
        service=each.get("ServiceName", ""),
        kind=each["VpcEndpointType"],
        state=each["State"],
        # With this option, only requests from outside the VPC use S3's interface endpoint (Amazon S3 User Guide,
        # "AWS PrivateLink for Amazon S3", section on private DNS).
        private_dns=bool(each.get("PrivateDnsEnabled"))
        and not each.get("DnsOptions", {}).get("PrivateDnsOnlyForInboundResolverEndpoint"),
        subnet_ids=tuple(each.get("SubnetIds", ())),
        group_ids=tuple(group["GroupId"] for group in each.get("Groups", ())),
        route_table_ids=tuple(each.get("RouteTableIds", ())),
        policy_text=text,
        policy=_policy(text, f"of {each['VpcEndpointId']}") if text else None,
    )


def _policy(text: str, name: str) -> Policy:
    """Parse an endpoint's policy; if it cannot be parsed, return one that allows nothing, so that no node looks ready."""
    try:
        return parse(json.loads(text), name=name, kind="endpoint")
    except (ValueError, DocumentError):
        return parse({"Statement": []}, name=name, kind="endpoint")


@returns_failure
def read_route_tables(reader: Reader, vpc_id: str) -> tuple[RouteTable, ...]:
    """Read the route tables of a VPC."""
    found = reader.items("ec2", "describe_route_tables", "RouteTables", Filters=filters(vpc_id=[vpc_id]))
    return tuple(
        RouteTable(
            id=each["RouteTableId"],
            subnet_ids=frozenset(link["SubnetId"] for link in each.get("Associations", ()) if link.get("SubnetId")),
            main=any(link.get("Main") for link in each.get("Associations", ())),
            routes=tuple(_route(route) for route in each.get("Routes", ())),
        )
        for each in found
    )


def _route(route: Answer) -> Route:
    destinations = ("DestinationCidrBlock", "DestinationPrefixListId", "DestinationIpv6CidrBlock")
    return Route(
        destination=next((route[key] for key in destinations if route.get(key)), ""),
        target=next((route[key] for key in _TARGETS if route.get(key)), ""),
        active=route.get("State", "active") == "active",
    )


def _nat(each: Answer) -> NatGateway:
    return NatGateway(
        id=each["NatGatewayId"],
        subnet_id=each.get("SubnetId", ""),
        table_id=each.get("RouteTableId", ""),
        state=each["State"],
        public=each.get("ConnectivityType", "public") == "public",
        public_addresses=tuple(
            address["PublicIp"] for address in each.get("NatGatewayAddresses", ()) if address.get("PublicIp")
        ),
    )


@returns_failure
def read_network_acls(reader: Reader, vpc_id: str) -> tuple[NetworkAcl, ...]:
    """Read the network ACLs of a VPC."""
    return tuple(
        NetworkAcl(
            id=each["NetworkAclId"],
            name=tag(each, "Name"),
            subnet_ids=frozenset(link["SubnetId"] for link in each.get("Associations", ())),
            rules=acl_rules_from_aws(each["Entries"]),
        )
        for each in reader.items("ec2", "describe_network_acls", "NetworkAcls", Filters=filters(vpc_id=[vpc_id]))
    )


def _resolves_private_names(reader: Reader, vpc_id: str) -> bool:
    attributes = {"enableDnsSupport": "EnableDnsSupport", "enableDnsHostnames": "EnableDnsHostnames"}
    answers = {
        key: reader.get("ec2", "describe_vpc_attribute", VpcId=vpc_id, Attribute=attribute)
        for attribute, key in attributes.items()
    }
    return all(answer.get(key, {}).get("Value") for key, answer in answers.items())


def _prefix_lists(reader: Reader, tables: Iterable[RouteTable], rules: Iterable[Answer]) -> dict[str, tuple[str, ...]]:
    """Read the CIDR blocks of the prefix lists that routes and rules refer to."""
    routes = {route.destination for table in tables for route in table.routes if route.destination.startswith("pl-")}
    ids = routes | {each["PrefixListId"] for each in rules if each.get("PrefixListId")}
    return {each: tuple(entry["Cidr"] for entry in read_prefix_list(reader, each)) for each in sorted(ids)}


def read_prefix_list(reader: Reader, id_: str) -> list[Answer]:
    """Read the entries of a managed prefix list, in the format of the API."""
    return reader.items("ec2", "get_managed_prefix_list_entries", "Entries", PrefixListId=id_)


@returns_failure
def read_groups(reader: Reader, chosen: list[dict[str, Any]]) -> tuple[SecurityGroup, ...]:
    """Read security groups with their rules."""
    found = reader.items("ec2", "describe_security_groups", "SecurityGroups", Filters=chosen)
    rules = _rules(reader, [each["GroupId"] for each in found])
    return tuple(
        SecurityGroup(
            id=each["GroupId"],
            name=tag(each, "Name"),
            rules=tuple(security_group_rule(rule) for rule in rules if rule["GroupId"] == each["GroupId"]),
        )
        for each in found
    )


def _rules(reader: Reader, group_ids: list[str]) -> list[Answer]:
    found: list[Answer] = []
    for start in range(0, len(group_ids), FILTER_VALUES):
        several = filters(group_id=group_ids[start : start + FILTER_VALUES])
        found += reader.items("ec2", "describe_security_group_rules", "SecurityGroupRules", Filters=several)
    return found


def security_group_rule(answer: Answer) -> SecurityGroupRule:
    """Return a rule from its format in the API."""
    peers = (answer.get(key) for key in ("CidrIpv4", "CidrIpv6", "PrefixListId"))
    return SecurityGroupRule(
        id=answer["SecurityGroupRuleId"],
        direction=Direction.EGRESS if answer["IsEgress"] else Direction.INGRESS,
        protocol=answer["IpProtocol"],
        from_port=answer.get("FromPort", -1),
        to_port=answer.get("ToPort", -1),
        peer=next((each for each in peers if each), answer.get("ReferencedGroupInfo", {}).get("GroupId", "")),
        description=answer.get("Description") or "",
        name=tag(answer, "Name"),
        answer=answer,
    )


def tag(found: Answer, key: str) -> str:
    """Return the value of a tag; "" if there is none."""
    return next((each["Value"] for each in found.get("Tags", ()) if each["Key"] == key), "")


def filters(**values: Sequence[str]) -> list[dict[str, Any]]:
    """Return filters of EC2: `filters(vpc_id=[...])`."""
    return [{"Name": name.replace("_", "-"), "Values": list(each)} for name, each in values.items()]
