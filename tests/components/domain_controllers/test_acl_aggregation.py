"""Joining ports and networks: the closest first, the verdict at once, and work that grows as the networks do."""

from __future__ import annotations

import random
from collections import defaultdict
from functools import partial
from ipaddress import ip_network
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.network import contains
from common.problems import SettingsError
from components.domain_controllers.acl_aggregation import WIDEST, Wish, fewest_rules, fitted
from components.domain_controllers.network_acl import plan_network_acl
from components.domain_controllers.planner import plan_groups
from components.domain_controllers.traffic_requirements import Sources
from tests.components.domain_controllers.strategies import OWN, asked
from tests.support.work import work_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from common.network import Network

LAWS = settings(deadline=None, max_examples=60)


def _wishes(family: int) -> st.SearchStrategy[Wish]:
    base, bits = (10 << 24, 32) if family == 4 else (0x20010DB8 << 96, 128)
    lengths = (7, 8, 9, 16, 24, 32) if family == 4 else (20, 32, 33, 48, 64, 128)

    def network(length: int, first: int, second: int) -> Network:
        address = base | first << (bits - lengths[1]) | second << (bits - lengths[3])
        return ip_network((address >> (bits - length) << (bits - length), length))

    networks = st.builds(network, st.sampled_from(lengths), st.integers(0, 3), st.integers(0, 255))
    ports = st.sets(st.sampled_from([(53, 53), (88, 88), (389, 389), (3268, 3269)]), min_size=1)
    echo = st.sets(st.sampled_from([(0, 0), (8, 8)]), min_size=1)
    ranges = st.fixed_dictionaries({}, optional={6: ports, 17: ports, 1: echo}).filter(bool)
    return st.dictionaries(networks, ranges, min_size=1, max_size=9)


wishes = _wishes(4) | _wishes(6)


def _one_by_one(wish: Wish, limit: int) -> set[tuple[int, tuple[int, int], Network]] | None:
    """Join two networks at a time, all pairs compared anew each time; ports are joined already."""
    # Where no two networks are joined, every range that costs nothing and every gap is.
    lines: dict[int, dict[Network, set[tuple[int, int]]]] = defaultdict(dict)
    start = fitted(wish, max(limit, _before_networks_are_joined(wish)))
    assert start
    for protocol, ports, network in start.rules:
        lines[protocol].setdefault(network, set()).add(ports)
    while sum(len(ranges) for own in lines.values() for ranges in own.values()) > limit:
        pairs = [
            (whole.num_addresses * _width(own, whole), protocol, int(whole.network_address), -whole.prefixlen, whole)
            for protocol, own in lines.items()
            for left, right in combinations(own, 2)
            if (whole := _whole(left, right)) is not None
        ]
        if not pairs:
            return None
        _, protocol, *_, whole = min(pairs)
        own = lines[protocol]
        ranges = {each for network in list(own) if contains(whole, network) for each in own.pop(network)}
        first, last = min(low for low, _ in ranges), max(high for _, high in ranges)
        own[whole] = ranges if protocol == 1 else {(first, last)}
    return {(protocol, each, n) for protocol, own in lines.items() for n, ranges in own.items() for each in ranges}


def _before_networks_are_joined(wish: Wish) -> int:
    """Count a line a protocol and network: what is left when all ports are joined, and no networks but neighbors."""
    exact = fitted(wish, 1000)
    assert exact
    echo = sum(protocol == 1 for protocol, _, _ in exact.rules)
    return len({(protocol, network) for protocol, _, network in exact.rules if protocol != 1}) + echo


def _width(own: dict[Network, set[tuple[int, int]]], whole: Network) -> int:
    ranges = [each for network, given in own.items() if contains(whole, network) for each in given]
    return max(high for _, high in ranges) - min(low for low, _ in ranges) + 1


def _whole(left: Network, right: Network) -> Network | None:
    for outer, inner in ((left, right), (right, left)):
        if contains(outer, inner):
            return outer
    whole = left
    while not contains(whole, right):
        if whole.prefixlen <= WIDEST[whole.version]:
            return None
        whole = whole.supernet()
    return whole


@given(wishes, st.integers(1, 12))
@LAWS
def test_joins_are_those_of_the_closest_pair_each_time(wish: Wish, limit: int) -> None:
    found = fitted(wish, limit)
    assert (None if found is None else set(found.rules)) == _one_by_one(wish, limit)


@given(wishes)
@LAWS
def test_fewest_rules_is_the_smallest_limit_that_fits(wish: Wish) -> None:
    least = fewest_rules(wish)
    assert fitted(wish, least) is not None
    assert fitted(wish, least - 1) is None


def _scattered(count: int) -> list[Network]:
    chance = random.Random(1)
    return [ip_network((chance.randrange(11, 126) << 24 | chance.randrange(1 << 16) << 8, 24)) for _ in range(count)]


def _of_a_company(count: int) -> list[Network]:
    chance = random.Random(1)
    return [ip_network((10 << 24 | chance.randrange(1 << 16) << 8, 24)) for _ in range(count)]


def _of_both_families(count: int) -> list[Network]:
    chance = random.Random(1)
    six = [ip_network((0x20010DB8 << 96 | chance.randrange(1 << 16) << 80, 48)) for _ in range(count // 2)]
    return [*_of_a_company(count - len(six)), *six]


def _plan(networks: list[Network]) -> None:
    wanted = asked(Sources(clients={"clients": networks}))
    for action in (lambda: plan_groups(wanted), lambda: plan_network_acl(wanted, addresses={"itself": OWN})):
        try:
            action()
        except SettingsError as refused:
            assert len(str(refused)) < 2000  # noqa: PT017 -- a plan or a refusal, either is bounded


@pytest.mark.parametrize("networks", [_scattered, _of_a_company, _of_both_families])
def test_plan_of_more_networks_takes_work_in_proportion(networks: Callable[[int], list[Network]]) -> None:
    few, many = (work_of(partial(_plan, networks(count))) for count in (100, 800))
    assert many < 12 * few


def test_wider_rule_of_many_networks_names_some_of_them() -> None:
    every_other: dict[str, Any] = {"clients": [ip_network(f"10.{each}.0.0/16") for each in range(11, 255, 2)]}
    plan = plan_network_acl(asked(Sources(clients=every_other)), addresses={"itself": OWN})
    assert any(each.endswith("; 102 more networks") for each in plan.wider)
    assert max(map(len, plan.wider)) < 1000
