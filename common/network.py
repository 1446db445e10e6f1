"""Networks, and ranges of ports."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, collapse_addresses
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Network = IPv4Network | IPv6Network
PortRange = tuple[int, int]
"""First and last port."""
ItemT = TypeVar("ItemT")


class Family(StrEnum):
    """Address families of prefix lists, as EC2 names them."""

    IPV4 = "IPv4"
    IPV6 = "IPv6"


def family_of(network: Network) -> Family:
    """Return the family of a network's addresses."""
    return Family.IPV4 if network.version == 4 else Family.IPV6  # noqa: PLR2004 -- the version of IPv4


def contains(outer: Network, inner: Network) -> bool:
    """Return whether a network contains another; networks of different families never do."""
    if isinstance(outer, IPv4Network):
        return isinstance(inner, IPv4Network) and inner.subnet_of(outer)
    return isinstance(inner, IPv6Network) and inner.subnet_of(outer)


def int_key(network: Network) -> tuple[int, int, int]:
    """Return a sort key by family, address and size, the largest network first."""
    return network.version, int(network.network_address), network.prefixlen


def collapse(networks: Iterable[Network]) -> list[Network]:
    """Return the fewest networks with the same addresses, in order; families may be mixed."""
    given = list(networks)
    v4 = [each for each in given if isinstance(each, IPv4Network)]
    v6 = [each for each in given if isinstance(each, IPv6Network)]
    return [*collapse_addresses(v4), *collapse_addresses(v6)]


def merge_ranges(
    items: Iterable[ItemT], ports: Callable[[ItemT], PortRange], *, joins_adjacent: bool
) -> list[tuple[PortRange, list[ItemT]]]:
    """Merge the port ranges of items, which are sorted by them, and return each with its items.

    Ranges without a gap are merged only if `joins_adjacent`; types of ICMP are not.
    """
    merged: list[tuple[PortRange, list[ItemT]]] = []
    for item in items:
        first, last = ports(item)
        if merged and first <= merged[-1][0][1] + joins_adjacent:
            before, members = merged[-1]
            merged[-1] = ((before[0], max(before[1], last)), [*members, item])
        else:
            merged.append(((first, last), [item]))
    return merged
