"""Network reachability of the services that a session needs. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from common.iam.truth import Truth
from components.session_manager.endpoint_services import service_name
from operations.doctor.barriers import (
    addresses,
    between,
    of_acl,
    of_endpoint_groups,
    of_own_groups,
    of_policy,
    zone_without,
)
from operations.doctor.findings import Cause, Finding, Status
from operations.doctor.internet import reaches_other_networks, way_out
from operations.doctor.needs import STORAGE
from operations.doctor.passing import NAT_GATEWAY, out_of_groups, through_acl, to_public
from operations.doctor.place import Obstacle, modify
from operations.doctor.request_path import GATEWAY, INTERFACE, endpoints_of, is_bucket_elsewhere, serving_endpoint
from operations.reading import Unread

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from operations.doctor.internet import Way
    from operations.doctor.place import Place
    from operations.inventory.network import NatGateway, VpcEndpoint

_AVAILABLE: Final = "available"
_REGISTRATION: Final = "ssm"


def obstacles(place: Place) -> list[Obstacle]:
    """Return all obstacles between a node and the services."""
    return [each for service in place.services for each in _of_service(place, service)]


def network_findings(found: Iterable[Obstacle]) -> list[Finding]:
    """Return the obstacles as findings, one per cause."""
    together: dict[tuple[Cause, Status, str], list[Obstacle]] = {}
    for each in found:
        together.setdefault((each.cause, each.status, each.about), []).append(each)
    return [
        Finding(
            cause=cause,
            status=status,
            about=about,
            found=f"{several[0].found} (concerns {', '.join(sorted({each.service for each in several}))})",
            remedy=several[0].remedy,
        )
        for (cause, status, about), several in together.items()
    ]


def _of_service(place: Place, service: str) -> list[Obstacle]:
    serving = serving_endpoint(place.node, place.instance, place.network, service)
    if serving is not None:
        through = _through_interface if serving.kind == INTERFACE else _through_gateway
        return through(place, service, serving)
    there = endpoints_of(place.node, place.network, service, INTERFACE)
    gateways = endpoints_of(place.node, place.network, service, GATEWAY)
    way = way_out(place.network, place.instance.subnet_id, has_public_address=place.instance.has_public_address)
    if way.there is Truth.NO:
        return [_no_way(place, service, way, (*there, *gateways))]
    through_nat = _through_nat_subnet(place, service, way.nat) if way.nat else []
    return [*_unseen(place, service, way), *_through_public(place, service, ()), *through_nat]


def _unseen(place: Place, service: str, way: Way) -> list[Obstacle]:
    managed = place.node.managed
    answers = managed is not None and not isinstance(managed, Unread) and managed.is_online
    if way.there is Truth.YES or (answers and service == _REGISTRATION):
        return []
    return [
        Obstacle(
            cause=Cause.NO_ROUTE,
            service=service,
            status=Status.CANNOT_TELL,
            about=place.instance.subnet_id,
            found=way.said,
            remedy="see whether that way leads to the services, or make endpoints for them in the VPC",
        )
    ]


def _no_way(place: Place, service: str, way: Way, there: Sequence[VpcEndpoint]) -> Obstacle:
    """Return the obstacle if there is no path: a misconfigured endpoint, else the missing endpoint or route."""
    if there and there[0].kind == GATEWAY:
        table = place.network.table_of(place.instance.subnet_id)
        return Obstacle(
            cause=Cause.ENDPOINT_ROUTE_TABLE,
            service=service,
            about=there[0].id,
            found=f"{there[0].id} is in other route tables than {table.id if table else 'none'}, that of "
            f"{place.instance.subnet_id}, and there is no other way: {way.said}",
            remedy=modify(place, there[0], f"--add-route-table-ids {table.id if table else 'TABLE'}"),
        )
    if there:
        dns = (
            "private DNS is off"
            if not there[0].private_dns
            else f"{place.network.vpc_id} does not resolve private names"
        )
        return Obstacle(
            cause=Cause.ENDPOINT_PRIVATE_DNS,
            service=service,
            about=there[0].id if not there[0].private_dns else place.network.vpc_id,
            found=f"{there[0].id} does not take over the service's name: {dns}; and there is no other way: {way.said}",
            remedy=modify(place, there[0], "--private-dns-enabled")
            if not there[0].private_dns
            else f"set enableDnsSupport and enableDnsHostnames of {place.network.vpc_id}",
        )
    if service == STORAGE and is_bucket_elsewhere(place.node):
        return Obstacle(
            cause=Cause.ENDPOINT_MISSING,
            service=service,
            about=service,
            found=f"the bucket is in another Region, to which endpoints do not lead, and there is no other way: {way.said}",
            remedy=f"name a bucket of {place.node.asked.region} in shell-access:sessionManager.regionOverrides, or give "
            "the subnet a NAT gateway",
        )
    names = {service_name(place.node.asked.region, each) for each in place.services}
    if any(each.service in names for each in place.network.endpoints):
        return Obstacle(
            cause=Cause.ENDPOINT_MISSING,
            service=service,
            about=service,
            found=f"{place.network.vpc_id} has no endpoint for {service}, and there is no other way: {way.said}",
            remedy=_make(place),
        )
    elsewhere = reaches_other_networks(place.network, place.instance.subnet_id)
    return Obstacle(
        cause=Cause.NO_ROUTE,
        service=service,
        status=Status.CANNOT_TELL if elsewhere else Status.PROBLEM,
        about=place.instance.subnet_id,
        found=f"{place.instance.subnet_id} has no way to the services: no endpoints, and {way.said}"
        + ("; whether its names lead to endpoints in other networks is not seen" if elsewhere else ""),
        remedy=f"{_make(place)}, or give the subnet a NAT gateway",
    )


def _make(place: Place) -> str:
    asked = place.node.asked
    if asked.endpoints is not None:
        return asked.repair
    return f"set shell-access:endpoints.{asked.region} to {place.network.vpc_id} and its subnets"


def _through_interface(place: Place, service: str, endpoint: VpcEndpoint) -> list[Obstacle]:
    if endpoint.state.lower() != _AVAILABLE or not endpoint.subnet_ids:
        return [
            Obstacle(
                cause=Cause.ENDPOINT_STATE,
                service=service,
                about=endpoint.id,
                found=f"{endpoint.id} takes over {service} and is {endpoint.state}, in {len(endpoint.subnet_ids)} subnets",
                remedy="wait until it is available, accept its connection, or replace it",
            )
        ]
    found = [*of_endpoint_groups(place, service, endpoint), *of_policy(place, service, endpoint)]
    outs: list[Truth] = []
    for subnet_id in endpoint.subnet_ids:
        targets = addresses(place, subnet_id)
        outs.append(out_of_groups(place.granted, targets, frozenset(endpoint.group_ids)))
        found += between(place, service, subnet_id, targets)
    found += of_own_groups(place, service, _together(outs))
    return found + zone_without(place, service, endpoint)


def _together(several: Sequence[Truth]) -> Truth:
    """Combine the results for an endpoint's subnets: its name resolves to all of them, so each must be reachable."""
    return (
        Truth.YES if all(each is Truth.YES for each in several) else Truth.NO if Truth.NO in several else Truth.UNKNOWN
    )


def _through_gateway(place: Place, service: str, endpoint: VpcEndpoint) -> list[Obstacle]:
    """Return obstacles on the path through a gateway endpoint, a route to the public addresses of a prefix list."""
    if endpoint.state.lower() != _AVAILABLE:
        return [
            Obstacle(
                cause=Cause.ENDPOINT_STATE,
                service=service,
                about=endpoint.id,
                found=f"{endpoint.id} is the way to {service} and is {endpoint.state}",
                remedy="wait until it is available, or replace it",
            )
        ]
    table = place.network.table_of(place.instance.subnet_id)
    lists = [each.destination for each in (table.routes if table else ()) if each.target == endpoint.id]
    networks = [cidr for each in lists for cidr in place.network.prefix_lists.get(each, ())]
    return [*of_policy(place, service, endpoint), *_through_public(place, service, networks)]


def _through_public(place: Place, service: str, networks: Sequence[str]) -> list[Obstacle]:
    """Return obstacles in security groups and network ACL, to the service's addresses or, if not known, to any."""
    acl = place.network.acl_of(place.instance.subnet_id)
    out, passing = to_public(place.granted, acl.rules if acl else (), tuple(networks), place.platform)
    return [*of_own_groups(place, service, out), *of_acl(place, service, acl, passing)]


def _through_nat_subnet(place: Place, service: str, nat: NatGateway) -> list[Obstacle]:
    """Return obstacles in the network ACL of a NAT gateway's subnet.

    It evaluates each connection twice: inbound from the node, and outbound to the service.
    """
    if not nat.subnet_id or nat.subnet_id == place.instance.subnet_id:
        return []
    acl = place.network.acl_of(nat.subnet_id)
    rules = acl.rules if acl else ()
    inward = through_acl(rules, (place.address,), outward=False, platform=place.platform)
    _, onward = to_public((), rules, (), NAT_GATEWAY)
    return of_acl(place, service, acl, inward) + of_acl(place, service, acl, onward, answers_to="1024-65535")


def explains_silence(found: Iterable[Obstacle]) -> bool:
    """Return whether the obstacles prevent a node from registering."""
    return any(each.service == _REGISTRATION and each.status is Status.PROBLEM for each in found)
