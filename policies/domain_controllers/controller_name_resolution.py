"""Route 53 Resolver endpoints, rules and shares of the directory, by which instances find its controllers."""

from __future__ import annotations

from typing import Final

from pulumi_policy import Severity

from common.json_values import listed
from policies.domain_controllers.addresses import PRIVATE, is_within, parsed
from policies.domain_controllers.controller_tags import MARKS, on_controllers
from policies.findings import UNKNOWN, Findings, Resource, described
from policies.rule import Rule

ENDPOINT: Final = "aws:route53/resolverEndpoint:ResolverEndpoint"
RESOLVER_RULE: Final = "aws:route53/resolverRule:ResolverRule"
SHARE: Final = "aws:ram/resourceShare:ResourceShare"

_FEWEST: Final = 2

CONTROLLER_NAME_RESOLUTION = Rule(
    id="controller-name-resolution",
    title="Names of the directory are resolved by controllers in private networks, and shared within the organization",
    severity=Severity.HIGH,
    risk="the host that answers for the names of domain controllers receives the credentials of every host that looks them up",
    remedy="Forward the domain to private addresses of controllers, give endpoints addresses in two subnets, and leave "
    "allowExternalPrincipals false (here: shell-access:domainControllers.resolverEndpoints)",
    source="Amazon Route 53 Developer Guide, VPC Resolver (two addresses per endpoint); AWS Security Hub "
    '"Resource share"; NIST SP 800-53 r5 SC-20, SC-21, AC-4; Active Directory Domain Services on AWS (whitepaper)',
    url="https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resolver-choose-vpc.html",
    parameters=MARKS,
)


@on_controllers(CONTROLLER_NAME_RESOLUTION, ENDPOINT)
def _has_two_subnets(endpoint: Resource) -> Findings:
    addresses = listed(endpoint.value("ipAddresses"))
    subnets = [each if each is UNKNOWN else each.get("subnetId", UNKNOWN) for each in addresses]
    if UNKNOWN in subnets and len(subnets) >= _FEWEST:
        yield endpoint.unseen("ipAddresses")
    elif len(set(subnets)) < _FEWEST:
        yield endpoint.violation("ipAddresses", "addresses in two subnets, of two Availability Zones")


@on_controllers(CONTROLLER_NAME_RESOLUTION, RESOLVER_RULE)
def _forwards_to_private_addresses(rule: Resource) -> Findings:
    if rule.value("ruleType") != "FORWARD":
        return
    for number, target in enumerate(listed(rule.value("targetIps"))):
        address = UNKNOWN if target is UNKNOWN else target.get("ip") or target.get("ipv6")
        if address is UNKNOWN:
            yield rule.unseen(f"targetIps[{number}].ip")
            continue
        network = parsed(f"{address}")
        if network is None or not is_within(network, PRIVATE):
            yield rule.violation(
                f"targetIps[{number}].ip", f"a private address of a controller, not {described(address)}"
            )


@on_controllers(CONTROLLER_NAME_RESOLUTION, SHARE)
def _stays_in_the_organization(share: Resource) -> Findings:
    yield from share.require("allowExternalPrincipals", lambda value: value is False, "false")
