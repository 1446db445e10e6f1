"""Route 53 Resolver endpoints, rules and resource shares of a site of domain controllers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from components.domain_controllers.names import RESOLVER_SHARE, resolver_name, resolver_rule_name, site_name
from operations.inventory.network import filters, read_groups, read_vpc_ids
from operations.inventory.reader import Answer, Reader, known, returns_failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.domain_controllers.settings import ResolverEndpointsSettings
    from operations.inventory.network import SecurityGroup


@dataclass(frozen=True, kw_only=True)
class NameResolutionFacts:
    """Name resolution of a site, limited to resources with the stack's names.

    Attributes:
        endpoints: Resolver endpoints in the format of the API, with their subnets as `SubnetIds`.
        rules: Resolver rules of this account in the format of the API, with the VPCs that they apply to as `VPCIds`.
        shares: Resource shares in the format of the API, with `principals` and `resources` (ARNs); empty where the
            settings share nothing.
        vpcs: IDs of VPCs by their names in the settings.
    """

    groups: tuple[SecurityGroup, ...] = ()
    endpoints: tuple[Answer, ...] = ()
    rules: tuple[Answer, ...] = ()
    shares: tuple[Answer, ...] = ()
    vpcs: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, "tuple[str, ...]"])

    def group_id(self, name: str) -> str:
        """Return the ID of the only group with a name; "": there is not just one."""
        found = [each.id for each in self.groups if each.name == name]
        return found[0] if len(found) == 1 else ""


@returns_failure
def read_name_resolution(
    reader: Reader, vpc_id: str, settings: ResolverEndpointsSettings, account_id: str
) -> NameResolutionFacts:
    """Read the name resolution of a Region."""
    names = [resolver_name(site_name(reader.region), each) for each in ("outbound", "inbound")]
    by_name = [*filters(vpc_id=[vpc_id]), {"Name": "tag:Name", "Values": names}]
    return NameResolutionFacts(
        groups=known(read_groups(reader, by_name)),
        endpoints=_endpoints(reader, names),
        rules=_rules(reader, {resolver_rule_name(each) for each in settings.domains}, account_id),
        shares=_shares(reader) if settings.share_with else (),
        vpcs={each: read_vpc_ids(reader, each) for each in settings.sites[reader.region].vpcs},
    )


def _endpoints(reader: Reader, names: list[str]) -> tuple[Answer, ...]:
    found = reader.items("route53resolver", "list_resolver_endpoints", "ResolverEndpoints")
    return tuple(
        {
            **each,
            "SubnetIds": [
                address["SubnetId"]
                for address in reader.items(
                    "route53resolver",
                    "list_resolver_endpoint_ip_addresses",
                    "IpAddresses",
                    ResolverEndpointId=each["Id"],
                )
            ],
        }
        for each in found
        if each.get("Name") in names
    )


def _rules(reader: Reader, names: set[str], account_id: str) -> tuple[Answer, ...]:
    found = reader.items("route53resolver", "list_resolver_rules", "ResolverRules")
    links = reader.items("route53resolver", "list_resolver_rule_associations", "ResolverRuleAssociations")
    return tuple(
        {**each, "VPCIds": [one["VPCId"] for one in links if one["ResolverRuleId"] == each["Id"]]}
        for each in found
        # Rules that other accounts share with this one may have the same name.
        if each.get("Name") in names and each.get("OwnerId") == account_id
    )


def _shares(reader: Reader) -> tuple[Answer, ...]:
    found = reader.items("ram", "get_resource_shares", "resourceShares", resourceOwner="SELF", name=RESOLVER_SHARE)
    return tuple(
        {
            **each,
            "principals": _entities(reader, each["resourceShareArn"], "PRINCIPAL"),
            "resources": _entities(reader, each["resourceShareArn"], "RESOURCE"),
        }
        for each in found
        if each["name"] == RESOLVER_SHARE and each["status"] == "ACTIVE"
    )


def _entities(reader: Reader, arn: str, kind: str) -> frozenset[str]:
    found = reader.items(
        "ram",
        "get_resource_share_associations",
        "resourceShareAssociations",
        associationType=kind,
        resourceShareArns=[arn],
    )
    return frozenset(each["associatedEntity"] for each in found if each["status"] in ("ASSOCIATED", "ASSOCIATING"))
