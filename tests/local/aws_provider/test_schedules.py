"""Schedules (Terraform AWS provider: internal/service/scheduler)."""

from typing import Any

import pytest

from tests.local.aws_provider.conftest import refusals

schedule = "aws:scheduler/schedule:Schedule"
role = "arn:aws:iam::123456789012:role/r"
given: dict[str, Any] = {
    "name": "s",
    "scheduleExpression": "rate(15 minutes)",
    "flexibleTimeWindow": {"mode": "OFF"},
    "target": {"arn": "arn:aws:scheduler:::aws-sdk:ssm:startAutomationExecution", "roleArn": role, "input": "{}"},
}


def test_schedule_is_known_by_group_and_name(provider: Any) -> None:
    made = provider.up(schedule, "s", given)
    assert made.id == "default/s"
    assert made["arn"] == "arn:aws:scheduler:eu-west-1:123456789012:schedule/default/s"
    assert (made["state"], made["scheduleExpressionTimezone"], made["groupName"]) == ("ENABLED", "UTC", "default")
    assert provider.unchanged(schedule, "s", given)


def test_schedule_changes_in_place(provider: Any, aws: Any) -> None:
    provider.up(schedule, "s", given)
    provider.up(schedule, "s", {**given, "scheduleExpression": "rate(1 hour)", "state": "DISABLED"})
    found = aws("scheduler").get_schedule(Name="s", GroupName="default")
    assert (found["ScheduleExpression"], found["State"]) == ("rate(1 hour)", "DISABLED")


@pytest.mark.parametrize("change", [{"name": "t"}, {"groupName": "g"}])
def test_name_and_group_of_a_schedule_replace(provider: Any, change: dict[str, Any]) -> None:
    provider.up(schedule, "s", given)
    assert list(provider.diff(schedule, "s", {**given, **change}).replaces) == list(change)


def test_schedule_that_exists_is_an_error(provider: Any) -> None:
    provider.up(schedule, "s", given)
    with pytest.raises(Exception, match="scheduler:CreateSchedule failed with ConflictException"):
        provider.up(schedule, "other", given)


test_schedule_refuses = refusals(
    schedule,
    given,
    ({"name": "a b"}, "alphanumeric"),
    ({"name": "x" * 65}, "length"),
    ({"flexibleTimeWindow": {"mode": "SOMETIMES"}}, "FLEXIBLE"),
    ({"state": "ON"}, "DISABLED"),
    ({"target": {**given["target"], "roleArn": "r"}}, "invalid ARN"),
)


def test_schedule_deletion_is_read(provider: Any, aws: Any) -> None:
    provider.up(schedule, "s", given)
    aws("scheduler").delete_schedule(Name="s", GroupName="default")
    assert provider.refresh(schedule, "s") is None


group = "aws:scheduler/scheduleGroup:ScheduleGroup"


def test_schedule_group_create_fills_in_outputs(provider: Any) -> None:
    inputs = {"name": "g", "tags": {"a": "b"}}
    made = provider.up(group, "g", inputs)
    assert (made.id, made["state"]) == ("g", "ACTIVE")
    assert made["arn"] == "arn:aws:scheduler:eu-west-1:123456789012:schedule-group/g"
    assert provider.unchanged(group, "g", inputs)
    provider.up(group, "g", {"name": "g", "tags": {"c": "d"}})
    assert provider.refresh(group, "g")["tags"] == {"c": "d"}
    assert list(provider.diff(group, "g", {"name": "h"}).replaces) == ["name"]


def test_schedule_group_that_exists_is_an_error(provider: Any) -> None:
    provider.up(group, "g", {"name": "g"})
    with pytest.raises(Exception, match="scheduler:CreateScheduleGroup failed with ConflictException"):
        provider.up(group, "other", {"name": "g"})


def test_schedule_group_deletion_deletes_its_schedules(provider: Any, aws: Any) -> None:
    provider.up(group, "g", {"name": "g"})
    provider.up(schedule, "s", {**given, "groupName": "g"})
    provider.destroy(group, "g")
    assert provider.refresh(schedule, "s") is None
    assert [each["Name"] for each in aws("scheduler").list_schedule_groups()["ScheduleGroups"]] == ["default"]


def test_schedule_without_its_group_is_an_error(provider: Any) -> None:
    with pytest.raises(Exception, match="ResourceNotFoundException"):
        provider.up(schedule, "s", {**given, "groupName": "missing"})


def test_schedule_group_deletion_is_read(provider: Any, aws: Any) -> None:
    provider.up(group, "g", {"name": "g"})
    aws("scheduler").delete_schedule_group(Name="g")
    assert provider.refresh(group, "g") is None


def test_schedule_group_rejects_invalid_name(provider: Any) -> None:
    with pytest.raises(Exception, match="alphanumeric"):
        provider.check(group, "g", {"name": "a b"})
