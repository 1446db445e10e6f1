from dataclasses import replace
from typing import Any

import pytest

from components.domain_controllers.operations.event_logs import metric_filters, site_alarms
from components.domain_controllers.operations.settings import EventLogsSettings
from policies.domain_controllers.controller_events_alarmed import METRIC_ALARM, METRIC_FILTER, RULE
from tests.policies.domain_controllers.stacks import instance
from tests.policies.judging import SILENT, UNKNOWN, Made, judge_stack

NAMESPACE = "ShellAccess/DomainControllers"
GOOD = [
    *(
        Made(
            type=METRIC_FILTER,
            name=each.name,
            properties={
                "pattern": each.pattern,
                "metricTransformation": {"name": each.metric, "namespace": NAMESPACE, "value": "1"},
            },
        )
        for each in metric_filters()
    ),
    *(
        Made(
            type=METRIC_ALARM,
            name=each.name,
            properties={"metricName": each.metric, "namespace": each.namespace, "alarmActions": ["arn:topic"]},
        )
        for each in site_alarms(EventLogsSettings())
    ),
]


def changed(name: str, **properties: Any) -> list[Made]:
    return [
        replace(each, properties={**each.properties, **properties}) if each.name.endswith(name) else each
        for each in GOOD
    ]


def test_component_raises_alarms_for_every_event() -> None:
    required = [1102, 4719, 4728, 4732, 4756, 4765, 4766, 4794]
    assert judge_stack(RULE, instance(), *GOOD, events=required) == SILENT


def test_stack_without_controllers_needs_no_alarms() -> None:
    assert judge_stack(RULE, instance(tags={})) == SILENT


def test_stack_without_events_needs_no_alarms() -> None:
    assert judge_stack(RULE, instance()) == SILENT


def test_missing_alarms_are_one_violation_with_all_events() -> None:
    (text,) = judge_stack(RULE, instance(), events=[1102, 4719]).violations
    assert text.startswith('aws:ec2/instance:Instance "dc1": events: found no alarm for 1102, 4719, expected ')


@pytest.mark.parametrize(
    ("name", "properties"),
    [
        pytest.param("audit-policy-changed", {"metricTransformation": {"name": "x", "namespace": "N"}}, id="metric"),
        pytest.param("controllers-audit-policy-changed", {"alarmActions": []}, id="no actions"),
        pytest.param("controllers-audit-policy-changed", {"actionsEnabled": False}, id="actions off"),
        pytest.param("controllers-audit-policy-changed", {"namespace": "Other"}, id="another namespace"),
        pytest.param("controllers-audit-policy-changed", {"region": "us-east-1"}, id="another Region"),
    ],
)
def test_filter_without_alarm_is_reported(name: str, properties: dict[str, Any]) -> None:
    (text,) = judge_stack(RULE, instance(), *changed(name, **properties)).violations
    assert text.startswith(f'{METRIC_FILTER} "audit-policy-changed": metricTransformation: found no alarm')
    both = judge_stack(RULE, instance(), *changed(name, **properties), events=[4719, 1102]).violations
    assert len(both) == 2
    assert any("no alarm for 4719," in each for each in both)


def test_event_id_within_a_number_does_not_count() -> None:
    made = changed("audit-policy-changed", pattern='">47190</EventID>"')
    (text,) = judge_stack(RULE, instance(), *made, events=[4719]).violations
    assert "no alarm for 4719," in text


def test_unknown_pattern_is_unseen() -> None:
    judged = judge_stack(RULE, instance(), *changed("audit-policy-changed", pattern=UNKNOWN), events=[4719])
    assert judged.violations == []
    assert judged.unseen


def test_additional_event_can_be_required() -> None:
    (text,) = judge_stack(RULE, instance(), *GOOD, events=[4720]).violations
    assert "no alarm for 4720" in text
