from typing import Any

import pytest

from components.domain_controllers.operations.backups import backup_alarm
from components.domain_controllers.operations.event_logs import controller_alarm, site_alarms
from components.domain_controllers.operations.health import health_alarm
from components.domain_controllers.operations.settings import EventLogsSettings, HealthSettings
from policies.domain_controllers.controller_alarms_on_silence import METRIC_ALARM, RULE
from tests.policies.domain_controllers.stacks import instance
from tests.policies.judging import SILENT, UNKNOWN, Made, judge_stack


def alarm(**change: Any) -> Made:
    properties = {"metricName": "Backups", "treatMissingData": "breaching", "alarmActions": ["arn:topic"], **change}
    return Made(type=METRIC_ALARM, name="no-backup", properties=properties)


def test_alarms_of_the_component_are_raised_on_silence() -> None:
    every = [
        *site_alarms(EventLogsSettings()),
        controller_alarm("DC1", 15),
        health_alarm("DC1", HealthSettings()),
        backup_alarm("DC1"),
    ]
    made = [alarm(metricName=each.metric, treatMissingData=each.missing_data) for each in every]
    assert judge_stack(RULE, instance(), *made) == SILENT


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"treatMissingData": "notBreaching"}, "treatMissingData: found notBreaching, expected breaching"),
        ({"treatMissingData": None}, "treatMissingData: found None"),
        ({"alarmActions": []}, "alarmActions: found none"),
        ({"actionsEnabled": False}, "alarmActions: found none"),
    ],
)
def test_alarm_that_silence_does_not_raise_is_reported(change: dict[str, Any], said: str) -> None:
    (text,) = judge_stack(RULE, instance(), alarm(**change)).violations
    assert said in text


def test_other_alarms_and_stacks_are_fine() -> None:
    other = alarm(metricName="lockouts", treatMissingData="notBreaching")
    assert judge_stack(RULE, instance(), other) == SILENT
    assert judge_stack(RULE, instance(tags={}), alarm(treatMissingData="ignore")) == SILENT
    assert judge_stack(RULE, instance(), alarm(treatMissingData=UNKNOWN)).unseen
