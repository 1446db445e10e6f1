"""The laws of the simulation of large fleets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.simulation import AccountCost, Runner, finished, fleet_seconds, runners_for

COST = AccountCost(cpu_seconds=8.0, megabytes=500.0, aws_calls=80)
RUNNER = Runner(processors=4, engines=6)

durations = st.lists(st.floats(0.1, 100), min_size=1, max_size=30)
slots = st.integers(1, 40)


@given(durations, slots)
def test_finished_is_bounded_by_longest_task_and_share(tasks: list[float], count: int) -> None:
    took = finished(tasks, count)
    assert took >= max(tasks)
    assert took >= sum(tasks) / count - 1e-6
    assert took <= sum(tasks) + 1e-6


@given(durations, slots)
def test_no_slot_is_idle_while_a_task_waits(tasks: list[float], count: int) -> None:
    assert finished(tasks, count) <= sum(tasks) / count + max(tasks) + 1e-6


@given(durations, slots)
def test_additional_slot_never_takes_longer(tasks: list[float], count: int) -> None:
    assert finished(tasks, count + 1) <= finished(tasks, count) + 1e-6


def test_account_takes_longest_of_wait_and_processors() -> None:
    assert Runner(processors=4, engines=1).seconds(COST) == pytest.approx(9)
    assert Runner(processors=1, engines=4).seconds(COST) == pytest.approx(32)


def test_waves_wait_for_each_other() -> None:
    assert fleet_seconds([1, 1], COST, RUNNER, 100) > fleet_seconds([2], COST, RUNNER, 100)


def test_runners_for_returns_the_smallest_number() -> None:
    wanted = runners_for([1, 999], COST, RUNNER, 600)
    assert wanted is not None
    assert fleet_seconds([1, 999], COST, RUNNER, wanted) <= 600
    assert fleet_seconds([1, 999], COST, RUNNER, wanted - 1) > 600


def test_runners_for_unreachable_time_returns_none() -> None:
    assert runners_for([1], COST, RUNNER, 120) is None
