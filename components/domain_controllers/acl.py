"""Network ACL of the controllers' subnets."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, TypedDict

import pulumi
from pulumi_aws.ec2 import NetworkAcl, NetworkAclEgressArgs, NetworkAclIngressArgs

from components.domain_controllers.port_forwarding_policy import ROLE_TAG
from components.domain_controllers.traffic_requirements import Direction

if TYPE_CHECKING:
    from components.domain_controllers.network_acl import AclPlan, AclRule

_ICMP = (1, 58)


@dataclass(frozen=True, kw_only=True)
class DirectoryNetworkAclArgs:
    """Arguments of the network ACL.

    Attributes:
        region: Region of the site.
        vpc_id: VPC of the site.
        subnet_ids: Subnets of the controllers.
        plan: Rules of the ACL.
        tags: Tags applied to all taggable resources.
    """

    region: str
    vpc_id: str
    subnet_ids: tuple[str, ...]
    plan: AclPlan
    tags: dict[str, str] = field(default_factory=dict[str, str])


class _Rule(TypedDict):
    action: str
    rule_no: int
    protocol: str
    from_port: int
    to_port: int
    icmp_type: int | None
    icmp_code: int | None
    cidr_block: str | None
    ipv6_cidr_block: str | None


class DirectoryNetworkAcl(pulumi.ComponentResource):
    """One network ACL, which changed rules replace.

    An ACL is usually full, so that an additional rule could be created only after another is deleted. Its name
    therefore depends on its rules: with other rules, a new ACL gets all of them before the subnets are associated with
    it, with one call each. Its rules are its own inputs, so that a rule that is added by hand is removed.

    Attributes:
        id: `acl-...`.
    """

    def __init__(self, name: str, args: DirectoryNetworkAclArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shell-access:domainControllers:NetworkAcl", name, None, opts)
        full_name = f"{name}-{args.plan.digest}"
        acl = NetworkAcl(
            full_name,
            vpc_id=args.vpc_id,
            subnet_ids=list(args.subnet_ids),
            ingress=[NetworkAclIngressArgs(**_rule(each)) for each in _of(args.plan, Direction.INGRESS)],
            egress=[NetworkAclEgressArgs(**_rule(each)) for each in _of(args.plan, Direction.EGRESS)],
            region=args.region,
            tags={**args.tags, "Name": full_name, **dict([ROLE_TAG])},
            opts=pulumi.ResourceOptions(parent=self),
        )
        if args.plan.wider:
            count = len(args.plan.wider)
            pulumi.info(
                f"{count} of {len(args.plan.rules)} rules let pass more than the security groups do, as an ACL is short:\n"
                + "\n".join(f"  {each}" for each in args.plan.wider),
                acl,
            )
        self.id = acl.id
        self.register_outputs({"id": self.id, "wider": list(args.plan.wider)})


def _of(plan: AclPlan, direction: Direction) -> list[AclRule]:
    return [each for each in plan.rules if each.direction is direction]


def _rule(rule: AclRule) -> _Rule:
    icmp = rule.protocol in _ICMP
    ipv4 = isinstance(rule.network, IPv4Network)
    return {
        "action": "allow" if rule.allows else "deny",
        "rule_no": rule.number,
        "protocol": f"{rule.protocol}",
        "from_port": 0 if icmp else rule.from_port,
        "to_port": 0 if icmp else rule.to_port,
        "icmp_type": rule.from_port if icmp else None,
        "icmp_code": rule.to_port if icmp else None,
        "cidr_block": f"{rule.network}" if ipv4 else None,
        "ipv6_cidr_block": None if ipv4 else f"{rule.network}",
    }
