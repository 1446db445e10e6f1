"""Security groups, network ACLs and endpoint policies between a node and a service. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.aws.denials import PolicyKind
from common.iam.truth import Truth
from operations.doctor.effective_permissions import evaluate_resource_policy, together
from operations.doctor.findings import Cause
from operations.doctor.placement import modify
from operations.doctor.reachability import HTTPS, anywhere, into_groups, sampled, through_acl
from operations.doctor.requests import denial_message, requests
from operations.doctor.requirements import needs
from operations.findings import Finding, Status

if TYPE_CHECKING:
    from ipaddress import IPv4Address

    from common.iam.principals import Principal
    from operations.doctor.effective_permissions import EvaluationResult
    from operations.doctor.placement import Placement
    from operations.inventory.network import NetworkAcl, VpcEndpoint


def endpoint_group_obstacles(placement: Placement, endpoint: VpcEndpoint) -> list[Finding]:
    """Return an obstacle if an endpoint's security groups do not allow traffic from the node."""
    granted = [rule for each in endpoint.group_ids for rule in placement.network.groups.get(each, ())]
    if into_groups(granted, placement.address, frozenset(placement.instance.group_ids)):
        return []
    groups = ", ".join(endpoint.group_ids) or "no security group"
    into = endpoint.group_ids[0] if endpoint.group_ids else "GROUP"
    region = placement.node.deployment.region
    return [
        Finding(
            check=Cause.ENDPOINT_SECURITY_GROUP,
            about=groups,
            found=f"{groups} of {endpoint.id} does not allow inbound HTTPS from {placement.instance.address}",
            remedy=f"aws ec2 authorize-security-group-ingress --region {region} --group-id {into} --protocol tcp "
            f"--port {HTTPS} --cidr {placement.instance.address}/32, or allowedCidrs of shell-access:endpoints.{region}",
        )
    ]


def endpoint_policy_obstacles(placement: Placement, service: str, endpoint: VpcEndpoint) -> list[Finding]:
    """Return the first call that an endpoint's policy does not allow, which stands for all of them."""
    role, policy = placement.role, endpoint.policy
    if role is None or policy is None:
        return []
    found: list[Finding] = []
    for need in needs(placement.node):
        if need.service != service:
            continue
        # S3 itself calls KMS for its key, not through the endpoint.
        several = () if need.through else requests(placement.node, role, need)
        answer = together(evaluate_resource_policy(policy, role, each, PolicyKind.VPC_ENDPOINT)[1] for each in several)
        if answer.allowed is Truth.YES:
            continue
        found.append(
            Finding(
                check=Cause.ENDPOINT_POLICY,
                status=Status.PROBLEM if answer.allowed is Truth.NO else Status.UNKNOWN,
                about=endpoint.id,
                found=denial_message(role, need.action, answer),
                remedy=_policy_remedy(answer, need.action, role)
                + modify(placement, endpoint, "--policy-document file://policy.json"),
            )
        )
    return found[:1]


def _policy_remedy(answer: EvaluationResult, action: str, role: Principal) -> str:
    if answer.allowed is Truth.UNKNOWN or answer.denial is None:
        return f"check whether {' and '.join(answer.doubts)} holds for the node's requests; the policy is changed by: "
    if answer.denial.explicit:
        return f"change {answer.denial.statement}, so that its Deny does not apply to {action} by {role.arn}: "
    return f"add a statement that allows {action} to {role.arn}: "


def own_group_obstacles(placement: Placement, out: Truth) -> list[Finding]:
    """Return an obstacle if the node's own security groups do not allow outbound HTTPS."""
    if out is Truth.YES:
        return []
    groups = ", ".join(placement.instance.group_ids) or "no security group"
    first = placement.instance.group_ids[0] if placement.instance.group_ids else "GROUP"
    lets = (
        "allows outbound HTTPS to some addresses of the service only"
        if out is Truth.UNKNOWN
        else "allows no outbound HTTPS"
    )
    return [
        Finding(
            check=Cause.SECURITY_GROUP,
            status=Status.PROBLEM if out is Truth.NO else Status.UNKNOWN,
            about=groups,
            found=f"{groups} of the node {lets}",
            remedy=f"aws ec2 authorize-security-group-egress --region {placement.node.deployment.region} --group-id {first} "
            f"--ip-permissions 'IpProtocol=tcp,FromPort={HTTPS},ToPort={HTTPS},IpRanges=[{{CidrIp=0.0.0.0/0}}]', or only to "
            "the endpoints",
        )
    ]


def between(placement: Placement, subnet_id: str, targets: tuple[IPv4Address, ...]) -> list[Finding]:
    """Return obstacles in the network ACLs, which only evaluate traffic between subnets, never within one."""
    if subnet_id == placement.instance.subnet_id:
        return []
    own, other = placement.network.acl_of(placement.instance.subnet_id), placement.network.acl_of(subnet_id)
    found = network_acl_obstacles(
        placement,
        own,
        through_acl(own.rules, targets, outward=True, platform=placement.platform) if own else Truth.NO,
    )
    answer = (
        through_acl(other.rules, (placement.address,), outward=False, platform=placement.platform)
        if other
        else Truth.NO
    )
    return found + network_acl_obstacles(placement, other, answer)


def network_acl_obstacles(
    placement: Placement, acl: NetworkAcl | None, passing: Truth, *, answers_to: str = "32768-65535"
) -> list[Finding]:
    """Return an obstacle if the network ACL of one of the two subnets does not allow both requests and responses.

    `answers_to` are the source ports of the connections.
    """
    if passing is Truth.YES:
        return []
    name = acl.id if acl else "the network ACL"
    how = "does not allow HTTPS" if passing is Truth.NO else "allows HTTPS to some addresses or ports only"
    return [
        Finding(
            check=Cause.NETWORK_ACL,
            status=Status.PROBLEM if passing is Truth.NO else Status.UNKNOWN,
            about=name,
            found=f"{name} {how} between {placement.instance.subnet_id} and the service",
            remedy=f"allow TCP {HTTPS} in {name}, and return traffic to ports {answers_to}",
        )
    ]


def zone_obstacles(placement: Placement, endpoint: VpcEndpoint) -> list[Finding]:
    """Return a warning for an endpoint in other Availability Zones only, which works until they fail."""
    subnets = placement.network.subnets
    own = subnets.get(placement.instance.subnet_id)
    zones = {subnets[each].zone for each in endpoint.subnet_ids if each in subnets}
    if own is None or own.zone in zones:
        return []
    return [
        Finding(
            check=Cause.ENDPOINT_ELSEWHERE,
            status=Status.WARNING,
            about=own.zone,
            found=f"endpoints are in {', '.join(sorted(zones))} and not in {own.zone}, where the node is",
            remedy=f"add a subnet in {own.zone}, so that a failure of another zone does not end sessions",
        )
    ]


def addresses(placement: Placement, subnet_id: str) -> tuple[IPv4Address, ...]:
    """Return the possible addresses of an endpoint in a subnet: any address of the subnet."""
    subnet = placement.network.subnets.get(subnet_id)
    acls = (placement.network.acl_of(each) for each in {subnet_id, placement.instance.subnet_id})
    rules = [*placement.granted, *(rule for each in acls if each for rule in each.rules)]
    return sampled((subnet.cidr,), rules) if subnet and subnet.cidr else anywhere(rules)
