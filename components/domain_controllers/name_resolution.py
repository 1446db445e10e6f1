"""Route 53 Resolver endpoints of a site, and rules that forward the directory's domains to its controllers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi
from pulumi_aws.ec2 import SecurityGroup
from pulumi_aws.ram import PrincipalAssociation, ResourceAssociation, ResourceShare
from pulumi_aws.route53 import (
    ResolverEndpoint,
    ResolverEndpointIpAddressArgs,
    ResolverRule,
    ResolverRuleAssociation,
    ResolverRuleTargetIpArgs,
)
from pulumi_aws.vpc import SecurityGroupEgressRule, SecurityGroupIngressRule

from components.domain_controllers.names import (
    DNS_PORT,
    DNS_PROTOCOLS,
    RESOLVER_SHARE,
    ROLE_TAG,
    resolver_name,
    resolver_rule_name,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.domain_controllers.settings import ResolverEndpointsSettings


@dataclass(frozen=True, kw_only=True)
class NameResolutionArgs:
    """Arguments of a site's name resolution.

    Attributes:
        region: Region of the site.
        vpc_id: VPC of the site.
        subnet_ids: Subnets of the endpoints, one per zone.
        settings: Domains, shares and sites.
        vpcs: IDs of VPCs that resolve the domains, by their names in the settings.
        outbound_group: Security group of the outbound endpoint, see `outbound_group`.
        controllers_group_id: Group of all controllers of the site.
        addresses: Private addresses of the controllers that the stack creates.
        tags: Tags applied to all taggable resources.
    """

    region: str
    vpc_id: str
    subnet_ids: Sequence[str]
    settings: ResolverEndpointsSettings
    vpcs: Mapping[str, str]
    outbound_group: SecurityGroup
    controllers_group_id: pulumi.Input[str]
    addresses: Sequence[pulumi.Input[str]]
    tags: dict[str, str] = field(default_factory=dict[str, str])


def resolver_group(  # noqa: PLR0913 -- what the resource consists of
    name: str, direction: str, *, region: str, vpc_id: str, tags: Mapping[str, str], opts: pulumi.ResourceOptions
) -> SecurityGroup:
    """Return the security group of an endpoint, without rules; the controllers' rules refer to that of the outbound one."""
    full_name = resolver_name(name, direction)
    return SecurityGroup(
        full_name,
        description=f"Route 53 Resolver {direction} endpoint of the directory",
        vpc_id=vpc_id,
        region=region,
        tags={**tags, "Name": full_name},
        opts=opts,
    )


class NameResolution(pulumi.ComponentResource):
    """Endpoints, rules, their associations with VPCs, and their share.

    Attributes:
        rule_ids: IDs of the rules by domain.
    """

    def __init__(self, name: str, args: NameResolutionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shell-access:domainControllers:NameResolution", name, None, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        outbound = self._outbound()
        if args.settings.sites[args.region].inbound_sources:
            self._inbound()
        rules = {domain: self._rule(domain, outbound) for domain in args.settings.domains}
        if args.settings.share_with:
            self._share(rules)
        self.rule_ids = {domain: each.id for domain, each in rules.items()}
        self.register_outputs({"ruleIds": self.rule_ids})

    def _outbound(self) -> ResolverEndpoint:
        args = self._args
        rules = [
            SecurityGroupEgressRule(
                f"{resolver_name(self._name, 'outbound')}-{protocol}",
                security_group_id=args.outbound_group.id,
                description="Queries to domain controllers",
                ip_protocol=protocol,
                from_port=DNS_PORT,
                to_port=DNS_PORT,
                referenced_security_group_id=args.controllers_group_id,
                region=args.region,
                tags={**args.tags, "Name": f"egress-{protocol}-{DNS_PORT}-controllers"},
                opts=self._child,
            )
            for protocol in DNS_PROTOCOLS
        ]
        return self._endpoint("outbound", args.outbound_group, rules)

    def _inbound(self) -> ResolverEndpoint:
        args = self._args
        group = resolver_group(
            self._name, "inbound", region=args.region, vpc_id=args.vpc_id, tags=args.tags, opts=self._child
        )
        rules = [
            SecurityGroupIngressRule(
                f"{resolver_name(self._name, 'inbound')}-{protocol}-{cidr.replace('/', '-')}",
                security_group_id=group.id,
                description="Queries of DNS servers for names in AWS",
                ip_protocol=protocol,
                from_port=DNS_PORT,
                to_port=DNS_PORT,
                cidr_ipv4=cidr,
                region=args.region,
                tags={**args.tags, "Name": f"ingress-{protocol}-{DNS_PORT}-{cidr.replace('/', '-')}"},
                opts=self._child,
            )
            for protocol in DNS_PROTOCOLS
            for cidr in args.settings.sites[args.region].inbound_sources
        ]
        return self._endpoint("inbound", group, rules)

    def _endpoint(self, direction: str, group: SecurityGroup, rules: Sequence[pulumi.Resource]) -> ResolverEndpoint:
        args, full_name = self._args, resolver_name(self._name, direction)
        return ResolverEndpoint(
            full_name,
            name=full_name,
            direction=direction.upper(),
            security_group_ids=[group.id],
            ip_addresses=[ResolverEndpointIpAddressArgs(subnet_id=each) for each in args.subnet_ids],
            region=args.region,
            tags=self._tags(full_name),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*rules]),
        )

    def _rule(self, domain: str, outbound: ResolverEndpoint) -> ResolverRule:
        args, site = self._args, self._args.settings.sites[self._args.region]
        name = f"{self._name}-resolver-{domain}"
        rule = ResolverRule(
            name,
            name=resolver_rule_name(domain),
            domain_name=domain,
            rule_type="FORWARD",
            resolver_endpoint_id=outbound.id,
            target_ips=[ResolverRuleTargetIpArgs(ip=each) for each in (*args.addresses, *site.controller_addresses)],
            region=args.region,
            tags=self._tags(resolver_rule_name(domain)),
            opts=self._child,
        )
        for given, vpc_id in args.vpcs.items():
            ResolverRuleAssociation(
                f"{name}-{given}",
                name=resolver_rule_name(domain),
                resolver_rule_id=rule.id,
                vpc_id=vpc_id,
                region=args.region,
                opts=self._child,
            )
        return rule

    def _share(self, rules: Mapping[str, ResolverRule]) -> None:
        """Share the rules within the organization; a shared rule uses the endpoint of this account."""
        args, name = self._args, f"{self._name}-resolver"
        share = ResourceShare(
            name,
            name=RESOLVER_SHARE,
            allow_external_principals=False,
            region=args.region,
            tags=self._tags(RESOLVER_SHARE),
            opts=self._child,
        )
        for domain, rule in rules.items():
            ResourceAssociation(
                f"{name}-{domain}",
                resource_share_arn=share.arn,
                resource_arn=rule.arn,
                region=args.region,
                opts=self._child,
            )
        for principal in args.settings.share_with:
            PrincipalAssociation(
                f"{name}-{principal.rpartition(':')[2]}",
                resource_share_arn=share.arn,
                principal=principal,
                region=args.region,
                opts=self._child,
            )

    def _tags(self, name: str) -> dict[str, str]:
        return {**self._args.tags, "Name": name, **dict([ROLE_TAG])}
