"""Random sites, and who talks to their controllers."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from common.network import Family
from components.domain_controllers.planner import Quotas
from components.domain_controllers.port_tables import Options, Profile, additional_ports, load_tables
from components.domain_controllers.traffic_requirements import (
    AdditionalPeers,
    Sources,
    TrafficRequirement,
    group_peer,
    network_peer,
    prefix_list_peer,
    traffic_requirements,
)

if TYPE_CHECKING:
    from common.network import Network

NAMES = ("offices", "aws", "branches", "vpn")
OWN = (ip_network("192.168.1.0/24"), ip_network("192.168.2.0/24"))
"""The subnets of the controllers of the site."""
BASTION_NETWORK = ip_network("192.168.9.0/24")


def _network(base: str, first_bits: int, last_bits: int) -> st.SearchStrategy[Network]:
    whole = ip_network(base)

    def made(bits: int, position: int) -> Network:
        free = whole.max_prefixlen - bits
        return ip_network((int(whole.network_address) + (position % 2 ** (bits - whole.prefixlen) << free), bits))

    # Few positions, so that neighbors and networks within each other are common.
    return st.builds(made, st.integers(first_bits, last_bits), st.integers(0, 12) | st.integers(0, 2**20))


networks_v4 = _network("10.0.0.0/8", 8, 32)
networks_v6 = _network("2001:db8::/32", 32, 128)
networks = st.one_of(networks_v4, networks_v4, networks_v6)

options = st.builds(
    Options,
    profile=st.sampled_from(Profile),
    ldaps=st.booleans(),
    dns=st.booleans(),
    icmp_echo=st.booleans(),
    ipsec=st.sampled_from([False, False, True]),
    wins=st.sampled_from([False, False, True]),
    rpc_ports=st.sampled_from([(), (), (50000,), (50000, 50001), (50000, 50002), (9390,), (60000, 1500)]),
    files_port=st.sampled_from([None, None, 50003, 59999]),
)


def lists_of(largest: int) -> st.SearchStrategy[list[Network]]:
    return st.lists(networks, max_size=largest)


def _additional(name: str, *ports: list[str]) -> st.SearchStrategy[AdditionalPeers]:
    return st.builds(
        AdditionalPeers,
        name=st.just(name),
        networks=lists_of(1),
        ports=st.sampled_from([additional_ports(f"additional.{name}", "Ours", each) for each in ports]),
    )


sources = st.builds(
    Sources,
    on_premises=lists_of(3),
    sites=st.dictionaries(st.sampled_from(["us-east-1", "ap-south-1"]), lists_of(2), max_size=2),
    clients=st.dictionaries(st.sampled_from(NAMES), lists_of(4), max_size=3),
    client_prefix_lists=st.dictionaries(
        st.just("partners"),
        st.builds(prefix_list_peer, st.just("pl-00000001"), st.sampled_from(Family), st.integers(1, 4)),
    ),
    bastions=st.sampled_from([(), ("sg-00000001",), ("sg-00000001", "sg-00000002")]),
    endpoints=st.sampled_from([(), (network_peer("10.200.0.0/24"),), (group_peer("sg-0000000e"),)]),
    resolvers=lists_of(1),
    time_sources=lists_of(1),
    read_only=lists_of(1),
    has_resolver=st.booleans(),
    additional_sources=st.lists(_additional("monitoring", ["tcp/1500", "esp"], ["udp/161", "tcp/389"]), max_size=1),
    additional_destinations=st.lists(
        _additional("certificates", ["rpc"], ["tcp/8530-8531", "udp/514", "esp"]), max_size=2
    ),
)
quotas = st.builds(
    Quotas, rules_per_group=st.sampled_from([60, 60, 100, 200]), groups_per_interface=st.sampled_from([3, 4, 5])
)


def asked(given: Sources, wanted: Options | None = None) -> tuple[TrafficRequirement, ...]:
    return traffic_requirements(load_tables(), wanted or Options(), given)


def of_clients(*cidrs: str, wanted: Options | None = None, **others: object) -> tuple[TrafficRequirement, ...]:
    """Demands of a site with so many clients, each named by its network."""
    return asked(Sources(clients={cidr: [ip_network(cidr)] for cidr in cidrs}, **others), wanted)  # type: ignore[arg-type]
