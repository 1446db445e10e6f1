"""Networks that exist already, found by id or by Name tag, so that one configuration serves many accounts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from pulumi_aws.ec2 import (
    GetRouteTablesFilterArgs,
    get_route_table,
    get_route_tables,
    get_subnet,
    get_vpc,
)

from components.problems import Problem, SettingsError, shown

if TYPE_CHECKING:
    from collections.abc import Callable

FoundT = TypeVar("FoundT")

_MISSING = ("matching", "matched", "NotFound", "couldn't find resource")


@dataclass(frozen=True, kw_only=True)
class Subnet:
    """A subnet.

    Attributes:
        id: `subnet-...`.
        given: as the configuration names it.
        zone: such as `eu-west-1a`.
        cidrs: its networks, IPv4 before IPv6.
        route_table_ids: those in force for it: its own, or the VPC's main one.
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
        vpc_id: `vpc-...`.
        subnets: in the order of the configuration.
        resolves_private_names: whether the VPC's DNS settings let endpoints take over the services' names.
    """

    vpc_id: str
    subnets: tuple[Subnet, ...]
    resolves_private_names: bool

    @property
    def subnet_ids(self) -> tuple[str, ...]:
        """In the order of the configuration."""
        return tuple(each.id for each in self.subnets)

    @property
    def route_table_ids(self) -> tuple[str, ...]:
        """Those in force for the subnets, sorted."""
        return tuple(sorted({table for each in self.subnets for table in each.route_table_ids}))

    @property
    def cidrs(self) -> tuple[str, ...]:
        """The subnets' networks."""
        return tuple(cidr for each in self.subnets for cidr in each.cidrs)

    def one_subnet_a_zone(self) -> Network:
        """The same with the first subnet of each zone only, as interface endpoints need it."""
        first: dict[str, Subnet] = {}
        for each in self.subnets:
            first.setdefault(each.zone, each)
        return replace(self, subnets=tuple(first.values()))


def find_network(
    *, region: str, vpc: str, subnets: list[str], path: tuple[str, ...], one_subnet_a_zone: bool = True
) -> Network:
    """Looks a network up.

    Args:
        region: where it is.
        vpc: an id (`vpc-...`) or the value of the Name tag.
        subnets: likewise (`subnet-...`).
        path: of the setting that names them, for messages.
        one_subnet_a_zone: refuse two subnets in one zone, which no interface endpoint can have.

    Raises:
        SettingsError: something is not there, or is there more than once.
    """
    found = found_or(
        lambda: (
            get_vpc(id=vpc, region=region) if vpc.startswith("vpc-") else get_vpc(tags={"Name": vpc}, region=region)
        ),
        Problem(
            path=(*path, "vpc"),
            message=f"{shown(vpc)} given; allowed: the id or the Name tag of just one VPC that exists in {region}",
        ),
    )
    zones: dict[str, str] = {}
    good: list[Subnet] = []
    for position, subnet in enumerate(subnets):
        key = (*path, "subnets", str(position))
        one = _subnet(region, found.id, subnet, key)
        other = zones.setdefault(one.zone, subnet)
        if one_subnet_a_zone and other != subnet:
            message = f"{shown(subnet)} given; allowed: a subnet in another zone than {other} ({one.zone})"
            raise SettingsError([Problem(path=key, message=message)])
        good.append(one)
    return Network(
        vpc_id=found.id,
        subnets=tuple(good),
        resolves_private_names=found.enable_dns_support and found.enable_dns_hostnames,
    )


def check_private(network: Network, region: str, path: tuple[str, ...]) -> None:
    """Refuses subnets from which a route leads to an internet gateway; one to a NAT gateway lets nobody in.

    Raises:
        SettingsError: with every subnet that is public.
    """
    public = {table: _internet_gateway(region, table) for table in network.route_table_ids}
    problems = [
        Problem(
            path=(*path, "subnets", str(position)),
            message=f"{shown(subnet.given)} given; allowed: private subnets, and {table} of this one has a route to "
            f"{public[table]}, an internet gateway",
        )
        for position, subnet in enumerate(network.subnets)
        for table in subnet.route_table_ids
        if public[table]
    ]
    if problems:
        raise SettingsError(problems)


def _subnet(region: str, vpc_id: str, given: str, path: tuple[str, ...]) -> Subnet:
    found = found_or(
        lambda: (
            get_subnet(id=given, vpc_id=vpc_id, region=region)
            if given.startswith("subnet-")
            else get_subnet(tags={"Name": given}, vpc_id=vpc_id, region=region)
        ),
        Problem(
            path=path,
            message=f"{shown(given)} given; allowed: the id or the Name tag of just one subnet of {vpc_id}",
        ),
    )
    return Subnet(
        id=found.id,
        given=given,
        zone=found.availability_zone,
        cidrs=tuple(cidr for cidr in (found.cidr_block, found.ipv6_cidr_block) if cidr),
        route_table_ids=tuple(sorted(_route_tables(region, vpc_id, found.id))),
    )


def found_or(look_up: Callable[[], FoundT], problem: Problem) -> FoundT:
    """What a look-up finds.

    Raises:
        SettingsError: with the problem: what is looked for is not there, or is there more than once.
    """
    try:
        return look_up()
    except Exception as missing:
        # The engine hands a failed look-up over as a bare Exception; its text tells what is missing from what is wrong.
        if any(said in str(missing) for said in _MISSING):
            raise SettingsError([problem]) from missing
        raise


def _route_tables(region: str, vpc_id: str, subnet_id: str) -> list[str]:
    """A subnet without a table of its own follows the VPC's main one."""
    own = _route_tables_by(region, vpc_id, "association.subnet-id", subnet_id)
    return own or _route_tables_by(region, vpc_id, "association.main", "true")


def _route_tables_by(region: str, vpc_id: str, name: str, value: str) -> list[str]:
    filters = [GetRouteTablesFilterArgs(name=name, values=[value])]
    return list(get_route_tables(vpc_id=vpc_id, filters=filters, region=region).ids)


def _internet_gateway(region: str, route_table_id: str) -> str | None:
    routes = get_route_table(route_table_id=route_table_id, region=region).routes
    return next((each.gateway_id for each in routes if each.gateway_id.startswith("igw-")), None)
