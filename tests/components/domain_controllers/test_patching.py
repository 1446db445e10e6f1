"""Patching of controllers: windows that never overlap, and hooks before and after."""

from __future__ import annotations

import json
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from common.validation import WEEKDAYS
from components.domain_controllers.operations.patching import (
    hook_documents,
    plan_windows,
    task_parameters,
    window_problems,
)
from components.domain_controllers.operations.settings import HealthSettings, PatchingSettings

WEEK = 7 * 24
ZONES = {
    "eu-west-1": {"DC1": "eu-west-1a", "DC2": "eu-west-1b", "DC3": "eu-west-1a"},
    "us-east-1": {"US1": "us-east-1a", "US2": "us-east-1c"},
}


def test_zones_of_all_sites_follow_each_other() -> None:
    windows = plan_windows(PatchingSettings(), ZONES)
    found = [(each.zone, each.schedule, each.controllers) for region in windows.values() for each in region]
    assert found == [
        ("eu-west-1a", "cron(0 2 ? * SUN *)", ("DC1", "DC3")),
        ("eu-west-1b", "cron(0 2 ? * MON *)", ("DC2",)),
        ("us-east-1a", "cron(0 2 ? * TUE *)", ("US1",)),
        ("us-east-1c", "cron(0 2 ? * WED *)", ("US2",)),
    ]


@given(
    day=st.sampled_from(WEEKDAYS),
    hour=st.integers(0, 23),
    distance=st.integers(2, 84),
    length=st.integers(2, 24),
    sites=st.lists(st.integers(1, 4), min_size=1, max_size=5),
)
def test_accepted_windows_never_overlap(day: str, hour: int, distance: int, length: int, sites: list[int]) -> None:
    settings = PatchingSettings(day=day, start_hour=hour, hours_between_zones=distance, window_hours=length)
    zones = {
        f"r{number}": {f"dc{zone}": f"r{number}{zone}" for zone in range(count)} for number, count in enumerate(sites)
    }
    windows = plan_windows(settings, zones)
    every = [each for region in windows.values() for each in region]
    fits = sum(sites) * distance <= WEEK
    assert (window_problems(settings, windows) == []) is fits
    if not fits or distance < length:
        return
    for one, other in combinations(every, 2):
        apart = (other.start_hour - one.start_hour) % WEEK
        assert length <= apart <= WEEK - length


def test_windows_that_do_not_fit_name_the_distance_that_does() -> None:
    settings = PatchingSettings(hours_between_zones=48)
    (problem,) = window_problems(settings, plan_windows(settings, ZONES))
    assert problem.path == ("domainControllers", "patching", "hoursBetweenZones")
    assert problem.message.startswith("expected at most 42 hours, as 4 Availability Zones")


def test_task_has_hooks_that_exist() -> None:
    names = {each.name for each in hook_documents(None)}
    given = task_parameters()
    assert {given["PreInstallHookDocName"], given["OnExitHookDocName"]} == names


def test_hooks_have_the_limits_of_the_health_checks() -> None:
    for each in hook_documents(HealthSettings(replication_hours=3)):
        text = json.dumps(each.content)
        assert "ReplicationHours = 3;" in text
        for check in ("Get-ControllerProblem", "Get-OtherProblem", "repadmin", "SYSVOL", "KnowsOfRoleHolders"):
            assert check in text
