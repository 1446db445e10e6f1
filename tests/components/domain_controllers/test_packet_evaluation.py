"""Permitted packets: the plan compared with a literal model of the port tables."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from common.problems import SettingsError
from components.domain_controllers.network_acl import plan_network_acl
from components.domain_controllers.packet_evaluation import (
    ECHO_REPLIES,
    Packet,
    acl_lets_pass,
    admitting,
    packet,
    passes,
    permissions,
    permissions_from_aws,
)
from components.domain_controllers.planner import plan_groups
from components.domain_controllers.port_tables import Options, Profile, load_tables
from components.domain_controllers.traffic_requirements import Direction, PeerKind, Sources
from tests.components.domain_controllers import literal_tables, strategies
from tests.components.domain_controllers.literal_tables import EDGES, wanted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from components.domain_controllers.packet_evaluation import Address, Permission
    from components.domain_controllers.planner import GroupPlan, Quotas

MANY = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
PROTOCOLS = (1, 6, 17, 50, 58)
OTHERS = st.sampled_from([0, 2, 4, 41, 47, 50, 51, 89, 132, 255])


def planned(sources: Sources, options: Options, quotas: Quotas | None = None) -> GroupPlan:
    try:
        return plan_groups(strategies.asked(sources, options), quotas)
    except SettingsError:
        assume(condition=False)
        raise


def addresses(sources: Sources) -> list[Address]:
    """The first and last address of every network, and their neighbors outside."""
    found: list[Address] = [ip_address("8.8.8.8"), ip_address("2600::1"), ip_address("192.168.1.7")]
    named = [
        *sources.on_premises,
        *sources.resolvers,
        *sources.time_sources,
        *sources.read_only,
        *(
            network
            for each in (*sources.additional_sources, *sources.additional_destinations)
            for network in each.networks
        ),
        *(each for networks in (*sources.sites.values(), *sources.clients.values()) for each in networks),
        *(each.network for each in sources.endpoints if each.kind is PeerKind.NETWORK),
    ]
    for network in named:
        kind = IPv4Address if network.version == 4 else IPv6Address
        first, last = int(network.network_address), int(network.broadcast_address)
        found += [kind(each) for each in (first - 1, first, last, last + 1)]
    return found


GROUPS = st.sampled_from(
    [
        "itself",
        "resolver-endpoints",
        "sg-00000001",
        "sg-00000002",
        "sg-00000003",
        "sg-0000000e",
        "pl-00000001",
        "pl-00000002",
    ]
)


# Built once: hypothesis analyzes each new strategy at length.
DIRECTIONS = st.sampled_from(Direction)
ANY_PROTOCOL = st.sampled_from(PROTOCOLS) | OTHERS
ICMP_TYPES = st.sampled_from([0, 3, 8, 128, 129])
IPV4_PROTOCOLS, IPV6_PROTOCOLS = st.sampled_from([6, 17, 1]), st.sampled_from([6, 17, 58])
ECHO_TYPES = st.sampled_from([0, 8, 128])
TABLE_PORTS = st.sampled_from(EDGES)
PORTS = TABLE_PORTS | st.integers(0, 65535)
AT_MOST_ONE_GROUP = st.frozensets(GROUPS, max_size=1)


@st.composite
def packets(draw: st.DrawFn, address: st.SearchStrategy[Address]) -> Packet:
    protocol = draw(ANY_PROTOCOL)
    return Packet(
        direction=draw(DIRECTIONS),
        protocol=protocol,
        port=draw(ICMP_TYPES if protocol in (1, 58) else PORTS),
        address=draw(address),
        groups=draw(AT_MOST_ONE_GROUP),
    )


@given(strategies.sources, strategies.options, strategies.quotas, st.data())
@MANY
def test_what_is_let_in_is_what_the_tables_list(
    sources: Sources, options: Options, quotas: Quotas, data: st.DataObject
) -> None:
    granted = permissions(planned(sources, options, quotas))
    any_packet = packets(st.sampled_from(addresses(sources)))
    for _ in range(25):
        one = data.draw(any_packet)
        assert (admitting(granted, one) is not None) == _wanted(one, sources, options)


def _wanted(one: Packet, sources: Sources, options: Options) -> bool:
    """A rule to a group knows ICMP of IPv4 only: its members' addresses are not known to a plan."""
    if one.protocol in (1, 58) and one.groups:
        by_address = wanted(replace(one, groups=frozenset()), sources, options)
        lists = [each for each in sources.client_prefix_lists.values() if each.value in one.groups]
        v6 = any(each.family == "IPv6" for each in lists)
        echo = (58, 128) if v6 else (1, 8)
        listed = one.direction is Direction.INGRESS and bool(lists)
        by_group = options.icmp_echo and (one.protocol, one.port) == echo and (listed or "itself" in one.groups)
        return by_address or by_group
    return wanted(one, sources, options)


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("source", ["10.10.3.4", "10.1.0.10", "172.20.0.9", "sg-00000001", "itself", "9.9.9.9"])
def test_the_edges_of_every_port_for_every_kind_of_source(profile: Profile, direction: Direction, source: str) -> None:
    assert_as_listed(profile, direction, source, EDGES)


@pytest.mark.exhaustive
@pytest.mark.parametrize("direction", Direction)
def test_every_port_of_a_client(direction: Direction) -> None:
    assert_as_listed(Profile.POST, direction, "10.10.3.4", range(65536))


def assert_as_listed(profile: Profile, direction: Direction, source: str, ports: Iterable[int]) -> None:
    sources = Sources(
        clients={"offices": [ip_network("10.10.0.0/16")]},
        on_premises=[ip_network("10.1.0.10/32")],
        sites={"us-east-1": [ip_network("172.20.0.0/24")]},
        bastions=("sg-00000001",),
    )
    options = Options(profile=profile)
    granted = permissions(planned(sources, options))
    address, groups = (source, []) if source[0].isdigit() else ("192.168.77.1", [source])
    for protocol in ("tcp", "udp"):
        first = packet(direction, protocol, 0, address, *groups)
        relevant = [each for each in granted if each.protocol == first.protocol and each.direction == direction]
        # Ports of all tables and rules, and their neighbors: between them, all ports are alike.
        ends = {
            end for each in relevant for end in (each.from_port - 1, each.from_port, each.to_port, each.to_port + 1)
        }
        tried = sorted({*ports, *(ends & set(range(65536)))})
        expected = {port for port in tried if wanted(replace(first, port=port), sources, options)}
        assert {port for port in tried if admitting(relevant, replace(first, port=port))} == expected
        assert bool(expected) == (_is_known(source) and (direction is Direction.INGRESS or _is_controller(source)))


def _is_known(source: str) -> bool:
    return source != "9.9.9.9"


def _is_controller(source: str) -> bool:
    return source in ("10.1.0.10", "172.20.0.9", "itself")


def test_session_manager_admits_no_rdp_winrm_and_powershell() -> None:
    granted = permissions(planned(Sources(clients={"offices": [ip_network("10.10.0.0/16")]}), Options()))
    for port in (22, 443, 3389, 5985, 5986):
        for protocol in ("tcp", "udp"):
            for group in ("sg-00000001", "itself"):
                assert admitting(granted, packet(Direction.INGRESS, protocol, port, "10.10.1.1", group)) is None


acl_sources = st.builds(
    Sources,
    on_premises=st.lists(strategies.networks, max_size=2),
    clients=st.dictionaries(st.sampled_from(strategies.NAMES), strategies.lists_of(2), max_size=3),
    bastions=st.sampled_from([(), ("sg-00000001",)]),
    resolvers=strategies.lists_of(1),
    time_sources=strategies.lists_of(1),
)


def peers(sources: Sources) -> list[tuple[Address, str]]:
    inside = [(ip_address("192.168.1.7"), "itself"), (ip_address("192.168.9.7"), "sg-00000001")]
    return [*((each, "") for each in addresses(sources)), *inside]


@given(acl_sources, strategies.options, st.sampled_from([20, 25, 40]), st.data())
@MANY
def test_group_and_acl_together_permit_just_the_tables(
    sources: Sources, options: Options, quota: int, data: st.DataObject
) -> None:
    asked = strategies.asked(sources, options)
    granted = permissions(planned(sources, options))
    try:
        acl = plan_network_acl(asked, addresses=_addresses(sources), quota=quota).rules
    except SettingsError:
        assume(condition=False)
        raise
    peer = st.sampled_from(peers(sources))
    for _ in range(20):
        address, group = data.draw(peer)
        protocol = data.draw(IPV4_PROTOCOLS if address.version == 4 else IPV6_PROTOCOLS)
        port = data.draw(TABLE_PORTS if protocol in (6, 17) else ECHO_TYPES)
        one = Packet(
            direction=data.draw(DIRECTIONS),
            protocol=protocol,
            port=port,
            address=address,
            groups=frozenset([group] if group else []),
        )
        for reply_port in (49152, 52000, 65535):
            found = passes(granted, acl, one, reply_port=reply_port)
            assert (found is not None) == _wanted(one, sources, options)


def _addresses(sources: Sources) -> dict[str, tuple[object, ...]]:
    return {"itself": strategies.OWN, **dict.fromkeys(sources.bastions, (strategies.BASTION_NETWORK,))}  # type: ignore[return-value]


def test_acl_knows_answers_from_requests() -> None:
    sources = Sources(clients={"offices": [ip_network("10.10.0.0/16")]})
    acl = plan_network_acl(strategies.asked(sources), addresses=_addresses(sources), quota=40).rules
    linux = packet(Direction.EGRESS, "tcp", 32768, "10.10.1.1")
    assert acl_lets_pass(acl, linux)
    assert not acl_lets_pass(acl, replace(linux, port=1023))
    assert not acl_lets_pass(acl, replace(linux, address=ip_address("10.11.0.1")))
    assert not acl_lets_pass(acl, replace(linux, direction=Direction.INGRESS))


def test_answers_to_the_port_itself_come_back() -> None:
    sources = Sources(clients={"offices": [ip_network("10.10.0.0/16")]})
    acl = plan_network_acl(strategies.asked(sources), addresses=_addresses(sources), quota=40).rules
    granted = permissions(planned(sources, Options()))
    for port in (53, 123, 137, 138):
        assert passes(granted, acl, packet(Direction.INGRESS, "udp", port, "10.10.1.1"), reply_port=port)
    assert not passes(granted, acl, packet(Direction.INGRESS, "udp", 389, "10.10.1.1"), reply_port=389)


def as_aws_answers(plan: GroupPlan) -> list[dict[str, object]]:
    """Answer of DescribeSecurityGroupRules for the deployed plan."""
    ids = {"itself": "sg-0000cafe", **{each.name: f"pl-{each.name}" for each in plan.prefix_lists}}
    answers: list[dict[str, object]] = []
    for rule in (rule for group in plan.groups for rule in group.rules):
        answer: dict[str, object] = {
            "IsEgress": rule.direction is Direction.EGRESS,
            "IpProtocol": str(rule.protocol),
            "FromPort": rule.from_port,
            "ToPort": rule.to_port,
        }
        value = ids.get(rule.peer.value, rule.peer.value)
        if rule.peer.kind is PeerKind.NETWORK:
            answer["CidrIpv4" if rule.peer.family == "IPv4" else "CidrIpv6"] = value
        elif rule.peer.kind in (PeerKind.PLANNED_LIST, PeerKind.PREFIX_LIST):
            answer["PrefixListId"] = value
        else:
            answer["ReferencedGroupInfo"] = {"GroupId": value}
        answers.append(answer)
    return answers


@given(strategies.sources, strategies.options, st.data())
@settings(MANY, max_examples=25)
def test_rules_read_back_say_the_same_as_the_plan(sources: Sources, options: Options, data: st.DataObject) -> None:
    sources = replace(sources, client_prefix_lists={})
    plan = planned(sources, options)
    lists = {f"pl-{each.name}": [entry.cidr for entry in each.entries] for each in plan.prefix_lists}
    read = permissions_from_aws(as_aws_answers(plan), lists)
    any_packet = packets(st.sampled_from(addresses(sources)))
    for _ in range(15):
        one = data.draw(any_packet)
        there = replace(one, groups=frozenset("sg-0000cafe" if each == "itself" else each for each in one.groups))
        assert _shown(admitting(read, there)) == _shown(admitting(permissions(plan), one))


def _shown(permission: Permission | None) -> tuple[object, ...] | None:
    return permission and (permission.direction, permission.protocol, permission.from_port, permission.to_port)


def test_a_rule_for_all_protocols_read_back_lets_everything_in() -> None:
    open_to_all = {"IsEgress": False, "IpProtocol": "-1", "FromPort": -1, "ToPort": -1, "CidrIpv4": "0.0.0.0/0"}
    read = permissions_from_aws([open_to_all], {})
    for number in (0, 1, 6, 17, 47, 255):
        one = Packet(direction=Direction.INGRESS, protocol=number, port=1, address=ip_address("9.9.9.9"))
        assert admitting(read, one)
        assert admitting(read, replace(one, address=ip_address("2600::1"))) is None


def test_literal_tables_and_files_have_the_same_number_of_lines() -> None:
    lines = sum(len(ports) for ports in literal_tables.CONTROLLERS[Profile.POST].values())
    assert lines == 22
    rows = [each for each in load_tables().controllers.row if Profile.POST in each.profiles]
    assert sum(len(row.protocols) for row in rows if row.when not in ("ipsec", "wins")) == 22 + 1
    assert ECHO_REPLIES == {1: 0, 58: 129}
