"""Comparison of a site's Route 53 Resolver endpoints, rules and share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.domain_controllers import names
from components.domain_controllers.traffic_requirements import Direction
from operations.inventory.reader import ReadFailure, known
from operations.verify.findings import Check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from components.domain_controllers.settings import ResolverSiteSettings
    from operations.deployment import SiteDeployment
    from operations.findings import Finding
    from operations.inventory.domain_controllers import ControllerFacts, SitePlacement
    from operations.inventory.name_resolution import NameResolutionFacts, ResolverEndpoint
    from operations.inventory.network import SecurityGroup, SecurityGroupRule

Traffic = tuple[str, str, int, int, str]
"""Direction, protocol, first and last port, and peer of a rule."""

_OUTBOUND, _INBOUND = "outbound", "inbound"


def name_resolution_findings(
    site: SiteDeployment,
    placement: SitePlacement,
    live: NameResolutionFacts | ReadFailure | None,
    *,
    controllers_group: str,
    controllers: Sequence[ControllerFacts] | ReadFailure,
) -> list[Finding]:
    """Compare endpoints, their groups, rules with their VPCs, and the share.

    `controllers_group` is the ID of the controllers' first group; "": it does not exist.
    """
    settings = site.section.resolver_endpoints
    region = site.deployment.region
    if settings is None or live is None:
        return []
    expected = f"Route 53 Resolver endpoints and rules for {', '.join(settings.domains)}"
    for unread in (live, controllers):
        if isinstance(unread, ReadFailure):
            return [Check("directory-resolver-outbound", expected).report_unread(unread)]
    live, controllers = known(live), known(controllers)
    own = settings.sites[region]
    to_controllers: set[Traffic] = {
        (Direction.EGRESS, each, names.DNS_PORT, names.DNS_PORT, controllers_group) for each in names.DNS_PROTOCOLS
    }
    from_sources: set[Traffic] = {
        (Direction.INGRESS, each, names.DNS_PORT, names.DNS_PORT, cidr)
        for each in names.DNS_PROTOCOLS
        for cidr in own.inbound_sources
    }
    findings = [_endpoint(site, placement, live, _OUTBOUND, to_controllers)]
    if own.inbound_sources:
        findings.append(_endpoint(site, placement, live, _INBOUND, from_sources))
    addresses = {*own.controller_addresses, *(each.address for each in controllers)}
    findings += [_rule(site, live, domain, own, addresses) for domain in settings.domains]
    return [*findings, *([_share(site, live, settings.share_with)] if settings.share_with else [])]


def _endpoint(
    site: SiteDeployment,
    placement: SitePlacement,
    live: NameResolutionFacts,
    direction: str,
    rules: set[Traffic],
) -> Finding:
    name = names.resolver_name(names.site_name(site.deployment.region), direction)
    zones: dict[str, str] = {}
    for each in placement.subnets:
        zones.setdefault(each.zone, each.id)
    groups = [each for each in live.groups if each.name == name]
    found = [each for each in live.endpoints if each.name == name]
    differences: list[str] = []
    removals: list[str] = []
    if len(groups) != 1:
        differences.append(f"{len(groups)} security groups {name}")
    else:
        differences += _group_differences(groups[0], rules)
        removals = [
            f"aws ec2 revoke-security-group-{each.direction} --group-id {groups[0].id} --security-group-rule-ids {each.id} "
            f"--region {site.deployment.region}"
            for each in groups[0].rules
            if _traffic_of(each) not in rules
        ]
    if len(found) != 1:
        differences.append(f"{len(found)} endpoints {name}")
    else:
        differences += _endpoint_differences(
            found[0], direction, frozenset(zones.values()), frozenset(each.id for each in groups)
        )
    return Check(
        f"directory-resolver-{direction}",
        f"endpoint {name} is operational in {', '.join(zones.values())}, with the group {name} for DNS only",
        _remedy(site, removals),
    ).report(differences, ", ".join(each.id for each in found))


def _endpoint_differences(
    found: ResolverEndpoint, direction: str, subnets: frozenset[str], groups: frozenset[str]
) -> list[str]:
    differences = [f"it is {found.status}"] if found.status != "OPERATIONAL" else []
    differences += [f"it is {found.direction}"] if found.direction != direction.upper() else []
    if found.subnet_ids != subnets:
        differences.append(f"it is in {', '.join(sorted(found.subnet_ids))}")
    if found.group_ids != groups:
        differences.append(f"its security groups are {', '.join(sorted(found.group_ids))}")
    return differences


def _traffic_of(rule: SecurityGroupRule) -> Traffic:
    return (rule.direction, rule.protocol, rule.from_port, rule.to_port, rule.peer)


def _remedy(site: SiteDeployment, removals: Sequence[str]) -> str:
    """Return the commands that remove what is in no plan, which an update leaves alone, and the update."""
    return " && ".join([*removals, site.deployment.repair])


def _group_differences(group: SecurityGroup, planned: set[Traffic]) -> list[str]:
    rules = {_traffic_of(each): each for each in group.rules}
    missing = [f"missing: {each[0]} {each[1]} {each[2]} {each[4]}" for each in sorted(planned) if each not in rules]
    return missing + [f"unexpected: {each} ({each.id})" for key, each in rules.items() if key not in planned]


def _rule(
    site: SiteDeployment, live: NameResolutionFacts, domain: str, own: ResolverSiteSettings, addresses: set[str]
) -> Finding:
    name = names.resolver_rule_name(domain)
    outbound = names.resolver_name(names.site_name(site.deployment.region), _OUTBOUND)
    endpoints = [each.id for each in live.endpoints if each.name == outbound]
    found = [each for each in live.rules if each.name == name and each.domain == domain]
    differences = [f"{len(found)} rules {name} for {domain}"] if len(found) != 1 else []
    removals: list[str] = []
    for rule in found[:1]:
        targets = {(each, names.DNS_PORT) for each in addresses}
        differences += [f"it is {rule.status}"] if rule.status != "COMPLETE" else []
        differences += [f"queries leave by {rule.endpoint_id}"] if [rule.endpoint_id] != endpoints else []
        differences += [f"missing target: {ip}:{port}" for ip, port in sorted(targets - rule.targets)]
        differences += [f"unexpected target: {ip}:{port}" for ip, port in sorted(rule.targets - targets)]
        vpcs = {id_ for each in own.vpcs for id_ in live.vpcs.get(each, ())}
        differences += [f"not associated with {each}" for each in sorted(vpcs - rule.vpc_ids)]
        differences += [f"also associated with {each}" for each in sorted(rule.vpc_ids - vpcs)]
        removals = [
            f"aws route53resolver disassociate-resolver-rule --resolver-rule-id {rule.id} --vpc-id {each} "
            f"--region {site.deployment.region}"
            for each in sorted(rule.vpc_ids - vpcs)
        ]
    return Check(
        f"directory-resolver-rule-{domain}",
        f"rule {name} forwards {domain} to {', '.join(sorted(addresses))}, for {', '.join(own.vpcs) or 'no VPC'}",
        _remedy(site, removals),
    ).report(differences, ", ".join(each.id for each in found))


def _share(site: SiteDeployment, live: NameResolutionFacts, principals: Sequence[str]) -> Finding:
    differences = [f"{len(live.shares)} shares {names.RESOLVER_SHARE}"] if len(live.shares) != 1 else []
    removals: list[str] = []
    for share in live.shares[:1]:
        rules = {each.arn for each in live.rules}
        differences += ["principals outside the organization are possible"] if share.allows_external else []
        differences += [f"not shared with {each}" for each in principals if each not in share.principals]
        differences += [f"shared with {each}" for each in sorted(share.principals - set(principals))]
        differences += [f"not shared: {each}" for each in sorted(rules - share.resources)]
        differences += [f"also shared with: {each}" for each in sorted(share.resources - rules)]
        removals = [
            f"aws ram disassociate-resource-share --resource-share-arn {share.arn} --{kind} {each} "
            f"--region {site.deployment.region}"
            for kind, several in (
                ("principals", share.principals - set(principals)),
                ("resource-arns", share.resources - rules),
            )
            for each in sorted(several)
        ]
    return Check(
        "directory-resolver-share",
        f"the rules are shared with {', '.join(principals)}, within the organization",
        _remedy(site, removals),
    ).report(differences, ", ".join(each.arn for each in live.shares))
