"""Aggregation of (network, protocol, ports) to a limited number of rules that allow little more."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from common.network import Network, PortRange, collapse, contains, int_key, merge_ranges

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Ranges = dict[int, set[PortRange]]
"""Port ranges by IANA protocol number."""
Wish = dict[Network, Ranges]
"""Required traffic by network; of one address family."""
Line = tuple[int, PortRange, Network]
"""A rule: protocol, ports, network."""
Covered = tuple[Network, tuple[PortRange, ...]]

WIDEST = {4: 8, 6: 32}
"""Shortest prefixes that unrelated networks are joined to: 10.0.0.0/8 is a company, 0.0.0.0/0 the whole internet."""

_TCP_AND_UDP = (6, 17)


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """The rules in order, and those that allow more than required, with the required networks and ports."""

    rules: tuple[Line, ...]
    wider: tuple[tuple[int, PortRange, Network, tuple[Covered, ...]], ...]


def fitted(wish: Wish, limit: int) -> Fitted | None:
    """Return at most `limit` rules that allow the required traffic; None where the limit is too low.

    In this order, and no further than needed: join adjacent networks, which allows nothing more; join port ranges of
    the same network where that adds the fewest addresses times ports; join networks, the closest first.
    """
    lines = _exact(wish)
    if _fewest(lines) > limit:
        return None
    if _count(lines) > limit:
        _join_ports(lines, limit)
    if _count(lines) > limit:
        _join_networks(lines, limit)
    rules = sorted(
        ((protocol, each, network) for (protocol, network), ranges in lines.items() for each in ranges),
        key=lambda line: (line[0], int_key(line[2]), line[1]),
    )
    return Fitted(rules=tuple(rules), wider=tuple(_wider(rules, wish)))


def fewest_rules(wish: Wish) -> int:
    """Return the smallest limit for which `fitted` returns rules."""
    return _fewest(_exact(wish))


Lines = dict[tuple[int, Network], list[PortRange]]


def _exact(wish: Wish) -> Lines:
    """Return the fewest rules that allow nothing more.

    Ports of a network are merged, and networks with the same ports collapsed.
    """
    by_protocol: dict[int, dict[Network, set[PortRange]]] = defaultdict(dict)
    for network, ranges in wish.items():
        for protocol, each in ranges.items():
            by_protocol[protocol][network] = each
    lines: Lines = {}
    for protocol, required in by_protocol.items():
        by_ports: dict[tuple[PortRange, ...], list[Network]] = defaultdict(list)
        for network, own in _without_inherited(protocol, required):
            by_ports[own].append(network)
        for own, networks in by_ports.items():
            for network in collapse(networks):
                # Adjacent networks may collapse to a network that has ports of its own.
                lines[protocol, network] = _merged(protocol, [*lines.get((protocol, network), ()), *own])
    return lines


def _without_inherited(
    protocol: int, required: dict[Network, set[PortRange]]
) -> Iterator[tuple[Network, tuple[PortRange, ...]]]:
    """Omit ranges that a surrounding network already has."""
    around: list[tuple[Network, tuple[PortRange, ...]]] = []
    for network in sorted(required, key=int_key):
        while around and not contains(around[-1][0], network):
            around.pop()
        inherited = [each for _, ranges in around for each in ranges]
        own = tuple(
            each
            for each in _merged(protocol, required[network])
            if not any(first <= each[0] and each[1] <= last for first, last in inherited)
        )
        around.append((network, own))
        if own:
            yield network, own


def _merged(protocol: int, ranges: Iterable[PortRange]) -> list[PortRange]:
    joins_adjacent = protocol in _TCP_AND_UDP
    return [ports for ports, _ in merge_ranges(sorted(ranges), lambda ports: ports, joins_adjacent=joins_adjacent)]


def _join_ports(lines: Lines, limit: int) -> None:
    """Join the ranges of networks with the cheapest gaps, until the rules fit or no gaps are left."""
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


def _count(lines: Lines) -> int:
    return sum(map(len, lines.values()))


def _fewest(lines: Lines) -> int:
    """Count the rules that are left when all ranges and networks are joined as far as allowed.

    Joining ends at the shortest allowed prefix, or at a given network with a shorter one.
    """
    required: dict[tuple[int, Network], set[PortRange]] = defaultdict(set)
    around: Network | None = None
    for protocol, network in sorted(lines, key=lambda line: (line[0], int_key(line[1]))):
        shortest = min(WIDEST[network.version], network.prefixlen)
        # A protocol's first network has the lowest address, so that a network of the protocol before cannot contain it.
        if around is None or not contains(around, network) or (protocol, around) not in required:
            around = network.supernet(new_prefix=shortest)
        required[protocol, around].update(lines[protocol, network])
    return sum(
        1 if protocol in _TCP_AND_UDP else len(_merged(protocol, ranges)) for (protocol, _), ranges in required.items()
    )


def _join_networks(lines: Lines, limit: int) -> None:
    """Join networks of a protocol, where that adds the fewest addresses times ports, until the rules fit.

    The cost of a join never changes: after a smaller join within it, its ports span as much as before. All joins are
    therefore known at the start, and a smaller one always precedes those that contain it.
    """
    networks = {
        protocol: sorted((network for each, network in lines if each == protocol), key=int_key)
        for protocol in {each for each, _ in lines}
    }
    joins = sorted(join for protocol, own in networks.items() for join in _joins(protocol, own, lines))
    following = {protocol: list(range(1, len(own) + 1)) for protocol, own in networks.items()}
    surplus = _count(lines) - limit
    for _, protocol, (_, address, prefix_length), start, end in joins:
        if surplus <= 0:
            return
        own, after = networks[protocol], following[protocol]
        ranges: list[PortRange] = []
        place = start
        while place < end:
            ranges += lines.pop((protocol, own[place]))
            place = after[place]
        own[start], after[start] = type(own[start])((address, prefix_length)), end
        joined = [_spread(ranges)] if protocol in _TCP_AND_UDP else _merged(protocol, ranges)
        lines[protocol, own[start]] = joined
        surplus -= len(ranges) - len(joined)


Join = tuple[int, int, tuple[int, int, int], int, int]
"""Addresses times ports added, protocol, joined network as `int_key`, and the positions of the networks in it."""


def _joins(protocol: int, networks: list[Network], lines: Lines) -> Iterator[Join]:
    """Find the networks that contain two or more networks of a protocol."""
    keys = [int_key(network) for network in networks]
    spreads = [_spread(lines[protocol, network]) for network in networks]
    firsts, lasts = [first for first, _ in spreads], [last for _, last in spreads]
    for whole in {_around(left, right) for left, right in pairwise(networks)} - {None}:
        if whole is None:
            continue
        start = bisect_left(keys, int_key(whole))
        end = bisect_left(keys, (whole.version, int(whole.broadcast_address) + 1, 0), start)
        width = max(lasts[start:end]) - min(firsts[start:end]) + 1
        yield whole.num_addresses * width, protocol, int_key(whole), start, end


def _spread(ranges: Iterable[PortRange]) -> PortRange:
    firsts, lasts = zip(*ranges, strict=True)
    return min(firsts), max(lasts)


def _around(left: Network, right: Network) -> Network | None:
    """Return the smallest network that contains both; None where its prefix is shorter than allowed."""
    if contains(left, right):
        return left
    apart = (int(left.network_address) ^ int(right.network_address)).bit_length()
    shared = left.max_prefixlen - apart
    return left.supernet(new_prefix=shared) if shared >= WIDEST[left.version] else None


def _wider(rules: list[Line], wish: Wish) -> Iterator[tuple[int, PortRange, Network, tuple[Covered, ...]]]:
    """Yield the rules that allow more than the required traffic within them."""
    networks = sorted(wish, key=int_key)
    keys = [int_key(network) for network in networks]
    merged = {
        protocol: [tuple(_merged(protocol, wish[network].get(protocol, ()))) for network in networks]
        for protocol in {protocol for protocol, _, _ in rules}
    }
    for protocol, (first, last), network in rules:
        start = bisect_left(keys, int_key(network))
        end = bisect_left(keys, (network.version, int(network.broadcast_address) + 1, 0), start)
        required = tuple(
            (networks[place], ranges)
            for place in range(start, end)
            if (ranges := tuple(one for one in merged[protocol][place] if first <= one[0] and one[1] <= last))
        )
        whole = [each for each, ranges in required if (first, last) in ranges]
        if sum(each.num_addresses for each in collapse(whole)) < network.num_addresses:
            yield protocol, (first, last), network, required
