"""Who is at the other end of a controller's traffic, as security group rules can name it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network

Network = IPv4Network | IPv6Network


class Family(StrEnum):
    """As EC2 names address families of prefix lists."""

    IPV4 = "IPv4"
    IPV6 = "IPv6"


class PeerKind(StrEnum):
    """By what a rule names its peer."""

    ITSELF = "itself"
    """The controllers' own first group."""
    NETWORK = "network"
    GROUP = "security group"
    PREFIX_LIST = "prefix list"
    """One that exists."""
    PLANNED_LIST = "planned prefix list"
    """One of the same plan."""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """One end of a rule.

    Attributes:
        kind: by what it is named.
        value: a CIDR, `sg-...`, `pl-...`, the name of a planned list, or `itself`.
        family: whose quota a rule counts against; None: a rule to a group counts against both.
        entries: how many rules it counts as: a prefix list's maximum entries, whatever it holds.
    """

    kind: PeerKind
    value: str
    family: Family | None = None
    entries: int = 1

    @cached_property
    def key(self) -> tuple[str, str, str]:
        """Orders peers, and tells them apart."""
        return (self.kind, self.family or "", self.value)

    @cached_property
    def network(self) -> Network:
        """The value, where it is a CIDR."""
        return ip_network(self.value)

    @property
    def slug(self) -> str:
        """For resource names, which must hold no `::`."""
        return self.value.replace("/", "-").replace(":", ".")

    def weight(self, family: Family) -> int:
        """How many rules of a family's quota a rule to this peer takes."""
        return self.entries if self.family in (None, family) else 0


ITSELF = Peer(kind=PeerKind.ITSELF, value="itself")


def family_of(network: Network) -> Family:
    """The family of a network's addresses."""
    return Family.IPV4 if network.version == 4 else Family.IPV6  # noqa: PLR2004 -- the version of IPv4


def contains(outer: Network, inner: Network) -> bool:
    """Whether a network lies within another one; those of different families never do."""
    if isinstance(outer, IPv4Network):
        return isinstance(inner, IPv4Network) and inner.subnet_of(outer)
    return isinstance(inner, IPv6Network) and inner.subnet_of(outer)


def network_peer(network: Network | str) -> Peer:
    """A network, given as CIDR without host bits or parsed."""
    parsed = ip_network(network) if isinstance(network, str) else network
    return Peer(kind=PeerKind.NETWORK, value=str(parsed), family=family_of(parsed))


def group_peer(group_id: str) -> Peer:
    """A security group, `sg-...`."""
    return Peer(kind=PeerKind.GROUP, value=group_id)


def prefix_list_peer(list_id: str, family: Family, max_entries: int) -> Peer:
    """A prefix list that exists, `pl-...`, with its maximum number of entries."""
    return Peer(kind=PeerKind.PREFIX_LIST, value=list_id, family=family, entries=max_entries)
