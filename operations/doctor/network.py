"""Network reachability of the services that a session needs. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from common.iam.truth import Truth
from components.session_manager.endpoint_services import service_name
from operations.doctor.findings import Cause
from operations.doctor.internet import internet_route, reaches_other_networks
from operations.doctor.network_path import (
    addresses,
    between,
    endpoint_group_obstacles,
    endpoint_policy_obstacles,
    network_acl_obstacles,
    own_group_obstacles,
    zone_obstacles,
)
from operations.doctor.placement import modify
from operations.doctor.reachability import NAT_GATEWAY, out_of_groups, through_acl, to_public
from operations.doctor.request_path import GATEWAY, INTERFACE, endpoints_of, is_bucket_elsewhere, serving_endpoint
from operations.doctor.requirements import STORAGE
from operations.findings import Finding, Status
from operations.inventory.reader import ReadFailure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from operations.doctor.internet import InternetRoute
    from operations.doctor.placement import Placement
    from operations.inventory.network import NatGateway, VpcEndpoint

_AVAILABLE: Final = "available"
_REGISTRATION: Final = "ssm"


def obstacles(placement: Placement) -> dict[str, list[Finding]]:
    """Return all obstacles between a node and the services, by the short name of the service."""
    return {service: _of_service(placement, service) for service in placement.services}


def network_findings(found: Mapping[str, list[Finding]]) -> list[Finding]:
    """Return the obstacles, each once, with the services that it concerns."""
    together: dict[tuple[str, Status, str], tuple[Finding, set[str]]] = {}
    for service, several in found.items():
        for each in several:
            together.setdefault((each.check, each.status, each.about), (each, set()))[1].add(service)
    return [
        replace(first, found=f"{first.found} (concerns {', '.join(sorted(services))})")
        for first, services in together.values()
    ]


def _of_service(placement: Placement, service: str) -> list[Finding]:
    serving = serving_endpoint(placement.node, placement.instance, placement.network, service)
    if serving is not None:
        through = _through_interface if serving.kind == INTERFACE else _through_gateway
        return through(placement, service, serving)
    there = endpoints_of(placement.node, placement.network, service, INTERFACE)
    gateways = endpoints_of(placement.node, placement.network, service, GATEWAY)
    route_out = internet_route(
        placement.network, placement.instance.subnet_id, has_public_address=placement.instance.has_public_address
    )
    if route_out.there is Truth.NO:
        return [_no_way(placement, service, route_out, (*there, *gateways))]
    through_nat = _through_nat_subnet(placement, route_out.nat) if route_out.nat else []
    return [*_unseen(placement, service, route_out), *_through_public(placement, ()), *through_nat]


def _unseen(placement: Placement, service: str, route_out: InternetRoute) -> list[Finding]:
    managed = placement.node.managed
    answers = managed is not None and not isinstance(managed, ReadFailure) and managed.is_online
    if route_out.there is Truth.YES or (answers and service == _REGISTRATION):
        return []
    return [
        Finding(
            check=Cause.NO_ROUTE,
            status=Status.UNKNOWN,
            about=placement.instance.subnet_id,
            found=route_out.text,
            remedy="check whether that route leads to the services, or create endpoints for them in the VPC",
        )
    ]


def _no_way(placement: Placement, service: str, route_out: InternetRoute, there: Sequence[VpcEndpoint]) -> Finding:
    """Return the obstacle if there is no path: a misconfigured endpoint, else the missing endpoint or route."""
    if there and there[0].kind == GATEWAY:
        table = placement.network.table_of(placement.instance.subnet_id)
        return Finding(
            check=Cause.ENDPOINT_ROUTE_TABLE,
            about=there[0].id,
            found=f"{there[0].id} is in other route tables than {table.id if table else 'none'}, that of "
            f"{placement.instance.subnet_id}, and there is no other path: {route_out.text}",
            remedy=modify(placement, there[0], f"--add-route-table-ids {table.id if table else 'TABLE'}"),
        )
    if there:
        dns = (
            "private DNS is off"
            if not there[0].private_dns
            else f"{placement.network.vpc_id} does not resolve private names"
        )
        return Finding(
            check=Cause.ENDPOINT_PRIVATE_DNS,
            about=there[0].id if not there[0].private_dns else placement.network.vpc_id,
            found=f"{there[0].id} does not serve the service's DNS name: {dns}; and there is no other path: {route_out.text}",
            remedy=modify(placement, there[0], "--private-dns-enabled")
            if not there[0].private_dns
            else f"set enableDnsSupport and enableDnsHostnames of {placement.network.vpc_id}",
        )
    if service == STORAGE and is_bucket_elsewhere(placement.node):
        return Finding(
            check=Cause.ENDPOINT_MISSING,
            about=service,
            found=f"the bucket is in another Region, to which endpoints do not lead, and there is no other path: {route_out.text}",
            remedy=f"name a bucket of {placement.node.deployment.region} in shell-access:sessionManager.regionOverrides, or give "
            "the subnet a NAT gateway",
        )
    names = {service_name(placement.node.deployment.region, each) for each in placement.services}
    if any(each.service in names for each in placement.network.endpoints):
        return Finding(
            check=Cause.ENDPOINT_MISSING,
            about=service,
            found=f"{placement.network.vpc_id} has no endpoint for {service}, and there is no other path: {route_out.text}",
            remedy=_make(placement),
        )
    elsewhere = reaches_other_networks(placement.network, placement.instance.subnet_id)
    return Finding(
        check=Cause.NO_ROUTE,
        status=Status.UNKNOWN if elsewhere else Status.PROBLEM,
        about=placement.instance.subnet_id,
        found=f"{placement.instance.subnet_id} has no path to the services: no endpoints, and {route_out.text}"
        + ("; whether its DNS names resolve to endpoints in other networks is not known" if elsewhere else ""),
        remedy=f"{_make(placement)}, or route the subnet through a NAT gateway",
    )


def _make(placement: Placement) -> str:
    deployment = placement.node.deployment
    if deployment.endpoints is not None:
        return deployment.repair
    return f"set shell-access:endpoints.{deployment.region} to {placement.network.vpc_id} and its subnets"


def _through_interface(placement: Placement, service: str, endpoint: VpcEndpoint) -> list[Finding]:
    if endpoint.state.lower() != _AVAILABLE or not endpoint.subnet_ids:
        return [
            Finding(
                check=Cause.ENDPOINT_STATE,
                about=endpoint.id,
                found=f"{endpoint.id} serves {service} and is {endpoint.state}, in {len(endpoint.subnet_ids)} subnets",
                remedy="wait until it is available, accept its connection, or replace it",
            )
        ]
    found = [
        *endpoint_group_obstacles(placement, endpoint),
        *endpoint_policy_obstacles(placement, service, endpoint),
    ]
    outs: list[Truth] = []
    for subnet_id in endpoint.subnet_ids:
        targets = addresses(placement, subnet_id)
        outs.append(out_of_groups(placement.granted, targets, frozenset(endpoint.group_ids)))
        found += between(placement, subnet_id, targets)
    found += own_group_obstacles(placement, _together(outs))
    return found + zone_obstacles(placement, endpoint)


def _together(several: Sequence[Truth]) -> Truth:
    """Combine the results for an endpoint's subnets: its name resolves to all of them, so each must be reachable."""
    return (
        Truth.YES if all(each is Truth.YES for each in several) else Truth.NO if Truth.NO in several else Truth.UNKNOWN
    )


def _through_gateway(placement: Placement, service: str, endpoint: VpcEndpoint) -> list[Finding]:
    """Return obstacles on the path through a gateway endpoint, a route to the public addresses of a prefix list."""
    if endpoint.state.lower() != _AVAILABLE:
        return [
            Finding(
                check=Cause.ENDPOINT_STATE,
                about=endpoint.id,
                found=f"{endpoint.id} is the route to {service} and is {endpoint.state}",
                remedy="wait until it is available, or replace it",
            )
        ]
    table = placement.network.table_of(placement.instance.subnet_id)
    lists = [each.destination for each in (table.routes if table else ()) if each.target == endpoint.id]
    networks = [cidr for each in lists for cidr in placement.network.prefix_lists.get(each, ())]
    return [*endpoint_policy_obstacles(placement, service, endpoint), *_through_public(placement, networks)]


def _through_public(placement: Placement, networks: Sequence[str]) -> list[Finding]:
    """Return obstacles in security groups and network ACL, to the service's addresses or, if not known, to any."""
    acl = placement.network.acl_of(placement.instance.subnet_id)
    out, passing = to_public(placement.granted, acl.rules if acl else (), tuple(networks), placement.platform)
    return [*own_group_obstacles(placement, out), *network_acl_obstacles(placement, acl, passing)]


def _through_nat_subnet(placement: Placement, nat: NatGateway) -> list[Finding]:
    """Return obstacles in the network ACL of a NAT gateway's subnet.

    It evaluates each connection twice: inbound from the node, and outbound to the service.
    """
    if not nat.subnet_id or nat.subnet_id == placement.instance.subnet_id:
        return []
    acl = placement.network.acl_of(nat.subnet_id)
    rules = acl.rules if acl else ()
    inward = through_acl(rules, (placement.address,), outward=False, platform=placement.platform)
    _, onward = to_public((), rules, (), NAT_GATEWAY)
    return [
        *network_acl_obstacles(placement, acl, inward),
        *network_acl_obstacles(placement, acl, onward, answers_to="1024-65535"),
    ]


def explains_silence(found: Mapping[str, list[Finding]]) -> bool:
    """Return whether the obstacles prevent a node from registering."""
    return any(each.status is Status.PROBLEM for each in found.get(_REGISTRATION, ()))
