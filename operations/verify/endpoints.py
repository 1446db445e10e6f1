"""Comparison of VPC endpoints: in the VPC and subnets of the settings, available, with private DNS names."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from components.domain_controllers.traffic_requirements import Direction
from components.session_manager.endpoint_services import endpoint_policy, interface_services, service_name
from operations.inventory.network import route_table_of
from operations.inventory.reader import ReadFailure
from operations.verify.findings import Check
from operations.verify.policies import policy_differences

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from components.session_manager.settings import EndpointSettings
    from operations.deployment import Deployment
    from operations.findings import Finding
    from operations.inventory.network import EndpointNetwork, SubnetFacts, VpcEndpoint

INTERFACE: Final = "Interface"
GATEWAY: Final = "Gateway"
GATEWAY_SERVICE: Final = "s3"

HTTPS: Final = 443

_AVAILABLE: Final = "available"


@dataclass(frozen=True, kw_only=True)
class DesiredEndpoints:
    """The endpoints of a VPC.

    Attributes:
        check: Prefix of the findings' IDs, `endpoint`.
        group: Name tag of their security group.
        services: Short names of the services that have an interface endpoint.
        subnets: Subnets of the interface endpoints: their names in the settings, by ID.
        routed: Subnets with a route to the S3 gateway endpoint, in the same form; empty: there is no gateway endpoint.
        cidrs: Networks whose nodes may use the endpoints.
    """

    check: str
    group: str
    services: tuple[str, ...]
    subnets: Mapping[str, str]
    routed: Mapping[str, str]
    cidrs: tuple[str, ...]


def endpoint_findings(
    deployment: Deployment, settings: EndpointSettings, live: EndpointNetwork | ReadFailure | None
) -> list[Finding]:
    """Compare the network and its endpoints; without the network the endpoints cannot be compared."""
    check = Check(
        "network",
        f"one VPC {settings.vpc} with the subnets {', '.join(settings.subnets)}",
        f"correct shell-access:endpoints.{deployment.region}, or the Name tags",
    )
    if isinstance(live, ReadFailure):
        return [check.report_unread(live)]
    if live is not None and isinstance(live.subnets, ReadFailure):
        return [check.report_unread(live.subnets)]
    subnets, fault = _place(settings, live)
    if not subnets or live is None:
        return [check.reject(fault)]
    found = f"{live.vpc_ids[0]}: {', '.join(subnets)}"
    desired = DesiredEndpoints(
        check="endpoint",
        group=f"endpoints-{deployment.region}",
        services=interface_services(deployment.session_manager),
        subnets=subnets,
        routed=subnets if settings.s3_gateway else {},
        cidrs=tuple(settings.allowed_cidrs),
    )
    return [check.accept(found), group_finding(deployment, desired, live), *service_findings(deployment, desired, live)]


def service_findings(deployment: Deployment, desired: DesiredEndpoints, live: EndpointNetwork) -> list[Finding]:
    """Compare the interface endpoints and the S3 gateway endpoint of a VPC."""
    findings = [_interface(deployment, service, desired, live) for service in desired.services]
    return findings + ([_gateway(deployment, desired, live)] if desired.routed else [])


def group_finding(deployment: Deployment, desired: DesiredEndpoints, live: EndpointNetwork) -> Finding:
    """Compare the security group of the endpoints: HTTPS from the settings' networks, and nothing else."""
    id_ = f"{desired.check}-security-group"
    expected = (
        f"security group {desired.group} allows HTTPS from {', '.join(desired.cidrs) or 'nowhere'} and nothing else"
    )
    check = Check(id_, expected, deployment.repair)
    if isinstance(live.groups, ReadFailure):
        return check.report_unread(live.groups)
    if len(live.groups) != 1:
        ids = ", ".join(each.id for each in live.groups)
        return check.reject(f"{len(live.groups)} such groups: {ids}" if ids else "no such security group")
    (group,) = live.groups
    rules = {each.key: each for each in group.rules}
    planned = {(Direction.INGRESS, "tcp", HTTPS, HTTPS, cidr): cidr for cidr in desired.cidrs}
    missing = [cidr for key, cidr in planned.items() if key not in rules]
    foreign = [each for key, each in rules.items() if key not in planned]
    differences = [f"HTTPS is not allowed from {cidr}" for cidr in missing]
    differences += [f"unexpected: {each} ({each.id})" for each in foreign]
    remedies = [
        f"aws ec2 revoke-security-group-{each.direction} --group-id {group.id} --security-group-rule-ids {each.id} "
        f"--region {deployment.region}"
        for each in foreign
    ]
    remedies += [deployment.repair] if missing else []
    return Check(id_, expected, " && ".join(remedies)).report(differences, group.id)


def _place(settings: EndpointSettings, live: EndpointNetwork | None) -> tuple[dict[str, str], str]:
    """Return the subnets that the settings name, or a fault of the VPC or the subnets."""
    vpc_ids = live.vpc_ids if live else ()
    if live is None or len(vpc_ids) != 1:
        return {}, f"{len(vpc_ids)} such VPCs: {', '.join(vpc_ids)}" if vpc_ids else "no such VPC"
    subnets: dict[str, str] = {}
    for named in settings.subnets:
        ids = [each.id for each in _subnets(live) if named == (each.id if named.startswith("subnet-") else each.name)]
        if len(ids) != 1:
            return {}, f"{len(ids) or 'no'} subnet{'s' * (len(ids) > 1)} {named} in {vpc_ids[0]}"
        subnets[ids[0]] = named
    return subnets, ""


def _subnets(live: EndpointNetwork) -> tuple[SubnetFacts, ...]:
    return () if isinstance(live.subnets, ReadFailure) else live.subnets


def _interface(deployment: Deployment, service: str, desired: DesiredEndpoints, live: EndpointNetwork) -> Finding:
    expected = (
        f"an available interface endpoint with private DNS, its policy and {desired.group} in "
        f"{', '.join(desired.subnets.values())}"
    )
    check = Check(f"{desired.check}-{service}", expected, deployment.repair)
    if isinstance(live.groups, ReadFailure):
        return check.report_unread(live.groups)
    own = frozenset(each.id for each in live.groups)
    policy = endpoint_policy(service, deployment.account_id)

    def faults(endpoint: VpcEndpoint) -> list[str]:
        differences = [] if endpoint.private_dns else ["private DNS is off"]
        differences += [f"not in {name}" for id_, name in desired.subnets.items() if id_ not in endpoint.subnet_ids]
        if frozenset(endpoint.group_ids) != own or not own:
            differences.append(f"security groups {', '.join(sorted(endpoint.group_ids)) or 'none'}")
        differences += [f"policy: {each}" for each in policy_differences(policy, _parsed(endpoint.policy_text))]
        return differences

    return _endpoint(check, (service_name(deployment.region, service), INTERFACE), live, faults)


def _parsed(policy: str) -> dict[str, Any]:
    return json.loads(policy) if policy else {}


def _gateway(deployment: Deployment, desired: DesiredEndpoints, live: EndpointNetwork) -> Finding:
    check = Check(
        f"{desired.check}-{GATEWAY_SERVICE}",
        f"an available gateway endpoint in the route tables of {', '.join(desired.routed.values())}",
        deployment.repair,
    )
    tables = live.route_tables
    if isinstance(tables, ReadFailure):
        return check.report_unread(tables)

    def faults(endpoint: VpcEndpoint) -> list[str]:
        return [
            f"not in the route table of {name}"
            for id_, name in desired.routed.items()
            if (table := route_table_of(tables, id_)) is None or table.id not in endpoint.route_table_ids
        ]

    return _endpoint(check, (service_name(deployment.region, GATEWAY_SERVICE), GATEWAY), live, faults)


def _endpoint(
    check: Check, needed: tuple[str, str], live: EndpointNetwork, faults: Callable[[VpcEndpoint], list[str]]
) -> Finding:
    """Compare the endpoint of a service, by its name and type, with the fewest faults: a VPC may have several."""
    if isinstance(live.endpoints, ReadFailure):
        return check.report_unread(live.endpoints)
    found: list[tuple[str, list[str]]] = []
    for endpoint in live.endpoints:
        if (endpoint.service, endpoint.kind) == needed:
            state = [] if endpoint.state.lower() == _AVAILABLE else [endpoint.state]
            found.append((endpoint.id, state + faults(endpoint)))
    if not found:
        return check.reject("no such endpoint")
    id_, wrong = min(found, key=lambda each: len(each[1]))
    return check.judge(f"{id_}: {', '.join(wrong)}" if wrong else id_, same=not wrong)
