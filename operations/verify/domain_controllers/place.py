"""The network of a site: read, verified to be private, and passed to the planner."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from common.network import Family, Network
from components.domain_controllers.site_plan import S3_LIST_WEIGHT, SiteNetworks
from components.domain_controllers.traffic_requirements import Peer, prefix_list_peer
from components.session_manager.endpoint_services import service_name
from operations.reading import Answer, Reader, Unread
from operations.verify.domain_controllers.facts import AskedSite, PlaceFacts, PlaceSubnet
from operations.verify.findings import Finding, cannot_tell, compared

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_MAIN = "main"


class _StopError(Exception):
    """The network cannot be read further, for the reason that it contains."""

    def __init__(self, why: Unread | str) -> None:
        super().__init__()
        self.why = why


def read_place(reader: Reader, wanted: AskedSite) -> PlaceFacts | Unread | str:
    """Read a site's network; a string is a fault of the resources that the settings name.

    Args:
        reader: Reader of the Region.
        wanted: Settings of the site.
    """
    try:
        return _place(reader, wanted)
    except _StopError as stop:
        return stop.why


def _place(reader: Reader, wanted: AskedSite) -> PlaceFacts:
    vpc_id = _vpc(reader, wanted.site.vpc)
    within = [{"Name": "vpc-id", "Values": [vpc_id]}]
    subnets = _read(reader, "describe_subnets", Filters=within)
    gateways = _gateways(_read(reader, "describe_route_tables", Filters=within))
    own = _named(subnets, wanted.site.subnets, vpc_id, gateways)
    shared = _endpoint_subnets(reader, wanted, vpc_id, subnets)
    endpoints = shared or _one_a_zone(own)
    networks = SiteNetworks(controllers=_networks(own), endpoints=_networks(endpoints), lists=_s3_list(reader, wanted))
    return PlaceFacts(
        vpc_id=vpc_id,
        subnets=own,
        networks=networks,
        endpoint_subnets={each.id: each.given for each in endpoints},
        shares_endpoints=bool(shared),
    )


def _read(reader: Reader, operation: str, **arguments: Any) -> Answer:
    answer = reader.read("ec2", operation, **arguments)
    if isinstance(answer, Unread):
        raise _StopError(answer)
    return answer or {}


def place_findings(wanted: AskedSite, live: PlaceFacts | Unread | str) -> list[Finding]:
    """Report whether the network exists, and is still private."""
    site, check = wanted.site, "directory-network"
    expected = f"one VPC {site.vpc} with the private subnets {', '.join(site.subnets)}"
    if isinstance(live, Unread):
        return [cannot_tell(check, expected, live)]
    if isinstance(live, str):
        remedy = f"correct shell-access:domainControllers.sites.{wanted.asked.region}, or the Name tags"
        return [compared(check, same=False, expected=expected, found=live, remedy=remedy)]
    public = [each for each in live.subnets if each.internet_gateway]
    said = "; ".join(f"{each.given} ({each.id}) has a route to {each.internet_gateway}" for each in public)
    return [
        compared(
            check,
            same=not public,
            expected=expected,
            found=said or f"{live.vpc_id}: {', '.join(each.id for each in live.subnets)}",
            remedy="take the route to the internet gateway out of the route tables of these subnets",
        )
    ]


def _vpc(reader: Reader, given: str) -> str:
    name = "vpc-id" if given.startswith("vpc-") else "tag:Name"
    answer = _read(reader, "describe_vpcs", Filters=[{"Name": name, "Values": [given]}])
    ids = [each["VpcId"] for each in answer.get("Vpcs", ())]
    if len(ids) != 1:
        raise _StopError(f"{len(ids)} such VPCs: {', '.join(ids)}" if ids else "no such VPC")
    return ids[0]


def _gateways(tables: Answer) -> dict[str, str]:
    """Return the internet gateway of the routes by subnet; `main` is for subnets without a route table of their own."""
    found: dict[str, str] = {}
    for table in tables.get("RouteTables", ()):
        gateways = [route["GatewayId"] for route in table["Routes"] if route.get("GatewayId", "").startswith("igw-")]
        for link in table.get("Associations", ()):
            found[_MAIN if link.get("Main") else link.get("SubnetId", "")] = gateways[0] if gateways else ""
    return found


def _named(
    answer: Answer, given: Sequence[str], vpc_id: str, gateways: Mapping[str, str] | None = None
) -> tuple[PlaceSubnet, ...]:
    """Return the subnets that the settings name."""
    found: list[PlaceSubnet] = []
    for name in given:
        fitting = [each for each in answer.get("Subnets", ()) if name in (each["SubnetId"], _name_tag(each))]
        if len(fitting) != 1:
            raise _StopError(f"{len(fitting) or 'no'} subnet{'s' * (len(fitting) > 1)} {name} in {vpc_id}")
        found.append(_subnet(fitting[0], name, gateways or {}))
    return tuple(found)


def _subnet(found: Mapping[str, Any], given: str, gateways: Mapping[str, str]) -> PlaceSubnet:
    v6 = [
        each["Ipv6CidrBlock"]
        for each in found.get("Ipv6CidrBlockAssociationSet", ())
        if each.get("Ipv6CidrBlockState", {}).get("State") == "associated"
    ]
    return PlaceSubnet(
        id=found["SubnetId"],
        given=given,
        zone=found["AvailabilityZone"],
        cidrs=tuple(cidr for cidr in (found.get("CidrBlock"), *v6) if cidr),
        internet_gateway=gateways.get(found["SubnetId"], gateways.get(_MAIN, "")),
    )


def _endpoint_subnets(reader: Reader, wanted: AskedSite, vpc_id: str, subnets: Answer) -> tuple[PlaceSubnet, ...]:
    """Return the subnets of the `shell-access:endpoints` endpoints in the same VPC; empty: it has its own."""
    settings = wanted.asked.endpoints
    if settings is None or _vpc(reader, settings.vpc) != vpc_id:
        return ()
    return _named(subnets, settings.subnets, vpc_id)


def _one_a_zone(subnets: Iterable[PlaceSubnet]) -> tuple[PlaceSubnet, ...]:
    first: dict[str, PlaceSubnet] = {}
    for each in subnets:
        first.setdefault(each.zone, each)
    return tuple(first.values())


def _s3_list(reader: Reader, wanted: AskedSite) -> dict[Peer, tuple[Network, ...]]:
    """Return S3's AWS-managed prefix list if controllers write session logs to S3."""
    logging = wanted.asked.session_manager
    if not (logging and logging.s3_logging):
        return {}
    by_name = [{"Name": "prefix-list-name", "Values": [service_name(wanted.asked.region, "s3")]}]
    answer = _read(reader, "describe_managed_prefix_lists", Filters=by_name)
    found: dict[Peer, tuple[Network, ...]] = {}
    for each in answer.get("PrefixLists", ()):
        held = _read(reader, "get_managed_prefix_list_entries", PrefixListId=each["PrefixListId"])
        peer = prefix_list_peer(each["PrefixListId"], Family.IPV4, S3_LIST_WEIGHT)
        found[peer] = tuple(ip_network(entry["Cidr"]) for entry in held.get("Entries", ()))
    return found


def _networks(subnets: Iterable[PlaceSubnet]) -> tuple[Network, ...]:
    return tuple(ip_network(cidr) for each in subnets for cidr in each.cidrs)


def _name_tag(found: Mapping[str, Any]) -> str:
    return next((tag["Value"] for tag in found.get("Tags", ()) if tag["Key"] == "Name"), "")
