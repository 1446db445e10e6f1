"""The network ACL: within the quota, no wider than it must be, and honest about it."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from common.network import Family
from common.problems import SettingsError
from components.domain_controllers.acl_aggregation import Wish, fitted
from components.domain_controllers.network_acl import AclPlan, plan_network_acl
from components.domain_controllers.packet_evaluation import acl_lets_pass, acl_rules_from_aws, packet
from components.domain_controllers.traffic_requirements import Direction, Sources, group_peer
from tests.components.domain_controllers import strategies
from tests.components.domain_controllers.strategies import OWN, asked

if TYPE_CHECKING:
    from common.network import Network

LAWS = settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])


def planned(quota: int = 20, **given_sources: Any) -> AclPlan:
    return plan_network_acl(asked(Sources(**given_sources)), addresses={"itself": OWN}, quota=quota)


def clients(count: int) -> dict[str, list[Network]]:
    return {"offices": [ip_network(f"10.{number}.0.0/16") for number in range(11, 11 + 2 * count, 2)]}


@pytest.mark.parametrize("quota", [20, 40])
@pytest.mark.parametrize("count", [0, 1, 2, 8, 30])
def test_quota_is_kept_with_the_default_denial_counted(quota: int, count: int) -> None:
    plan = planned(quota, clients=clients(count), on_premises=[ip_network("10.1.0.10/32")])
    for direction in Direction:
        assert plan.count(direction, Family.IPV4) <= quota - 1
    assert len({(rule.direction, rule.number) for rule in plan.rules}) == len(plan.rules)
    assert all(100 <= rule.number < 32767 and rule.allows for rule in plan.rules)


def test_families_count_apart() -> None:
    six = {"six": [ip_network("2001:db8:1::/48")]}
    plan = planned(clients={**clients(1), **six})
    assert plan.count(Direction.INGRESS, Family.IPV4) == 19
    assert plan.count(Direction.INGRESS, Family.IPV6) == 17


def test_it_is_exact_where_there_is_room() -> None:
    wish: Wish = {ip_network("10.10.0.0/16"): {6: {(53, 53), (88, 88)}, 17: {(53, 53)}}}
    found = fitted(wish, 3)
    assert found
    assert found.wider == ()
    assert len(found.rules) == 3


def test_networks_with_the_same_ports_are_collapsed_for_nothing() -> None:
    ports = {6: {(53, 53)}}
    found = fitted({ip_network("10.0.0.0/25"): ports, ip_network("10.0.0.128/25"): ports}, 1)
    assert found
    assert found.rules == ((6, (53, 53), ip_network("10.0.0.0/24")),)
    assert found.wider == ()


def test_merged_neighbors_keep_ports_of_the_joint_network() -> None:
    halves = {ip_network(each): {6: {(88, 88)}} for each in ("10.0.0.0/9", "10.128.0.0/9")}
    found = fitted({ip_network("10.0.0.0/8"): {6: {(53, 53)}}, **halves}, 2)
    assert found
    assert found.rules == ((6, (53, 53), ip_network("10.0.0.0/8")), (6, (88, 88), ip_network("10.0.0.0/8")))


def test_nested_network_keeps_a_wider_port_range() -> None:
    found = fitted({ip_network("10.0.0.0/8"): {6: {(53, 60)}}, ip_network("10.1.0.0/16"): {6: {(58, 70)}}}, 2)
    assert found
    assert found.rules == ((6, (53, 60), ip_network("10.0.0.0/8")), (6, (58, 70), ip_network("10.1.0.0/16")))


def test_the_smallest_gap_is_closed_first_and_reported() -> None:
    wish: Wish = {ip_network("10.10.0.0/16"): {6: {(53, 53), (88, 88), (9389, 9389)}}}
    found = fitted(wish, 2)
    assert found
    assert [ports for _, ports, _ in found.rules] == [(53, 88), (9389, 9389)]
    assert [(ports, covered[0][1]) for _, ports, _, covered in found.wider] == [((53, 88), ((53, 53), (88, 88)))]


def test_what_is_wider_is_said_in_words() -> None:
    said = planned(clients=clients(2)).wider
    assert "ingress TCP 53-135 for 10.11.0.0/16, required for 10.11.0.0/16: 53, 88, 135" in said
    assert all(re.match(r"(ingress|egress) (TCP|UDP) \d+-\d+ for [0-9./]+, required for ", each) for each in said)


@given(st.dictionaries(strategies.networks_v4, st.integers(0, 6), min_size=1, max_size=8), st.integers(1, 30))
@LAWS
def test_fitting_keeps_every_range_and_reports_additions(given: dict[Any, int], limit: int) -> None:
    pool = [(53, 53), (88, 88), (135, 139), (389, 389), (445, 445), (80, 140), (3268, 3269)]
    wish: Wish = {network: {6: set(pool[: count + 1]), 17: {(53, 53)}} for network, count in given.items()}
    found = fitted(wish, limit)
    assume(found is not None)
    assert found
    assert len(found.rules) <= limit
    for network, ranges in wish.items():
        for protocol, each in ranges.items():
            for low, high in each:
                assert any(
                    rule[0] == protocol and rule[1][0] <= low and high <= rule[1][1] and _within(network, rule[2])
                    for rule in found.rules
                )
    reported = {line[:3] for line in found.wider}
    for protocol, ports, network in found.rules:
        if (protocol, ports, network) not in reported:
            for port in (*ports, sum(ports) // 2):
                for address in (network.network_address, network.broadcast_address):
                    assert any(
                        address in each and any(low <= port <= high for low, high in ranges.get(protocol, ()))
                        for each, ranges in wish.items()
                    )


def _within(network: Network, outer: Network) -> bool:
    return network.network_address in outer and network.broadcast_address in outer


@given(st.lists(strategies.networks_v4, min_size=1, max_size=6, unique=True), st.randoms(use_true_random=False))
@LAWS
def test_order_decides_nothing(networks: list[Network], random: Any) -> None:
    mixed = random.sample(networks, len(networks))
    plans = []
    for each in (networks, mixed):
        try:
            plans.append(planned(clients={"c": each}))
        except SettingsError:
            plans.append(None)
    assert plans[0] == plans[1]


@pytest.mark.parametrize(
    ("client", "message", "others"),
    [
        ("10.11.0.0/16", ("icmp", 3, 4, "203.0.113.9"), ((3, 1), (3, 13), (5, 0), (8, 0))),
        ("2001:db8::/32", ("icmpv6", 2, 0, "2600::9"), ((1, 0), (2, 1), (128, 0), (134, 0))),
    ],
    ids=["IPv4", "IPv6"],
)
def test_any_router_may_report_only_oversized_packets(
    client: str, message: tuple[str, int, int, str], others: tuple[tuple[int, int], ...]
) -> None:
    acl = planned(clients={"c": [ip_network(client)]}).rules
    protocol, kind, code, router = message
    for direction in Direction:
        one = replace(packet(direction, protocol, kind, router), code=code)
        assert acl_lets_pass(acl, one)
        for other_kind, other_code in others:
            assert not acl_lets_pass(acl, replace(one, port=other_kind, code=other_code))


def test_unused_address_family_gets_no_rules() -> None:
    plan = planned(clients=clients(1))
    assert [plan.count(direction, Family.IPV6) for direction in Direction] == [0, 0]


def test_what_aws_answers_about_icmp_is_read_with_its_code() -> None:
    entry = {
        "RuleNumber": 100,
        "Egress": False,
        "Protocol": "1",
        "RuleAction": "allow",
        "CidrBlock": "0.0.0.0/0",
        "IcmpTypeCode": {"Type": 3, "Code": 4},
    }
    (rule,) = acl_rules_from_aws([entry])
    assert (rule.from_port, rule.to_port) == (3, 4)


def test_unrelated_networks_are_not_joined_to_half_the_world() -> None:
    far_apart = [ip_network(f"{first}.0.0.0/16") for first in range(10, 250, 6)]
    with pytest.raises(SettingsError, match=r"the network ACL cannot hold 4[0-9] IPv4 networks") as refused:
        planned(clients={"c": far_apart}, quota=20)
    assert "Even 40 rules, the maximum of AWS, are not enough: set networkAcl: false" in str(refused.value)


def test_the_quota_to_ask_for_is_named_and_is_enough() -> None:
    far_apart = [ip_network(f"{first}.0.0.0/16") for first in range(10, 130, 12)]
    with pytest.raises(SettingsError, match=r"Rules per network ACL \(L-2AEEBF1A\) of \d+") as refused:
        planned(clients={"c": far_apart}, quota=20)
    quota = int(re.findall(r"L-2AEEBF1A\) of (\d+)", str(refused.value))[0])
    assert planned(quota, clients={"c": far_apart})


def test_a_group_whose_networks_are_unknown_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"bastionNetworks: the networks of sg-00000001 are not known"):
        planned(bastions=["sg-00000001"])
    assert plan_network_acl(
        asked(Sources(endpoints=[group_peer("sg-0000000e")])),
        addresses={"itself": OWN, "sg-0000000e": [ip_network("10.200.0.0/24")]},
    )


def test_a_rule_keeps_its_number_while_it_says_the_same() -> None:
    before = {rule.name: rule.number for rule in planned(40, clients=clients(1)).rules}
    after = {rule.name: rule.number for rule in planned(40, clients=clients(2)).rules}
    assert {name: after[name] for name in before.keys() & after.keys()} == {
        name: before[name] for name in before.keys() & after.keys()
    }
    assert before.keys() & after.keys()


def test_another_plan_is_another_acl_and_the_same_one_is_not() -> None:
    one, two = planned(clients=clients(1)), planned(clients=clients(2))
    assert one.digest != two.digest
    assert one.digest == planned(clients=clients(1)).digest


def test_rules_read_back_say_the_same() -> None:
    plan = planned(clients=clients(1))
    entries: list[dict[str, Any]] = [
        {
            "RuleNumber": rule.number,
            "Egress": rule.direction is Direction.EGRESS,
            "Protocol": str(rule.protocol),
            "RuleAction": "allow",
            "CidrBlock": str(rule.network),
            **(
                {"IcmpTypeCode": {"Type": rule.from_port, "Code": rule.to_port}}
                if rule.protocol in (1, 58)
                else {"PortRange": {"From": rule.from_port, "To": rule.to_port}}
            ),
        }
        for rule in plan.rules
    ]
    denial = {"RuleNumber": 32767, "Egress": False, "Protocol": "-1", "RuleAction": "deny", "CidrBlock": "0.0.0.0/0"}
    read = acl_rules_from_aws([*entries, denial])
    assert set(read) == set(plan.rules)
    first = {"RuleNumber": 1, "Egress": False, "Protocol": "-1", "RuleAction": "deny", "CidrBlock": "10.11.0.0/16"}
    one = packet(Direction.INGRESS, "tcp", 389, "10.11.0.1")
    assert acl_lets_pass(read, one)
    assert not acl_lets_pass(acl_rules_from_aws([*entries, first]), one)
