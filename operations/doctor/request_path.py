"""Path of a node's requests to a service: a VPC endpoint, or a route to the public addresses. Pure.

The service's DNS name decides: an interface endpoint with private DNS receives the requests of the whole VPC, whether
or not that endpoint works; otherwise the route table decides (AWS PrivateLink Guide, "Access an AWS service using an
interface VPC endpoint"; Amazon VPC User Guide, "Route priority", "NAT gateways", and "Block public access to VPCs and
subnets").
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Network, collapse_addresses
from typing import TYPE_CHECKING, Final

from common.iam.truth import Truth
from components.session_manager.endpoint_services import service_name
from operations.doctor.facts import NodeInstance
from operations.doctor.requirements import STORAGE
from operations.inventory.network import VpcFacts
from operations.inventory.session_manager import LogBucketFacts

if TYPE_CHECKING:
    from operations.doctor.facts import NodeFacts
    from operations.inventory.network import NatGateway, Route, RouteTable, VpcEndpoint

INTERFACE: Final = "Interface"
GATEWAY: Final = "Gateway"
_LIVE: Final = frozenset({"pendingacceptance", "pending", "available", "partial"})
_EVERYWHERE: Final = "0.0.0.0/0"
_INTERNET: Final = (IPv4Network(_EVERYWHERE),)
_NOT_PUBLIC: Final = tuple(
    map(IPv4Network, ("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"))
)
_OWN: Final = ("local", "vpce-", "igw-", "nat-", "eigw-")
"""Prefixes of route targets that belong to the VPC itself, its endpoints and its internet connections."""
_NOT_BLOCKED: Final = "off"
_ALL_BLOCKED: Final = "block-bidirectional"


@dataclass(frozen=True, kw_only=True)
class RequestPath:
    """Path to a service.

    Attributes:
        endpoint: VPC endpoint on the path. None: requests use the internet.
        source_addresses: Possible public source addresses of requests over the internet. Empty: not known.
    """

    endpoint: VpcEndpoint | None = None
    source_addresses: tuple[str, ...] = ()


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


def request_path(node: NodeFacts, service: str) -> RequestPath | None:
    """Return the path of a node's requests to a service. None: it cannot be determined."""
    instance, network = node.instance, node.network
    if not isinstance(instance, NodeInstance) or not isinstance(network, VpcFacts):
        return None
    endpoint = serving_endpoint(node, instance, network, service)
    if endpoint is not None:
        return RequestPath(endpoint=endpoint)
    subnet = network.subnets.get(instance.subnet_id)
    is_shared = subnet is not None and subnet.owner_id not in ("", node.deployment.account_id)
    if is_shared or reaches_other_networks(network, instance.subnet_id):
        # Endpoints of another account, or in other networks, may receive the requests.
        return None
    route_out = internet_route(network, instance)
    if route_out.there is not Truth.YES:
        return None
    own = (instance.public_address,) if instance.public_address else ()
    return RequestPath(source_addresses=route_out.nat.public_addresses if route_out.nat else own)


def serving_endpoint(node: NodeFacts, instance: NodeInstance, network: VpcFacts, service: str) -> VpcEndpoint | None:
    """Return the endpoint that receives a node's requests to a service. None: no endpoint does."""
    if network.resolves_private_names:
        private = [each for each in endpoints_of(node, network, service, INTERFACE) if each.private_dns]
        if private:
            return private[0]
    table = network.table_of(instance.subnet_id)
    gateways = endpoints_of(node, network, service, GATEWAY)
    return next((each for each in gateways if table is not None and table.id in each.route_table_ids), None)


def endpoints_of(node: NodeFacts, network: VpcFacts, service: str, kind: str) -> list[VpcEndpoint]:
    """Return a service's endpoints of one type in a VPC; none if the bucket is in another Region than the endpoints."""
    if service == STORAGE and is_bucket_elsewhere(node):
        return []
    name = service_name(node.deployment.region, service)
    return [
        each for each in network.endpoints if each.service == name and each.state.lower() in _LIVE and each.kind == kind
    ]


def is_bucket_elsewhere(node: NodeFacts) -> bool:
    """Return whether the bucket is in another Region, so that S3 endpoints do not lead to it.

    Source: Amazon VPC Guide, "Gateway endpoints for Amazon S3": endpoints only lead to S3 in their own Region.
    """
    bucket = node.destinations.live.bucket
    return isinstance(bucket, LogBucketFacts) and bucket.region != node.deployment.region


def internet_route(network: VpcFacts, instance: NodeInstance) -> InternetRoute:
    """Return the path of a node to the internet."""
    table = network.table_of(instance.subnet_id)
    if table is None:
        return InternetRoute(there=Truth.NO, text=f"{instance.subnet_id} has no route table")
    routes = _public_routes(network, table)
    if not routes:
        return InternetRoute(there=Truth.NO, text=f"{table.id} has no default route")
    paths = [_along(network, instance, table.id, route) for route, _networks in routes]
    obstructed = [each for each in paths if each.there is not Truth.YES]
    if obstructed:
        is_partial = any(each.there is not Truth.NO for each in paths)
        return replace(obstructed[0], there=Truth.UNKNOWN) if is_partial else obstructed[0]
    if tuple(collapse_addresses(each for _route, networks in routes for each in networks)) != _INTERNET:
        # The addresses of the services are not known, and change.
        text = f"{table.id} has routes to some public addresses and no default route"
        return InternetRoute(there=Truth.UNKNOWN, text=text)
    return next((each for each in paths if each.nat is not None), paths[0])


def reaches_other_networks(network: VpcFacts, subnet_id: str) -> bool:
    """Return whether a subnet's routes lead to networks that may contain endpoints for it."""
    table = network.table_of(subnet_id)
    return any(
        each.active and not each.target.startswith(_OWN) and ":" not in each.destination
        for each in (table.routes if table else ())
    )


def _public_routes(network: VpcFacts, table: RouteTable) -> list[tuple[Route, list[IPv4Network]]]:
    """Return the routes for public addresses, without those of endpoints and of the VPC itself."""
    found: list[tuple[Route, list[IPv4Network]]] = []
    for route in table.routes:
        if route.target == "local" or (route.destination.startswith("pl-") and route.target.startswith("vpce-")):
            continue
        cidrs = network.prefix_lists.get(route.destination, (route.destination,))
        # Not IPv6, and not a prefix list that EC2 does not return.
        networks = [IPv4Network(each) for each in cidrs if "." in each]
        public = [each for each in networks if not any(each.subnet_of(private) for private in _NOT_PUBLIC)]
        if public:
            found.append((route, public))
    return sorted(found, key=lambda each: each[0].destination != _EVERYWHERE)


def _along(network: VpcFacts, instance: NodeInstance, table_id: str, route: Route) -> InternetRoute:
    what = "the default route" if route.destination == _EVERYWHERE else f"the route to {route.destination}"
    text, target = f"{what} of {table_id} leads to {route.target}", route.target
    if not route.active:
        return InternetRoute(there=Truth.NO, text=f"{text}, which no longer exists")
    if target.startswith("igw-"):
        if not instance.public_address:
            return InternetRoute(there=Truth.NO, text=f"{text}, and the node has no public address")
        blocked = _blocks(network, instance.subnet_id)
        if blocked != _NOT_BLOCKED:
            text = f"{text}, and VPC Block Public Access blocks {instance.subnet_id} ({blocked})"
            return InternetRoute(there=Truth.NO, text=text)
        return InternetRoute(there=Truth.YES)
    if target.startswith("nat-"):
        return _through_nat(network, target, text)
    return InternetRoute(there=Truth.UNKNOWN, text=f"{text}; routes beyond it are not evaluated")


def _through_nat(network: VpcFacts, nat_id: str, text: str) -> InternetRoute:
    nat = network.nats.get(nat_id)
    if nat is None:
        return InternetRoute(there=Truth.UNKNOWN, text=f"{text}, which is not in {network.vpc_id}")
    if nat.state != "available":
        return InternetRoute(there=Truth.NO, text=f"{text}, which is {nat.state}")
    if _blocks(network, nat.subnet_id) == _ALL_BLOCKED:
        return InternetRoute(there=Truth.NO, text=f"{text}, and VPC Block Public Access blocks {nat.subnet_id}")
    if not nat.public:
        return InternetRoute(there=Truth.UNKNOWN, text=f"{text}, a private NAT gateway")
    return _beyond_nat(network, nat)


def _beyond_nat(network: VpcFacts, nat: NatGateway) -> InternetRoute:
    table = next((each for each in network.tables if each.id == nat.table_id), None) or network.table_of(nat.subnet_id)
    routes = [each for each in table.routes if each.destination == _EVERYWHERE and each.active] if table else []
    where = nat.subnet_id or f"several zones with {nat.table_id or 'a route table of its own'}"
    if any(each.target.startswith("igw-") for each in routes):
        return InternetRoute(there=Truth.YES, nat=nat)
    if routes:
        text = f"{nat.id} is in {where}, whose default route leads to {routes[0].target}"
        return InternetRoute(there=Truth.UNKNOWN, text=text)
    return InternetRoute(there=Truth.NO, text=f"{nat.id} is in {where}, which has no route to the internet")


def _blocks(network: VpcFacts, subnet_id: str) -> str:
    """Return the mode of VPC Block Public Access for a subnet."""
    subnet = network.subnets.get(subnet_id)
    return subnet.blocks if subnet else _NOT_BLOCKED
