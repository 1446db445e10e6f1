"""Effective port matrix of a stack's domain controllers, from its settings and the networks of its subnets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import TYPE_CHECKING

from common.network import Family, Network
from common.problems import SettingsError
from components.domain_controllers.network_acl import plan_network_acl
from components.domain_controllers.planner import GroupPlan, plan_groups
from components.domain_controllers.port_tables import Options, Port, Protocol, load_tables
from components.domain_controllers.settings import known_addresses, sources
from components.domain_controllers.traffic_requirements import (
    Direction,
    Peer,
    PeerGroup,
    PeerKind,
    Source,
    Sources,
    TrafficRequirement,
    group_peer,
    network_peer,
    resolver_requirements,
    traffic_requirements,
)

if TYPE_CHECKING:
    from components.domain_controllers.network_acl import AclPlan
    from components.domain_controllers.planner import GroupPlan
    from components.domain_controllers.settings import DomainControllersSection

ENDPOINTS = group_peer("VPC endpoints")
"""Placeholder for the endpoints' security groups, whose IDs only AWS knows."""

PLACEHOLDER_NETWORKS = ip_network("198.18.0.0/15")
"""Networks for benchmark tests, which no organization uses (RFC 2544)."""

SubnetNetworks = Mapping[tuple[str, str], tuple[Network, ...]]
"""Networks of subnets, by Region and by name in the settings."""

_DIRECTIONS = {Direction.INGRESS: "in", Direction.EGRESS: "out"}


@dataclass(frozen=True, kw_only=True)
class MatrixRow:
    """Row of the matrix.

    Attributes:
        direction: Direction from the view of the domain controllers: `in`, `out` or `both`.
        name: Name of the peer in the configuration.
        peers: Networks of the peer, with the security groups or prefix lists by which rules name it.
        controllers: Networks of the site's controllers, or the names of their subnets.
        protocol: Protocol: `TCP`, `UDP`, `ICMP` or `ESP (50)`.
        port: Port, port range, `echo request` or `none`.
        use: Purpose, as in the source's table.
        traffic: Traffic type, as in the source's table.
        source: Source of the requirement: `post`, `Microsoft` or `settings`.
        table: Table and row, such as `client_to_controller: TCP 636`.
        why: Settings that the row depends on.
        note: Microsoft's requirement, if it differs.
    """

    direction: str
    name: str
    peers: tuple[str, ...]
    controllers: tuple[str, ...]
    protocol: str
    port: str
    use: str
    traffic: str
    source: str
    table: str
    why: str
    note: str


@dataclass(frozen=True, kw_only=True)
class SiteMatrix:
    """Open ports of one site.

    Attributes:
        section: Settings of all sites.
        rows: Rows, in the order of the tables.
        plan: Security groups. None if they exceed the quotas.
        acl: Network ACL. None if it exceeds the quota, or is not configured.
        acl_quota: Quota of rules per network ACL.
        quota_problem: Reason why a quota is exceeded.
        unknown: Subnets whose networks only AWS knows, as text.
        placeholders: Subnets whose networks are replaced with placeholders in the network ACL.
    """

    region: str
    section: DomainControllersSection
    rows: tuple[MatrixRow, ...]
    plan: GroupPlan | None
    acl: AclPlan | None
    acl_quota: int
    quota_problem: str
    unknown: tuple[str, ...]
    placeholders: tuple[str, ...]

    @property
    def acl_counts(self) -> dict[str, int]:
        """Number of ACL rules by direction.

        As AWS counts: of the larger address family, including the default denial.
        """
        if self.acl is None:
            return {}
        return {
            direction.value: 1 + max(self.acl.count(direction, family) for family in Family) for direction in Direction
        }


def matrix(
    section: DomainControllersSection, subnets: SubnetNetworks, region: str | None = None
) -> tuple[SiteMatrix, ...]:
    """Return the matrix of every site, or of one."""
    return tuple(_site(section, each, subnets) for each in section.sites if region in (None, each))


def _site(section: DomainControllersSection, region: str, subnets: SubnetNetworks) -> SiteMatrix:
    others = {other: site.subnets for other, site in section.sites.items() if other != region}
    known = {
        other: [network for name in names for network in subnets.get((other, name), ())]
        for other, names in others.items()
    }
    unknown = {other: [name for name in names if (other, name) not in subnets] for other, names in others.items()}
    found = sources(section, region, site_networks=known, endpoints=(ENDPOINTS,))
    required = _with_placeholders(traffic_requirements(load_tables(), section.options, found), section.options, unknown)
    plan: GroupPlan | None = None
    acl: AclPlan | None = None
    problems: list[str] = []
    try:
        plan = plan_groups(required, section.group_quotas)
    except SettingsError as exceeded:
        problems += map(str, exceeded.problems)
    placeholders = [f"{name} ({other})" for other, name in section.subnet_names if (other, name) not in subnets]
    try:
        acl = _acl(section, region, subnets) if section.network_acl else None
    except SettingsError as exceeded:
        # Placeholders are far from all other networks, so the real networks may well fit.
        problems += [] if placeholders else map(str, exceeded.problems)
    return SiteMatrix(
        region=region,
        section=section,
        rows=_rows(required, section, _controllers(section, region, subnets)),
        plan=plan,
        acl=acl,
        acl_quota=section.quotas.rules_per_network_acl,
        quota_problem="; ".join(problems),
        unknown=tuple(f"{name} ({other})" for other, names in unknown.items() for name in names),
        placeholders=tuple(dict.fromkeys(placeholders)) if section.network_acl else (),
    )


def _controllers(section: DomainControllersSection, region: str, subnets: SubnetNetworks) -> tuple[str, ...]:
    """Return the networks of a site's subnets; of a subnet that is not known, its name."""
    return tuple(
        text
        for name in section.sites[region].subnets
        for text in map(str, subnets.get((region, name), (f"subnet {name}",)))
    )


def _acl(section: DomainControllersSection, region: str, subnets: SubnetNetworks) -> AclPlan:
    """Plan the network ACL, which only supports networks: placeholders replace unknown ones, no two adjacent."""
    placeholders = (each for number, each in enumerate(PLACEHOLDER_NETWORKS.subnets(new_prefix=24)) if number % 2)
    networks = {
        other: [
            network
            for name in site.subnets
            for network in (subnets[other, name] if (other, name) in subnets else (next(placeholders),))
        ]
        for other, site in section.sites.items()
    }
    own = networks[region]
    endpoints = tuple(network_peer(each) for each in own)
    found = sources(section, region, site_networks=networks, endpoints=endpoints)
    tables = load_tables()
    return plan_network_acl(
        (
            *traffic_requirements(tables, section.options, found),
            *resolver_requirements(tables, section.options, found),
        ),
        addresses=known_addresses(section, own),
        quota=section.quotas.rules_per_network_acl,
    )


def _with_placeholders(
    required: tuple[TrafficRequirement, ...], options: Options, unknown: Mapping[str, list[str]]
) -> tuple[TrafficRequirement, ...]:
    """Add subnets with unknown networks as prefix lists with one entry, so that they are shown and counted."""
    placeholders = tuple(
        Source(
            name=f"site {other}",
            peer=Peer(kind=PeerKind.PREFIX_LIST, value=f"subnet {name}", family=Family.IPV4),
        )
        for other, names in sorted(unknown.items())
        for name in names
    )
    if not placeholders:
        return required
    pattern = traffic_requirements(load_tables(), options, Sources(on_premises=[ip_network("192.0.2.0/24")]))
    found = {each.direction: each for each in required if each.peer_group is PeerGroup.CONTROLLERS}
    rest = [each for each in required if each.peer_group is not PeerGroup.CONTROLLERS]
    return (
        *rest,
        *(
            TrafficRequirement(
                direction=each.direction,
                peer_group=each.peer_group,
                sources=(*(found[each.direction].sources if each.direction in found else ()), *placeholders),
                ports=each.ports,
            )
            for each in pattern
            if each.peer_group is PeerGroup.CONTROLLERS
        ),
    )


def _rows(
    required: tuple[TrafficRequirement, ...], section: DomainControllersSection, controllers: tuple[str, ...]
) -> tuple[MatrixRow, ...]:
    """Return one row per name and port, also if both directions are open."""
    addresses = {**known_addresses(section, ()), "itself": controllers}
    directions: dict[tuple[PeerGroup, str, Port], dict[str, None]] = {}
    peers: dict[tuple[PeerGroup, str], dict[str, None]] = {}
    order = list(PeerGroup)
    for demand in sorted(required, key=lambda each: (order.index(each.peer_group), each.direction is Direction.EGRESS)):
        for source in demand.sources:
            found = peers.setdefault((demand.peer_group, source.name), {})
            if source.peer.kind is not PeerKind.ITSELF:
                found[source.peer.value] = None
            found |= dict.fromkeys(map(str, addresses.get(source.peer.value, ())))
        for name in dict.fromkeys(source.name for source in demand.sources):
            for port in demand.ports:
                directions.setdefault((demand.peer_group, name, port), {})[_DIRECTIONS[demand.direction]] = None
    return tuple(
        MatrixRow(
            direction="both" if len(direction) > 1 else next(iter(direction)),
            name=name,
            peers=tuple(peers[peer_group, name]),
            controllers=controllers,
            protocol=port.protocol.display_name,
            port=_port(port),
            use=port.row.use,
            traffic=port.row.traffic,
            source=port.row.origin,
            table=port.origin,
            why=_settings_of(port, section.options),
            note=port.row.microsoft,
        )
        for (peer_group, name, port), direction in directions.items()
    )


def _port(port: Port) -> str:
    if port.protocol in (Protocol.ICMP, Protocol.ESP):
        return port.row.port
    return f"{port.first}" if port.first == port.last else f"{port.first}-{port.last}"


def _settings_of(port: Port, options: Options) -> str:
    if port.row.origin == "settings":
        return port.table
    reasons = [f"profile: {options.profile}"]
    if port.row.when != "always":
        reasons.append(f"{port.row.when}: true")
    if port.row.rpc.startswith("replaced") and options.rpc_ports:
        reasons.append(f"fixed RPC port in place of {port.row.port}")
    return ", ".join(reasons)
