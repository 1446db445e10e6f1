"""Evaluation of security groups and network ACLs at the boundaries of every rule. Pure."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, ip_network
from typing import TYPE_CHECKING, Final, TypeVar

from common.iam.truth import Truth
from components.domain_controllers.packet_evaluation import Packet, acl_lets_pass, admitting
from components.domain_controllers.traffic_requirements import Direction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from components.domain_controllers.network_acl import AclRule
    from components.domain_controllers.packet_evaluation import Permission


HTTPS: Final = 443
SERVICE_ADDRESS: Final = IPv4Address("52.119.196.1")
"""Address of a service, used where no rule distinguishes between addresses."""
_KEPT: Final = 1024
"""Maximum number of cached combinations of groups, ACLs and platforms of a VPC's nodes."""
ItemT = TypeVar("ItemT")
_TCP: Final = 6
NAT_GATEWAY: Final = "NatGateway"
"""Value for a NAT gateway in place of a platform."""
_EPHEMERAL: Final = {
    "Windows": (49152, 65535),
    "MacOS": (49152, 65535),
    "Linux": (32768, 60999),
    NAT_GATEWAY: (1024, 65535),
}
"""Ephemeral ports (defaults of Windows Server, macOS and Linux; Amazon VPC User Guide, "Ephemeral ports")."""
_ANY_EPHEMERAL: Final = (32768, 65535)


def out_of_groups(granted: Iterable[Permission], addresses: Sequence[IPv4Address], groups: frozenset[str]) -> Truth:
    """Return whether security groups allow outbound HTTPS to addresses. UNKNOWN: to some of them only."""
    rules = tuple(granted)
    return _all_or_none(addresses, lambda each: admitting(rules, _packet(Direction.EGRESS, each, groups)) is not None)


def into_groups(granted: Iterable[Permission], address: IPv4Address, groups: frozenset[str]) -> bool:
    """Return whether security groups allow inbound HTTPS from an address."""
    return admitting(tuple(granted), _packet(Direction.INGRESS, address, groups)) is not None


def through_acl(rules: Sequence[AclRule], addresses: Sequence[IPv4Address], *, outward: bool, platform: str) -> Truth:
    """Return whether a network ACL allows HTTPS, both requests and responses.

    Args:
        rules: Rules of the network ACL.
        addresses: Addresses of the other side.
        outward: Whether the connection is opened from within the ACL's subnet.
        platform: Platform that opens it: `Linux`, `Windows`, `MacOS` or `NAT_GATEWAY`. Anything else: not known.
    """
    request, answer = (Direction.EGRESS, Direction.INGRESS) if outward else (Direction.INGRESS, Direction.EGRESS)
    low, high = _EPHEMERAL.get(platform, _ANY_EPHEMERAL)

    def passes(address: IPv4Address) -> Truth:
        # For speed: only rules for this address can match, usually few of many.
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
    """Return whether security groups, and whether a network ACL, allow outbound HTTPS to public addresses.

    Cached, because the result is the same for thousands of nodes.

    Args:
        granted: Rules of all security groups of the network interface.
        acl: Rules of the subnet's network ACL.
        networks: CIDR blocks that contain the service's addresses. Empty: any.
        platform: Platform, as for `through_acl`.
    """
    rules = [*granted, *acl]
    targets = (sampled(networks, rules) if networks else ()) or anywhere(rules)
    return out_of_groups(granted, targets, frozenset()), through_acl(acl, targets, outward=True, platform=platform)


def sampled(within: Iterable[str], rules: Iterable[Permission | AclRule]) -> tuple[IPv4Address, ...]:
    """Return sample addresses of networks such that no rule distinguishes another address from all of them."""
    networks = [each for each in map(ip_network, within) if isinstance(each, IPv4Network)]
    spans = [(int(network[0]), int(network[-1])) for network in networks]
    edges = {edge for span in spans for edge in span}
    for rule in rules:
        for each in _networks(rule):
            edges |= {int(each[0]) - 1, int(each[0]), int(each[-1]), int(each[-1]) + 1}
    return tuple(IPv4Address(edge) for edge in sorted(edges) if any(first <= edge <= last for first, last in spans))


def anywhere(rules: Iterable[Permission | AclRule]) -> tuple[IPv4Address, ...]:
    """Return sample addresses of the internet."""
    public = tuple(each for each in sampled(("0.0.0.0/0",), rules) if each.is_global)
    return (SERVICE_ADDRESS, *public)


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
