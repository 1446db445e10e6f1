"""Whether packets pass security groups and network ACLs, tried at the edges of every rule. Pure."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, ip_network
from typing import TYPE_CHECKING, Final, TypeVar

from components.directory.demands import Direction
from components.directory.oracle import Packet, acl_lets_pass, admitting
from components.iam.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from components.directory.network_acl import AclRule
    from components.directory.oracle import Permission

HTTPS: Final = 443
NEW_RESOURCE: Final = IPv4Address("52.119.196.1")
"""An address of a service, where no rule tells one from another."""

_KEPT: Final = 1024
"""Combinations of groups, ACLs and platforms that a VPC's nodes have."""

ItemT = TypeVar("ItemT")

_TCP: Final = 6
NAT_GATEWAY: Final = "NatGateway"
"""Stands where a platform does."""

_EPHEMERAL: Final = {
    "Windows": (49152, 65535),
    "MacOS": (49152, 65535),
    "Linux": (32768, 60999),
    NAT_GATEWAY: (1024, 65535),
}
"""The ports that connections are opened from (defaults of Windows Server, macOS and the Linux kernel; Amazon VPC User Guide,
"Ephemeral ports")."""
_ANY_EPHEMERAL: Final = (32768, 65535)


def out_of_groups(granted: Iterable[Permission], addresses: Sequence[IPv4Address], groups: frozenset[str]) -> Truth:
    """Whether groups let HTTPS out to some addresses; UNKNOWN: to some and not to others.

    Args:
        granted: of all groups of the interface.
        addresses: of the other end.
        groups: that the other end has.
    """
    rules = tuple(granted)
    return _all_or_none(addresses, lambda each: admitting(rules, _packet(Direction.EGRESS, each, groups)) is not None)


def into_groups(granted: Iterable[Permission], address: IPv4Address, groups: frozenset[str]) -> bool:
    """Whether groups let HTTPS in from an address.

    Args:
        granted: of all groups of the interface.
        address: of who opens the connection.
        groups: that it has.
    """
    return admitting(tuple(granted), _packet(Direction.INGRESS, address, groups)) is not None


def through_acl(rules: Sequence[AclRule], addresses: Sequence[IPv4Address], *, outward: bool, platform: str) -> Truth:
    """Whether a network ACL lets HTTPS pass, request and answer.

    Args:
        rules: of the ACL.
        addresses: of the other end.
        outward: the connection is opened from behind the ACL.
        platform: of who opens it, `Linux`, `Windows`, `MacOS`, `NAT_GATEWAY`; anything else: not known.
    """
    request, answer = (Direction.EGRESS, Direction.INGRESS) if outward else (Direction.INGRESS, Direction.EGRESS)
    low, high = _EPHEMERAL.get(platform, _ANY_EPHEMERAL)

    def passes(address: IPv4Address) -> Truth:
        # Nothing but what is about the address can match: of many rules mostly a few.
        about = [each for each in rules if address in each.network]
        if not acl_lets_pass(about, _packet(request, address)):
            return Truth.NO
        edges = {
            each for rule in about for each in (rule.from_port - 1, rule.from_port, rule.to_port, rule.to_port + 1)
        }
        ports = sorted({low, high, *(port for port in edges if low <= port <= high)})
        return _all_or_none(ports, lambda port: acl_lets_pass(about, _packet(answer, address, port=port)))

    found = {passes(each) for each in addresses}
    return found.pop() if len(found) == 1 else Truth.UNKNOWN


@lru_cache(maxsize=_KEPT)
def to_public(
    granted: tuple[Permission, ...], acl: tuple[AclRule, ...], networks: tuple[str, ...], platform: str
) -> tuple[Truth, Truth]:
    """Whether groups, and whether a network ACL, let HTTPS out to public addresses; the same for thousands of nodes.

    Args:
        granted: of all groups of the interface.
        acl: of its subnet.
        networks: that a service's addresses are in; empty: any.
        platform: as for `through_acl`.
    """
    rules = [*granted, *acl]
    targets = (sampled(networks, rules) if networks else ()) or anywhere(rules)
    return out_of_groups(granted, targets, frozenset()), through_acl(acl, targets, outward=True, platform=platform)


def sampled(within: Iterable[str], rules: Iterable[Permission | AclRule]) -> tuple[IPv4Address, ...]:
    """Addresses of some networks such that no rule tells any other apart from all of these.

    Args:
        within: IPv4 networks.
        rules: whose networks have edges there.
    """
    networks = [each for each in map(ip_network, within) if isinstance(each, IPv4Network)]
    spans = [(int(network[0]), int(network[-1])) for network in networks]
    edges = {edge for span in spans for edge in span}
    for rule in rules:
        for each in _networks(rule):
            edges |= {int(each[0]) - 1, int(each[0]), int(each[-1]), int(each[-1]) + 1}
    return tuple(IPv4Address(edge) for edge in sorted(edges) if any(first <= edge <= last for first, last in spans))


def anywhere(rules: Iterable[Permission | AclRule]) -> tuple[IPv4Address, ...]:
    """The same of the internet."""
    public = tuple(each for each in sampled(("0.0.0.0/0",), rules) if each.is_global)
    return (NEW_RESOURCE, *public)


def _networks(rule: Permission | AclRule) -> list[IPv4Network]:
    several = getattr(rule, "networks", None) or (getattr(rule, "network", None),)
    return [each for each in several if isinstance(each, IPv4Network)]


def _packet(
    direction: Direction, address: IPv4Address, groups: frozenset[str] = frozenset(), *, port: int = HTTPS
) -> Packet:
    return Packet(direction=direction, protocol=_TCP, port=port, address=address, groups=groups)


def _all_or_none(items: Sequence[ItemT], holds: Callable[[ItemT], bool]) -> Truth:
    found = {holds(each) for each in items}
    if len(found) == 2:  # noqa: PLR2004 -- yes and no
        return Truth.UNKNOWN
    return Truth.YES if True in found else Truth.NO
