"""Existing networks, found by ID or Name tag, so that one configuration applies to many accounts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from common.aws.failures import MalformedAnswerError, ResourceError, explained
from common.problems import Problem, SettingPath, SettingsError, raise_problems, shown, unexpected
from components.adoption.lookup import program_clients

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping

Json = dict[str, Any]

_NAME_TAG: Final = "Name"
_DNS_ATTRIBUTES: Final = {"enableDnsSupport": "EnableDnsSupport", "enableDnsHostnames": "EnableDnsHostnames"}


@dataclass(frozen=True, kw_only=True)
class Subnet:
    """A subnet.

    Attributes:
        id: ID, `subnet-...`.
        given: ID or Name tag in the configuration.
        zone: Availability Zone, `eu-west-1a`.
        cidrs: CIDR blocks, IPv4 before IPv6.
        route_table_ids: Route tables that apply to it: its own, or the VPC's main one.
    """

    id: str
    given: str
    zone: str
    cidrs: tuple[str, ...]
    route_table_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Network:
    """A VPC and some of its subnets.

    Attributes:
        vpc_id: ID, `vpc-...`.
        subnets: Subnets in the order of the configuration.
        resolves_private_names: Whether the VPC's DNS settings resolve the services' names to endpoints.
        internet_gateways: Internet gateways by route table with a route to one.
    """

    vpc_id: str
    subnets: tuple[Subnet, ...]
    resolves_private_names: bool
    internet_gateways: Mapping[str, str]

    @property
    def subnet_ids(self) -> tuple[str, ...]:
        """IDs of the subnets, in the order of the configuration."""
        return tuple(each.id for each in self.subnets)

    @property
    def route_table_ids(self) -> tuple[str, ...]:
        """Route tables that apply to the subnets, sorted."""
        return tuple(sorted({table for each in self.subnets for table in each.route_table_ids}))

    @property
    def cidrs(self) -> tuple[str, ...]:
        """CIDR blocks of the subnets."""
        return tuple(cidr for each in self.subnets for cidr in each.cidrs)

    def one_subnet_a_zone(self) -> Network:
        """Return the network with the first subnet of each zone only, as interface endpoints require."""
        first: dict[str, Subnet] = {}
        for each in self.subnets:
            first.setdefault(each.zone, each)
        return replace(self, subnets=tuple(first.values()))


def find_network(
    *, region: str, vpc: str, subnets: list[str], path: SettingPath, one_subnet_a_zone: bool = True
) -> Network:
    """Look up a network.

    VPC and subnets are given by ID (`vpc-...`) or Name tag. `one_subnet_a_zone`
    rejects two subnets in one zone, which no interface endpoint can have.

    Raises:
        SettingsError: A resource does not exist, or is ambiguous.
    """
    with explained_at((*path, "vpc"), f"VPC {vpc} in {region}", "ec2", region):
        found = find_vpc(region, vpc)
        internet_gateways = found.internet_gateways if found else {}
    if found is None:
        expected = f"the id or the Name tag of just one VPC that exists in {region}"
        raise SettingsError([unexpected((*path, "vpc"), expected, shown(vpc))])
    zones: dict[str, str] = {}
    good: list[Subnet] = []
    for position, subnet in enumerate(subnets):
        key = (*path, "subnets", position)
        with explained_at(key, f"subnet {subnet} in {region}", "ec2", region):
            one = _subnet(found, subnet, key)
        other = zones.setdefault(one.zone, subnet)
        if one_subnet_a_zone and other != subnet:
            expected = f"a subnet in another zone than {other} ({one.zone})"
            raise SettingsError([unexpected(key, expected, shown(subnet))])
        good.append(one)
    return Network(
        vpc_id=found.id,
        subnets=tuple(good),
        resolves_private_names=found.resolves_private_names,
        internet_gateways=internet_gateways,
    )


def check_private(network: Network, path: SettingPath) -> None:
    """Reject subnets with a route to an internet gateway; a NAT gateway accepts no inbound connections.

    Raises:
        SettingsError: A subnet is public; lists all of them.
    """
    public = network.internet_gateways
    raise_problems(
        unexpected(
            (*path, "subnets", position),
            "private subnets",
            f"{shown(subnet.given)}, whose route table {table} has a route to the internet gateway {public[table]}",
        )
        for position, subnet in enumerate(network.subnets)
        for table in subnet.route_table_ids
        if table in public
    )


@contextmanager
def explained_at(path: SettingPath, what: str, service: str, region: str) -> Generator[None]:
    """Report a failed lookup as a problem of the setting that requires it.

    Raises:
        SettingsError: AWS denies the request, or cannot be reached.
    """
    try:
        with explained(what, service, region, lambda: program_clients().caller_arn(region)):
            yield
    except ResourceError as failed:
        raise SettingsError([Problem(path=path, message=str(failed))]) from None


@dataclass(frozen=True, kw_only=True)
class Vpc:
    """A VPC and its resources, as EC2 describes them."""

    id: str
    resolves_private_names: bool
    subnets: tuple[Json, ...]
    route_tables: tuple[Json, ...]
    owner: str = ""
    is_dedicated: bool = False

    @property
    def internet_gateways(self) -> dict[str, str]:
        """Internet gateways by the route table that has a route to one."""
        gateways = {
            table["RouteTableId"]: route["GatewayId"]
            for table in self.route_tables
            for route in reversed(table["Routes"])
            if route.get("GatewayId", "").startswith("igw-")
        }
        return dict(sorted(gateways.items()))

    def route_table_ids(self, subnet_id: str) -> tuple[str, ...]:
        """Return the route tables of a subnet; without its own, the VPC's main one applies.

        Raises:
            MalformedAnswerError: EC2 returns neither.
        """
        found = self._tables_with("SubnetId", subnet_id) or self._tables_with("Main", True)
        if not found:
            raise MalformedAnswerError(operation="DescribeRouteTables", found=f"no route table of {subnet_id}")
        return found

    def _tables_with(self, name: str, value: object) -> tuple[str, ...]:
        return tuple(
            sorted(
                table["RouteTableId"]
                for table in self.route_tables
                if any(each.get(name) == value for each in table["Associations"])
            )
        )


@cache
def find_vpc(region: str, given: str) -> Vpc | None:
    """Look up a VPC by ID or Name tag, with its resources, once per run; None unless exactly one matches."""
    ec2 = program_clients().client("ec2", region)
    by_id = given.startswith("vpc-")
    named = _filter("vpc-id" if by_id else f"tag:{_NAME_TAG}", given)
    found = _matching(_pages(ec2, "describe_vpcs", "Vpcs", named), "VpcId" if by_id else None, given)
    if len(found) != 1:
        return None
    vpc_id = str(found[0]["VpcId"])
    inside = _filter("vpc-id", vpc_id)
    with ThreadPoolExecutor(len(_DNS_ATTRIBUTES) + 2) as calls:
        attributes = [
            calls.submit(ec2.describe_vpc_attribute, VpcId=vpc_id, Attribute=name) for name in _DNS_ATTRIBUTES
        ]
        subnets = calls.submit(_pages, ec2, "describe_subnets", "Subnets", inside)
        tables = calls.submit(_pages, ec2, "describe_route_tables", "RouteTables", inside)
    return Vpc(
        id=vpc_id,
        resolves_private_names=all(
            each.result()[name]["Value"] for each, name in zip(attributes, _DNS_ATTRIBUTES.values(), strict=True)
        ),
        subnets=tuple(subnets.result()),
        route_tables=tuple(tables.result()),
        owner=found[0].get("OwnerId", ""),
        is_dedicated=found[0].get("InstanceTenancy") == "dedicated",
    )


def _subnet(vpc: Vpc, given: str, path: SettingPath) -> Subnet:
    found = _matching(vpc.subnets, "SubnetId" if given.startswith("subnet-") else None, given)
    if len(found) != 1:
        expected = f"the id or the Name tag of just one subnet of {vpc.id}"
        raise SettingsError([unexpected(path, expected, shown(given))])
    subnet = found[0]
    ipv6 = [
        each["Ipv6CidrBlock"]
        for each in subnet.get("Ipv6CidrBlockAssociationSet", [])
        if each["Ipv6CidrBlockState"]["State"] == "associated"
    ]
    cidrs = tuple(cidr for cidr in (subnet.get("CidrBlock"), *ipv6) if cidr)
    if not cidrs:
        raise MalformedAnswerError(operation="DescribeSubnets", found=f"no CIDR block of {subnet['SubnetId']}")
    return Subnet(
        id=subnet["SubnetId"],
        given=given,
        zone=subnet["AvailabilityZone"],
        cidrs=cidrs,
        route_table_ids=vpc.route_table_ids(subnet["SubnetId"]),
    )


def _matching(described: Iterable[Json], id_key: str | None, given: str) -> list[Json]:
    """Return what has an ID or else a Name tag; compared here, as EC2 filters treat `*` and `?` as wildcards."""
    if id_key:
        return [each for each in described if each[id_key] == given]
    name = {"Key": _NAME_TAG, "Value": given}
    return [each for each in described if name in each.get("Tags", [])]


def _pages(ec2: Any, operation: str, items: str, filters: list[Json]) -> list[Json]:
    return [item for page in ec2.get_paginator(operation).paginate(Filters=filters) for item in page[items]]


def _filter(name: str, value: str) -> list[Json]:
    return [{"Name": name, "Values": [value]}]
