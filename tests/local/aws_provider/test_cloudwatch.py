"""Log groups, alarms, events and schedules (Terraform AWS provider: internal/service/{logs,cloudwatch,events,scheduler})."""

import json
from typing import Any

import pytest

from local.aws_provider.aws import Aws
from tests.local.aws_provider.conftest import lifecycle, refusals

rule = "aws:cloudwatch/eventRule:EventRule"
target = "aws:cloudwatch/eventTarget:EventTarget"
pattern = {"source": ["aws.ssm"], "detail-type": ["<any> & all"]}
topic = "arn:aws:sns:eu-west-1:123456789012:alerts"


def given(**change: Any) -> dict[str, Any]:
    return {"name": "sessions", "eventPattern": json.dumps(pattern, indent=2), **change}


def to_topic(**change: Any) -> dict[str, Any]:
    return {"rule": "sessions", "arn": topic, "targetId": "topic", **change}


test_rule_refuses = refusals(
    rule,
    given(),
    ({"eventPattern": None}, "one of `eventPattern,scheduleExpression` must be specified"),
    ({"eventPattern": "{"}, "invalid JSON"),
    ({"eventPattern": json.dumps({"source": ["x" * 4096]})}, "length"),
    ({"name": "a b"}, "must hold only"),
    ({"name": "n" * 65}, "length"),
    ({"description": "d" * 513}, "length"),
    ({"state": "ON"}, "DISABLED"),
)


def test_outputs_of_a_rule(provider: Any) -> None:
    made = provider.up(rule, "r", given(tags={"a": "b"}))
    assert (made.id, made["eventBusName"], made["state"]) == ("sessions", "default", "ENABLED")
    assert made["arn"] == "arn:aws:events:eu-west-1:123456789012:rule/sessions"
    assert made["eventPattern"] == '{"detail-type":["<any> & all"],"source":["aws.ssm"]}'
    assert provider.unchanged(rule, "r", given(tags={"a": "b"}))


def test_rule_accepts_pattern_and_schedule(provider: Any) -> None:
    provider.up(rule, "r", given(scheduleExpression="rate(1 hour)"))
    assert provider.unchanged(rule, "r", given(scheduleExpression="rate(1 hour)"))


def test_pattern_is_equal_whatever_its_order_and_spaces(provider: Any) -> None:
    provider.up(rule, "r", given())
    turned = json.dumps(dict(reversed(pattern.items())))
    assert not provider.diff(rule, "r", given(eventPattern=turned)).diffs


def test_rule_changes_in_place(provider: Any, aws: Any) -> None:
    provider.up(rule, "r", given(state="DISABLED"))
    assert provider.unchanged(rule, "r", given())
    changed = given(description="new", eventPattern='{"source":["aws.ec2"]}', state="ENABLED")
    assert not provider.diff(rule, "r", changed).replaces
    provider.up(rule, "r", changed)
    found = aws("events").describe_rule(Name="sessions")
    assert (found["Description"], found["State"]) == ("new", "ENABLED")
    assert provider.unchanged(rule, "r", changed)


def test_tags_change_in_place(provider: Any, aws: Any) -> None:
    made = provider.up(rule, "r", given(tags={"a": "1", "b": "2"}))
    provider.up(rule, "r", given(tags={"b": "3"}))
    assert aws("events").list_tags_for_resource(ResourceARN=made["arn"])["Tags"] == [{"Key": "b", "Value": "3"}]


def test_rule_with_targets_is_not_deleted(provider: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(Aws, "retry", lambda _aws, _codes, call, _seconds: call())
    provider.up(rule, "r", given())
    provider.up(target, "t", to_topic())
    with pytest.raises(Exception, match="Rule can't be deleted since it has targets"):
        provider.destroy(rule, "r")


def test_rule_deletion_is_read_with_its_targets(provider: Any, aws: Any) -> None:
    provider.up(rule, "r", given())
    provider.up(target, "t", to_topic())
    aws("events").remove_targets(Rule="sessions", Ids=["topic"])
    assert provider.refresh(target, "t") is None
    aws("events").delete_rule(Name="sessions")
    assert provider.refresh(rule, "r") is None
    assert provider.refresh(target, "t") is None
    provider.destroy(target, "t")
    provider.destroy(rule, "r")


test_target_refuses = refusals(
    target,
    to_topic(),
    ({"arn": "alerts"}, "invalid ARN"),
    ({"rule": None}, "rule: missing"),
    ({"targetId": "t" * 65}, "length"),
    ({"ecsTarget": {}}, "ecsTarget: is not supported by the local stand-in"),
)


@pytest.fixture
def aimed(provider: Any) -> dict[str, Any]:
    provider.up(rule, "r", given())
    return to_topic()


TestRule = lifecycle(
    rule, given(), delete=lambda aws, _: aws("events").delete_rule(Name="sessions"), replacing=({"name": "other"},)
)
TestTarget = lifecycle(
    target,
    "aimed",
    delete=lambda aws, _: aws("events").remove_targets(Rule="sessions", Ids=["topic"]),
    imported_by="sessions/topic",
)


def test_target_changes_in_place(provider: Any, aws: Any) -> None:
    provider.up(rule, "r", given())
    provider.up(target, "t", to_topic())
    role = "arn:aws:iam::123456789012:role/events"
    changed = to_topic(arn=f"{topic}-2", roleArn=role)
    assert not provider.diff(target, "t", changed).replaces
    provider.up(target, "t", changed)
    (found,) = aws("events").list_targets_by_rule(Rule="sessions")["Targets"]
    assert found == {"Id": "topic", "Arn": f"{topic}-2", "RoleArn": role}
    assert provider.unchanged(target, "t", changed)


def test_target_gets_an_id_of_its_own(provider: Any) -> None:
    provider.up(rule, "r", given())
    made = provider.up(target, "alerts", {"rule": "sessions", "arn": topic})
    assert made["targetId"].startswith("alerts-")
    answer = provider.diff(target, "alerts", to_topic())
    assert (list(answer.replaces), answer.deleteBeforeReplace) == (["targetId"], True)


def test_target_is_imported_by_its_parts(provider: Any) -> None:
    provider.up(rule, "r", given())
    made = provider.up(target, "t", to_topic())
    assert provider.take_over(target, "u", "sessions/topic").id == made.id
    assert not provider.diff(target, "u", to_topic()).diffs
    with pytest.raises(Exception, match="expected RULE/TARGET_ID"):
        provider.take_over(target, "v", made.id)


# Log groups: internal/service/logs.


group = "aws:cloudwatch/logGroup:LogGroup"


test_group_refuses = refusals(
    group,
    {},
    ({"retentionInDays": 2}, "expected one of .*, got 2"),
    ({"name": "a b"}, "must hold only"),
    ({"name": "x" * 513}, "length"),
)


def test_arn_has_no_star_at_its_end(provider: Any) -> None:
    made = provider.up(group, "g", {"name": "a/b"})
    assert made.id == "a/b"
    assert made["arn"] == "arn:aws:logs:eu-west-1:123456789012:log-group:a/b"


def test_log_group_retention_is_set_and_removed_in_place(provider: Any, aws: Any) -> None:
    provider.up(group, "g", {"name": "a", "retentionInDays": 7})
    assert aws("logs").describe_log_groups()["logGroups"][0]["retentionInDays"] == 7
    provider.up(group, "g", {"name": "a", "retentionInDays": 0})
    assert "retentionInDays" not in aws("logs").describe_log_groups()["logGroups"][0]
    assert provider.unchanged(group, "g", {"name": "a"})


def test_only_the_exact_name_counts(provider: Any, aws: Any) -> None:
    provider.up(group, "g", {"name": "a"})
    aws("logs").delete_log_group(logGroupName="a")
    aws("logs").create_log_group(logGroupName="ab")
    assert provider.refresh(group, "g") is None


def test_log_group_is_created_with_its_key(provider: Any, aws: Any) -> None:
    arn = aws("kms").create_key()["KeyMetadata"]["Arn"]
    made = provider.up(group, "g", {"kmsKeyId": arn})
    assert made["kmsKeyId"] == arn
    assert list(provider.diff(group, "g", {}).diffs) == ["kmsKeyId"]


TestLogGroup = lifecycle(
    group,
    {"name": "a"},
    delete=lambda aws, _: aws("logs").delete_log_group(logGroupName="a"),
    replacing=({"name": "b"},),
    exists="logs:CreateLogGroup failed with ResourceAlreadyExistsException",
)


# Metric filters: internal/service/logs/metric_filter.go.


kind = "aws:cloudwatch/logMetricFilter:LogMetricFilter"


def metric_filter(**change: Any) -> dict[str, Any]:
    return {
        "name": "cleared",
        "logGroupName": "/events",
        "pattern": '">1102</EventID>"',
        "metricTransformation": {"name": "cleared", "namespace": "Test/Events", "value": "1"},
        **change,
    }


@pytest.fixture
def log_groups(aws: Any) -> None:
    aws("logs").create_log_group(logGroupName="/events")
    aws("logs").create_log_group(logGroupName="/other")


@pytest.mark.usefixtures("log_groups")
def test_metric_filter_create_fills_in_the_unit(provider: Any, aws: Any) -> None:
    made = provider.up(kind, "f", metric_filter())
    assert (made.id, made["metricTransformation"]["unit"]) == ("cleared", "None")
    (found,) = aws("logs").describe_metric_filters(logGroupName="/events")["metricFilters"]
    assert found["metricTransformations"][0]["metricNamespace"] == "Test/Events"
    assert provider.unchanged(kind, "f", metric_filter())


@pytest.mark.usefixtures("log_groups")
def test_metric_filter_pattern_changes_in_place(provider: Any, aws: Any) -> None:
    provider.up(kind, "f", metric_filter())
    assert provider.unchanged(kind, "f", metric_filter(pattern=' ">1102</EventID>" '))
    more = {"name": "x", "namespace": "N", "value": "2", "defaultValue": "0"}
    changed = metric_filter(pattern="ERROR", metricTransformation=more)
    assert not provider.diff(kind, "f", changed).replaces
    provider.up(kind, "f", changed)
    (found,) = aws("logs").describe_metric_filters(logGroupName="/events")["metricFilters"]
    assert (found["filterPattern"], found["metricTransformations"][0]["defaultValue"]) == ("ERROR", 0)
    assert provider.unchanged(kind, "f", changed)


@pytest.mark.usefixtures("log_groups")
def test_metric_filter_drift_and_deletion_are_read(provider: Any, aws: Any) -> None:
    provider.up(kind, "f", metric_filter())
    wrong = {"metricName": "cleared", "metricNamespace": "Test/Events", "metricValue": "0"}
    aws("logs").put_metric_filter(
        logGroupName="/events", filterName="cleared", filterPattern="never", metricTransformations=[wrong]
    )
    read = provider.refresh(kind, "f")
    assert (read["pattern"], read["metricTransformation"]["value"]) == ("never", "0")
    aws("logs").delete_metric_filter(logGroupName="/events", filterName="cleared")
    assert provider.refresh(kind, "f") is None


@pytest.fixture
def filtered(log_groups: None) -> dict[str, Any]:  # noqa: ARG001
    return metric_filter()


TestMetricFilter = lifecycle(
    kind,
    "filtered",
    delete=lambda aws, _: aws("logs").delete_metric_filter(logGroupName="/events", filterName="cleared"),
    imported_by="/events:cleared",
    replacing=({"name": "other"}, {"logGroupName": "/other"}),
)


# Alarms: internal/service/cloudwatch/metric_alarm.go.


alarm = "aws:cloudwatch/metricAlarm:MetricAlarm"


def alarm_inputs(**change: Any) -> dict[str, Any]:
    return {
        "name": "reaper",
        "comparisonOperator": "LessThanThreshold",
        "evaluationPeriods": 1,
        "metricName": "InvocationAttemptCount",
        "namespace": "AWS/Scheduler",
        "period": 3600,
        "statistic": "Sum",
        "threshold": 1,
        "treatMissingData": "breaching",
        "dimensions": {"ScheduleGroup": "g"},
        "alarmActions": [topic],
        "tags": {"a": "b"},
        **change,
    }


def test_metric_alarm_create_fills_in_outputs(provider: Any, aws: Any) -> None:
    made = provider.up(alarm, "a", alarm_inputs())
    assert (made.id, made["actionsEnabled"]) == ("reaper", True)
    assert made["arn"] == "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:reaper"
    (found,) = aws("cloudwatch").describe_alarms(AlarmNames=["reaper"])["MetricAlarms"]
    assert (found["TreatMissingData"], found["AlarmActions"]) == ("breaching", [topic])
    assert found["Dimensions"] == [{"Name": "ScheduleGroup", "Value": "g"}]
    assert provider.unchanged(alarm, "a", alarm_inputs())


def test_metric_alarm_missing_data_has_a_default(provider: Any) -> None:
    inputs = alarm_inputs()
    del inputs["treatMissingData"]
    assert provider.check(alarm, "a", inputs)["treatMissingData"] == "missing"


def test_metric_alarm_changes_in_place(provider: Any, aws: Any) -> None:
    provider.up(alarm, "a", alarm_inputs())
    changed = alarm_inputs(threshold=2.5, alarmActions=[], tags={"c": "d"})
    assert not provider.diff(alarm, "a", changed).replaces
    provider.up(alarm, "a", changed)
    (found,) = aws("cloudwatch").describe_alarms(AlarmNames=["reaper"])["MetricAlarms"]
    assert (found["Threshold"], found.get("AlarmActions", [])) == (2.5, [])
    assert provider.unchanged(alarm, "a", changed)


def test_metric_alarm_drift_and_deletion_are_read(provider: Any, aws: Any) -> None:
    provider.up(alarm, "a", alarm_inputs())
    aws("cloudwatch").disable_alarm_actions(AlarmNames=["reaper"])
    assert provider.refresh(alarm, "a")["actionsEnabled"] is False
    aws("cloudwatch").delete_alarms(AlarmNames=["reaper"])
    assert provider.refresh(alarm, "a") is None


test_metric_alarm_rejects_invalid_input = refusals(
    alarm,
    alarm_inputs(),
    ({"period": 45}, "multiple of 60"),
    ({"comparisonOperator": "Less"}, "LessThanThreshold"),
    ({"treatMissingData": "alarm"}, "notBreaching"),
    ({"alarmActions": [topic] * 6}, "5"),
    ({"metricQueries": [{"id": "m1"}]}, "not supported"),
)


TestMetricAlarm = lifecycle(
    alarm,
    alarm_inputs(),
    delete=lambda aws, _: aws("cloudwatch").delete_alarms(AlarmNames=["reaper"]),
    imported_by="reaper",
    replacing=({"name": "other"},),
)


# Schedules: internal/service/scheduler.


schedule = "aws:scheduler/schedule:Schedule"
role = "arn:aws:iam::123456789012:role/r"
schedule_inputs: dict[str, Any] = {
    "name": "s",
    "scheduleExpression": "rate(15 minutes)",
    "flexibleTimeWindow": {"mode": "OFF"},
    "target": {"arn": "arn:aws:scheduler:::aws-sdk:ssm:startAutomationExecution", "roleArn": role, "input": "{}"},
}


def test_schedule_is_known_by_group_and_name(provider: Any) -> None:
    made = provider.up(schedule, "s", schedule_inputs)
    assert made.id == "default/s"
    assert made["arn"] == "arn:aws:scheduler:eu-west-1:123456789012:schedule/default/s"
    assert (made["state"], made["scheduleExpressionTimezone"], made["groupName"]) == ("ENABLED", "UTC", "default")
    assert provider.unchanged(schedule, "s", schedule_inputs)


def test_schedule_changes_in_place(provider: Any, aws: Any) -> None:
    provider.up(schedule, "s", schedule_inputs)
    provider.up(schedule, "s", {**schedule_inputs, "scheduleExpression": "rate(1 hour)", "state": "DISABLED"})
    found = aws("scheduler").get_schedule(Name="s", GroupName="default")
    assert (found["ScheduleExpression"], found["State"]) == ("rate(1 hour)", "DISABLED")


test_schedule_refuses = refusals(
    schedule,
    schedule_inputs,
    ({"name": "a b"}, "alphanumeric"),
    ({"name": "x" * 65}, "length"),
    ({"flexibleTimeWindow": {"mode": "SOMETIMES"}}, "FLEXIBLE"),
    ({"state": "ON"}, "DISABLED"),
    ({"target": {**schedule_inputs["target"], "roleArn": "r"}}, "invalid ARN"),
)


schedule_group = "aws:scheduler/scheduleGroup:ScheduleGroup"


def test_schedule_group_create_fills_in_outputs(provider: Any) -> None:
    inputs = {"name": "g", "tags": {"a": "b"}}
    made = provider.up(schedule_group, "g", inputs)
    assert (made.id, made["state"]) == ("g", "ACTIVE")
    assert made["arn"] == "arn:aws:scheduler:eu-west-1:123456789012:schedule-group/g"
    assert provider.unchanged(schedule_group, "g", inputs)
    provider.up(schedule_group, "g", {"name": "g", "tags": {"c": "d"}})
    assert provider.refresh(schedule_group, "g")["tags"] == {"c": "d"}
    assert list(provider.diff(schedule_group, "g", {"name": "h"}).replaces) == ["name"]


def test_schedule_group_deletion_deletes_its_schedules(provider: Any, aws: Any) -> None:
    provider.up(schedule_group, "g", {"name": "g"})
    provider.up(schedule, "s", {**schedule_inputs, "groupName": "g"})
    provider.destroy(schedule_group, "g")
    assert provider.refresh(schedule, "s") is None
    assert [each["Name"] for each in aws("scheduler").list_schedule_groups()["ScheduleGroups"]] == ["default"]


def test_schedule_without_its_group_is_an_error(provider: Any) -> None:
    with pytest.raises(Exception, match="ResourceNotFoundException"):
        provider.up(schedule, "s", {**schedule_inputs, "groupName": "missing"})


def test_schedule_group_rejects_invalid_name(provider: Any) -> None:
    with pytest.raises(Exception, match="alphanumeric"):
        provider.check(schedule_group, "g", {"name": "a b"})


TestSchedule = lifecycle(
    schedule,
    schedule_inputs,
    delete=lambda aws, _: aws("scheduler").delete_schedule(Name="s", GroupName="default"),
    imported_by="default/s",
    replacing=({"name": "t"}, {"groupName": "g"}),
    exists="scheduler:CreateSchedule failed with ConflictException",
)
TestScheduleGroup = lifecycle(
    schedule_group,
    {"name": "g"},
    delete=lambda aws, _: aws("scheduler").delete_schedule_group(Name="g"),
    imported_by="g",
    replacing=({"name": "h"},),
    exists="scheduler:CreateScheduleGroup failed with ConflictException",
)
