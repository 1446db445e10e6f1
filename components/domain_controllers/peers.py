"""Peers of a controller's traffic, as security group rules can name them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network

Network = IPv4Network | IPv6Network


class Family(StrEnum):
    """Address families of prefix lists, as EC2 names them."""

    IPV4 = "IPv4"
    IPV6 = "IPv6"


class PeerKind(StrEnum):
    """Kind of name that a rule has for its peer."""

    ITSELF = "itself"
    """The controllers' own first group."""
    NETWORK = "network"
    GROUP = "security group"
    PREFIX_LIST = "prefix list"
    """An existing prefix list."""
    PLANNED_LIST = "planned prefix list"
    """A prefix list of the same plan."""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """Source or destination of a rule.

    Attributes:
        kind: Kind of the value.
        value: A CIDR, `sg-...`, `pl-...`, the name of a planned list, or `itself`.
        family: Family whose quota a rule counts against; None: a rule to a group counts against both.
        entries: Number of rules it counts as: a prefix list's maximum entries, regardless of its content.
    """

    kind: PeerKind
    value: str
    family: Family | None = None
    entries: int = 1

    @cached_property
    def key(self) -> tuple[str, str, str]:
        """Return a sort key, which is unique per peer."""
        return (self.kind, self.family or "", self.value)

    @cached_property
    def network(self) -> Network:
        """Return the network, where the value is a CIDR."""
        return ip_network(self.value)

    @property
    def slug(self) -> str:
        """Return the value for resource names, which must not contain `::`."""
        return self.value.replace("/", "-").replace(":", ".")

    def weight(self, family: Family) -> int:
        """Return the number of rules of a family's quota that a rule to this peer counts as."""
        return self.entries if self.family in (None, family) else 0


ITSELF = Peer(kind=PeerKind.ITSELF, value="itself")


def family_of(network: Network) -> Family:
    """Return the family of a network's addresses."""
    return Family.IPV4 if network.version == 4 else Family.IPV6  # noqa: PLR2004 -- the version of IPv4


def contains(outer: Network, inner: Network) -> bool:
    """Return whether a network contains another; networks of different families never do."""
    if isinstance(outer, IPv4Network):
        return isinstance(inner, IPv4Network) and inner.subnet_of(outer)
    return isinstance(inner, IPv6Network) and inner.subnet_of(outer)


def network_peer(network: Network | str) -> Peer:
    """Return the peer for a network, given as CIDR without host bits or parsed."""
    parsed = ip_network(network) if isinstance(network, str) else network
    return Peer(kind=PeerKind.NETWORK, value=str(parsed), family=family_of(parsed))


def group_peer(group_id: str) -> Peer:
    """Return the peer for a security group, `sg-...`."""
    return Peer(kind=PeerKind.GROUP, value=group_id)


def prefix_list_peer(list_id: str, family: Family, max_entries: int) -> Peer:
    """Return the peer for an existing prefix list, `pl-...`, with its maximum number of entries."""
    return Peer(kind=PeerKind.PREFIX_LIST, value=list_id, family=family, entries=max_entries)
