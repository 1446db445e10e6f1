"""Network placement of a site of domain controllers."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from common.network import Family, Network
from components.domain_controllers.operations.plan import needs_s3
from components.domain_controllers.site_plan import S3_LIST_WEIGHT, SiteNetworks
from components.domain_controllers.traffic_requirements import Peer, prefix_list_peer
from components.session_manager.endpoint_services import service_name
from operations.inventory.domain_controllers import SitePlacement, SiteSubnet
from operations.inventory.network import filters, read_prefix_list, read_vpc_ids, tag
from operations.inventory.reader import Answer, Reader, returns_failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from operations.deployment import SiteDeployment


_MAIN = "main"


class _PlacementError(Exception):
    """A fault of the resources that the settings name."""


@returns_failure
def read_placement(reader: Reader, site: SiteDeployment) -> SitePlacement | str:
    """Read a site's network; a string is a fault of the resources that the settings name."""
    try:
        return _place(reader, site)
    except _PlacementError as fault:
        return str(fault)


def _place(reader: Reader, site: SiteDeployment) -> SitePlacement:
    vpc_id = _vpc(reader, site.settings.vpc)
    within = filters(vpc_id=[vpc_id])
    subnets = reader.items("ec2", "describe_subnets", "Subnets", Filters=within)
    gateways = _gateways(reader.items("ec2", "describe_route_tables", "RouteTables", Filters=within))
    own = _named(subnets, site.settings.subnets, vpc_id, gateways)
    shared = _endpoint_subnets(reader, site, vpc_id, subnets)
    endpoints = shared or _one_a_zone(own)
    networks = SiteNetworks(controllers=_networks(own), endpoints=_networks(endpoints), lists=_s3_list(reader, site))
    return SitePlacement(
        vpc_id=vpc_id,
        subnets=own,
        networks=networks,
        endpoint_subnets={each.id: each.given for each in endpoints},
        shares_endpoints=bool(shared),
    )


def _vpc(reader: Reader, given: str) -> str:
    ids = read_vpc_ids(reader, given)
    if len(ids) != 1:
        raise _PlacementError(f"{len(ids)} such VPCs: {', '.join(ids)}" if ids else "no such VPC")
    return ids[0]


def _gateways(tables: Iterable[Answer]) -> dict[str, str]:
    """Return the internet gateway of the routes by subnet; `main` is for subnets without a route table of their own."""
    found: dict[str, str] = {}
    for table in tables:
        gateways = [route["GatewayId"] for route in table["Routes"] if route.get("GatewayId", "").startswith("igw-")]
        for link in table.get("Associations", ()):
            found[_MAIN if link.get("Main") else link.get("SubnetId", "")] = gateways[0] if gateways else ""
    return found


def _named(
    subnets: Sequence[Answer], given: Sequence[str], vpc_id: str, gateways: Mapping[str, str] | None = None
) -> tuple[SiteSubnet, ...]:
    """Return the subnets that the settings name."""
    found: list[SiteSubnet] = []
    for name in given:
        fitting = [each for each in subnets if name in (each["SubnetId"], tag(each, "Name"))]
        if len(fitting) != 1:
            raise _PlacementError(f"{len(fitting) or 'no'} subnet{'s' * (len(fitting) > 1)} {name} in {vpc_id}")
        found.append(_subnet(fitting[0], name, gateways or {}))
    return tuple(found)


def _subnet(found: Mapping[str, Any], given: str, gateways: Mapping[str, str]) -> SiteSubnet:
    v6 = [
        each["Ipv6CidrBlock"]
        for each in found.get("Ipv6CidrBlockAssociationSet", ())
        if each.get("Ipv6CidrBlockState", {}).get("State") == "associated"
    ]
    return SiteSubnet(
        id=found["SubnetId"],
        given=given,
        zone=found["AvailabilityZone"],
        cidrs=tuple(cidr for cidr in (found.get("CidrBlock"), *v6) if cidr),
        internet_gateway=gateways.get(found["SubnetId"], gateways.get(_MAIN, "")),
    )


def _endpoint_subnets(
    reader: Reader, site: SiteDeployment, vpc_id: str, subnets: Sequence[Answer]
) -> tuple[SiteSubnet, ...]:
    """Return the subnets of the `shell-access:endpoints` endpoints in the same VPC; empty: it has its own."""
    settings = site.deployment.endpoints
    if settings is None or _vpc(reader, settings.vpc) != vpc_id:
        return ()
    return _named(subnets, settings.subnets, vpc_id)


def _one_a_zone(subnets: Iterable[SiteSubnet]) -> tuple[SiteSubnet, ...]:
    first: dict[str, SiteSubnet] = {}
    for each in subnets:
        first.setdefault(each.zone, each)
    return tuple(first.values())


def _s3_list(reader: Reader, site: SiteDeployment) -> dict[Peer, tuple[Network, ...]]:
    """Return S3's AWS-managed prefix list if controllers use S3."""
    logging = site.deployment.session_manager
    if not (logging and logging.s3_logging) and not needs_s3(site.section, site.deployment.region):
        return {}
    by_name = [{"Name": "prefix-list-name", "Values": [service_name(site.deployment.region, "s3")]}]
    found: dict[Peer, tuple[Network, ...]] = {}
    for each in reader.items("ec2", "describe_managed_prefix_lists", "PrefixLists", Filters=by_name):
        held = read_prefix_list(reader, each["PrefixListId"])
        peer = prefix_list_peer(each["PrefixListId"], Family.IPV4, S3_LIST_WEIGHT)
        found[peer] = tuple(ip_network(entry["Cidr"]) for entry in held)
    return found


def _networks(subnets: Iterable[SiteSubnet]) -> tuple[Network, ...]:
    return tuple(ip_network(cidr) for each in subnets for cidr in each.cidrs)
