"""The tables once more, as a person copies them from the post, and the dumbest evaluation of them there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.domain_controllers.port_tables import Options, Profile
from components.domain_controllers.traffic_requirements import RESOLVER, Direction

if TYPE_CHECKING:
    from common.network import Network
    from components.domain_controllers.packet_evaluation import Packet
    from components.domain_controllers.port_tables import Port
    from components.domain_controllers.traffic_requirements import Sources

RPC = range(49152, 65536)
TCP, UDP, ICMP, ICMPV6, ESP = 6, 17, 1, 58, 50

CONTROLLERS = {
    Profile.POST: {
        TCP: [53, 88, 135, 139, 389, 445, 464, 636, 3268, 3269, 5722, 9389, RPC],
        UDP: [53, 88, 123, 137, 138, 389, 445, 464, RPC],
    },
    Profile.MODERN: {
        TCP: [53, 88, 135, 389, 445, 464, 636, 3268, 3269, 9389, RPC],
        UDP: [53, 88, 123, 389, 464],
    },
    Profile.NETBIOS: {
        TCP: [53, 88, 135, 139, 389, 445, 464, 636, 3268, 3269, 9389, RPC],
        UDP: [53, 88, 123, 137, 138, 389, 464],
    },
}
CLIENTS = {
    Profile.POST: {
        TCP: [53, 88, 135, 389, 445, 464, 636, 3268, 3269, 9389, RPC],
        UDP: [53, 88, 123, 137, 138, 389, 464],
    },
    Profile.MODERN: {
        TCP: [53, 88, 135, 389, 445, 464, 636, 3268, 3269, 9389, RPC],
        UDP: [53, 88, 123, 389, 464],
    },
    Profile.NETBIOS: {
        TCP: [53, 88, 135, 139, 389, 445, 464, 636, 3268, 3269, 9389, RPC],
        UDP: [53, 88, 123, 137, 138, 389, 464],
    },
}
BASTIONS = {
    Profile.POST: {TCP: [443, 3389, 5985], UDP: [3389]},
    Profile.MODERN: {TCP: [3389, 5985, 5986], UDP: [3389]},
    Profile.NETBIOS: {TCP: [3389, 5985, 5986], UDP: [3389]},
}
CONTROLLERS[Profile.WINDOWS_SERVER_2025] = CONTROLLERS[Profile.MODERN]
CLIENTS[Profile.WINDOWS_SERVER_2025] = CLIENTS[Profile.MODERN]
BASTIONS[Profile.WINDOWS_SERVER_2025] = {TCP: [3389, 5986], UDP: [3389]}
EDGES = sorted(
    {
        port + around
        for port in (0, 42, 53, 88, 123, 135, 137, 138, 139, 389, 443, 445, 464, 636, 1024, 1500, 3268, 3269, 3389)
        for around in (-1, 0, 1)
        if port + around >= 0
    }
    | {499, 500, 501, 4499, 4500, 4501}
    | {5721, 5722, 5723, 5984, 5985, 5986, 5987, 9388, 9389, 9390, 9391, 49151, 49152, 49999}
    | {50000, 50001, 50002, 50003, 59999, 60000, 60001, 65534, 65535}
)
"""Every port that a table has, with its neighbors, and both ends."""


def wanted(packet: Packet, sources: Sources, options: Options) -> bool:
    """Return whether the packet is permitted, looked up line by line."""
    inward = packet.direction is Direction.INGRESS
    others = [*sources.on_premises, *(each for networks in sources.sites.values() for each in networks)]
    clients = [each for networks in sources.clients.values() for each in networks]
    lists = {each.value for each in sources.client_prefix_lists.values()}
    controllers = _listed(packet, CONTROLLERS[options.profile], options, ping=True) or _between(packet, options)
    is_controller = "itself" in packet.groups or _in(packet, others) or (inward and _in(packet, sources.read_only))
    if controllers and is_controller:
        return True
    if inward:
        is_resolver = sources.has_resolver and RESOLVER.value in packet.groups
        if is_resolver and _is_dns(packet, options):
            return True
        is_client = _in(packet, clients) or bool(lists & packet.groups)
        named = packet.protocol == UDP and packet.port == 137 and _has_wins(options)
        if is_client and (named or _listed(packet, CLIENTS[options.profile], options, ping=True)):
            return True
        if any(_in(packet, each.networks) and _has(packet, each.ports) for each in sources.additional_sources):
            return True
        is_bastion = bool(set(sources.bastions) & packet.groups)
        return is_bastion and _listed(packet, BASTIONS[options.profile], options, ping=False)
    return _service(packet, sources)


def _service(packet: Packet, sources: Sources) -> bool:
    endpoints = [each for each in sources.endpoints if each.value in packet.groups or "/" in each.value]
    at_endpoint = any(each.value in packet.groups or _in(packet, [each.network]) for each in endpoints)
    others = sources.additional_destinations
    return (
        any(_in(packet, each.networks) and _has(packet, each.ports) for each in others)
        or (at_endpoint and packet.protocol == TCP and packet.port == 443)
        or (_in(packet, sources.resolvers) and packet.protocol in (TCP, UDP) and packet.port == 53)
        or (_in(packet, sources.time_sources) and packet.protocol == UDP and packet.port == 123)
    )


def _is_dns(packet: Packet, options: Options) -> bool:
    return options.dns and packet.protocol in (TCP, UDP) and packet.port == 53


def _has_wins(options: Options) -> bool:
    return options.wins and options.profile is not Profile.WINDOWS_SERVER_2025


def _between(packet: Packet, options: Options) -> bool:
    """IPsec and WINS among controllers."""
    if options.ipsec and (packet.protocol == ESP or (packet.protocol == UDP and packet.port in (500, 4500))):
        return True
    wins = {TCP: (42,), UDP: (42, 137)}.get(packet.protocol, ())
    return _has_wins(options) and packet.port in wins


def _has(packet: Packet, ports: tuple[Port, ...]) -> bool:
    """Return whether a packet uses ports that the settings add; the tests use TCP, UDP and ESP."""
    numbers = {"tcp": TCP, "udp": UDP, "50": ESP}
    return any(
        packet.protocol == numbers[each.protocol] and (each.first == -1 or each.first <= packet.port <= each.last)
        for each in ports
    )


def _in(packet: Packet, networks: list[Network] | tuple[Network, ...] | object) -> bool:
    return any(packet.address in each for each in networks)  # type: ignore[attr-defined]


def _listed(packet: Packet, table: dict[int, list[int | range]], options: Options, *, ping: bool) -> bool:
    if packet.protocol in (ICMP, ICMPV6):
        kind = (ICMP, 8) if packet.address.version == 4 else (ICMPV6, 128)
        return ping and options.icmp_echo and (packet.protocol, packet.port) == kind
    for line in table.get(packet.protocol, []):
        if line == 53 and not options.dns:
            continue
        if line in (636, 3269) and not options.ldaps:
            continue
        if isinstance(line, range):
            fixed = options.rpc_ports if packet.protocol == TCP else ()
            if fixed and options.files_port and table is CONTROLLERS[options.profile]:
                fixed = (*fixed, options.files_port)
            hit = packet.port in (fixed if options.rpc_ports else line)
        else:
            hit = packet.port == line
        if hit:
            return True
    return False
