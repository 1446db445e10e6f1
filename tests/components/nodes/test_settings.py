import json
import re
from typing import Any

import pytest

from common.problems import SettingsError
from components.nodes.settings import MAX_EXCLUDED_ROLES, Remediation
from components.settings import Settings


def load(nodes: Any, session_manager: Any = None) -> Settings:
    given = {"regions": ["eu-west-1"], "nodes": nodes, "sessionManager": session_manager or {}}
    return Settings.load({f"shell-access:{name}": json.dumps(value) for name, value in given.items()})


def problems(nodes: Any, session_manager: Any = None) -> dict[str, str]:
    with pytest.raises(SettingsError, match="nothing was changed") as refused:
        load(nodes, session_manager)
    return {problem.key.removeprefix("shell-access:nodes."): problem.message for problem in refused.value.problems}


def test_empty_sections_have_careful_defaults() -> None:
    section = load({"roleCompliance": {}, "defaultHostManagement": {}, "agents": {}}).nodes
    assert section is not None
    assert section.role_compliance is not None
    assert section.agents is not None
    assert section.default_host_management
    assert (section.role_compliance.remediation, section.role_compliance.region) == (Remediation.OFF, None)
    assert section.agents.model_dump() == {
        "enabled": True,
        "schedule": "rate(14 days)",
        "max_concurrency": "10%",
        "max_errors": "5%",
        "target_tags": {},
    }


@pytest.mark.parametrize("part", ["roleCompliance", "defaultHostManagement", "agents"])
@pytest.mark.parametrize("given", [None, {"enabled": False}])
def test_part_that_is_absent_or_switched_off_does_nothing(part: str, given: Any) -> None:
    section = load({part: given}).nodes
    assert section is not None
    assert (section.role_compliance, section.default_host_management, section.agents) == (None, None, None)


@pytest.mark.parametrize("nodes", [{"enabled": False}, {"enabled": False, "roleCompliance": {}}])
def test_section_that_is_switched_off_is_as_if_absent(nodes: Any) -> None:
    assert load(nodes, {"enabled": False}).nodes is None


def test_off_without_quotes_is_off_too() -> None:
    section = load({"roleCompliance": {"remediation": False}}).nodes
    assert section is not None
    assert section.role_compliance is not None
    assert section.role_compliance.remediation is Remediation.OFF


def test_roles_cannot_be_held_to_a_policy_that_does_not_exist() -> None:
    nothing = {"createCwLogGroup": False, "cwLogGroupName": "", "sessionDataEncryption": False}
    assert (
        "Without it there is no instance policy to attach"
        in problems({"roleCompliance": {}}, nothing)["roleCompliance"]
    )
    assert problems({"roleCompliance": {}}, {"enabled": False}).keys() == {"roleCompliance"}


@pytest.mark.parametrize(
    "schedule",
    [
        *("rate(30 minutes)", "rate(1 hour)", "rate(1 day)", "rate(14 days)"),
        *("cron(0 2 ? * SUN *)", "cron(0/30 * * * ? *)", "cron(*/30 * * * ? *)", "cron(15,45 * * * ? *)"),
        *("cron(0 0/4 * * ? *)", "cron(15 10 ? * TUE#2 *)", "cron(0,50 2 ? * SUN *)", "cron(59 23 ? * SUN *)"),
    ],
)
def test_schedules_of_state_manager_are_taken(schedule: str) -> None:
    section = load({"agents": {"schedule": schedule}}).nodes
    assert section is not None
    assert section.agents is not None
    assert section.agents.schedule == schedule


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("roleCompliance", "remediation", "always"),
        ("roleCompliance", "remediation", True),
        ("roleCompliance", "excludedRoles", ["arn:aws:iam::111122223333:role/Web"]),
        ("roleCompliance", "excludedRoles", [f"Role{number}" for number in range(MAX_EXCLUDED_ROLES + 1)]),
        ("roleCompliance", "region", "Ireland"),
        ("agents", "schedule", "daily"),
        ("agents", "schedule", "rate(29 minutes)"),
        ("agents", "schedule", "rate(1 days)"),
        ("agents", "schedule", "rate(2 day)"),
        ("agents", "schedule", "rate(0 days)"),
        ("agents", "schedule", "cron(0 2)"),
        ("agents", "schedule", "cron(* 2 ? * SUN *)"),
        ("agents", "schedule", "cron(0/20 * * * ? *)"),
        ("agents", "schedule", "cron(0,50 * ? * SUN *)"),
        ("agents", "schedule", "cron(0-5 2 ? * SUN *)"),
        ("agents", "schedule", "cron(60 2 ? * SUN *)"),
        ("agents", "schedule", "cron(0/0 2 ? * SUN *)"),
        ("agents", "schedule", "cron(two 2 ? * SUN *)"),
        ("agents", "schedule", "cron(0 2 ? JAN SUN *)"),
        ("agents", "maxConcurrency", "0"),
        ("agents", "maxConcurrency", "101%"),
        ("agents", "maxConcurrency", 10),
        ("agents", "maxErrors", "many"),
        ("agents", "targetTags", {"environment": "production"}),
        ("agents", "targetTags", {"environment": []}),
        ("agents", "targetTags", {f"tag{number}": ["yes"] for number in range(6)}),
    ],
)
def test_wrong_value_is_named_with_its_key_and_what_is_allowed(part: str, key: str, value: Any) -> None:
    found = problems({part: {key: value}})
    assert {tuple(re.split(r"[.[]", name)[:2]) for name in found} == {(part, key)}
    assert all(message.startswith("expected ") and ", got " in message for message in found.values())


def test_mistyped_key_gets_a_suggestion() -> None:
    assert problems({"agents": {"shedule": "rate(1 day)"}})["agents.shedule"].endswith("did you mean schedule?")
