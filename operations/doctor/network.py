"""Network reachability of the services that a session needs: routes, endpoints, security groups and network ACLs. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Final

from common.aws.denials import PolicyKind
from common.iam.truth import Truth, all_of
from components.session_manager.endpoint_services import service_name
from operations.doctor.effective_permissions import evaluate_resource_policy, together
from operations.doctor.facts import NodeInstance
from operations.doctor.findings import Cause, status_of
from operations.doctor.permissions import denial_finding, resource_policy_remedy
from operations.doctor.reachability import (
    HTTPS,
    NAT_GATEWAY,
    anywhere,
    into_groups,
    out_of_groups,
    sampled,
    through_acl,
    to_public,
)
from operations.doctor.request_path import (
    GATEWAY,
    INTERFACE,
    endpoints_of,
    internet_route,
    is_bucket_elsewhere,
    reaches_other_networks,
    serving_endpoint,
)
from operations.doctor.requests import requests
from operations.doctor.requirements import STORAGE, needs, services
from operations.findings import Finding, Status, unknown_finding
from operations.inventory.network import VpcFacts
from operations.inventory.reader import ReadFailure
from operations.terminal import program_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from common.iam.principals import Principal
    from components.domain_controllers.packet_evaluation import Permission
    from operations.doctor.facts import NodeFacts
    from operations.doctor.request_path import InternetRoute
    from operations.inventory.network import NatGateway, NetworkAcl, VpcEndpoint

_REGISTRATION: Final = "ssm"
_AVAILABLE: Final = "available"


@dataclass(frozen=True)
class Placement:
    """Node in its network.

    Attributes:
        role: Role that the node assumes. None: none, or not known.
        granted: Rules of the node's security groups.
    """

    node: NodeFacts
    instance: NodeInstance
    network: VpcFacts
    role: Principal | None
    granted: tuple[Permission, ...] = field(init=False)

    def __post_init__(self) -> None:
        groups = (self.network.groups.get(each, ()) for each in self.instance.group_ids)
        object.__setattr__(self, "granted", tuple(rule for group in groups for rule in group))

    @property
    def address(self) -> IPv4Address:
        """Private address of the node."""
        return IPv4Address(self.instance.address)

    @property
    def subnet_id(self) -> str:
        """Subnet of the node."""
        return self.instance.subnet_id

    def modify(self, endpoint: VpcEndpoint, change: str) -> str:
        """Return the command that modifies an endpoint."""
        region = self.node.deployment.region
        return f"aws ec2 modify-vpc-endpoint --region {region} --vpc-endpoint-id {endpoint.id} {change}"


def obstacles(node: NodeFacts, role: Principal | None) -> dict[str, list[Finding]]:
    """Return all obstacles between a node and the services, by the short name of the service.

    Empty if the network is not known, which `network_findings` reports.
    """
    instance, network = node.instance, node.network
    if not isinstance(instance, NodeInstance) or not isinstance(network, VpcFacts) or not instance.address:
        return {}
    placement = Placement(node, instance, network, role)
    return {service: _of_service(placement, service) for service in services(node)}


def explains_silence(found: Mapping[str, list[Finding]]) -> bool:
    """Return whether the obstacles prevent a node from registering."""
    return any(each.status is Status.PROBLEM for each in found.get(_REGISTRATION, ()))


def network_findings(node: NodeFacts, found: Mapping[str, list[Finding]]) -> list[Finding]:
    """Return the obstacles, each once, with the services that it concerns; and what is not known about the network."""
    if isinstance(node.network, ReadFailure):
        return [unknown_finding(Cause.NETWORK, node.network)]
    if node.network is None and not isinstance(node.instance, ReadFailure):
        text = (
            f"the network of a node outside EC2 cannot be evaluated; it must reach {', '.join(services(node))} on 443"
        )
        remedy = "run on the node: ssm-cli get-diagnostics"
        return [Finding(check=Cause.NETWORK, status=Status.UNKNOWN, found=text, remedy=remedy)]
    if node.network is None or not isinstance(node.instance, NodeInstance):
        return []
    if not node.instance.address:
        text = "the node has no IPv4 address, and IPv6 paths are not evaluated"
        return [Finding(check=Cause.NETWORK, status=Status.UNKNOWN, found=text, remedy="ssm-cli get-diagnostics")]
    by_subject: dict[tuple[str, Status, str], tuple[Finding, set[str]]] = {}
    for service, several in found.items():
        for each in several:
            by_subject.setdefault((each.check, each.status, each.about), (each, set()))[1].add(service)
    return [
        *_hidden(node, node.instance, node.network),
        *(
            replace(first, found=f"{first.found} (concerns {', '.join(sorted(concerned))})")
            for first, concerned in by_subject.values()
        ),
    ]


def _hidden(node: NodeFacts, instance: NodeInstance, network: VpcFacts) -> Iterator[Finding]:
    """Report what EC2 names in the instance and does not list, and a shared subnet, whose owner's resources are hidden.

    Source: Amazon VPC User Guide, "Share your VPC subnets".
    """
    named = {instance.subnet_id: network.subnets, **dict.fromkeys(instance.group_ids, network.groups)}
    for part, listed in named.items():
        if part not in listed:
            text = f"EC2 names {part} in the instance, and does not list it in {network.vpc_id}"
            remedy = "run doctor again; if it is still not listed, check who owns the VPC"
            yield Finding(check=Cause.NETWORK, status=Status.UNKNOWN, about=part, found=text, remedy=remedy)
    subnet = network.subnets.get(instance.subnet_id)
    if subnet is not None and subnet.owner_id not in ("", node.deployment.account_id):
        verify = f"{program_name()} verify --node {node.id} --stack {node.deployment.stack}"
        yield Finding(
            check=Cause.NETWORK,
            status=Status.UNKNOWN,
            about=subnet.id,
            found=f"{subnet.id} is shared by account {subnet.owner_id}, whose endpoints and NAT gateways may not be "
            "visible to this account",
            remedy=f"run doctor in that account, or run: {verify}",
        )


def _of_service(placement: Placement, service: str) -> list[Finding]:
    node, instance, network = placement.node, placement.instance, placement.network
    serving = serving_endpoint(node, instance, network, service)
    if serving is not None:
        through = _through_interface if serving.kind == INTERFACE else _through_gateway
        return through(placement, service, serving)
    route_out = internet_route(network, instance)
    if route_out.there is Truth.NO:
        unused = [each for kind in (INTERFACE, GATEWAY) for each in endpoints_of(node, network, service, kind)]
        return [_no_path(placement, service, route_out, unused[0] if unused else None)]
    found = [*_through_public(placement, ()), *(_through_nat_subnet(placement, route_out.nat) if route_out.nat else [])]
    if route_out.there is Truth.YES or (node.is_online and service == _REGISTRATION):
        return found
    remedy = "check whether that route leads to the services, or create endpoints for them in the VPC"
    unseen = Finding(
        check=Cause.NO_ROUTE, status=Status.UNKNOWN, about=instance.subnet_id, found=route_out.text, remedy=remedy
    )
    return [unseen, *found]


def _no_path(placement: Placement, service: str, route_out: InternetRoute, unused: VpcEndpoint | None) -> Finding:
    """Return the obstacle if there is no path: a misconfigured endpoint, else the missing endpoint or route."""
    network, subnet_id, deployment = placement.network, placement.subnet_id, placement.node.deployment
    no_other = f"there is no other path: {route_out.text}"
    if unused and unused.kind == GATEWAY:
        table = network.table_of(subnet_id)
        return Finding(
            check=Cause.ENDPOINT_ROUTE_TABLE,
            about=unused.id,
            found=f"{unused.id} is in other route tables than {table.id if table else 'none'}, that of {subnet_id}, and "
            f"{no_other}",
            remedy=placement.modify(unused, f"--add-route-table-ids {table.id if table else 'TABLE'}"),
        )
    if unused and not unused.private_dns:
        return Finding(
            check=Cause.ENDPOINT_PRIVATE_DNS,
            about=unused.id,
            found=f"{unused.id} does not serve the service's DNS name: private DNS is off; and {no_other}",
            remedy=placement.modify(unused, "--private-dns-enabled"),
        )
    if unused:
        return Finding(
            check=Cause.ENDPOINT_PRIVATE_DNS,
            about=network.vpc_id,
            found=f"{unused.id} does not serve the service's DNS name: {network.vpc_id} does not resolve private names; "
            f"and {no_other}",
            remedy=f"set enableDnsSupport and enableDnsHostnames of {network.vpc_id}",
        )
    if service == STORAGE and is_bucket_elsewhere(placement.node):
        return Finding(
            check=Cause.ENDPOINT_MISSING,
            about=service,
            found=f"the bucket is in another Region, to which endpoints do not lead, and {no_other}",
            remedy=f"name a bucket of {deployment.region} in shell-access:sessionManager.regionOverrides, or give the "
            "subnet a NAT gateway",
        )
    create = (
        f"set shell-access:endpoints.{deployment.region} to {network.vpc_id} and its subnets"
        if deployment.endpoints is None
        else deployment.repair
    )
    names = {service_name(deployment.region, each) for each in services(placement.node)}
    if any(each.service in names for each in network.endpoints):
        text = f"{network.vpc_id} has no endpoint for {service}, and {no_other}"
        return Finding(check=Cause.ENDPOINT_MISSING, about=service, found=text, remedy=create)
    elsewhere = reaches_other_networks(network, subnet_id)
    return Finding(
        check=Cause.NO_ROUTE,
        status=Status.UNKNOWN if elsewhere else Status.PROBLEM,
        about=subnet_id,
        found=f"{subnet_id} has no path to the services: no endpoints, and {route_out.text}"
        + ("; whether its DNS names resolve to endpoints in other networks is not known" if elsewhere else ""),
        remedy=f"{create}, or route the subnet through a NAT gateway",
    )


def _through_interface(placement: Placement, service: str, endpoint: VpcEndpoint) -> list[Finding]:
    if endpoint.state.lower() != _AVAILABLE or not endpoint.subnet_ids:
        text = f"{endpoint.id} serves {service} and is {endpoint.state}, in {len(endpoint.subnet_ids)} subnets"
        remedy = "wait until it is available, accept its connection, or replace it"
        return [Finding(check=Cause.ENDPOINT_STATE, about=endpoint.id, found=text, remedy=remedy)]
    found = [*_endpoint_groups(placement, endpoint), *_endpoint_policy(placement, service, endpoint)]
    outs: list[Truth] = []
    for subnet_id in endpoint.subnet_ids:
        targets = _addresses(placement, subnet_id)
        outs.append(out_of_groups(placement.granted, targets, frozenset(endpoint.group_ids)))
        found += _between_subnets(placement, subnet_id, targets)
    # The endpoint's name resolves to all of its subnets, so each must be reachable.
    return [*found, *_own_groups(placement, all_of(outs)), *_other_zone(placement, endpoint)]


def _through_gateway(placement: Placement, service: str, endpoint: VpcEndpoint) -> list[Finding]:
    """Return obstacles on the path through a gateway endpoint, a route to the public addresses of a prefix list."""
    if endpoint.state.lower() != _AVAILABLE:
        text = f"{endpoint.id} is the route to {service} and is {endpoint.state}"
        remedy = "wait until it is available, or replace it"
        return [Finding(check=Cause.ENDPOINT_STATE, about=endpoint.id, found=text, remedy=remedy)]
    table = placement.network.table_of(placement.subnet_id)
    lists = [each.destination for each in (table.routes if table else ()) if each.target == endpoint.id]
    networks = [cidr for each in lists for cidr in placement.network.prefix_lists.get(each, ())]
    return [*_endpoint_policy(placement, service, endpoint), *_through_public(placement, networks)]


def _through_public(placement: Placement, networks: Sequence[str]) -> list[Finding]:
    """Return obstacles in security groups and network ACL, to the service's addresses or, if not known, to any."""
    acl = placement.network.acl_of(placement.subnet_id)
    rules = acl.rules if acl else ()
    out, passing = to_public(placement.granted, rules, tuple(networks), placement.node.platform)
    return [*_own_groups(placement, out), *_network_acl(placement, acl, passing)]


def _through_nat_subnet(placement: Placement, nat: NatGateway) -> list[Finding]:
    """Return obstacles in the network ACL of a NAT gateway's subnet.

    It evaluates each connection twice: inbound from the node, and outbound to the service.
    """
    if not nat.subnet_id or nat.subnet_id == placement.subnet_id:
        return []
    acl = placement.network.acl_of(nat.subnet_id)
    rules = acl.rules if acl else ()
    inward = through_acl(rules, (placement.address,), outward=False, platform=placement.node.platform)
    _, onward = to_public((), rules, (), NAT_GATEWAY)
    return [*_network_acl(placement, acl, inward), *_network_acl(placement, acl, onward, answers_to="1024-65535")]


def _between_subnets(placement: Placement, subnet_id: str, targets: tuple[IPv4Address, ...]) -> list[Finding]:
    """Return obstacles in the network ACLs, which only evaluate traffic between subnets, never within one."""
    if subnet_id == placement.subnet_id:
        return []
    found: list[Finding] = []
    for each, addresses in ((placement.subnet_id, targets), (subnet_id, (placement.address,))):
        acl, outward = placement.network.acl_of(each), each == placement.subnet_id
        platform = placement.node.platform
        passing = through_acl(acl.rules, addresses, outward=outward, platform=platform) if acl else Truth.NO
        found += _network_acl(placement, acl, passing)
    return found


def _addresses(placement: Placement, subnet_id: str) -> tuple[IPv4Address, ...]:
    """Return the possible addresses of an endpoint in a subnet: any address of the subnet."""
    subnet = placement.network.subnets.get(subnet_id)
    acls = (placement.network.acl_of(each) for each in {subnet_id, placement.subnet_id})
    rules = [*placement.granted, *(rule for each in acls if each for rule in each.rules)]
    return sampled((subnet.cidr,), rules) if subnet and subnet.cidr else anywhere(rules)


def _endpoint_groups(placement: Placement, endpoint: VpcEndpoint) -> Iterator[Finding]:
    """Yield an obstacle if an endpoint's security groups do not allow traffic from the node."""
    granted = [rule for each in endpoint.group_ids for rule in placement.network.groups.get(each, ())]
    if into_groups(granted, placement.address, frozenset(placement.instance.group_ids)):
        return
    groups = ", ".join(endpoint.group_ids) or "no security group"
    into = endpoint.group_ids[0] if endpoint.group_ids else "GROUP"
    region = placement.node.deployment.region
    yield Finding(
        check=Cause.ENDPOINT_SECURITY_GROUP,
        about=groups,
        found=f"{groups} of {endpoint.id} does not allow inbound HTTPS from {placement.instance.address}",
        remedy=f"aws ec2 authorize-security-group-ingress --region {region} --group-id {into} --protocol tcp "
        f"--port {HTTPS} --cidr {placement.instance.address}/32, or allowedCidrs of shell-access:endpoints.{region}",
    )


def _endpoint_policy(placement: Placement, service: str, endpoint: VpcEndpoint) -> Iterator[Finding]:
    """Yield the first call that an endpoint's policy does not allow, which stands for all of them."""
    role, policy = placement.role, endpoint.policy
    if role is None or policy is None:
        return
    for need in needs(placement.node):
        # S3 itself calls KMS for its key, not through the endpoint.
        if need.service != service or need.through:
            continue
        several = requests(placement.node, role, need)
        answer = together(evaluate_resource_policy(policy, role, each, PolicyKind.VPC_ENDPOINT)[1] for each in several)
        if answer.allowed is not Truth.YES:
            change = placement.modify(endpoint, "--policy-document file://policy.json")
            remedy = f"{resource_policy_remedy(role, need, answer)}: {change}"
            yield replace(denial_finding(Cause.ENDPOINT_POLICY, role, need, answer, remedy), about=endpoint.id)
            return


def _own_groups(placement: Placement, out: Truth) -> Iterator[Finding]:
    """Yield an obstacle if the node's own security groups do not allow outbound HTTPS."""
    if out is Truth.YES:
        return
    group_ids = placement.instance.group_ids
    groups = ", ".join(group_ids) or "no security group"
    allows = "allows outbound HTTPS to some addresses of the service only" if out else "allows no outbound HTTPS"
    yield Finding(
        check=Cause.SECURITY_GROUP,
        status=status_of(out),
        about=groups,
        found=f"{groups} of the node {allows}",
        remedy=f"aws ec2 authorize-security-group-egress --region {placement.node.deployment.region} "
        f"--group-id {group_ids[0] if group_ids else 'GROUP'} --ip-permissions "
        f"'IpProtocol=tcp,FromPort={HTTPS},ToPort={HTTPS},IpRanges=[{{CidrIp=0.0.0.0/0}}]', or only to the endpoints",
    )


def _network_acl(
    placement: Placement, acl: NetworkAcl | None, passing: Truth, *, answers_to: str = "32768-65535"
) -> list[Finding]:
    """Return an obstacle if a network ACL on the path does not allow both requests and responses.

    `answers_to` are the source ports of the connections.
    """
    if passing is Truth.YES:
        return []
    name = acl.id if acl else "the network ACL"
    allows = "allows HTTPS to some addresses or ports only" if passing else "does not allow HTTPS"
    return [
        Finding(
            check=Cause.NETWORK_ACL,
            status=status_of(passing),
            about=name,
            found=f"{name} {allows} between {placement.subnet_id} and the service",
            remedy=f"allow TCP {HTTPS} in {name}, and return traffic to ports {answers_to}",
        )
    ]


def _other_zone(placement: Placement, endpoint: VpcEndpoint) -> Iterator[Finding]:
    """Yield a warning for an endpoint in other Availability Zones only, which works until they fail."""
    subnets = placement.network.subnets
    own = subnets.get(placement.subnet_id)
    zones = {subnets[each].zone for each in endpoint.subnet_ids if each in subnets}
    if own is not None and own.zone not in zones:
        yield Finding(
            check=Cause.ENDPOINT_ELSEWHERE,
            status=Status.WARNING,
            about=own.zone,
            found=f"endpoints are in {', '.join(sorted(zones))} and not in {own.zone}, where the node is",
            remedy=f"add a subnet in {own.zone}, so that a failure of another zone does not end sessions",
        )
