"""Reading of a VPC with everything that affects a node's traffic."""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING, Any

from common.iam.documents import DocumentError, parse
from components.domain_controllers.packet_evaluation import acl_rules_from_aws, permissions_from_aws
from operations.doctor.facts import Endpoint, NatGateway, Network, NetworkAcl, Route, RouteTable, Subnet
from operations.reading import Unread

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from common.iam.documents import Policy
    from components.domain_controllers.packet_evaluation import Permission
    from operations.reading import Answer, Reader

_TARGETS = (
    *("GatewayId", "NatGatewayId", "TransitGatewayId", "VpcPeeringConnectionId", "NetworkInterfaceId", "InstanceId"),
    *("LocalGatewayId", "CarrierGatewayId", "CoreNetworkArn", "EgressOnlyInternetGatewayId", "OdbNetworkArn"),
)
_FILTER_VALUES = 200
"""Maximum number of values of an EC2 filter (API reference, Filter)."""

_LISTS = {
    "subnets": ("describe_subnets", "Subnets", "Filters"),
    "endpoints": ("describe_vpc_endpoints", "VpcEndpoints", "Filters"),
    "tables": ("describe_route_tables", "RouteTables", "Filters"),
    "nats": ("describe_nat_gateways", "NatGateways", "Filter"),
    "acls": ("describe_network_acls", "NetworkAcls", "Filters"),
    "groups": ("describe_security_groups", "SecurityGroups", "Filters"),
}


def read_network(reader: Reader, vpc_id: str) -> Network | Unread:
    """Read a VPC. If a single part cannot be read, all of it counts as unread, because any part may be decisive.

    Args:
        reader: Reader of the Region.
        vpc_id: ID of the VPC (`vpc-...`).
    """
    found: dict[str, list[Answer]] = {}
    for name, (operation, key, filters) in _LISTS.items():
        arguments: dict[str, Any] = {filters: [{"Name": "vpc-id", "Values": [vpc_id]}]}
        answer = reader.read("ec2", operation, **arguments)
        if isinstance(answer, Unread):
            return answer
        found[name] = list((answer or {}).get(key, ()))
    dns = _resolves(reader, vpc_id)
    if isinstance(dns, Unread):
        return dns
    ids = [each["GroupId"] for each in found["groups"]]
    of_groups = _rules(reader, ids)
    if isinstance(of_groups, Unread):
        return of_groups
    lists = _prefix_lists(reader, found["tables"], of_groups)
    if isinstance(lists, Unread):
        return lists
    return Network(
        vpc_id=vpc_id,
        resolves_private_names=dns,
        subnets={each["SubnetId"]: _subnet(each) for each in found["subnets"]},
        endpoints=tuple(_endpoint(each) for each in found["endpoints"]),
        tables=tuple(_table(each) for each in found["tables"]),
        nats={each["NatGatewayId"]: _nat(each) for each in found["nats"]},
        acls=tuple(_acl(each) for each in found["acls"]),
        groups=_groups(ids, of_groups, lists),
        prefix_lists=lists,
    )


def _rules(reader: Reader, group_ids: list[str]) -> list[Answer] | Unread:
    found: list[Answer] = []
    for start in range(0, len(group_ids), _FILTER_VALUES):
        several = [{"Name": "group-id", "Values": group_ids[start : start + _FILTER_VALUES]}]
        answer = reader.read("ec2", "describe_security_group_rules", Filters=several)
        if isinstance(answer, Unread):
            return answer
        found += (answer or {}).get("SecurityGroupRules", ())
    return found


def _resolves(reader: Reader, vpc_id: str) -> bool | Unread:
    on: list[bool] = []
    for attribute in ("enableDnsSupport", "enableDnsHostnames"):
        answer = reader.read("ec2", "describe_vpc_attribute", VpcId=vpc_id, Attribute=attribute)
        if isinstance(answer, Unread):
            return answer
        key = attribute[0].upper() + attribute[1:]
        on.append(bool((answer or {}).get(key, {}).get("Value")))
    return all(on)


def _prefix_lists(
    reader: Reader, tables: Iterable[Answer], rules: Iterable[Answer]
) -> dict[str, tuple[str, ...]] | Unread:
    routes = chain.from_iterable(each.get("Routes", ()) for each in tables)
    ids = {each.get("DestinationPrefixListId") for each in routes} | {each.get("PrefixListId") for each in rules}
    found: dict[str, tuple[str, ...]] = {}
    for each in sorted(filter(None, ids)):
        answer = reader.read("ec2", "get_managed_prefix_list_entries", PrefixListId=each)
        if isinstance(answer, Unread):
            return answer
        found[each] = tuple(entry["Cidr"] for entry in (answer or {}).get("Entries", ()))
    return found


def _subnet(each: Answer) -> Subnet:
    return Subnet(
        id=each["SubnetId"],
        zone=each["AvailabilityZone"],
        cidr=each.get("CidrBlock", ""),
        owner_id=each.get("OwnerId", ""),
        blocks=each.get("BlockPublicAccessStates", {}).get("InternetGatewayBlockMode", "off"),
    )


def _endpoint(each: Answer) -> Endpoint:
    return Endpoint(
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
        policy=_policy(each),
    )


def _policy(each: Answer) -> Policy | None:
    """Return an endpoint's policy; if it cannot be parsed, one that allows nothing, so that no node looks ready."""
    text = each.get("PolicyDocument")
    if not text:
        return None
    name = f"of {each['VpcEndpointId']}"
    try:
        return parse(json.loads(text), name=name, kind="endpoint")
    except (ValueError, DocumentError):
        return parse({"Statement": []}, name=name, kind="endpoint")


def _table(each: Answer) -> RouteTable:
    links: list[Mapping[str, Any]] = list(each.get("Associations", ()))
    return RouteTable(
        id=each["RouteTableId"],
        subnet_ids=frozenset(link["SubnetId"] for link in links if link.get("SubnetId")),
        main=any(link.get("Main") for link in links),
        routes=tuple(_route(route) for route in each.get("Routes", ())),
    )


def _route(route: Mapping[str, Any]) -> Route:
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


def _acl(each: Answer) -> NetworkAcl:
    return NetworkAcl(
        id=each["NetworkAclId"],
        subnet_ids=frozenset(link["SubnetId"] for link in each.get("Associations", ())),
        rules=acl_rules_from_aws(each["Entries"]),
    )


def _groups(
    ids: Iterable[str], rules: Iterable[Answer], lists: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[Permission, ...]]:
    of_group: dict[str, list[Answer]] = {each: [] for each in ids}
    for rule in rules:
        of_group.setdefault(rule["GroupId"], []).append(rule)
    return {each: permissions_from_aws(several, lists) for each, several in of_group.items()}
