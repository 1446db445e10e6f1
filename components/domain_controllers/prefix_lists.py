"""Networks as entries of managed prefix lists, and sizes of the lists."""

from __future__ import annotations

from collections import defaultdict
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import TYPE_CHECKING

from components.domain_controllers.peers import Family, Network, Peer, PeerKind
from components.domain_controllers.rules import Entry, description

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from components.domain_controllers.demands import Source

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

    Args:
        sources: Sources; those that are not networks, or of the other family, are ignored.
        family: Family of the list.
    """
    names: dict[str, set[str]] = defaultdict(set)
    for source in sources:
        if source.peer.kind is PeerKind.NETWORK and source.peer.family is family:
            names[source.peer.value].add(source.name)
    networks = {ip_network(value): said for value, said in names.items()}
    return tuple(
        Entry(cidr=str(whole), description=description(", ".join(said))) for whole, said in _collapsed(networks)
    )


def _collapsed(networks: dict[Network, set[str]]) -> Iterator[tuple[Network, list[str]]]:
    """Yield collapsed networks with the names of their members, in one pass, as both are in order."""
    members = iter(sorted(networks, key=int_key))
    member = next(members, None)
    for whole in collapse(networks):
        last = int(whole.broadcast_address)
        said: set[str] = set()
        while member is not None and int(member.network_address) <= last:
            said |= networks[member]
            member = next(members, None)
        yield whole, sorted(said)


def int_key(network: Network) -> tuple[int, int, int]:
    """Return a sort key by family, address and size, the largest network first."""
    return network.version, int(network.network_address), network.prefixlen


def collapse(networks: Iterable[Network]) -> list[Network]:
    """Return the fewest networks with the same addresses, in order; families may be mixed."""
    given = list(networks)
    v4 = [each for each in given if isinstance(each, IPv4Network)]
    v6 = [each for each in given if isinstance(each, IPv6Network)]
    return [*collapse_addresses(v4), *collapse_addresses(v6)]


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
