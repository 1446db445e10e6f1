"""CloudWatch alarms (Terraform AWS provider: internal/service/cloudwatch/metric_alarm.go)."""

from typing import Any

from tests.local.aws_provider.conftest import refusals

alarm = "aws:cloudwatch/metricAlarm:MetricAlarm"
topic = "arn:aws:sns:eu-west-1:123456789012:alerts"


def given(**change: Any) -> dict[str, Any]:
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
    made = provider.up(alarm, "a", given())
    assert (made.id, made["actionsEnabled"]) == ("reaper", True)
    assert made["arn"] == "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:reaper"
    (found,) = aws("cloudwatch").describe_alarms(AlarmNames=["reaper"])["MetricAlarms"]
    assert (found["TreatMissingData"], found["AlarmActions"]) == ("breaching", [topic])
    assert found["Dimensions"] == [{"Name": "ScheduleGroup", "Value": "g"}]
    assert provider.unchanged(alarm, "a", given())


def test_metric_alarm_missing_data_has_a_default(provider: Any) -> None:
    inputs = given()
    del inputs["treatMissingData"]
    assert provider.check(alarm, "a", inputs)["treatMissingData"] == "missing"


def test_metric_alarm_changes_in_place(provider: Any, aws: Any) -> None:
    provider.up(alarm, "a", given())
    changed = given(threshold=2.5, alarmActions=[], tags={"c": "d"})
    assert not provider.diff(alarm, "a", changed).replaces
    provider.up(alarm, "a", changed)
    (found,) = aws("cloudwatch").describe_alarms(AlarmNames=["reaper"])["MetricAlarms"]
    assert (found["Threshold"], found.get("AlarmActions", [])) == (2.5, [])
    assert provider.unchanged(alarm, "a", changed)


def test_metric_alarm_name_replaces(provider: Any) -> None:
    provider.up(alarm, "a", given())
    assert list(provider.diff(alarm, "a", given(name="other")).replaces) == ["name"]


def test_metric_alarm_drift_and_deletion_are_read(provider: Any, aws: Any) -> None:
    provider.up(alarm, "a", given())
    aws("cloudwatch").disable_alarm_actions(AlarmNames=["reaper"])
    assert provider.refresh(alarm, "a")["actionsEnabled"] is False
    aws("cloudwatch").delete_alarms(AlarmNames=["reaper"])
    assert provider.refresh(alarm, "a") is None


test_metric_alarm_rejects_invalid_input = refusals(
    alarm,
    given(),
    ({"period": 45}, "multiple of 60"),
    ({"comparisonOperator": "Less"}, "LessThanThreshold"),
    ({"treatMissingData": "alarm"}, "notBreaching"),
    ({"alarmActions": [topic] * 6}, "5"),
    ({"metricQueries": [{"id": "m1"}]}, "not supported"),
)
