"""Networks that exist already, found by id or by Name tag, so that one configuration serves many accounts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from pulumi_aws.ec2 import (
    GetRouteTablesFilterArgs,
    get_route_tables,
    get_subnet,
    get_vpc,
)

from components.problems import Problem, SettingsError, shown

if TYPE_CHECKING:
    from collections.abc import Callable

FoundT = TypeVar("FoundT")


@dataclass(frozen=True, kw_only=True)
class Network:
    """A VPC and some of its subnets.

    Attributes:
        vpc_id: `vpc-...`.
        subnet_ids: in the order of the configuration, each in a zone of its own.
        route_table_ids: those in force for the subnets, sorted.
        resolves_private_names: whether the VPC's DNS settings let endpoints take over the services' names.
    """

    vpc_id: str
    subnet_ids: tuple[str, ...]
    route_table_ids: tuple[str, ...]
    resolves_private_names: bool


def find_network(*, region: str, vpc: str, subnets: list[str], path: tuple[str, ...]) -> Network:
    """Looks a network up.

    Args:
        region: where it is.
        vpc: an id (`vpc-...`) or the value of the Name tag.
        subnets: likewise (`subnet-...`).
        path: of the setting that names them, for messages.

    Raises:
        SettingsError: something is not there, or is there more than once.
    """
    found = _found(
        lambda: (
            get_vpc(id=vpc, region=region) if vpc.startswith("vpc-") else get_vpc(tags={"Name": vpc}, region=region)
        ),
        Problem(
            path=(*path, "vpc"),
            message=f"{shown(vpc)} given; allowed: the id or the Name tag of just one VPC that exists in {region}",
        ),
    )
    zones: dict[str, str] = {}
    ids: list[str] = []
    for position, subnet in enumerate(subnets):
        key = (*path, "subnets", str(position))
        one = _found(
            lambda subnet=subnet: (
                get_subnet(id=subnet, vpc_id=found.id, region=region)
                if subnet.startswith("subnet-")
                else get_subnet(tags={"Name": subnet}, vpc_id=found.id, region=region)
            ),
            Problem(
                path=key,
                message=f"{shown(subnet)} given; allowed: the id or the Name tag of just one subnet of {found.id}",
            ),
        )
        other = zones.setdefault(one.availability_zone, subnet)
        if other != subnet:
            message = f"{shown(subnet)} given; allowed: a subnet in another zone than {other} ({one.availability_zone})"
            raise SettingsError([Problem(path=key, message=message)])
        ids.append(one.id)
    return Network(
        vpc_id=found.id,
        subnet_ids=tuple(ids),
        route_table_ids=tuple(sorted({table for subnet in ids for table in _route_tables(region, found.id, subnet)})),
        resolves_private_names=found.enable_dns_support and found.enable_dns_hostnames,
    )


def _found(look_up: Callable[[], FoundT], problem: Problem) -> FoundT:
    try:
        return look_up()
    except Exception as missing:
        # The engine hands a failed look-up over as a bare Exception; its text tells what is missing from what is wrong.
        if "matching" in str(missing) or "matched" in str(missing) or "NotFound" in str(missing):
            raise SettingsError([problem]) from missing
        raise


def _route_tables(region: str, vpc_id: str, subnet_id: str) -> list[str]:
    """A subnet without a table of its own follows the VPC's main one."""
    own = _route_tables_by(region, vpc_id, "association.subnet-id", subnet_id)
    return own or _route_tables_by(region, vpc_id, "association.main", "true")


def _route_tables_by(region: str, vpc_id: str, name: str, value: str) -> list[str]:
    filters = [GetRouteTablesFilterArgs(name=name, values=[value])]
    return list(get_route_tables(vpc_id=vpc_id, filters=filters, region=region).ids)
