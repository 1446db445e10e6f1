"""Evaluation of a packet: the rule that permits it, or the settings that would."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from itertools import product
from typing import TYPE_CHECKING, Any

from components.domain_controllers import port_tables
from components.domain_controllers.packet_evaluation import admitting, packet, permissions
from components.domain_controllers.security_group_rules import ECHO_REQUEST_V6, PlannedRule
from components.domain_controllers.settings import ManagementAccess, sources
from components.domain_controllers.traffic_requirements import Direction, PeerKind, traffic_requirements
from operations.errors import UnusableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.domain_controllers.planner import GroupPlan
    from components.domain_controllers.settings import DomainControllersSection
    from components.domain_controllers.traffic_requirements import Peer
    from operations.ports.matrix import SiteMatrix

_OUTSIDE_ADDRESS = "192.0.2.1"
"""Address outside every organization's networks (RFC 5737), for packets from a security group."""
_CLIENT_GROUP = "sg-00000000"
"""Placeholder for a security group of a client that is given by its address."""

_PORT = re.compile(r"(?:(tcp|udp)/)?([0-9]{1,5})|icmp|(esp)", re.IGNORECASE)
_GROUP = re.compile(r"sg-[0-9a-f]{8,17}")


@dataclass(frozen=True, kw_only=True)
class PacketQuery:
    """Packet to evaluate.

    Attributes:
        client: Source address or security group ID.
        protocol: Protocol: `tcp`, `udp`, `icmp`, `icmpv6` or `esp`.
        port: Destination port, or ICMP type.
    """

    client: str
    protocol: str
    port: int


@dataclass(frozen=True, kw_only=True)
class PacketResult:
    """Result for a packet.

    Attributes:
        rule: Rule that allows the packet. None: it is denied.
        group: Security group with the rule.
        client_names: Names of the client in the configuration.
        settings: Settings that would permit a denied packet, without the namespace; several of an entry belong together.
    """

    region: str
    query: PacketQuery
    rule: PlannedRule | None
    group: str = ""
    client_names: tuple[str, ...] = ()
    settings: tuple[tuple[str, ...], ...] = ()


def packets_of(client: str, port: str) -> tuple[PacketQuery, ...]:
    """Return the packets to evaluate; a port without a protocol means both TCP and UDP.

    The client is an address or a security group ID, the port `389`, `tcp/389`, `udp/389`, `icmp` or `esp`.

    Raises:
        UnusableError: The client or port is invalid.
    """
    if not _GROUP.fullmatch(client):
        try:
            ip_address(client)
        except ValueError:
            raise UnusableError(
                f"--explain: expected an IP address or the ID of a security group, such as sg-0123abcd, got {client!r}."
            ) from None
    match = _PORT.fullmatch(port)
    if not match or int(match[2] or 0) > port_tables.HIGHEST_PORT:
        raise UnusableError(
            f"--explain: expected a port (389, tcp/389, udp/389; 0 to {port_tables.HIGHEST_PORT}), icmp or esp, got {port!r}."
        )
    if match[3]:
        return (PacketQuery(client=client, protocol="esp", port=port_tables.ANY_PORT),)
    if match[2] is None:
        v6 = ":" in client
        kind = ("icmpv6", ECHO_REQUEST_V6) if v6 else ("icmp", port_tables.ECHO_REQUEST)
        return (PacketQuery(client=client, protocol=kind[0], port=kind[1]),)
    protocols = (match[1].lower(),) if match[1] else ("tcp", "udp")
    return tuple(PacketQuery(client=client, protocol=each, port=int(match[2])) for each in protocols)


def evaluate_packet(site: SiteMatrix, query: PacketQuery) -> PacketResult:
    """Evaluate a packet with a site's security groups.

    Raises:
        UnusableError: The site has no plan.
    """
    if site.plan is None:
        raise UnusableError(site.quota_problem)
    by_group = query.client.startswith("sg-")
    address, groups = (_OUTSIDE_ADDRESS, (query.client,)) if by_group else (query.client, ())
    sample = packet(Direction.INGRESS, query.protocol, query.port, address, *groups)
    found = admitting(permissions(site.plan), sample)
    if found is None or not isinstance(found.rule, PlannedRule):
        settings = _permitting_settings(site.section, site.region, query)
        return PacketResult(region=site.region, query=query, rule=None, settings=settings)
    rule = found.rule
    group = next(each.name for each in site.plan.groups if rule in each.rules)
    return PacketResult(
        region=site.region, query=query, rule=rule, group=group, client_names=_client_names(site.plan, rule, address)
    )


def _client_names(plan: GroupPlan, rule: PlannedRule, address: str) -> tuple[str, ...]:
    """Return the client's names: for a prefix list, the descriptions of its matching entries."""
    if rule.peer.kind is not PeerKind.PLANNED_LIST:
        return rule.names
    entries = next(each.entries for each in plan.prefix_lists if each.name == rule.peer.value)
    return tuple(
        f"{each.description} ({each.cidr})" for each in entries if ip_address(address) in ip_network(each.cidr)
    )


def _permitting_settings(
    section: DomainControllersSection, region: str, query: PacketQuery
) -> tuple[tuple[str, ...], ...]:
    """Return the smallest changes of settings that would permit a packet: one setting each, or else a peer and one."""
    options, peers = dict(_option_changes(section)), dict(_peer_changes(section, region, query.client))
    single = [(text,) for text, change in {**options, **peers}.items() if _permits(section, region, query, change)]
    if single:
        return tuple(single)
    return tuple(
        texts
        for texts in product(peers, options)
        if _permits(section, region, query, {**peers[texts[0]], **options[texts[1]]})
    )


def _option_changes(section: DomainControllersSection) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield changes that open further ports, as text and as values of the section."""
    switches = {"ldaps": "ldaps", "dns": "dns", "icmpEcho": "icmp_echo", "ipsec": "ipsec", "wins": "wins"}
    yield from ((f"{key}: true", {name: True}) for key, name in switches.items() if not getattr(section, name))
    yield from ((f"profile: {each}", {"profile": each}) for each in port_tables.Profile if each is not section.profile)
    if section.replication_port is not None:
        fixed: dict[str, Any] = dict.fromkeys(("replication_port", "netlogon_port", "dfsr_port"))
        yield "replicationPort: null, which opens the dynamic range", fixed


def _peer_changes(section: DomainControllersSection, region: str, client: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield changes that admit a client, as text and as values of the section."""
    by_group = client.startswith("sg-")
    bastions = {"bastion_security_group_ids": [*section.bastion_groups(region), client if by_group else _CLIENT_GROUP]}
    site = section.sites.get(region)
    is_own = bool(site and site.bastion_security_group_ids)
    sites = {region: site.model_copy(update=bastions)} if site and is_own else {}
    where = f"sites.{region}.bastionSecurityGroupIds" if is_own else "bastionSecurityGroupIds"
    yield (
        f"managementAccess: bastion, with {client if by_group else 'a security group of this host'} in {where}",
        {"management_access": ManagementAccess.BASTION, "sites": section.sites | sites, **bastions},
    )
    if by_group:
        return
    network = str(ip_network(client))
    yield f"clients.NAME: [{network}]", {"clients": {**section.clients, "": [network]}}
    controllers = [*section.on_premises_domain_controllers, network]
    yield (
        f"onPremisesDomainControllers: [{network}], if it is a domain controller",
        {"on_premises_domain_controllers": controllers},
    )


def _permits(section: DomainControllersSection, region: str, query: PacketQuery, change: dict[str, Any]) -> bool:
    """Return whether changed settings require that the packet is permitted; networks of other sites do not matter."""
    changed = section.model_copy(update=change)
    protocol = {"icmpv6": "icmp", "esp": port_tables.Protocol.ESP}.get(query.protocol, query.protocol)
    number = port_tables.ECHO_REQUEST if protocol == "icmp" else query.port
    return any(
        port.protocol == protocol and port.first <= number <= port.last
        for each in traffic_requirements(
            port_tables.load_tables(), changed.options, sources(changed, region, site_networks={})
        )
        if each.direction is Direction.INGRESS and any(_is_of(source.peer, query.client) for source in each.sources)
        for port in each.ports
    )


def _is_of(peer: Peer, client: str) -> bool:
    if peer.kind is PeerKind.NETWORK:
        return not client.startswith("sg-") and ip_address(client) in peer.network
    return peer.value in (client, _CLIENT_GROUP)
