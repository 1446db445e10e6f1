"""Effective port matrix of a stack's domain controllers, from its settings alone."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_network
from typing import TYPE_CHECKING

from common.network import Family, Network
from common.problems import SettingsError
from components.domain_controllers.network_acl import plan_network_acl
from components.domain_controllers.planner import GroupPlan, plan_groups
from components.domain_controllers.port_tables import ECHO_REQUEST, Options, Port, Protocol, load_tables
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

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.domain_controllers.network_acl import AclPlan
    from components.domain_controllers.settings import DomainControllersSection

ENDPOINTS = group_peer("VPC endpoints")
"""Placeholder for the endpoints' security groups, whose IDs only AWS knows."""

STAND_INS = ip_network("198.18.0.0/15")
"""Networks for benchmark tests, which no organization uses (RFC 2544)."""

_WAYS = {Direction.INGRESS: "in", Direction.EGRESS: "out"}


@dataclass(frozen=True, kw_only=True)
class Line:
    """Row of the matrix.

    Attributes:
        way: Direction from the view of the domain controllers: `in`, `out` or `both`.
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

    way: str
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
        lines: Rows, in the order of the tables.
        plan: Security groups. None if they exceed the quotas.
        acl: Network ACL. None if it exceeds the quota, or is not configured.
        acl_quota: Quota of rules per network ACL.
        refusal: Reason why a quota is exceeded.
        unknown: Subnets whose networks only AWS knows, as text.
        stand_ins: Subnets whose networks are replaced with placeholders in the network ACL.
    """

    region: str
    lines: tuple[Line, ...]
    plan: GroupPlan | None
    acl: AclPlan | None
    acl_quota: int
    refusal: str
    unknown: tuple[str, ...]
    stand_ins: tuple[str, ...]

    @property
    def acl_counts(self) -> dict[str, int]:
        """Number of ACL rules by direction.

        As AWS counts: of the larger address family, including the default denial.
        """
        if self.acl is None:
            return {}
        return {way.value: 1 + max(self.acl.count(way, family) for family in Family) for way in Direction}


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
    who = sources(section, region, site_networks=known, endpoints=(ENDPOINTS,))
    wanted = _with_placeholders(traffic_requirements(load_tables(), section.options, who), section.options, unknown)
    plan: GroupPlan | None = None
    acl: AclPlan | None = None
    refusals: list[str] = []
    try:
        plan = plan_groups(wanted, section.group_quotas)
    except SettingsError as refused:
        refusals += map(str, refused.problems)
    stand_ins = [name for each in section.sites.values() for name in each.subnets if name not in subnets]
    try:
        acl = _acl(section, region, subnets) if section.network_acl else None
    except SettingsError as refused:
        # Placeholders are far from all other networks, so the real networks may well fit.
        refusals += [] if stand_ins else map(str, refused.problems)
    return SiteMatrix(
        region=region,
        lines=_lines(wanted, section.options),
        plan=plan,
        acl=acl,
        acl_quota=section.quotas.rules_per_network_acl,
        refusal="; ".join(refusals),
        unknown=tuple(f"{name} ({other})" for other, names in unknown.items() for name in names),
        stand_ins=tuple(dict.fromkeys(stand_ins)) if section.network_acl else (),
    )


def _acl(section: DomainControllersSection, region: str, subnets: Mapping[str, Network]) -> AclPlan:
    """Plan the network ACL, which only supports networks: placeholders replace unknown ones, no two adjacent."""
    stand_ins = (each for number, each in enumerate(STAND_INS.subnets(new_prefix=24)) if number % 2)
    networks = {
        other: [subnets[name] if name in subnets else next(stand_ins) for name in site.subnets]
        for other, site in section.sites.items()
    }
    own = networks[region]
    endpoints = tuple(network_peer(each) for each in own)
    who = sources(section, region, site_networks=networks, endpoints=endpoints)
    return plan_network_acl(
        traffic_requirements(load_tables(), section.options, who),
        addresses=known_addresses(section, own),
        quota=section.quotas.rules_per_network_acl,
    )


def _with_placeholders(
    wanted: tuple[TrafficRequirement, ...], options: Options, unknown: Mapping[str, list[str]]
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
        return wanted
    pattern = traffic_requirements(load_tables(), options, Sources(on_premises=[ip_network("192.0.2.0/24")]))
    found = {each.direction: each for each in wanted if each.peer_group is PeerGroup.CONTROLLERS}
    rest = [each for each in wanted if each.peer_group is not PeerGroup.CONTROLLERS]
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


def _lines(wanted: tuple[TrafficRequirement, ...], options: Options) -> tuple[Line, ...]:
    """Return one row per name and port, also if both directions are open."""
    ways: dict[tuple[PeerGroup, str, Port], dict[str, None]] = {}
    peers: dict[tuple[PeerGroup, str], dict[str, None]] = {}
    order = list(PeerGroup)
    for requirement in sorted(
        wanted, key=lambda each: (order.index(each.peer_group), each.direction is Direction.EGRESS)
    ):
        for source in requirement.sources:
            peers.setdefault((requirement.peer_group, source.name), {})[source.peer.value] = None
        for name in dict.fromkeys(source.name for source in requirement.sources):
            for port in requirement.ports:
                ways.setdefault((requirement.peer_group, name, port), {})[_WAYS[requirement.direction]] = None
    return tuple(
        Line(
            way="both" if len(way) > 1 else next(iter(way)),
            name=name,
            peers=tuple(peers[peer_group, name]),
            protocol=port.protocol.upper(),
            port=_port(port),
            use=port.row.use,
            traffic=port.row.traffic,
            source=port.row.origin,
            table=port.origin,
            why=_why(port, options),
            note=port.row.microsoft,
        )
        for (peer_group, name, port), way in ways.items()
    )


def _port(port: Port) -> str:
    if port.protocol is Protocol.ICMP and port.first == ECHO_REQUEST:
        return port.row.port
    return f"{port.first}" if port.first == port.last else f"{port.first}-{port.last}"


def _why(port: Port, options: Options) -> str:
    said = [f"profile: {options.profile}"]
    if port.row.when != "always":
        said.append(f"{port.row.when}: true")
    if port.row.rpc.startswith("replaced") and options.rpc_ports:
        said.append(f"fixed RPC port in place of {port.row.port}")
    return ", ".join(said)
