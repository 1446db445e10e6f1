"""Checks that the rules about inbound and outbound traffic share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policies.domain_controllers.addresses import is_admissible, parsed
from policies.domain_controllers.exposures import PeerKind
from policies.domain_controllers.port_ranges import uncovered
from policies.findings import UNKNOWN, described

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from policies.domain_controllers.exposures import Exposure, Exposures, Peer
    from policies.domain_controllers.port_ranges import PortRange
    from policies.findings import Finding

_SHOWN = 3


def of_network(exposure: Exposure, name: str, cidr: Any, allowed: Iterable[str]) -> Iterator[Finding]:
    """Check that a network is allowed; an invalid network is not."""
    if cidr is UNKNOWN:
        yield exposure.not_seen(name)
        return
    network = parsed(str(cidr))
    if network is None or not is_admissible(network, allowed):
        yield exposure.finding(name, described(cidr), f"a network within {', '.join(allowed)}")


def of_end(exposures: Exposures, exposure: Exposure, peer: Peer, allowed: Iterable[str]) -> Iterator[Finding]:
    """Check a peer: a network, or the entries of a prefix list; groups are allowed."""
    if peer.kind is PeerKind.UNKNOWN:
        yield exposure.not_seen(peer.property)
    elif peer.kind is PeerKind.NETWORK:
        yield from of_network(exposure, peer.property, peer.value, allowed)
    elif peer.kind is PeerKind.PREFIX_LIST:
        for cidr in exposures.entries(peer):
            yield from of_network(exposure, f"{peer.property} (a prefix list of the stack)", cidr, allowed)


def of_ports(exposure: Exposure, allowed: Iterable[PortRange]) -> Iterator[Finding]:
    """Check that only allowed ports are open."""
    if exposure.port_range is None:
        yield exposure.not_seen(exposure.unseen)
    elif surplus := uncovered(exposure.port_range, allowed):
        beyond = ", ".join(map(str, surplus[:_SHOWN])) + ", ..." * (len(surplus) > _SHOWN)
        expected = f"ports of the tables only, so not {beyond}"
        yield exposure.finding(exposure.ports_property, str(exposure.port_range), expected)
