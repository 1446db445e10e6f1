"""Networks of security group rules, and private networks. Pure."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import TYPE_CHECKING, Final

from common.network import Network, contains
from policies.parameters import Parameter

if TYPE_CHECKING:
    from collections.abc import Iterable

PRIVATE: Final = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
"""RFC 1918 and RFC 4193."""

_UNREACHABLE: Final = ("127.0.0.0/8", "255.255.255.255/32", "::1/128")

NARROWEST_WIDE: Final = {4: 23, 6: 47}
"""Longest prefix of a public network that is too wide for one organization, so that two halves of the internet are refused
(prowler's check of wide-open IPv4; for IPv6, where a site has a /48, ours)."""

_CIDR: Final = {"type": "string", "pattern": r"^[0-9A-Fa-f.:]+/[0-9]{1,3}$"}


def networks_parameter(name: str, description: str) -> Parameter:
    """Return a parameter that lists networks; private networks by default."""
    return Parameter(
        name=name,
        description=description,
        default=list(PRIVATE),
        schema={"type": "array", "items": _CIDR},
    )


def parsed(text: str) -> Network | None:
    """Parse a network, with or without host bits; None where it is invalid."""
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError:
        return None


def is_within(network: Network, allowed: Iterable[str]) -> bool:
    """Return whether a network is within the union of others."""
    return any(contains(each, network) for each in _union(tuple(allowed)))


def is_admissible(network: Network, allowed: Iterable[str]) -> bool:
    """Return whether a network is allowed; a wide public network never is."""
    is_wide_and_public = network.prefixlen <= NARROWEST_WIDE[network.version] and not is_within(network, PRIVATE)
    return is_within(network, allowed) and not is_wide_and_public


def is_unreachable(network: Network) -> bool:
    """Return whether no packet can have an address of the network, so that a rule for it has no effect.

    Some tools use loopback or the broadcast address for a group without rules, to which AWS would add default rules.
    """
    return any(contains(each, network) for each in _union(_UNREACHABLE))


@lru_cache(maxsize=32)
def _union(texts: tuple[str, ...]) -> tuple[Network, ...]:
    networks = [each for each in map(parsed, texts) if each is not None]
    v4 = collapse_addresses(each for each in networks if isinstance(each, IPv4Network))
    v6 = collapse_addresses(each for each in networks if isinstance(each, IPv6Network))
    return (*v4, *v6)
