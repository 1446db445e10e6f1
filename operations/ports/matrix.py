"""Effective port matrix of a stack's domain controllers, from its settings alone, and evaluation of a packet."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from common.network import Family, Network
from common.problems import SettingsError
from components.domain_controllers.network_acl import plan_network_acl
from components.domain_controllers.packet_evaluation import admitting, packet, permissions
from components.domain_controllers.planner import GroupPlan, plan_groups
from components.domain_controllers.port_tables import ECHO_REQUEST, HIGHEST_PORT, Options, Port, Protocol, load_tables
from components.domain_controllers.security_group_rules import ECHO_REQUEST_V6, PlannedRule
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
    traffic_requirements,
)
from operations.errors import UnusableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.domain_controllers.network_acl import AclPlan
    from components.domain_controllers.planner import GroupPlan
    from components.domain_controllers.settings import DomainControllersSection

ENDPOINTS = group_peer("VPC endpoints")
"""Placeholder for the endpoints' security groups, whose IDs only AWS knows."""

PLACEHOLDER_NETWORKS = ip_network("198.18.0.0/15")
"""Networks for benchmark tests, which no organization uses (RFC 2544)."""

_OUTSIDE_ADDRESS = "192.0.2.1"
"""Address outside every organization's networks (RFC 5737), for packets from a security group."""

_PORT = re.compile(r"(?:(tcp|udp)/)?([0-9]{1,5})|icmp", re.IGNORECASE)
_GROUP = re.compile(r"sg-[0-9a-f]{8,17}")
_DIRECTIONS = {Direction.INGRESS: "in", Direction.EGRESS: "out"}


@dataclass(frozen=True, kw_only=True)
class MatrixRow:
    """Row of the matrix.

    Attributes:
        direction: Direction from the view of the domain controllers: `in`, `out` or `both`.
        name: Name of the peer in the configuration.
        peers: Networks, security groups or prefix lists of the peer.
        protocol: Protocol: `TCP`, `UDP` or `ICMP`.
        port: Port, port range or `echo request`.
        use: Purpose, as in the source's table.
        traffic: Traffic type, as in the source's table.
        source: Source of the requirement: `post` or `Microsoft`.
        table: Table and row, such as `client_to_controller: TCP 636`.
        why: Settings that the row depends on.
        note: Microsoft's requirement, if it differs.
    """

    direction: str
    name: str
    peers: tuple[str, ...]
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
        region: Region of the site.
        rows: Rows, in the order of the tables.
        plan: Security groups. None if they exceed the quotas.
        acl: Network ACL. None if it exceeds the quota, or is not configured.
        acl_quota: Quota of rules per network ACL.
        quota_problem: Reason why a quota is exceeded.
        unknown: Subnets whose networks only AWS knows, as text.
        placeholders: Subnets whose networks are replaced with placeholders in the network ACL.
    """

    region: str
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
    section: DomainControllersSection, subnets: Mapping[str, Network], region: str | None = None
) -> tuple[SiteMatrix, ...]:
    """Return the matrix of every site, or of one.

    Args:
        section: Settings of domain controllers.
        subnets: Networks of subnets, by their names in the settings.
        region: Region of the only site to return. None: all sites.
    """
    return tuple(_site(section, each, subnets) for each in section.sites if region in (None, each))


def _site(section: DomainControllersSection, region: str, subnets: Mapping[str, Network]) -> SiteMatrix:
    others = {other: site.subnets for other, site in section.sites.items() if other != region}
    known = {other: [subnets[name] for name in names if name in subnets] for other, names in others.items()}
    unknown = {other: [name for name in names if name not in subnets] for other, names in others.items()}
    found = sources(section, region, site_networks=known, endpoints=(ENDPOINTS,))
    required = _with_placeholders(traffic_requirements(load_tables(), section.options, found), section.options, unknown)
    plan: GroupPlan | None = None
    acl: AclPlan | None = None
    problems: list[str] = []
    try:
        plan = plan_groups(required, section.group_quotas)
    except SettingsError as exceeded:
        problems += map(str, exceeded.problems)
    placeholders = [name for each in section.sites.values() for name in each.subnets if name not in subnets]
    try:
        acl = _acl(section, region, subnets) if section.network_acl else None
    except SettingsError as exceeded:
        # Placeholders are far from all other networks, so the real networks may well fit.
        problems += [] if placeholders else map(str, exceeded.problems)
    return SiteMatrix(
        region=region,
        rows=_rows(required, section.options),
        plan=plan,
        acl=acl,
        acl_quota=section.quotas.rules_per_network_acl,
        quota_problem="; ".join(problems),
        unknown=tuple(f"{name} ({other})" for other, names in unknown.items() for name in names),
        placeholders=tuple(dict.fromkeys(placeholders)) if section.network_acl else (),
    )


def _acl(section: DomainControllersSection, region: str, subnets: Mapping[str, Network]) -> AclPlan:
    """Plan the network ACL, which only supports networks: placeholders replace unknown ones, no two adjacent."""
    placeholders = (each for number, each in enumerate(PLACEHOLDER_NETWORKS.subnets(new_prefix=24)) if number % 2)
    networks = {
        other: [subnets[name] if name in subnets else next(placeholders) for name in site.subnets]
        for other, site in section.sites.items()
    }
    own = networks[region]
    endpoints = tuple(network_peer(each) for each in own)
    found = sources(section, region, site_networks=networks, endpoints=endpoints)
    return plan_network_acl(
        traffic_requirements(load_tables(), section.options, found),
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


def _rows(required: tuple[TrafficRequirement, ...], options: Options) -> tuple[MatrixRow, ...]:
    """Return one row per name and port, also if both directions are open."""
    directions: dict[tuple[PeerGroup, str, Port], dict[str, None]] = {}
    peers: dict[tuple[PeerGroup, str], dict[str, None]] = {}
    order = list(PeerGroup)
    for demand in sorted(required, key=lambda each: (order.index(each.peer_group), each.direction is Direction.EGRESS)):
        for source in demand.sources:
            peers.setdefault((demand.peer_group, source.name), {})[source.peer.value] = None
        for name in dict.fromkeys(source.name for source in demand.sources):
            for port in demand.ports:
                directions.setdefault((demand.peer_group, name, port), {})[_DIRECTIONS[demand.direction]] = None
    return tuple(
        MatrixRow(
            direction="both" if len(direction) > 1 else next(iter(direction)),
            name=name,
            peers=tuple(peers[peer_group, name]),
            protocol=port.protocol.upper(),
            port=_port(port),
            use=port.row.use,
            traffic=port.row.traffic,
            source=port.row.origin,
            table=port.origin,
            why=_settings_of(port, options),
            note=port.row.microsoft,
        )
        for (peer_group, name, port), direction in directions.items()
    )


def _port(port: Port) -> str:
    if port.protocol is Protocol.ICMP and port.first == ECHO_REQUEST:
        return port.row.port
    return f"{port.first}" if port.first == port.last else f"{port.first}-{port.last}"


def _settings_of(port: Port, options: Options) -> str:
    reasons = [f"profile: {options.profile}"]
    if port.row.when != "always":
        reasons.append(f"{port.row.when}: true")
    if port.row.rpc.startswith("replaced") and options.rpc_ports:
        reasons.append(f"fixed RPC port in place of {port.row.port}")
    return ", ".join(reasons)


@dataclass(frozen=True, kw_only=True)
class PacketQuery:
    """Packet to evaluate.

    Attributes:
        client: Source address or security group ID.
        protocol: Protocol: `tcp`, `udp`, `icmp` or `icmpv6`.
        port: Destination port, or ICMP type.
    """

    client: str
    protocol: str
    port: int


@dataclass(frozen=True, kw_only=True)
class PacketResult:
    """Result for a packet.

    Attributes:
        region: Region of the site.
        query: Packet.
        rule: PlannedRule that allows the packet. None: it is denied.
        group: Security group with the rule.
        client_names: Names of the client in the configuration.
    """

    region: str
    query: PacketQuery
    rule: PlannedRule | None
    group: str = ""
    client_names: tuple[str, ...] = ()


def packets_of(client: str, port: str) -> tuple[PacketQuery, ...]:
    """Return the packets to evaluate; a port without a protocol means both TCP and UDP.

    Args:
        client: Source address or security group ID.
        port: Port: `389`, `tcp/389`, `udp/389` or `icmp`.

    Raises:
        UnusableError: The client or port is invalid.
    """
    if not _GROUP.fullmatch(client):
        try:
            ip_address(client)
        except ValueError:
            raise UnusableError(
                f"--explain: expected an IP address or the ID of a security group, such as sg-0123abcd, got {client!r}."
            ) from None
    match = _PORT.fullmatch(port)
    if not match or int(match[2] or 0) > HIGHEST_PORT:
        raise UnusableError(
            f"--explain: expected a port (389, tcp/389, udp/389; 0 to {HIGHEST_PORT}) or icmp, got {port!r}."
        )
    if match[2] is None:
        v6 = ":" in client
        kind = ("icmpv6", ECHO_REQUEST_V6) if v6 else ("icmp", ECHO_REQUEST)
        return (PacketQuery(client=client, protocol=kind[0], port=kind[1]),)
    protocols = (match[1].lower(),) if match[1] else ("tcp", "udp")
    return tuple(PacketQuery(client=client, protocol=each, port=int(match[2])) for each in protocols)


def evaluate_packet(site: SiteMatrix, query: PacketQuery) -> PacketResult:
    """Evaluate a packet with a site's security groups.

    Args:
        site: Site with its plan.
        query: Packet.

    Raises:
        UnusableError: The site has no plan.
    """
    if site.plan is None:
        raise UnusableError(site.quota_problem)
    by_group = query.client.startswith("sg-")
    address, groups = (_OUTSIDE_ADDRESS, (query.client,)) if by_group else (query.client, ())
    sample = packet(Direction.INGRESS, query.protocol, query.port, address, *groups)
    found = admitting(permissions(site.plan), sample)
    if found is None or not isinstance(found.rule, PlannedRule):
        return PacketResult(region=site.region, query=query, rule=None)
    rule = found.rule
    group = next(each.name for each in site.plan.groups if rule in each.rules)
    return PacketResult(
        region=site.region, query=query, rule=rule, group=group, client_names=_client_names(site.plan, rule, address)
    )


def _client_names(plan: GroupPlan, rule: PlannedRule, address: str) -> tuple[str, ...]:
    """Return the client's names: for a prefix list, the descriptions of its matching entries."""
    if rule.peer.kind is not PeerKind.PLANNED_LIST:
        return rule.names
    entries = next(each.entries for each in plan.prefix_lists if each.name == rule.peer.value)
    return tuple(
        f"{each.description} ({each.cidr})" for each in entries if ip_address(address) in ip_network(each.cidr)
    )
