"""Comparison of effective traffic with the port tables: packets evaluated on the live groups and network ACL.

Other modules compare the groups and the ACL with the plan, rule by rule. This one evaluates packets without the plan:
all traffic in the tables must pass group and ACL, request and reply, and no other traffic may pass the groups.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from itertools import product
from typing import TYPE_CHECKING

from common.network import Family, Network, family_of
from components.domain_controllers.network_acl import WINDOWS_EPHEMERAL
from components.domain_controllers.packet_evaluation import Packet, admitting, passes, permissions_from_aws
from components.domain_controllers.port_tables import ECHO_REQUEST, HIGHEST_PORT, Protocol
from components.domain_controllers.security_group_rules import ECHO_REQUEST_V6
from components.domain_controllers.traffic_requirements import Direction, Peer, PeerKind
from operations.inventory.reader import ReadFailure
from operations.verify.findings import Check

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from components.domain_controllers.network_acl import AclRule
    from components.domain_controllers.packet_evaluation import Address, Permission
    from components.domain_controllers.port_tables import Port
    from components.domain_controllers.traffic_requirements import TrafficRequirement
    from operations.deployment import SiteDeployment
    from operations.findings import Finding
    from operations.inventory.network import SecurityGroupRule

MOST_ADDRESSES = 60
"""Maximum number of tested addresses: the edges of all networks of a usual site; of more networks, an even sample."""

_SHOWN = 5
_STRANGERS = ("8.8.8.8", "2600::1")
"""Addresses that no site has, one per address family."""
_NUMBERS = {Protocol.TCP: 6, Protocol.UDP: 17}
_ECHO = {Family.IPV4: (1, ECHO_REQUEST), Family.IPV6: (58, ECHO_REQUEST_V6)}
_ESP = 50
_GRE = 47
"""A protocol without ports, which is in no table."""


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """The tested traffic, and the rules that it is evaluated with.

    Attributes:
        requirements: Traffic that must pass.
        networks: Networks by name in the demands, of peers that are not networks; `itself`: the controllers' subnets.
        groups: IDs of groups by name in the demands.
        entries: CIDRs of prefix lists, by ID.
        acls: Rules of every associated network ACL; none: the site uses no ACL.
    """

    requirements: Sequence[TrafficRequirement]
    networks: Mapping[str, Sequence[Network]]
    groups: Mapping[str, str]
    rules: Sequence[SecurityGroupRule]
    entries: Mapping[str, Sequence[str]]
    acls: Sequence[Sequence[AclRule]]


def traffic_finding(site: SiteDeployment, traffic: Traffic | ReadFailure) -> Finding:
    """Evaluate the packets, and report differences from the demands."""
    check = Check(
        "directory-traffic",
        "security groups and network ACL permit exactly the traffic in the port tables",
        f"see the findings about groups, prefix lists and the network ACL; otherwise {site.deployment.repair}",
    )
    if isinstance(traffic, ReadFailure):
        return check.report_unread(traffic)
    granted = permissions_from_aws([each.answer for each in traffic.rules], traffic.entries)
    tried, wrong = 0, list[str]()
    edges = sorted(set(_edges(port for each in traffic.requirements for port in each.ports)))
    for end in _ends(traffic):
        # Filter by end once, not once per port.
        by_groups, required = [each for each in granted if each.concerns(end)], _required(traffic, end)
        for packet in _packets(end, edges):
            tried += 1
            wrong += _faults(required, by_groups, traffic.acls, packet)
    more = [f"and {len(wrong) - _SHOWN} more"] if len(wrong) > _SHOWN else []
    return check.report([*wrong[:_SHOWN], *more], f"{tried} packets tried")


def _ends(traffic: Traffic) -> Iterator[Packet]:
    """Yield a packet per address and direction, as a template for others."""
    for address, direction in product(_addresses(traffic), Direction):
        groups = frozenset(
            traffic.groups.get(name, name)
            for name, networks in traffic.networks.items()
            if any(address in each for each in networks)
        )
        yield Packet(direction=direction, protocol=_GRE, port=0, address=address, groups=groups)


def _packets(end: Packet, edges: Sequence[int]) -> Iterator[Packet]:
    for protocol, port in (*product(_NUMBERS.values(), edges), *_without_ports(end.address)):
        yield replace(end, protocol=protocol, port=port)


def _without_ports(address: Address) -> tuple[tuple[int, int], ...]:
    return (_ECHO[_family(address)], (_ESP, 0), (_GRE, 0))


def _family(address: Address) -> Family:
    return Family.IPV4 if isinstance(address, IPv4Address) else Family.IPV6


def _edges(ports: Iterable[Port]) -> Iterator[int]:
    for port in ports:
        if port.protocol in _NUMBERS:
            yield from (each for each in (port.first - 1, port.first, port.last, port.last + 1) if each >= 0)
    yield from (0, 22, 3389, 5985, 5986, HIGHEST_PORT)


def _addresses(traffic: Traffic) -> list[Address]:
    networks = [
        *(
            each.peer.network
            for one in traffic.requirements
            for each in one.sources
            if each.peer.kind is PeerKind.NETWORK
        ),
        *(each for several in traffic.networks.values() for each in several),
        *(ip_network(each) for several in traffic.entries.values() for each in several),
    ]
    found: dict[Address, None] = dict.fromkeys(ip_address(each) for each in _STRANGERS)
    for network in dict.fromkeys(networks):
        kind = IPv4Address if family_of(network) is Family.IPV4 else IPv6Address
        first, last = int(network.network_address), int(network.broadcast_address)
        found |= dict.fromkeys(kind(each) for each in (first - 1, first, last, last + 1))
    every = -(-len(found) // MOST_ADDRESSES)
    return list(found)[::every]


Line = tuple[int, int, int]
"""Traffic that must pass: protocol, first and last port."""


def _required(traffic: Traffic, end: Packet) -> set[Line]:
    """Return the traffic that the demands define between these ends."""
    family = _family(end.address)
    return {
        _line(port, family)
        for demand in traffic.requirements
        if demand.direction is end.direction
        for by_group in {_names(traffic, each.peer, end) for each in demand.sources} - {None}
        for port in demand.ports
        # A rule with a group as peer has no address family, and its ICMP is that of IPv4 only.
        if not (by_group and family is Family.IPV6 and port.protocol is Protocol.ICMP)
    }


def _names(traffic: Traffic, peer: Peer, end: Packet) -> bool | None:
    """Return whether a demand's peer matches by its group (True) or address (False); None: it does not match."""
    if peer.kind is PeerKind.NETWORK:
        return False if end.address in peer.network else None
    if peer.kind is PeerKind.PREFIX_LIST:
        held = traffic.entries.get(peer.value, ())
        return False if any(end.address in ip_network(each) for each in held) else None
    return True if traffic.groups.get(peer.value, peer.value) in end.groups else None


def _line(port: Port, family: Family) -> Line:
    if port.protocol in _NUMBERS:
        return _NUMBERS[port.protocol], port.first, port.last
    if port.protocol is Protocol.ESP:
        return _ESP, 0, 0
    protocol, kind = _ECHO[family]
    return protocol, kind, kind


def _faults(
    required: set[Line], granted: Sequence[Permission], acls: Sequence[Sequence[AclRule]], packet: Packet
) -> list[str]:
    """Return the faults of a packet: it passes and should not, or is dropped and should pass."""
    by_groups = admitting(granted, packet)
    if not any(protocol == packet.protocol and first <= packet.port <= last for protocol, first, last in required):
        return [f"{_in_words(packet)} passes"] if by_groups else []
    if by_groups is None:
        return [f"{_in_words(packet)} is dropped by the groups"]
    if not all(passes(granted, each, packet, reply_port=WINDOWS_EPHEMERAL[0]) for each in acls):
        return [f"{_in_words(packet)}, or its answer, is dropped by the network ACL"]
    return []


def _in_words(packet: Packet) -> str:
    names = {number: each.upper() for each, number in _NUMBERS.items()}
    what = f"{names.get(packet.protocol, f'protocol {packet.protocol}')} {packet.port}"
    return f"{what} {'from' if packet.direction is Direction.INGRESS else 'to'} {packet.address}"
