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
    from operations.inventory.name_resolution import NameResolutionFacts
    from operations.inventory.network import SecurityGroup
    from operations.inventory.reader import Answer

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
    site: SiteDeployment, placement: SitePlacement, live: NameResolutionFacts, direction: str, rules: set[Traffic]
) -> Finding:
    name = names.resolver_name(names.site_name(site.deployment.region), direction)
    zones: dict[str, str] = {}
    for each in placement.subnets:
        zones.setdefault(each.zone, each.id)
    groups = [each for each in live.groups if each.name == name]
    found = [each for each in live.endpoints if each["Name"] == name]
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
            if each.key not in rules
        ]
    if len(found) != 1:
        differences.append(f"{len(found)} endpoints {name}")
    else:
        differences += _endpoint_differences(found[0], direction, set(zones.values()), {each.id for each in groups})
    return Check(
        f"directory-resolver-{direction}",
        f"endpoint {name} is operational in {', '.join(zones.values())}, with the group {name} for DNS only",
        _remedy(site, removals),
    ).report(differences, ", ".join(each["Id"] for each in found))


def _endpoint_differences(found: Answer, direction: str, subnets: set[str], groups: set[str]) -> list[str]:
    differences = [f"it is {found['Status']}"] if found["Status"] != "OPERATIONAL" else []
    differences += [f"it is {found['Direction']}"] if found["Direction"] != direction.upper() else []
    if set(found["SubnetIds"]) != subnets:
        differences.append(f"it is in {', '.join(sorted(set(found['SubnetIds'])))}")
    if set(found["SecurityGroupIds"]) != groups:
        differences.append(f"its security groups are {', '.join(sorted(found['SecurityGroupIds']))}")
    return differences


def _remedy(site: SiteDeployment, removals: Sequence[str]) -> str:
    """Return the commands that remove what is in no plan, which an update leaves alone, and the update."""
    return " && ".join([*removals, site.deployment.repair])


def _group_differences(group: SecurityGroup, planned: set[Traffic]) -> list[str]:
    rules = {each.key: each for each in group.rules}
    missing = [f"missing: {each[0]} {each[1]} {each[2]} {each[4]}" for each in sorted(planned) if each not in rules]
    return missing + [f"unexpected: {each} ({each.id})" for key, each in rules.items() if key not in planned]


def _rule(
    site: SiteDeployment, live: NameResolutionFacts, domain: str, own: ResolverSiteSettings, addresses: set[str]
) -> Finding:
    name = names.resolver_rule_name(domain)
    outbound = names.resolver_name(names.site_name(site.deployment.region), _OUTBOUND)
    endpoints = [each["Id"] for each in live.endpoints if each["Name"] == outbound]
    found = [each for each in live.rules if each["Name"] == name and each["DomainName"].rstrip(".") == domain]
    differences = [f"{len(found)} rules {name} for {domain}"] if len(found) != 1 else []
    removals: list[str] = []
    for rule in found[:1]:
        desired = {(each, names.DNS_PORT) for each in addresses}
        targets = {(each["Ip"], each.get("Port", names.DNS_PORT)) for each in rule.get("TargetIps") or ()}
        vpcs, associated = {id_ for each in own.vpcs for id_ in live.vpcs.get(each, ())}, set(rule["VPCIds"])
        leaves_by = rule.get("ResolverEndpointId", "")
        differences += [f"it is {rule['Status']}"] if rule["Status"] != "COMPLETE" else []
        differences += [f"queries leave by {leaves_by}"] if [leaves_by] != endpoints else []
        differences += [f"missing target: {ip}:{port}" for ip, port in sorted(desired - targets)]
        differences += [f"unexpected target: {ip}:{port}" for ip, port in sorted(targets - desired)]
        differences += [f"not associated with {each}" for each in sorted(vpcs - associated)]
        differences += [f"also associated with {each}" for each in sorted(associated - vpcs)]
        removals = [
            f"aws route53resolver disassociate-resolver-rule --resolver-rule-id {rule['Id']} --vpc-id {each} "
            f"--region {site.deployment.region}"
            for each in sorted(associated - vpcs)
        ]
    return Check(
        f"directory-resolver-rule-{domain}",
        f"rule {name} forwards {domain} to {', '.join(sorted(addresses))}, for {', '.join(own.vpcs) or 'no VPC'}",
        _remedy(site, removals),
    ).report(differences, ", ".join(each["Id"] for each in found))


def _share(site: SiteDeployment, live: NameResolutionFacts, principals: Sequence[str]) -> Finding:
    differences = [f"{len(live.shares)} shares {names.RESOLVER_SHARE}"] if len(live.shares) != 1 else []
    removals: list[str] = []
    for share in live.shares[:1]:
        rules, resources = {each["Arn"] for each in live.rules}, share["resources"]
        desired, admitted = set(principals), share["principals"]
        differences += (
            ["principals outside the organization are possible"] if share.get("allowExternalPrincipals") else []
        )
        differences += [f"not shared with {each}" for each in principals if each not in admitted]
        differences += [f"shared with {each}" for each in sorted(admitted - desired)]
        differences += [f"not shared: {each}" for each in sorted(rules - resources)]
        differences += [f"also shared with: {each}" for each in sorted(resources - rules)]
        removals = [
            f"aws ram disassociate-resource-share --resource-share-arn {share['resourceShareArn']} --{kind} {each} "
            f"--region {site.deployment.region}"
            for kind, several in (("principals", admitted - desired), ("resource-arns", resources - rules))
            for each in sorted(several)
        ]
    return Check(
        "directory-resolver-share",
        f"the rules are shared with {', '.join(principals)}, within the organization",
        _remedy(site, removals),
    ).report(differences, ", ".join(each["resourceShareArn"] for each in live.shares))
