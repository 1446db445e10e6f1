"""Route 53 Resolver endpoints, rules and resource shares of a site of domain controllers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from components.domain_controllers.names import RESOLVER_SHARE, resolver_name, resolver_rule_name, site_name
from operations.inventory.network import filters, read_groups, read_vpc_ids
from operations.inventory.reader import Reader, known, returns_failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.domain_controllers.settings import ResolverEndpointsSettings
    from operations.inventory.network import SecurityGroup


@dataclass(frozen=True, kw_only=True)
class ResolverEndpoint:
    """A resolver endpoint.

    Attributes:
        id: ID, `rslvr-out-...`.
        direction: `INBOUND` or `OUTBOUND`.
        status: `OPERATIONAL`, ...
    """

    id: str
    name: str
    direction: str
    status: str
    group_ids: frozenset[str]
    subnet_ids: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class ResolverRule:
    """A resolver rule of this account.

    Attributes:
        id: ID, `rslvr-rr-...`.
        domain: Domain, without the final dot.
        status: `COMPLETE`, ...
        endpoint_id: Endpoint that queries leave by.
        targets: Addresses and ports that queries go to.
    """

    id: str
    arn: str
    name: str
    domain: str
    status: str
    endpoint_id: str
    targets: frozenset[tuple[str, int]]
    vpc_ids: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class ResourceShare:
    """A resource share.

    Attributes:
        allows_external: Whether principals outside the organization are possible.
        principals: Accounts, organizational units or organizations.
        resources: ARNs of what is shared.
    """

    arn: str
    allows_external: bool
    principals: frozenset[str]
    resources: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class NameResolutionFacts:
    """Name resolution of a site, limited to resources with the stack's names.

    Attributes:
        shares: Resource shares; empty where the settings share nothing.
        vpcs: IDs of VPCs by their names in the settings.
    """

    groups: tuple[SecurityGroup, ...] = ()
    endpoints: tuple[ResolverEndpoint, ...] = ()
    rules: tuple[ResolverRule, ...] = ()
    shares: tuple[ResourceShare, ...] = ()
    vpcs: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, "tuple[str, ...]"])

    def group_id(self, name: str) -> str:
        """Return the ID of the only group with a name; "": there is not just one."""
        found = [each.id for each in self.groups if each.name == name]
        return found[0] if len(found) == 1 else ""


_SERVICE = "route53resolver"


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


def _endpoints(reader: Reader, names: list[str]) -> tuple[ResolverEndpoint, ...]:
    found = reader.items(_SERVICE, "list_resolver_endpoints", "ResolverEndpoints")
    return tuple(
        ResolverEndpoint(
            id=each["Id"],
            name=each["Name"],
            direction=each["Direction"],
            status=each["Status"],
            group_ids=frozenset(each["SecurityGroupIds"]),
            subnet_ids=frozenset(
                address["SubnetId"]
                for address in reader.items(
                    _SERVICE, "list_resolver_endpoint_ip_addresses", "IpAddresses", ResolverEndpointId=each["Id"]
                )
            ),
        )
        for each in found
        if each.get("Name") in names
    )


def _rules(reader: Reader, names: set[str], account_id: str) -> tuple[ResolverRule, ...]:
    found = reader.items(_SERVICE, "list_resolver_rules", "ResolverRules")
    links = reader.items(_SERVICE, "list_resolver_rule_associations", "ResolverRuleAssociations")
    return tuple(
        ResolverRule(
            id=each["Id"],
            arn=each["Arn"],
            name=each["Name"],
            domain=each["DomainName"].rstrip("."),
            status=each["Status"],
            endpoint_id=each.get("ResolverEndpointId", ""),
            targets=frozenset((one["Ip"], one.get("Port", 53)) for one in each.get("TargetIps") or ()),
            vpc_ids=frozenset(one["VPCId"] for one in links if one["ResolverRuleId"] == each["Id"]),
        )
        for each in found
        # Rules that other accounts share with this one may have the same name.
        if each.get("Name") in names and each.get("OwnerId") == account_id
    )


def _shares(reader: Reader) -> tuple[ResourceShare, ...]:
    found = reader.items("ram", "get_resource_shares", "resourceShares", resourceOwner="SELF", name=RESOLVER_SHARE)
    return tuple(
        ResourceShare(
            arn=each["resourceShareArn"],
            allows_external=bool(each.get("allowExternalPrincipals")),
            principals=_entities(reader, each["resourceShareArn"], "PRINCIPAL"),
            resources=_entities(reader, each["resourceShareArn"], "RESOURCE"),
        )
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
