"""Networks as rules of groups write them, and which of them are private. Pure."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import TYPE_CHECKING, Final

from components.directory.peers import Network, contains
from policies.parameters import Parameter

if TYPE_CHECKING:
    from collections.abc import Iterable

PRIVATE: Final = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
"""RFC 1918 and RFC 4193."""

_UNREACHABLE: Final = ("127.0.0.0/8", "255.255.255.255/32", "::1/128")

NARROWEST_WIDE: Final = {4: 23, 6: 47}
"""A public network with a prefix of this length or shorter is nobody's own: half the internet and the other half are two
such (prowler's check of wide-open IPv4; for IPv6, where a site has a /48, ours)."""

_CIDR: Final = {"type": "string", "pattern": r"^[0-9A-Fa-f.:]+/[0-9]{1,3}$"}


def networks_parameter(name: str, description: str) -> Parameter:
    """A parameter that lists networks; private ones by default."""
    return Parameter(
        name=name,
        description=description,
        default=list(PRIVATE),
        schema={"type": "array", "items": _CIDR},
    )


def parsed(text: str) -> Network | None:
    """A network in any spelling, host bits and all; None where it is none."""
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError:
        return None


def is_within(network: Network, allowed: Iterable[str]) -> bool:
    """Whether all of a network lies in the union of some others."""
    return any(contains(each, network) for each in _union(tuple(allowed)))


def is_wide_and_public(network: Network) -> bool:
    """Whether a network holds public addresses, and more of them than anybody has."""
    return network.prefixlen <= NARROWEST_WIDE[network.version] and not is_within(network, PRIVATE)


def is_admissible(network: Network, allowed: Iterable[str]) -> bool:
    """Whether it is one of the networks allowed; a wide public one never is, whatever is allowed."""
    return is_within(network, allowed) and not is_wide_and_public(network)


def is_unreachable(network: Network) -> bool:
    """Whether no packet gets from or to a network, so that a rule that names it opens nothing.

    Tools name one to write a group without rules, which AWS would fill in: loopback, or the broadcast address.
    """
    return any(contains(each, network) for each in _union(_UNREACHABLE))


@lru_cache(maxsize=32)
def _union(texts: tuple[str, ...]) -> tuple[Network, ...]:
    networks = [each for each in map(parsed, texts) if each is not None]
    v4 = collapse_addresses(each for each in networks if isinstance(each, IPv4Network))
    v6 = collapse_addresses(each for each in networks if isinstance(each, IPv6Network))
    return (*v4, *v6)
