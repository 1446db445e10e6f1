"""The laws of the planner, its counts against the post, and what happens where things do not fit."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from common.network import Family, contains
from common.problems import SettingsError
from components.domain_controllers.planner import GroupPlan, Quotas, plan_groups
from components.domain_controllers.port_tables import Options, Profile
from components.domain_controllers.security_group_rules import SIZES, PlannedRule, description, step
from components.domain_controllers.traffic_requirements import (
    Direction,
    PeerGroup,
    Sources,
    TrafficRequirement,
    group_peer,
    prefix_list_peer,
)
from tests.components.domain_controllers import strategies
from tests.components.domain_controllers.strategies import asked, of_clients
from tests.support.work import work_of

if TYPE_CHECKING:
    from common.network import Network

LAWS = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
CLIENTS = [f"10.{number}.0.0/16" for number in range(11, 200, 2)]
AWS_CHARACTERS = re.compile(r"[0-9A-Za-z_ .:/()#,@\[\]+=&;{}!$*-]{1,255}")


def of(requirements: tuple[TrafficRequirement, ...], peer_group: PeerGroup) -> int:
    """Lines that a firewall has before anything is merged."""
    found = [each for each in requirements if each.peer_group is peer_group and each.direction is Direction.INGRESS]
    return sum(len(each.ports) * len(each.sources) for each in found)


def named(plan: GroupPlan) -> dict[tuple[str, str], PlannedRule]:
    return {(group.name, rule.name): rule for group in plan.groups for rule in group.rules}


def possible(requirements: tuple[TrafficRequirement, ...], quotas: Quotas | None = None) -> GroupPlan:
    try:
        return plan_groups(requirements, quotas)
    except SettingsError:
        assume(condition=False)
        raise


def test_lines_are_as_many_as_the_post_has() -> None:
    requirements = of_clients("10.10.0.0/16", bastions=["sg-00000001"])
    assert of(requirements, PeerGroup.ITSELF) == 22
    assert of(requirements, PeerGroup.CLIENTS) == 18
    bastion = next(each for each in requirements if each.peer_group is PeerGroup.BASTIONS)
    assert len({(port.protocol, port.first, port.last) for port in bastion.ports}) == 4


def test_two_clients_fit_one_group_because_ports_are_merged() -> None:
    requirements = of_clients("10.10.0.0/16", "10.20.0.0/16", bastions=["sg-00000001"])
    lines = of(requirements, PeerGroup.ITSELF) + of(requirements, PeerGroup.CLIENTS) + 4
    assert lines == 62
    plan = plan_groups(requirements)
    assert plan.rule_counts == {"controllers": {"ingress": 56, "egress": 20}}
    assert plan.headroom == {"rulesInFullestGroup": 4, "securityGroups": 4, "clientNetworks": 0}


def test_added_client_adds_only_its_rules() -> None:
    before, after = plan_groups(of_clients("10.10.0.0/16")), plan_groups(of_clients("10.10.0.0/16", "10.20.0.0/16"))
    added = {key: rule for key, rule in named(after).items() if key not in named(before)}
    assert named(before).items() <= named(after).items()
    assert {rule.peer.value for rule in added.values()} == {"10.20.0.0/16"}
    assert len(added) == 16


def test_neighbors_in_one_group_keep_their_own_rules() -> None:
    plan = plan_groups(of_clients("10.10.0.0/17", "10.10.128.0/17"))
    clients = {rule.peer.value for rule in plan.groups[0].rules if rule.peer.family}
    assert clients == {"10.10.0.0/17", "10.10.128.0/17"}


def test_nested_network_of_a_table_needs_no_rules() -> None:
    inside = plan_groups(asked(Sources(on_premises=[ip_network("10.1.0.0/24"), ip_network("10.1.0.10/32")])))
    assert inside == plan_groups(asked(Sources(on_premises=[ip_network("10.1.0.0/24")])))


def test_three_clients_get_a_list_with_room_and_own_groups() -> None:
    plan = plan_groups(of_clients(*CLIENTS[:3]))
    assert [each.name for each in plan.prefix_lists] == ["clients-ipv4-7"]
    assert [entry.cidr for entry in plan.prefix_lists[0].entries] == CLIENTS[:3]
    assert plan.prefix_lists[0].entries[0].description == CLIENTS[0]
    assert list(plan.rule_counts.values()) == [
        {"ingress": 20, "egress": 20},
        {"ingress": 56, "egress": 0},
        {"ingress": 56, "egress": 0},
    ]


@pytest.mark.parametrize("count", range(3, 15))
def test_added_client_adds_an_entry_until_the_list_is_full(count: int) -> None:
    before, after = plan_groups(of_clients(*CLIENTS[:count])), plan_groups(of_clients(*CLIENTS[: count + 1]))
    if before.prefix_lists[0].max_entries > count + 1 or count + 1 == 15:
        assert named(before) == named(after)
        assert before.prefix_lists[0].name == after.prefix_lists[0].name
    else:
        # The next step: another list and other groups, so that both can stand until the interfaces have changed over.
        assert before.prefix_lists[0].name != after.prefix_lists[0].name
        assert {each.name for each in before.groups} & {each.name for each in after.groups} == {"controllers"}
        assert before.groups[0] == after.groups[0]


def test_lists_but_the_largest_have_room_for_another_network() -> None:
    lists = [plan_groups(of_clients(*CLIENTS[:count])).prefix_lists[0] for count in range(3, 16)]
    assert [each.max_entries - len(each.entries) for each in lists] == [*(4, 3, 2, 1), *(3, 2, 1), *(5, 4, 3, 2, 1, 0)]


@pytest.mark.parametrize(
    ("count", "on_premises"),
    [(count, others) for others, most in ((0, 15), (1, 15), (4, 8)) for count in range(1, most)],
)
def test_headroom_counts_networks_that_replace_nothing(count: int, on_premises: int) -> None:
    def planned(clients: int) -> GroupPlan:
        networks = [ip_network(f"172.16.{2 * each}.0/24") for each in range(on_premises)]
        return plan_groups(asked(Sources(clients={"c": [*map(ip_network, CLIENTS[:clients])]}, on_premises=networks)))

    before = planned(count)
    further = before.headroom["clientNetworks"]
    for more in range(1, further + 1):
        after = planned(count + more)
        assert named(before).items() <= named(after).items()
        assert [each.name for each in after.prefix_lists] == [each.name for each in before.prefix_lists]
    try:
        beyond = planned(count + further + 1)
    except SettingsError:
        return
    assert not named(before).items() <= named(beyond).items()


@pytest.mark.parametrize("options", [Options(ldaps=False), Options(dns=False), Options(rpc_ports=(50000,))])
def test_removed_row_removes_only_its_own_rules(options: Options) -> None:
    both = [of_clients("10.10.0.0/16", wanted=each) for each in (Options(), options)]
    before, after = (named(plan_groups(each)) for each in both)
    changed = before.items() ^ after.items()
    ports = {"ldaps": {636, 3268}, "dns": {53}, "rpc": {49152, 50000}}
    expected = ports["rpc"] if options.rpc_ports else ports["dns"] if not options.dns else ports["ldaps"]
    assert {rule.from_port for _, rule in changed} == expected


def test_added_site_changes_only_rules_that_name_it() -> None:
    site = {"us-east-1": [ip_network("172.16.1.0/24")]}
    before = named(plan_groups(asked(Sources())))
    after = named(plan_groups(asked(Sources(sites=site))))
    assert before.items() <= after.items()
    assert {rule.peer.value for key, rule in after.items() if key not in before} == {"172.16.1.0/24"}


@given(strategies.sources, strategies.options, strategies.quotas, st.randoms(use_true_random=False))
@LAWS
def test_order_decides_nothing(sources: Sources, options: Options, quotas: Quotas, random: object) -> None:
    requirements = asked(sources, options)
    plan = possible(requirements, quotas)

    def shuffled(items: tuple[object, ...]) -> tuple[object, ...]:
        mixed = list(items)
        random.shuffle(mixed)  # type: ignore[attr-defined]
        return tuple(mixed)

    other = [replace(each, sources=shuffled(each.sources), ports=shuffled(each.ports)) for each in requirements]
    assert plan_groups(shuffled(tuple(other)), quotas) == plan  # type: ignore[arg-type]


@given(strategies.sources, strategies.options, strategies.quotas)
@LAWS
def test_asking_twice_gives_the_same(sources: Sources, options: Options, quotas: Quotas) -> None:
    requirements = asked(sources, options)
    assert possible((*requirements, *requirements), quotas) == plan_groups(requirements, quotas)


@given(strategies.sources, strategies.options, strategies.quotas)
@LAWS
def test_quotas_are_kept_and_aws_would_accept_everything(sources: Sources, options: Options, quotas: Quotas) -> None:
    plan = possible(asked(sources, options), quotas)
    assert len(plan.groups) <= quotas.groups_per_interface
    for group in plan.groups:
        weights = [group.weight(direction, family) for direction in Direction for family in Family]
        assert max(weights) <= quotas.rules_per_group
        assert len({rule.name for rule in group.rules}) == len(group.rules)
        assert list(group.rules) == sorted(group.rules, key=lambda rule: rule.key)
        assert AWS_CHARACTERS.fullmatch(group.description)
    for rule in (rule for group in plan.groups for rule in group.rules):
        assert AWS_CHARACTERS.fullmatch(rule.description)
        assert "::" not in rule.name
        assert rule.peer.value not in ("0.0.0.0/0", "::/0")
    for each in plan.prefix_lists:
        assert 1 <= len(each.entries) <= each.max_entries <= 1000
        assert all(AWS_CHARACTERS.fullmatch(entry.description) for entry in each.entries)
        assert all(ip_network(entry.cidr).version == (4 if each.family is Family.IPV4 else 6) for entry in each.entries)


@given(strategies.sources, strategies.options)
@LAWS
def test_no_two_rules_of_a_group_could_be_one(sources: Sources, options: Options) -> None:
    for group in possible(asked(sources, options)).groups:
        for left, right in zip(group.rules, group.rules[1:], strict=False):
            same = (left.direction, left.protocol, left.peer.key) == (right.direction, right.protocol, right.peer.key)
            assert not (same and left.protocol in ("tcp", "udp") and right.from_port <= left.to_port + 1)


@given(strategies.sources, strategies.networks, strategies.options)
@LAWS
def test_a_network_more_never_changes_a_rule_that_stays(sources: Sources, extra: object, options: Options) -> None:
    """Whatever becomes of the layout, a name means the same traffic, so that no rule is changed in place to less."""
    more = replace(sources, clients={**sources.clients, "new": [extra]})  # type: ignore[dict-item]
    before, after = named(possible(asked(sources, options))), named(possible(asked(more, options)))
    for key in before.keys() & after.keys():
        passing = [(rule.protocol, rule.from_port, rule.to_port, rule.peer) for rule in (before[key], after[key])]
        assert passing[0] == passing[1]


@given(
    strategies.sources,
    strategies.networks,
    st.sampled_from(["clients", "on premises", "site"]),
    strategies.options,
    strategies.quotas,
)
@LAWS
def test_changed_network_never_overfills_a_group_meanwhile(
    sources: Sources, extra: Network, kind: str, options: Options, quotas: Quotas
) -> None:
    """New rules come before old ones go, and AWS counts both; settings refuse networks within each other."""
    given_networks = [sources.on_premises, *sources.sites.values(), *sources.clients.values()]
    assume(not any(contains(extra, each) for networks in given_networks for each in networks))
    more = {
        "clients": replace(sources, clients={**sources.clients, "new": [extra]}),
        "on premises": replace(sources, on_premises=[*sources.on_premises, extra]),
        "site": replace(sources, sites={**sources.sites, "new": [extra]}),
    }[kind]
    five = replace(quotas, groups_per_interface=5)
    plans = [possible(asked(each, options), five) for each in (sources, more)]
    before, after = ({group.name: group for group in plan.groups} for plan in plans)
    for name in before.keys() & after.keys():
        both = {rule.name: rule for rule in (*before[name].rules, *after[name].rules)}
        meanwhile = replace(before[name], rules=tuple(both.values()))
        assert max(meanwhile.weight(direction) for direction in Direction) <= quotas.rules_per_group
    lists = [{each.name: each.max_entries for each in plan.prefix_lists} for plan in plans]
    assert all(lists[0][name] == lists[1][name] for name in lists[0].keys() & lists[1].keys())


@pytest.mark.parametrize("options", [Options(ldaps=False), Options(dns=False), Options(icmp_echo=True)])
def test_a_switch_never_overfills_a_group_on_the_way(options: Options) -> None:
    clients = ("10.10.0.0/16", "10.20.0.0/16")
    plans = [plan_groups(of_clients(*clients, wanted=each, bastions=["sg-00000001"])) for each in (Options(), options)]
    both = {rule.name: rule for plan in plans for rule in plan.groups[0].rules}
    assert replace(plans[0].groups[0], rules=tuple(both.values())).weight(Direction.INGRESS) <= 60


def test_both_families_count_apart() -> None:
    plan = plan_groups(of_clients("10.10.0.0/16", "10.20.0.0/16", "2001:db8:1::/48", "2001:db8:2::/48"))
    assert [each.name for each in plan.groups] == ["controllers"]
    assert plan.groups[0].weight(Direction.INGRESS, Family.IPV4) == 52
    assert plan.groups[0].weight(Direction.INGRESS, Family.IPV6) == 52


def test_a_list_that_exists_counts_its_maximum() -> None:
    partners = {"partners": prefix_list_peer("pl-00000001", Family.IPV4, 3)}
    plan = plan_groups(asked(Sources(client_prefix_lists=partners)))
    assert plan.rule_counts == {
        "controllers": {"ingress": 20, "egress": 20},
        next(name for name in plan.rule_counts if name.startswith("clients-lists-")): {"ingress": 48, "egress": 0},
    }


def test_many_on_premises_controllers_get_a_list_both_ways() -> None:
    plan = plan_groups(asked(Sources(on_premises=[ip_network(f"10.{number}.0.10/32") for number in range(1, 6)])))
    assert plan.prefix_lists[0].name == "other-controllers-ipv4-5" or plan.prefix_lists[0].max_entries > 5
    assert all(counts["ingress"] == counts["egress"] for counts in plan.rule_counts.values())


def refusal(requirements: tuple[TrafficRequirement, ...], quotas: Quotas | None = None) -> str:
    with pytest.raises(SettingsError, match="nothing was changed") as refused:
        plan_groups(requirements, quotas)
    assert len(refused.value.problems) == 1
    return str(refused.value.problems[0])


def test_excess_is_refused_with_arithmetic_and_needed_quota() -> None:
    said = refusal(of_clients(*CLIENTS[:16]))
    assert said == (
        "shell-access:domainControllers.clients: cannot fit: clients: 16 IPv4 networks after merging neighbors, times "
        "16 port ranges, make 256 rules; there are 5 groups per interface with 60 rules each, and a reference to "
        "a prefix list counts whole in one of them. Ask AWS for the quota Inbound or outbound rules per security group (L-0EA8095F) of 64, "
        "or name fewer, larger networks"
    )


def test_quota_of_the_message_is_the_smallest_sufficient() -> None:
    requirements = of_clients(*CLIENTS[:40])
    quota = int(re.findall(r"\(L-0EA8095F\) of (\d+)", refusal(requirements))[0])
    plan_groups(requirements, Quotas(rules_per_group=quota))
    refusal(requirements, Quotas(rules_per_group=quota - 1))


def test_message_names_larger_groups_where_more_do_not_help() -> None:
    said = refusal(of_clients(*CLIENTS[:52]))
    assert re.search(
        r"\(L-0EA8095F\) of \d+ together with Security groups per network interface \(L-2AFB9258\) of \d", said
    )


def prefix_lists(entries: int, **options: Any) -> tuple[TrafficRequirement, ...]:
    sources = Sources(client_prefix_lists={"partners": prefix_list_peer("pl-00000001", Family.IPV4, entries)})
    return asked(sources, Options(profile=Profile.MODERN, **options))


def test_lists_that_exist_fill_groups_up_to_the_product() -> None:
    plan = plan_groups(prefix_lists(60), Quotas(rules_per_group=200, groups_per_interface=5))
    counts = [each["ingress"] for each in plan.rule_counts.values()]
    assert sum(counts) == 60 * 15 + 15
    assert max(counts) <= 200
    assert len(counts) == 5
    # Names of the content, so that another distribution stands complete before the interfaces change over.
    other = plan_groups(prefix_lists(60, ldaps=False), Quotas(rules_per_group=200, groups_per_interface=5))
    assert not {each.name for each in plan.groups} & {each.name for each in other.groups}


@pytest.mark.parametrize("quotas", [Quotas(), Quotas(rules_per_group=400, groups_per_interface=2)])
def test_advice_never_asks_for_one_group_per_interface(quotas: Quotas) -> None:
    requirements = prefix_lists(64, icmp_echo=True, ldaps=False)
    assert "(L-2AFB9258) of 1," not in refusal(requirements, quotas)


def test_refusal_names_quotas_that_aws_never_grants() -> None:
    assert "No quota increase helps, as AWS allows at most 1000 rules per interface" in refusal(
        of_clients(*CLIENTS[:90])
    )


def test_a_quota_too_small_for_the_controllers_alone_is_refused() -> None:
    assert "shell-access:domainControllers.quotas: cannot fit: rules among" in refusal(
        asked(Sources()), Quotas(rules_per_group=3)
    )


@pytest.mark.parametrize("contiguous", [True, False], ids=["that collapse", "that cannot fit"])
def test_planning_grows_in_proportion_to_networks(*, contiguous: bool) -> None:
    first = int(ip_network("10.0.0.0/8").network_address)

    def plan(number: int) -> None:
        step = 8 if contiguous else 9
        requirements = asked(
            Sources(clients={"branches": [ip_network((first + (i << step), 24)) for i in range(number)]})
        )
        if contiguous:
            assert plan_groups(requirements).prefix_lists[0].entries
        else:
            assert f"{number} IPv4 networks" in refusal(requirements)

    plan(1_000)
    assert work_of(lambda: plan(8_000)) < 5 * work_of(lambda: plan(2_000))


def test_ranges_of_a_fixed_port_next_to_another_row_are_one_rule() -> None:
    plan = plan_groups(of_clients("10.10.0.0/16", wanted=Options(profile=Profile.MODERN, rpc_ports=(9390,))))
    rule = next(rule for rule in plan.groups[0].rules if rule.name == "ingress-tcp-9389-9390-10.10.0.0-16")
    assert rule.description == "10.10.0.0/16: SOAP (AD DS web service); DCOM, RPC, EPM (Group Policy)"
    assert rule.origins == ("client_to_controller: TCP 9389", "client_to_controller: TCP 49152-65535")


def test_ports_with_one_between_them_stay_apart() -> None:
    plan = plan_groups(of_clients("10.10.0.0/16", wanted=Options(rpc_ports=(50000, 50002))))
    names = {rule.name for rule in plan.groups[0].rules}
    assert {"ingress-tcp-50000-10.10.0.0-16", "ingress-tcp-50002-10.10.0.0-16"} <= names


def test_bastion_hosts_and_endpoints_are_reached_by_their_groups() -> None:
    plan = plan_groups(asked(Sources(bastions=["sg-00000001"], endpoints=[group_peer("sg-0000000e")])))
    by_peer = {rule.name for rule in plan.groups[0].rules if rule.peer.value.startswith("sg-")}
    assert by_peer == {
        "ingress-tcp-443-sg-00000001",
        "ingress-tcp-3389-sg-00000001",
        "ingress-tcp-5985-sg-00000001",
        "ingress-udp-3389-sg-00000001",
        "egress-tcp-443-sg-0000000e",
    }


@given(st.integers(1, 1000), st.integers(0, 500))
def test_a_step_holds_what_is_needed_and_fits_the_room(needed: int, more: int) -> None:
    room = min(needed + more, 1000)
    found = step(needed, room)
    assert needed <= found <= room
    assert found in SIZES or not [size for size in SIZES if needed <= size <= room]


@pytest.mark.parametrize(
    ("given", "shown"),
    [("a\u2013b", "a-b"), ("x" * 300, "x" * 252 + "..."), ("Kerberos (TCP)", "Kerberos (TCP)"), ("Büro: 1", "B-ro: 1")],
    ids=["dash", "long", "plain", "umlaut"],
)
def test_descriptions_are_cut_and_plain(given: str, shown: str) -> None:
    assert description(given) == shown
