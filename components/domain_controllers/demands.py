"""Required traffic of domain controllers: port tables combined with sources, before any rule is planned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from components.domain_controllers.peers import ITSELF, Network, Peer, group_peer, network_peer
from components.domain_controllers.port_tables import Options, Port, Table, Tables, ports


class Direction(StrEnum):
    """Direction of traffic, from the controllers' point of view."""

    INGRESS = "ingress"
    EGRESS = "egress"


class Audience(StrEnum):
    """Kind of peer, by the port table that applies to it."""

    ITSELF = "controllers of this site"
    CONTROLLERS = "other controllers"
    CLIENTS = "clients"
    BASTIONS = "bastion hosts"
    SERVICES = "services"


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
class Demand:
    """Traffic of every source with every port.

    Attributes:
        direction: Side that opens the connection: the source with ingress, the controller with egress.
        audience: Kind of the sources.
        sources: Sources, in no particular order.
        ports: Ports in the table's order.
    """

    direction: Direction
    audience: Audience
    sources: tuple[Source, ...]
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
    """

    on_premises: Sequence[Network] = ()
    sites: Mapping[str, Sequence[Network]] = field(default_factory=dict[str, Sequence[Network]])
    clients: Mapping[str, Sequence[Network]] = field(default_factory=dict[str, Sequence[Network]])
    client_prefix_lists: Mapping[str, Peer] = field(default_factory=dict[str, Peer])
    bastions: Sequence[str] = ()
    endpoints: Sequence[Peer] = ()
    resolvers: Sequence[Network] = ()
    time_sources: Sequence[Network] = ()


def demands(tables: Tables, options: Options, sources: Sources) -> tuple[Demand, ...]:
    """Return all traffic that is required; no other traffic is.

    Args:
        tables: Port tables.
        options: Profile and switches.
        sources: Peers of the controllers.
    """
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
    found = [
        Demand(direction=direction, audience=audience, sources=who, ports=what)
        for direction, audience, who, what in (
            (Direction.INGRESS, Audience.ITSELF, itself, controllers),
            (Direction.EGRESS, Audience.ITSELF, itself, controllers),
            (Direction.INGRESS, Audience.CONTROLLERS, others, controllers),
            (Direction.EGRESS, Audience.CONTROLLERS, others, both_ways),
            (Direction.INGRESS, Audience.CLIENTS, clients, ports("client_to_controller", tables.clients, options)),
            (Direction.INGRESS, Audience.BASTIONS, bastions, ports("bastion_to_controller", tables.bastions, options)),
        )
    ]
    return tuple(
        each for each in (*found, *_services(tables.services, options, sources)) if each.sources and each.ports
    )


def _named(name: str, networks: Sequence[Network]) -> tuple[Source, ...]:
    return tuple(Source(name=name, peer=network_peer(network)) for network in networks)


def _services(table: Table, options: Options, sources: Sources) -> list[Demand]:
    destinations = {
        "endpoints": tuple(Source(name="endpoints", peer=peer) for peer in sources.endpoints),
        "resolvers": _named("resolvers", sources.resolvers),
        "timeSources": _named("time sources", sources.time_sources),
    }
    return [
        Demand(
            direction=Direction.EGRESS,
            audience=Audience.SERVICES,
            sources=who,
            ports=ports("controller_to_services", table, options, to=to),
        )
        for to, who in destinations.items()
    ]
