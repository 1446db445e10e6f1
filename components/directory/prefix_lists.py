"""Networks as entries of managed prefix lists, and how many entries a list is made for."""

from __future__ import annotations

from collections import defaultdict
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import TYPE_CHECKING

from components.directory.peers import Family, Network, Peer, PeerKind
from components.directory.rules import Entry, description

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from components.directory.demands import Source

SIZES = (1, 2, 3, 5, 7, 10, 15, 20, 30, 45, 60, 100, 150, 200, 300, 500, 750, 1000)
"""Maximum entries come in these steps, so that a row more or less changes no list; AWS allows 1,000."""


def step(needed: int, room: int) -> int:
    """The largest size that there is room for; between two steps, the room itself.

    Args:
        needed: entries that must fit, at most `room`.
        room: entries that the quotas leave room for.
    """
    largest = max(size for size in (*SIZES, 0) if size <= room)
    return largest if largest >= needed else min(room, SIZES[-1])


def entries(sources: Iterable[Source], family: Family) -> tuple[Entry, ...]:
    """The fewest entries that hold just the addresses of the sources' networks.

    Args:
        sources: those that are no networks, or of the other family, are passed over.
        family: of the list.
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
    """Whole networks with the names of those that went into them; one pass, as both come in order."""
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
    """Orders networks by family, address and size, the largest first."""
    return network.version, int(network.network_address), network.prefixlen


def collapse(networks: Iterable[Network]) -> list[Network]:
    """The fewest networks with the same addresses, in order; families may be mixed."""
    given = list(networks)
    v4 = [each for each in given if isinstance(each, IPv4Network)]
    v6 = [each for each in given if isinstance(each, IPv6Network)]
    return [*collapse_addresses(v4), *collapse_addresses(v6)]


def without_contained(sources: Sequence[Source]) -> tuple[Source, ...]:
    """Leaves out networks that lie within another of the sources; neighbours stay apart, so that each keeps its rules."""
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
    """A list of the same plan."""
    return Peer(kind=PeerKind.PLANNED_LIST, value=name, family=family, entries=max_entries)
