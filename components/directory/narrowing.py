"""Making a list of (network, protocol, ports) short enough, as little wider as can be found."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from components.directory.peers import Network, contains
from components.directory.prefix_lists import collapse, int_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PortRange = tuple[int, int]
Ranges = dict[int, set[PortRange]]
"""Port ranges by IANA's protocol number."""
Wish = dict[Network, Ranges]
"""What has to pass, by network; of one address family."""
Line = tuple[int, PortRange, Network]
"""A rule: protocol, ports, network."""
Covered = tuple[Network, tuple[PortRange, ...]]

WIDEST = {4: 8, 6: 32}
"""The shortest prefixes that joining unrelated networks may end in: 10.0.0.0/8 holds a company, 0.0.0.0/0 the world."""

_TCP_AND_UDP = (6, 17)


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """The result.

    Attributes:
        rules: in order.
        wider: the rules that let more pass than was wished for, each with the networks and ports that were.
    """

    rules: tuple[Line, ...]
    wider: tuple[tuple[int, PortRange, Network, tuple[Covered, ...]], ...]


def fitted(wish: Wish, limit: int) -> Fitted | None:
    """At most `limit` rules that let pass what is wished for; None where that takes joining half the world.

    In this order, and no further than needed: neighbours are joined, which opens nothing; then port ranges of the same
    network where the fewest addresses times ports are opened; then networks, the closest first.
    """
    lines = _exact(wish)
    if sum(len(ranges) for ranges in lines.values()) > limit:
        _join_ports(lines, limit)
    while sum(len(ranges) for ranges in lines.values()) > limit:
        if not _join_networks(lines):
            return None
    rules = sorted(
        ((protocol, each, network) for (protocol, network), ranges in lines.items() for each in ranges),
        key=lambda line: (line[0], int_key(line[2]), line[1]),
    )
    return Fitted(rules=tuple(rules), wider=tuple(_wider(rules, wish)))


Lines = dict[tuple[int, Network], list[PortRange]]


def _exact(wish: Wish) -> Lines:
    """The fewest rules that can be had for nothing: ports of a network merged, networks with the same ports collapsed."""
    by_protocol: dict[int, dict[Network, set[PortRange]]] = defaultdict(dict)
    for network, ranges in wish.items():
        for protocol, each in ranges.items():
            by_protocol[protocol][network] = each
    lines: Lines = {}
    for protocol, asked in by_protocol.items():
        by_ports: dict[tuple[PortRange, ...], list[Network]] = defaultdict(list)
        for network, own in _without_inherited(protocol, asked):
            by_ports[own].append(network)
        for own, networks in by_ports.items():
            for network in collapse(networks):
                # Neighbours may add up to a network that has ports of its own.
                lines[protocol, network] = _merged(protocol, [*lines.get((protocol, network), ()), *own])
    return lines


def _without_inherited(
    protocol: int, asked: dict[Network, set[PortRange]]
) -> Iterator[tuple[Network, tuple[PortRange, ...]]]:
    """Leaves out ranges that a surrounding network has already."""
    around: list[tuple[Network, tuple[PortRange, ...]]] = []
    for network in sorted(asked, key=int_key):
        while around and not contains(around[-1][0], network):
            around.pop()
        inherited = [each for _, ranges in around for each in ranges]
        own = tuple(
            each
            for each in _merged(protocol, asked[network])
            if not any(first <= each[0] and each[1] <= last for first, last in inherited)
        )
        around.append((network, own))
        if own:
            yield network, own


def _merged(protocol: int, ranges: Iterable[PortRange]) -> list[PortRange]:
    found: list[PortRange] = []
    touching = 1 if protocol in _TCP_AND_UDP else 0
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + touching:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found


def _join_ports(lines: Lines, limit: int) -> None:
    """Closes the cheapest gaps between ranges of a network, until the rules fit or there are no gaps left."""
    gaps = sorted(
        ((after[0] - before[1] - 1) * network.num_addresses, protocol, int_key(network), before[1], network)
        for (protocol, network), ranges in lines.items()
        if protocol in _TCP_AND_UDP
        for before, after in pairwise(ranges)
    )
    surplus = sum(len(ranges) for ranges in lines.values()) - limit
    closed: dict[tuple[int, Network], set[int]] = defaultdict(set)
    for _, protocol, _, last, network in gaps[:surplus]:
        closed[protocol, network].add(last)
    for key, lasts in closed.items():
        joined: list[PortRange] = []
        for first, last in lines[key]:
            if joined and joined[-1][1] in lasts:
                joined[-1] = (joined[-1][0], last)
            else:
                joined.append((first, last))
        lines[key] = joined


def _join_networks(lines: Lines) -> bool:
    """Joins the two networks of a protocol for which the fewest addresses times ports are opened."""
    best: tuple[int, int, tuple[int, int, int], Network, list[Network]] | None = None
    for protocol in sorted({each for each, _ in lines}):
        networks = sorted((network for each, network in lines if each == protocol), key=int_key)
        for left, right in pairwise(networks):
            whole = _around(left, right)
            if whole is None:
                continue
            inside = [network for network in networks if contains(whole, network)]
            ranges = [each for network in inside for each in lines[protocol, network]]
            width = max(last for _, last in ranges) - min(first for first, _ in ranges) + 1
            candidate = (whole.num_addresses * width, protocol, int_key(whole), whole, inside)
            best = candidate if best is None or candidate[:3] < best[:3] else best
    if best is None:
        return False
    _, protocol, _, whole, inside = best
    ranges = [each for network in inside for each in lines.pop((protocol, network))]
    spread = [(min(first for first, _ in ranges), max(last for _, last in ranges))]
    lines[protocol, whole] = spread if protocol in _TCP_AND_UDP else _merged(protocol, ranges)
    return True


def _around(left: Network, right: Network) -> Network | None:
    """The smallest network that holds both; None where that is wider than is to be opened."""
    whole: Network = left
    while not contains(whole, right):
        if whole.prefixlen <= WIDEST[whole.version]:
            return None
        whole = whole.supernet()
    return whole


def _wider(rules: list[Line], wish: Wish) -> Iterator[tuple[int, PortRange, Network, tuple[Covered, ...]]]:
    """The rules that hold more than the wishes within them."""
    for protocol, (first, last), network in rules:
        covered = [
            (each, tuple(one for one in _merged(protocol, ranges[protocol]) if first <= one[0] and one[1] <= last))
            for each, ranges in sorted(wish.items(), key=lambda item: int_key(item[0]))
            if protocol in ranges and contains(network, each)
        ]
        asked = tuple((each, ranges) for each, ranges in covered if ranges)
        whole = [each for each, ranges in asked if (first, last) in ranges]
        if sum(each.num_addresses for each in collapse(whole)) < network.num_addresses:
            yield protocol, (first, last), network, asked
