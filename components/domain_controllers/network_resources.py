"""Security groups and network ACL of a site.

Each rule of a group is a resource, so that a preview shows only the rules that change.
"""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING, TypedDict

import pulumi
from pulumi_aws.ec2 import (
    ManagedPrefixList,
    ManagedPrefixListEntryArgs,
    NetworkAcl,
    NetworkAclEgressArgs,
    NetworkAclIngressArgs,
    SecurityGroup,
)
from pulumi_aws.vpc import SecurityGroupEgressRule, SecurityGroupIngressRule

from common.network import Family
from components.domain_controllers.names import ROLE_TAG
from components.domain_controllers.port_tables import ANY_PORT
from components.domain_controllers.prior_network_acl import PriorNetworkAcl
from components.domain_controllers.traffic_requirements import Direction, PeerKind

if TYPE_CHECKING:
    from components.domain_controllers.network_acl import AclPlan, AclRule
    from components.domain_controllers.security_group_rules import Group, PlannedRule, PrefixList
    from components.domain_controllers.site import SiteArgs


class _Ends(TypedDict, total=False):
    cidr_ipv4: str
    cidr_ipv6: str
    prefix_list_id: pulumi.Input[str]
    referenced_security_group_id: pulumi.Input[str]


class DirectorySecurityGroups(pulumi.ComponentResource):
    """Security groups, their rules and the prefix lists that the rules refer to.

    Names depend on the content of a rule or a list, and the engine creates before it deletes. A replaced rule therefore
    exists until its successor does, and resources that depend on `rules` change to complete groups.

    Attributes:
        ids: Group IDs in the plan's order; all of them belong on each controller's interface.
        rules: All rules.
    """

    def __init__(
        self, name: str, args: SiteArgs, *, resolver_group_id: pulumi.Input[str], opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__("shell-access:domainControllers:SecurityGroups", name, None, opts)
        self._name, self._args, self._resolver_group_id = name, args, resolver_group_id
        self._child = pulumi.ResourceOptions(parent=self)
        self._lists = {each.name: self._prefix_list(each) for each in args.plan.groups.prefix_lists}
        groups = [(each, self._group(each)) for each in args.plan.groups.groups]
        self._itself = groups[0][1]
        self.ids = [made.id for _, made in groups]
        self.rules: list[pulumi.Resource] = [
            self._rule(group, made, rule) for group, made in groups for rule in group.rules
        ]
        self.register_outputs({"ids": self.ids})

    def _prefix_list(self, planned: PrefixList) -> ManagedPrefixList:
        return ManagedPrefixList(
            f"{self._name}-{planned.name}",
            address_family=planned.family,
            max_entries=planned.max_entries,
            entries=[
                ManagedPrefixListEntryArgs(cidr=each.cidr, description=each.description) for each in planned.entries
            ],
            region=self._args.region,
            tags=self._tags(planned.name),
            opts=self._child,
        )

    def _group(self, planned: Group) -> SecurityGroup:
        return SecurityGroup(
            f"{self._name}-{planned.name}",
            description=planned.description,
            vpc_id=self._args.resources.network.vpc_id,
            region=self._args.region,
            tags=self._tags(planned.name),
            opts=self._child,
        )

    def _rule(self, group: Group, made: SecurityGroup, rule: PlannedRule) -> pulumi.Resource:
        kind = SecurityGroupIngressRule if rule.direction is Direction.INGRESS else SecurityGroupEgressRule
        return kind(
            f"{self._name}-{group.name}-{rule.name}",
            security_group_id=made.id,
            description=rule.description,
            ip_protocol=rule.protocol,
            from_port=None if rule.from_port == ANY_PORT else rule.from_port,
            to_port=None if rule.from_port == ANY_PORT else rule.to_port,
            region=self._args.region,
            # The name distinguishes an edited rule from an added one.
            tags={**self._args.tags, "Name": rule.name},
            opts=self._child,
            **self._ends(rule),
        )

    def _ends(self, rule: PlannedRule) -> _Ends:
        value = rule.peer.value
        match rule.peer.kind:
            case PeerKind.NETWORK:
                return {"cidr_ipv4": value} if rule.peer.family is Family.IPV4 else {"cidr_ipv6": value}
            case PeerKind.ITSELF:
                return {"referenced_security_group_id": self._itself.id}
            case PeerKind.RESOLVER:
                return {"referenced_security_group_id": self._resolver_group_id}
            case PeerKind.GROUP:
                return {"referenced_security_group_id": value}
            case PeerKind.PREFIX_LIST:
                return {"prefix_list_id": value}
            case PeerKind.PLANNED_LIST:
                return {"prefix_list_id": self._lists[value].id}

    def _tags(self, name: str) -> dict[str, str]:
        return {**self._args.tags, "Name": f"{self._name}-{name}", **dict([ROLE_TAG])}


_ICMP = (1, 58)


class _AclRule(TypedDict):
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

    def __init__(self, name: str, args: SiteArgs, plan: AclPlan, opts: pulumi.ResourceOptions) -> None:
        super().__init__("shell-access:domainControllers:NetworkAcl", name, None, opts)
        full_name, network = f"{name}-{plan.digest}", args.resources.network
        priors = [
            PriorNetworkAcl(
                f"{name}-prior-{subnet}",
                region=args.region,
                subnet_id=subnet,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for subnet in network.subnet_ids
        ]
        acl = NetworkAcl(
            full_name,
            vpc_id=network.vpc_id,
            subnet_ids=list(network.subnet_ids),
            ingress=[
                NetworkAclIngressArgs(**_acl_rule(each)) for each in plan.rules if each.direction is Direction.INGRESS
            ],
            egress=[
                NetworkAclEgressArgs(**_acl_rule(each)) for each in plan.rules if each.direction is Direction.EGRESS
            ],
            region=args.region,
            tags={**args.tags, "Name": full_name, **dict([ROLE_TAG])},
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=priors, hooks=_note_on_creation(full_name, args.region, plan)
            ),
        )
        self.id = acl.id
        self.register_outputs({"id": self.id, "wider": list(plan.wider)})


def _note_on_creation(name: str, region: str, plan: AclPlan) -> pulumi.ResourceHookBinding | None:
    """Return a hook that reports rules wider than the groups: where the ACL changes, and in its preview, only."""
    count = len(plan.wider)
    if not count:
        return None
    text = (
        f"{region}: {count} of the {len(plan.rules)} rules of the network ACL permit more than the security "
        "groups, which still deny it. To list them, run: python -m operations ports"
    )

    def report(_args: pulumi.ResourceHookArgs) -> None:
        pulumi.info(text)

    options = pulumi.ResourceHookOptions(on_dry_run=True, ignore_errors=True)
    return pulumi.ResourceHookBinding(before_create=[pulumi.ResourceHook(f"{name}-wider", report, options)])


def _acl_rule(rule: AclRule) -> _AclRule:
    icmp = rule.protocol in _ICMP
    without_ports = icmp or rule.from_port == ANY_PORT
    ipv4 = isinstance(rule.network, IPv4Network)
    return {
        "action": "allow" if rule.allows else "deny",
        "rule_no": rule.number,
        "protocol": f"{rule.protocol}",
        "from_port": 0 if without_ports else rule.from_port,
        "to_port": 0 if without_ports else rule.to_port,
        "icmp_type": rule.from_port if icmp else None,
        "icmp_code": rule.to_port if icmp else None,
        "cidr_block": f"{rule.network}" if ipv4 else None,
        "ipv6_cidr_block": None if ipv4 else f"{rule.network}",
    }
