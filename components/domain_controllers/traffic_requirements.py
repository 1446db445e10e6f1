"""Required traffic of domain controllers: port tables combined with sources, before any rule is planned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from ipaddress import ip_network

from common.network import Family, Network, family_of
from components.domain_controllers.port_tables import Options, Port, Tables, ports


class PeerKind(StrEnum):
    """Kind of name that a rule has for its peer."""

    ITSELF = "itself"
    """The controllers' own first group."""
    NETWORK = "network"
    GROUP = "security group"
    PREFIX_LIST = "prefix list"
    """An existing prefix list."""
    RESOLVER = "resolver endpoints"
    """The security group of the site's Route 53 Resolver outbound endpoint."""
    PLANNED_LIST = "planned prefix list"
    """A prefix list of the same plan."""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """Source or destination of a rule.

    Attributes:
        kind: Kind of the value.
        value: A CIDR, `sg-...`, `pl-...`, the name of a planned list, `itself` or `resolver-endpoints`.
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
RESOLVER = Peer(kind=PeerKind.RESOLVER, value="resolver-endpoints")


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


class Direction(StrEnum):
    """Direction of traffic, from the controllers' point of view."""

    INGRESS = "ingress"
    EGRESS = "egress"


class PeerGroup(StrEnum):
    """Kind of peer, by the port table that applies to it."""

    ITSELF = "controllers of this site"
    CONTROLLERS = "other controllers"
    CLIENTS = "clients"
    BASTIONS = "bastion hosts"
    READ_ONLY = "read-only domain controllers"
    SERVICES = "services"
    RESOLVER_ENDPOINTS = "resolver endpoints"
    RESOLVER_CLIENTS = "clients of the resolver endpoints"
    ADDITIONAL_SOURCES = "additional sources"
    ADDITIONAL_DESTINATIONS = "additional destinations"


@dataclass(frozen=True, kw_only=True)
class Source:
    """A peer and its name.

    Attributes:
        name: Name in the configuration: `offices`, `on premises`, `site eu-west-1`.
        peer: Peer as rules name it.
    """

    name: str
    peer: Peer


@dataclass(frozen=True, kw_only=True)
class TrafficRequirement:
    """Traffic of every source with every port.

    Attributes:
        direction: Side that opens the connection: the source with ingress, the controller with egress.
        peer_group: Kind of the sources.
        sources: Sources, in no particular order.
        ports: Ports in the table's order.
    """

    direction: Direction
    peer_group: PeerGroup
    sources: tuple[Source, ...]
    ports: tuple[Port, ...]


@dataclass(frozen=True, kw_only=True)
class AdditionalPeers:
    """Peers that the settings add to those of the tables, with ports of their own.

    Attributes:
        name: Name in the settings.
        networks: Their networks.
        ports: Ports, see `additional_ports`.
    """

    name: str
    networks: Sequence[Network]
    ports: tuple[Port, ...]


@dataclass(frozen=True, kw_only=True)
class Sources:
    """All peers of a site's controllers.

    Attributes:
        on_premises: Networks of the controllers on premises.
        sites: Networks of other Regions' controllers, by Region.
        clients: Networks of clients, by name.
        client_prefix_lists: Existing prefix lists of clients, by name.
        bastions: Security group IDs of the bastion hosts; empty where sessions use Session Manager.
        endpoints: Networks, groups or prefix lists of VPC endpoints.
        resolvers: Networks of DNS servers that controllers forward to.
        time_sources: Networks of NTP servers.
        read_only: Networks of read-only domain controllers, which are not connected to (Microsoft, "Designing RODCs in the
            Perimeter Network": replication to them is always their own request).
        has_resolver: Whether the site has a Route 53 Resolver outbound endpoint, which sends queries to controllers.
        resolver_clients: Networks that send queries to the site's inbound endpoint.
        additional_sources: Further peers that connect to controllers.
        additional_destinations: Further peers that controllers connect to.
    """

    on_premises: Sequence[Network] = ()
    sites: Mapping[str, Sequence[Network]] = field(default_factory=dict[str, Sequence[Network]])
    clients: Mapping[str, Sequence[Network]] = field(default_factory=dict[str, Sequence[Network]])
    client_prefix_lists: Mapping[str, Peer] = field(default_factory=dict[str, Peer])
    bastions: Sequence[str] = ()
    endpoints: Sequence[Peer] = ()
    resolvers: Sequence[Network] = ()
    time_sources: Sequence[Network] = ()
    read_only: Sequence[Network] = ()
    has_resolver: bool = False
    resolver_clients: Sequence[Network] = ()
    additional_sources: Sequence[AdditionalPeers] = ()
    additional_destinations: Sequence[AdditionalPeers] = ()


def traffic_requirements(tables: Tables, options: Options, sources: Sources) -> tuple[TrafficRequirement, ...]:
    """Return all traffic that is required; no other traffic is."""
    controllers = ports("controller_to_controller", tables.controllers, options)
    both_ways = tuple(port for port in controllers if port.row.direction == "Bi-directional")
    itself = (Source(name="controllers", peer=ITSELF),)
    others = (
        *_named("on premises", sources.on_premises),
        *(each for region, networks in sources.sites.items() for each in _named(f"site {region}", networks)),
    )
    clients = (
        *(each for name, networks in sources.clients.items() for each in _named(name, networks)),
        *(Source(name=name, peer=peer) for name, peer in sources.client_prefix_lists.items()),
    )
    bastions = tuple(Source(name="bastion hosts", peer=group_peer(group)) for group in sources.bastions)
    services = {
        "endpoints": tuple(Source(name="endpoints", peer=peer) for peer in sources.endpoints),
        "resolvers": _named("resolvers", sources.resolvers),
        "timeSources": _named("time sources", sources.time_sources),
    }
    return _requirements(
        (Direction.INGRESS, PeerGroup.ITSELF, itself, controllers),
        (Direction.EGRESS, PeerGroup.ITSELF, itself, controllers),
        (Direction.INGRESS, PeerGroup.CONTROLLERS, others, controllers),
        (Direction.EGRESS, PeerGroup.CONTROLLERS, others, both_ways),
        (Direction.INGRESS, PeerGroup.RESOLVER_ENDPOINTS, _resolver(sources), _dns_ports(tables, options)),
        (Direction.INGRESS, PeerGroup.READ_ONLY, _named("read-only controllers", sources.read_only), controllers),
        (Direction.INGRESS, PeerGroup.CLIENTS, clients, ports("client_to_controller", tables.clients, options)),
        (Direction.INGRESS, PeerGroup.BASTIONS, bastions, ports("bastion_to_controller", tables.bastions, options)),
        *(
            (
                Direction.EGRESS,
                PeerGroup.SERVICES,
                who,
                ports("controller_to_services", tables.services, options, to=to),
            )
            for to, who in services.items()
        ),
        *(
            (Direction.INGRESS, PeerGroup.ADDITIONAL_SOURCES, _named(each.name, each.networks), each.ports)
            for each in sources.additional_sources
        ),
        *(
            (Direction.EGRESS, PeerGroup.ADDITIONAL_DESTINATIONS, _named(each.name, each.networks), each.ports)
            for each in sources.additional_destinations
        ),
    )


def resolver_requirements(tables: Tables, options: Options, sources: Sources) -> tuple[TrafficRequirement, ...]:
    """Return the traffic of Route 53 Resolver endpoints, which stand in the controllers' subnets.

    It concerns the subnets' network ACL, and no security group of controllers.
    """
    clients, dns = _named("inbound resolver endpoint", sources.resolver_clients), _dns_ports(tables, options)
    return _requirements(
        (Direction.EGRESS, PeerGroup.RESOLVER_ENDPOINTS, _resolver(sources), dns),
        (Direction.INGRESS, PeerGroup.RESOLVER_CLIENTS, clients, dns),
    )


def _requirements(
    *rows: tuple[Direction, PeerGroup, tuple[Source, ...], tuple[Port, ...]],
) -> tuple[TrafficRequirement, ...]:
    return tuple(
        TrafficRequirement(direction=direction, peer_group=peer_group, sources=who, ports=what)
        for direction, peer_group, who, what in rows
        if who and what
    )


def _resolver(sources: Sources) -> tuple[Source, ...]:
    return (Source(name="resolver endpoints", peer=RESOLVER),) if sources.has_resolver else ()


def _dns_ports(tables: Tables, options: Options) -> tuple[Port, ...]:
    return tuple(each for each in ports("client_to_controller", tables.clients, options) if each.row.when == "dns")


def _named(name: str, networks: Sequence[Network]) -> tuple[Source, ...]:
    return tuple(Source(name=name, peer=network_peer(network)) for network in networks)
