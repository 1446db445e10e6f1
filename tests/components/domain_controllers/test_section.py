from __future__ import annotations

import json
from typing import Any

import pytest

from common.problems import SettingsError
from components.settings import Settings

SITE = {"vpc": "directory", "subnets": ["directory-a", "directory-b"]}


def load(**section: Any) -> Settings:
    given = {"regions": ["eu-west-1"], "domainControllers": section}
    return Settings.load({f"shell-access:{name}": json.dumps(value) for name, value in given.items()})


def problems(**section: Any) -> dict[str, str]:
    with pytest.raises(SettingsError, match="nothing was changed") as refused:
        load(**section)
    return {each.key.removeprefix("shell-access:domainControllers."): each.message for each in refused.value.problems}


def test_absent_section_builds_nothing() -> None:
    assert Settings.load({"shell-access:regions": '["eu-west-1"]'}).domain_controllers is None


def test_section_that_is_switched_off_builds_nothing() -> None:
    assert load(enabled=False, sites={"eu-west-1": SITE}).domain_controllers is None


def test_controllers_are_protected_from_termination_by_default() -> None:
    section = load(sites={"eu-west-1": SITE}).domain_controllers
    assert section
    assert section.termination_protection
    assert section.monitoring.flow_log_retention_days == 90


def test_problems_of_all_sections_are_named_at_once() -> None:
    given = {
        "regions": ["eu-west-1"],
        "sessionManager": {"idleSessionTimeout": 90},
        "domainControllers": {"sites": {"us-east-1": SITE}, "replicationPort": 80},
    }
    with pytest.raises(SettingsError, match="nothing was changed") as refused:
        Settings.load({f"shell-access:{name}": json.dumps(value) for name, value in given.items()})
    assert {each.key for each in refused.value.problems} == {
        "shell-access:sessionManager.idleSessionTimeout",
        "shell-access:domainControllers.replicationPort",
        "shell-access:domainControllers.sites.us-east-1",
    }


@pytest.mark.parametrize(
    ("monitoring", "key", "allowed"),
    [
        ({"notificationEmails": ["not-an-address"]}, "monitoring.notificationEmails[0]", "a list of e-mail addresses"),
        ({"flowLogRetentionDays": 91}, "monitoring.flowLogRetentionDays", "a number of days that CloudWatch Logs"),
        ({"existingTrail": "x"}, "monitoring.existingTrail", "the name or the ARN of a trail"),
        ({"trail": "x"}, "monitoring.trail", "unknown key"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_wrong_monitoring_is_named(monitoring: dict[str, Any], key: str, allowed: str) -> None:
    assert allowed in problems(monitoring=monitoring)[key]


@pytest.mark.parametrize("trail", ["organization", "arn:aws:cloudtrail:eu-west-1:111122223333:trail/organization"])
def test_trail_that_exists_is_named_or_given_by_arn(trail: str) -> None:
    section = load(monitoring={"existingTrail": trail}).domain_controllers
    assert section
    assert section.monitoring.existing_trail == trail
