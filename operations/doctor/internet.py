"""Routes of a subnet to the services' public addresses. Pure.

Sources: Amazon VPC User Guide, "Route priority", "NAT gateways", and "Block public access to VPCs and subnets".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Network, collapse_addresses, ip_network
from typing import TYPE_CHECKING, Final

from common.iam.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Iterable

    from operations.inventory.network import NatGateway, Route, RouteTable, VpcFacts

_EVERYWHERE: Final = "0.0.0.0/0"
_AVAILABLE: Final = "available"
_INTERNET: Final = (IPv4Network(_EVERYWHERE),)
_NOT_PUBLIC: Final = tuple(
    map(IPv4Network, ("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"))
)
_OWN: Final = ("local", "vpce-", "igw-", "nat-", "eigw-")
"""Prefixes of route targets that belong to the VPC itself, its endpoints and its internet connections."""
_NOT_BLOCKED: Final = "off"
_ALL_BLOCKED: Final = "block-bidirectional"


@dataclass(frozen=True, kw_only=True)
class InternetRoute:
    """Path to the internet.

    Attributes:
        there: Whether the path exists. UNKNOWN: part of it cannot be seen.
        text: Obstacle, or where the path leads.
    """

    there: Truth
    text: str = ""
    nat: NatGateway | None = None


def internet_route(network: VpcFacts, subnet_id: str, *, has_public_address: bool) -> InternetRoute:
    """Return the path of a node to the internet."""
    table = network.table_of(subnet_id)
    if table is None:
        return InternetRoute(there=Truth.NO, text=f"{subnet_id} has no route table")
    routes = _public_routes(network, table)
    if not routes:
        return InternetRoute(there=Truth.NO, text=f"{table.id} has no default route")
    ways = [
        _along(network, subnet_id, table.id, route, has_public_address=has_public_address)
        for route, _networks in routes
    ]
    amiss = [each for each in ways if each.there is not Truth.YES]
    if amiss and any(each.there is not Truth.NO for each in ways):
        return replace(amiss[0], there=Truth.UNKNOWN)
    if amiss:
        return amiss[0]
    covered = tuple(collapse_addresses(each for _route, networks in routes for each in networks))
    if covered != _INTERNET:
        # The addresses of the services are not known, and change.
        text = f"{table.id} has routes to some public addresses and no default route"
        return InternetRoute(there=Truth.UNKNOWN, text=text)
    return next((each for each in ways if each.nat is not None), ways[0])


def reaches_other_networks(network: VpcFacts, subnet_id: str) -> bool:
    """Return whether a subnet's routes lead to networks that may contain endpoints for it."""
    table = network.table_of(subnet_id)
    return any(
        each.active and not each.target.startswith(_OWN) and ":" not in each.destination
        for each in (table.routes if table else ())
    )


def _public_routes(network: VpcFacts, table: RouteTable) -> list[tuple[Route, tuple[IPv4Network, ...]]]:
    """Return the routes for public addresses, without those of endpoints and of the VPC itself."""
    found: list[tuple[Route, tuple[IPv4Network, ...]]] = []
    for route in table.routes:
        if route.target == "local" or (route.destination.startswith("pl-") and route.target.startswith("vpce-")):
            continue
        cidrs = network.prefix_lists.get(route.destination, (route.destination,))
        networks = tuple(_public(cidr for cidr in cidrs if "." in cidr))
        if networks:
            found.append((route, networks))
    return sorted(found, key=lambda each: each[0].destination != _EVERYWHERE)


def _public(cidrs: Iterable[str]) -> list[IPv4Network]:
    networks = [each for each in map(ip_network, cidrs) if isinstance(each, IPv4Network)]
    return [each for each in networks if not any(each.subnet_of(private) for private in _NOT_PUBLIC)]


def _along(
    network: VpcFacts, subnet_id: str, table_id: str, route: Route, *, has_public_address: bool
) -> InternetRoute:
    what = "the default route" if route.destination == _EVERYWHERE else f"the route to {route.destination}"
    text, target = f"{what} of {table_id} leads to {route.target}", route.target
    if not route.active:
        return InternetRoute(there=Truth.NO, text=f"{text}, which no longer exists")
    if target.startswith("igw-"):
        if not has_public_address:
            return InternetRoute(there=Truth.NO, text=f"{text}, and the node has no public address")
        blocked = _blocks(network, subnet_id)
        if blocked != _NOT_BLOCKED:
            return InternetRoute(
                there=Truth.NO, text=f"{text}, and VPC Block Public Access blocks {subnet_id} ({blocked})"
            )
        return InternetRoute(there=Truth.YES)
    if target.startswith("nat-"):
        return _through_nat(network, target, text)
    return InternetRoute(there=Truth.UNKNOWN, text=f"{text}; routes beyond it are not evaluated")


def _through_nat(network: VpcFacts, nat_id: str, text: str) -> InternetRoute:
    nat = network.nats.get(nat_id)
    if nat is None:
        return InternetRoute(there=Truth.UNKNOWN, text=f"{text}, which is not in {network.vpc_id}")
    if nat.state != _AVAILABLE:
        return InternetRoute(there=Truth.NO, text=f"{text}, which is {nat.state}")
    if _blocks(network, nat.subnet_id) == _ALL_BLOCKED:
        return InternetRoute(there=Truth.NO, text=f"{text}, and VPC Block Public Access blocks {nat.subnet_id}")
    return (
        _beyond_nat(network, nat)
        if nat.public
        else InternetRoute(there=Truth.UNKNOWN, text=f"{text}, a private NAT gateway")
    )


def _beyond_nat(network: VpcFacts, nat: NatGateway) -> InternetRoute:
    table = next((each for each in network.tables if each.id == nat.table_id), None) or network.table_of(nat.subnet_id)
    routes = [each for each in table.routes if each.destination == _EVERYWHERE and each.active] if table else []
    where = nat.subnet_id or f"several zones with {nat.table_id or 'a route table of its own'}"
    if any(each.target.startswith("igw-") for each in routes):
        return InternetRoute(there=Truth.YES, nat=nat)
    if routes:
        return InternetRoute(
            there=Truth.UNKNOWN, text=f"{nat.id} is in {where}, whose default route leads to {routes[0].target}"
        )
    return InternetRoute(there=Truth.NO, text=f"{nat.id} is in {where}, which has no route to the internet")


def _blocks(network: VpcFacts, subnet_id: str) -> str:
    """Return the mode of VPC Block Public Access for a subnet."""
    subnet = network.subnets.get(subnet_id)
    return subnet.blocks if subnet else _NOT_BLOCKED
