"""Security groups, their rules and prefix lists of a plan, as plain data."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_network
from itertools import groupby
from typing import TYPE_CHECKING

from common.network import Family, Network, collapse, int_key, merge_ranges
from components.domain_controllers.port_tables import ANY_PORT, Protocol
from components.domain_controllers.traffic_requirements import Peer, PeerKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from components.domain_controllers.port_tables import Port
    from components.domain_controllers.traffic_requirements import Direction, Source, TrafficRequirement


LONGEST_DESCRIPTION = 255
ECHO_REQUEST_V6 = 128
"""ICMPv6 type (RFC 4443)."""
ANY_CODE = -1
"""Any ICMP code, as EC2 writes it in `toPort`."""

_NOT_IN_A_DESCRIPTION = re.compile(r"[^0-9A-Za-z_ .:/()#,@\[\]+=&;{}!$*-]")
"""Characters that EC2 refuses (API reference, IpRange)."""
_PROTOCOLS = tuple(Protocol)


def description(text: str) -> str:
    """Return a text that EC2 accepts: 255 characters of its own set."""
    plain = _NOT_IN_A_DESCRIPTION.sub("-", text)
    return plain if len(plain) <= LONGEST_DESCRIPTION else f"{plain[: LONGEST_DESCRIPTION - 3].rstrip()}..."


@dataclass(frozen=True, kw_only=True)
class PlannedRule:
    """One rule of a group.

    Attributes:
        direction: Ingress or egress.
        protocol: Protocol, as EC2 names it; `icmpv6` where the peer is an IPv6 network.
        from_port: First port; for ICMP the type; -1 for protocols without ports.
        to_port: Last port; for ICMP the code, -1 for any.
        peer: Source or destination.
        description: Use, as EC2 accepts it.
        origins: Rows of the tables that require it, `client_to_controller: TCP 636`.
        names: Names of the peer in the configuration.
    """

    direction: Direction
    protocol: Protocol
    from_port: int
    to_port: int
    peer: Peer
    description: str
    origins: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def name(self) -> str:
        """Return a name of the allowed traffic only, so that it is stable; unique within a group."""
        return f"{self.direction}-{self.protocol}-{self.port_range}-{self.peer.slug}"

    @property
    def port_range(self) -> str:
        """Return `53`, `49152-65535`; for ICMP the type; for protocols without ports `any`."""
        if self.from_port == ANY_PORT:
            return "any"
        single = self.to_port in (self.from_port, ANY_CODE)
        return f"{self.from_port}" if single else f"{self.from_port}-{self.to_port}"

    @cached_property
    def key(self) -> tuple[str, int, int, int, tuple[str, str, str]]:
        """Return a sort key by the allowed traffic."""
        return (self.direction, _PROTOCOLS.index(self.protocol), self.from_port, self.to_port, self.peer.key)


@dataclass(frozen=True, kw_only=True)
class Group:
    """A security group.

    Its name is unique within the plan. A change of the description, which EC2 accepts, would replace the group.
    """

    name: str
    description: str
    rules: tuple[PlannedRule, ...]

    def weight(self, direction: Direction, family: Family | None = None) -> int:
        """Return the number of rules that count against the quota in a direction; None: the fuller family."""
        if family is None:
            return max(self._weights[direction, each] for each in Family)
        return self._weights[direction, family]

    @cached_property
    def _weights(self) -> Counter[tuple[Direction, Family]]:
        counted: Counter[tuple[Direction, Family]] = Counter()
        for rule in self.rules:
            for family in Family if rule.peer.family is None else (rule.peer.family,):
                counted[rule.direction, family] += rule.peer.entries
        return counted


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A network in a prefix list, described by its owner."""

    cidr: str
    description: str


@dataclass(frozen=True, kw_only=True)
class PrefixList:
    """A managed prefix list.

    Attributes:
        name: Name, unique within the plan; includes the size, so that another size is another list.
        family: Family of its entries.
        max_entries: Maximum entries, which is what each rule counts as.
        entries: Entries in order of address.
    """

    name: str
    family: Family
    max_entries: int
    entries: tuple[Entry, ...]


ProtocolPorts = tuple[Protocol, int, int]
"""A protocol with its first and last port; for ICMP the type, twice."""


def port_ranges(ports: Iterable[Port]) -> tuple[ProtocolPorts, ...]:
    """Return the port ranges in order, with adjacent ones merged."""
    return tuple(ports for ports, _ in _merged(ports))


def rules_of(requirements: Iterable[TrafficRequirement]) -> list[PlannedRule]:
    """Return the fewest rules per peer that allow exactly the required traffic, in any order.

    Several tables for one peer become one set of rules.
    """
    desired: dict[tuple[Direction, tuple[str, str, str]], dict[str, set[Port]]] = {}
    peers: dict[tuple[str, str, str], Peer] = {}
    for requirement in requirements:
        ports = frozenset(requirement.ports) if len(requirement.sources) > 1 else requirement.ports
        for source in requirement.sources:
            peers[source.peer.key] = source.peer
            by_name = desired.setdefault((requirement.direction, source.peer.key), {})
            by_name.setdefault(source.name, set()).update(ports)
    rules = [
        rule for (direction, key), by_name in desired.items() for rule in _rules_of_peer(direction, peers[key], by_name)
    ]
    return sorted(rules, key=lambda rule: rule.key)


def _rules_of_peer(direction: Direction, peer: Peer, by_name: dict[str, set[Port]]) -> list[PlannedRule]:
    names: dict[Port, list[str]] = defaultdict(list)
    for name, ports in sorted(by_name.items()):
        for port in ports:
            names[port].append(name)
    rules: list[PlannedRule] = []
    for (protocol, first, last), members in _merged(names):
        who = tuple(dict.fromkeys(name for port in members for name in names[port]))
        uses = "; ".join(dict.fromkeys(port.description for port in members))
        icmp, v6 = protocol is Protocol.ICMP, peer.family is Family.IPV6
        rules.append(
            PlannedRule(
                direction=direction,
                protocol=Protocol.ICMPV6 if icmp and v6 else protocol,
                from_port=ECHO_REQUEST_V6 if icmp and v6 else first,
                to_port=ANY_CODE if icmp else last,
                peer=peer,
                description=description(f"{', '.join(who)}: {uses}"),
                origins=tuple(dict.fromkeys(port.origin for port in members)),
                names=who,
            )
        )
    return rules


def _merged(ports: Iterable[Port]) -> list[tuple[ProtocolPorts, list[Port]]]:
    """Merge ranges that overlap or touch; ICMP types are not ranges and stay separate."""
    # The last keys make the order of texts independent of the order of the ports.
    by_protocol = groupby(
        sorted(ports, key=lambda p: (_PROTOCOLS.index(p.protocol), p.first, p.last, p.origin, p.description)),
        key=lambda port: port.protocol,
    )
    return [
        ((protocol, *ports), members)
        for protocol, group in by_protocol
        for ports, members in merge_ranges(
            group, lambda port: (port.first, port.last), joins_adjacent=protocol is not Protocol.ICMP
        )
    ]


SIZES = (1, 2, 3, 5, 7, 10, 15, 20, 30, 45, 60, 100, 150, 200, 300, 500, 750, 1000)
"""Steps of maximum entries, so that few additional or removed rows change no list; AWS allows 1,000."""


def step(needed: int, room: int) -> int:
    """Return the largest size that fits; where that is too small, the available room itself.

    Args:
        needed: Required entries, at most `room`.
        room: Entries that the quotas allow.
    """
    largest = max(size for size in (*SIZES, 0) if size <= room)
    return largest if largest >= needed else min(room, SIZES[-1])


def entries(sources: Iterable[Source], family: Family) -> tuple[Entry, ...]:
    """Return the fewest entries with exactly the addresses of the sources' networks.

    Sources that are not networks, or of the other family, are ignored.
    """
    names: dict[str, set[str]] = defaultdict(set)
    for source in sources:
        if source.peer.kind is PeerKind.NETWORK and source.peer.family is family:
            names[source.peer.value].add(source.name)
    networks = {ip_network(value): owners for value, owners in names.items()}
    return tuple(
        Entry(cidr=str(whole), description=description(", ".join(owners))) for whole, owners in _collapsed(networks)
    )


def _collapsed(networks: dict[Network, set[str]]) -> Iterator[tuple[Network, list[str]]]:
    """Yield collapsed networks with the names of their members, in one pass, as both are in order."""
    members = iter(sorted(networks, key=int_key))
    member = next(members, None)
    for whole in collapse(networks):
        last = int(whole.broadcast_address)
        owners: set[str] = set()
        while member is not None and int(member.network_address) <= last:
            owners |= networks[member]
            member = next(members, None)
        yield whole, sorted(owners)


def without_contained(sources: Sequence[Source]) -> tuple[Source, ...]:
    """Omit networks within another of the sources; adjacent networks stay separate, so that each keeps its rules."""
    kept: set[str] = set()
    largest: Network | None = None
    networks = {ip_network(each.peer.value) for each in sources if each.peer.kind is PeerKind.NETWORK}
    for network in sorted(networks, key=int_key):
        inside = (
            largest is not None
            and network.version == largest.version
            and int(network.broadcast_address) <= int(largest.broadcast_address)
        )
        if not inside:
            largest = network
            kept.add(str(network))
    return tuple(each for each in sources if each.peer.kind is not PeerKind.NETWORK or each.peer.value in kept)


def planned_list_peer(name: str, family: Family, max_entries: int) -> Peer:
    """Return the peer for a list of the same plan."""
    return Peer(kind=PeerKind.PLANNED_LIST, value=name, family=family, entries=max_entries)
