"""Route 53 Resolver endpoints of a site, and rules that forward the directory's domains to its controllers."""

from __future__ import annotations

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
    from components.domain_controllers.site import SiteArgs


def resolver_group(name: str, direction: str, args: SiteArgs, opts: pulumi.ResourceOptions) -> SecurityGroup:
    """Return the security group of an endpoint, without rules; the controllers' rules refer to that of the outbound one."""
    full_name = resolver_name(name, direction)
    return SecurityGroup(
        full_name,
        description=f"Route 53 Resolver {direction} endpoint of the directory",
        vpc_id=args.resources.network.vpc_id,
        region=args.region,
        tags={**args.tags, "Name": full_name},
        opts=opts,
    )


class NameResolution(pulumi.ComponentResource):
    """Endpoints, rules, their associations with VPCs, and their share.

    Attributes:
        rule_ids: IDs of the rules by domain.
    """

    def __init__(  # noqa: PLR0913 -- keyword arguments of a resource
        self,
        name: str,
        args: SiteArgs,
        settings: ResolverEndpointsSettings,
        *,
        outbound_group: SecurityGroup,
        controllers_group_id: pulumi.Input[str],
        addresses: Sequence[pulumi.Input[str]],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("shell-access:domainControllers:NameResolution", name, None, opts)
        self._name, self._args, self._site = name, args, settings.sites[args.region]
        self._child = pulumi.ResourceOptions(parent=self)
        outbound = self._outbound(outbound_group, controllers_group_id)
        if self._site.inbound_sources:
            self._inbound()
        targets = [*addresses, *self._site.controller_addresses]
        rules = {domain: self._rule(domain, outbound, targets) for domain in settings.domains}
        if settings.share_with:
            self._share(rules, settings.share_with)
        self.rule_ids = {domain: each.id for domain, each in rules.items()}
        self.register_outputs({"ruleIds": self.rule_ids})

    def _outbound(self, group: SecurityGroup, controllers_group_id: pulumi.Input[str]) -> ResolverEndpoint:
        args = self._args
        rules = [
            SecurityGroupEgressRule(
                f"{resolver_name(self._name, 'outbound')}-{protocol}",
                security_group_id=group.id,
                description="Queries to domain controllers",
                ip_protocol=protocol,
                from_port=DNS_PORT,
                to_port=DNS_PORT,
                referenced_security_group_id=controllers_group_id,
                region=args.region,
                tags={**args.tags, "Name": f"egress-{protocol}-{DNS_PORT}-controllers"},
                opts=self._child,
            )
            for protocol in DNS_PROTOCOLS
        ]
        return self._endpoint("outbound", group, rules)

    def _inbound(self) -> ResolverEndpoint:
        args = self._args
        group = resolver_group(self._name, "inbound", args, self._child)
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
            for cidr in self._site.inbound_sources
        ]
        return self._endpoint("inbound", group, rules)

    def _endpoint(self, direction: str, group: SecurityGroup, rules: Sequence[pulumi.Resource]) -> ResolverEndpoint:
        args, full_name = self._args, resolver_name(self._name, direction)
        subnets = args.resources.network.one_subnet_a_zone().subnet_ids
        return ResolverEndpoint(
            full_name,
            name=full_name,
            direction=direction.upper(),
            security_group_ids=[group.id],
            ip_addresses=[ResolverEndpointIpAddressArgs(subnet_id=each) for each in subnets],
            region=args.region,
            tags=self._tags(full_name),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*rules]),
        )

    def _rule(self, domain: str, outbound: ResolverEndpoint, targets: Sequence[pulumi.Input[str]]) -> ResolverRule:
        args = self._args
        name = f"{self._name}-resolver-{domain}"
        rule = ResolverRule(
            name,
            name=resolver_rule_name(domain),
            domain_name=domain,
            rule_type="FORWARD",
            resolver_endpoint_id=outbound.id,
            target_ips=[ResolverRuleTargetIpArgs(ip=each) for each in targets],
            region=args.region,
            tags=self._tags(resolver_rule_name(domain)),
            opts=self._child,
        )
        for given, vpc_id in args.resources.resolver_vpcs.items():
            ResolverRuleAssociation(
                f"{name}-{given}",
                name=resolver_rule_name(domain),
                resolver_rule_id=rule.id,
                vpc_id=vpc_id,
                region=args.region,
                opts=self._child,
            )
        return rule

    def _share(self, rules: Mapping[str, ResolverRule], principals: Sequence[str]) -> None:
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
        for principal in principals:
            PrincipalAssociation(
                f"{name}-{principal.rpartition(':')[2]}",
                resource_share_arn=share.arn,
                principal=principal,
                region=args.region,
                opts=self._child,
            )

    def _tags(self, name: str) -> dict[str, str]:
        return {**self._args.tags, "Name": name, **dict([ROLE_TAG])}
