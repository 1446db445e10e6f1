import json
from dataclasses import replace
from typing import Any

import pytest

from components.domain_controllers.event_patterns import ALERTS, GROUP_CALLS, Watched
from components.domain_controllers.operations.backups import backup_alarm
from components.domain_controllers.operations.event_logs import controller_alarm, metric_filters, site_alarms
from components.domain_controllers.operations.health import health_alarm
from components.domain_controllers.operations.settings import EventLogsSettings, HealthSettings
from policies.domain_controllers.controller_monitoring import CONTROLLER_ALARMS_ON_SILENCE as ALARMS_ON_SILENCE
from policies.domain_controllers.controller_monitoring import CONTROLLER_EVENTS_ALARMED as EVENTS_ALARMED
from policies.domain_controllers.controller_monitoring import CONTROLLER_MONITORED as MONITORED
from policies.domain_controllers.controller_monitoring import METRIC_ALARM, METRIC_FILTER
from policies.rule import Rule
from tests.policies.domain_controllers.stacks import instance
from tests.policies.judging import SILENT, UNKNOWN, Made, judge_stack

FLOW_LOG = "aws:ec2/flowLog:FlowLog"
TRAIL = "aws:cloudtrail/trail:Trail"
EVENT_RULE = "aws:cloudwatch/eventRule:EventRule"
EVENT_TARGET = "aws:cloudwatch/eventTarget:EventTarget"
(NETWORK,) = (each for each in ALERTS if each.name == "network")
PATTERN = json.dumps(NETWORK.pattern(Watched(groups=("sg-1",), acls=("acl-1",))))

MONITORED_GOOD = {
    "log": Made(FLOW_LOG, "log", {"subnetId": "subnet-dc1", "trafficType": "ALL"}),
    "trail": Made(TRAIL, "trail", {"isMultiRegionTrail": True, "enableLogging": True}),
    "rule": Made(EVENT_RULE, "rule", {"name": "alert", "eventPattern": PATTERN}),
    "target": Made(EVENT_TARGET, "target", {"rule": "alert", "arn": "arn:topic"}),
}


def monitored_changed(name: str, **properties: Any) -> list[Made]:
    one = replace(MONITORED_GOOD[name], properties={**MONITORED_GOOD[name].properties, **properties})
    return list((MONITORED_GOOD | {name: one}).values())


def without(name: str) -> list[Made]:
    return [each for key, each in MONITORED_GOOD.items() if key != name]


@pytest.mark.parametrize(
    ("missing", "said"), [("log", "flow logs"), ("trail", "trail"), ("rule", "alerts"), ("target", "alerts")]
)
def test_what_is_missing_is_reported(missing: str, said: str) -> None:
    (text,) = judge_stack(MONITORED, instance(), *without(missing)).violations
    assert text.startswith(f'aws:ec2/instance:Instance "dc1": {said}: found none in the stack, expected ')


def test_nothing_at_all_is_three_violations() -> None:
    assert len(judge_stack(MONITORED, instance()).violations) == 3
    assert judge_stack(MONITORED, instance(), elsewhere=["trail", "flowLogs", "alerts"]) == SILENT


@pytest.mark.parametrize(
    ("name", "properties"),
    [
        pytest.param("log", {"trafficType": "ACCEPT"}, id="flow log of accepted traffic"),
        pytest.param("log", {"subnetId": "subnet-web"}, id="flow log of another subnet"),
        pytest.param("trail", {"isMultiRegionTrail": False}, id="trail of one Region"),
        pytest.param("trail", {"isMultiRegionTrail": None}, id="trail of one Region by default"),
        pytest.param("trail", {"enableLogging": False}, id="trail that is off"),
        pytest.param("rule", {"state": "DISABLED"}, id="alert that is off"),
        pytest.param("rule", {"isEnabled": False}, id="alert that is off, the old way"),
        pytest.param("rule", {"eventPattern": json.dumps({"source": ["aws.ec2"]})}, id="alert of no call"),
        pytest.param("rule", {"eventPattern": "{"}, id="alert that cannot be read"),
        pytest.param("rule", {"eventPattern": None, "scheduleExpression": "rate(1 day)"}, id="a schedule"),
        pytest.param(
            "rule",
            {"eventPattern": json.dumps({"detail": {"eventName": [GROUP_CALLS[0]]}})},
            id="alert of one call among several",
        ),
        pytest.param("rule", {"region": "us-east-1"}, id="alert of another Region"),
        pytest.param("target", {"rule": "another"}, id="target of another rule"),
    ],
)
def test_what_watches_nothing_does_not_count(name: str, properties: dict[str, Any]) -> None:
    assert len(judge_stack(MONITORED, instance(), *monitored_changed(name, **properties)).violations) == 1


@pytest.mark.parametrize(
    ("name", "properties"),
    [
        ("log", {"trafficType": UNKNOWN}),
        ("trail", {"isMultiRegionTrail": UNKNOWN}),
        ("rule", {"eventPattern": UNKNOWN}),
        ("log", {"subnetId": None, "vpcId": "vpc-1"}),
    ],
)
def test_undecided_alarm_is_reported(name: str, properties: dict[str, Any]) -> None:
    result = judge_stack(MONITORED, instance(), *monitored_changed(name, **properties))
    assert (result.violations, len(result.unseen)) == ([], 1)


NAMESPACE = "ShellAccess/DomainControllers"
EVENTS_ALARMED_GOOD = [
    *(
        Made(
            METRIC_FILTER,
            each.name,
            {
                "pattern": each.pattern,
                "metricTransformation": {"name": each.metric, "namespace": NAMESPACE, "value": "1"},
            },
        )
        for each in metric_filters()
    ),
    *(
        Made(
            METRIC_ALARM,
            each.name,
            {"metricName": each.metric, "namespace": each.namespace, "alarmActions": ["arn:topic"]},
        )
        for each in site_alarms(EventLogsSettings())
    ),
]


def events_alarmed_changed(name: str, **properties: Any) -> list[Made]:
    return [
        replace(each, properties={**each.properties, **properties}) if each.name.endswith(name) else each
        for each in EVENTS_ALARMED_GOOD
    ]


VPC = Made("aws:ec2/vpc:Vpc", "vpc", {"id": "vpc-1"})
SUBNET = Made("aws:ec2/subnet:Subnet", "subnet", {"id": "subnet-dc1", "vpcId": "vpc-1"})
LATE_RULE = replace(MONITORED_GOOD["rule"], properties={"name": UNKNOWN, "eventPattern": PATTERN})
LATE_TARGET = replace(MONITORED_GOOD["target"], properties={"rule": UNKNOWN}, sources={"rule": ["rule"]})
REQUIRED = {"events": [1102, 4719, 4728, 4732, 4756, 4765, 4766, 4794]}


@pytest.mark.parametrize(
    ("rule", "stack", "config", "count"),
    [
        (MONITORED, [instance(), *MONITORED_GOOD.values()], {}, 0),
        (MONITORED, [instance(), *MONITORED_GOOD.values()], {"alertOn": ["DeleteVpc"]}, 1),
        (MONITORED, [instance(tags={})], {}, 0),
        (
            MONITORED,
            [instance(), VPC, SUBNET, *monitored_changed("log", subnetId=None, vpcId="vpc-1", trafficType="REJECT")],
            {},
            0,
        ),
        # Rule and target are joined before they are made.
        (MONITORED, [instance(), MONITORED_GOOD["log"], MONITORED_GOOD["trail"], LATE_RULE, LATE_TARGET], {}, 0),
        (EVENTS_ALARMED, [instance(), *EVENTS_ALARMED_GOOD], REQUIRED, 0),
        (EVENTS_ALARMED, [instance(tags={})], {}, 0),
        (EVENTS_ALARMED, [instance()], {}, 0),
    ],
)
def test_watched_controllers_are_fine(rule: Rule, stack: list[Made], config: dict[str, Any], count: int) -> None:
    result = judge_stack(rule, *stack, **config)
    assert (len(result.violations), result.unseen) == (count, [])


def test_missing_alarms_are_one_violation_with_all_events() -> None:
    (text,) = judge_stack(EVENTS_ALARMED, instance(), events=[1102, 4719]).violations
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
    (text,) = judge_stack(EVENTS_ALARMED, instance(), *events_alarmed_changed(name, **properties)).violations
    assert text.startswith(f'{METRIC_FILTER} "audit-policy-changed": metricTransformation: found no alarm')
    both = judge_stack(
        EVENTS_ALARMED, instance(), *events_alarmed_changed(name, **properties), events=[4719, 1102]
    ).violations
    assert len(both) == 2
    assert any("no alarm for 4719," in each for each in both)


def test_event_id_within_a_number_does_not_count() -> None:
    made = events_alarmed_changed("audit-policy-changed", pattern='">47190</EventID>"')
    (text,) = judge_stack(EVENTS_ALARMED, instance(), *made, events=[4719]).violations
    assert "no alarm for 4719," in text


def test_unknown_pattern_is_unseen() -> None:
    judged = judge_stack(
        EVENTS_ALARMED, instance(), *events_alarmed_changed("audit-policy-changed", pattern=UNKNOWN), events=[4719]
    )
    assert judged.violations == []
    assert judged.unseen


def test_additional_event_can_be_required() -> None:
    (text,) = judge_stack(EVENTS_ALARMED, instance(), *EVENTS_ALARMED_GOOD, events=[4720]).violations
    assert "no alarm for 4720" in text


def alarm(**change: Any) -> Made:
    properties = {"metricName": "Backups", "treatMissingData": "breaching", "alarmActions": ["arn:topic"], **change}
    return Made(METRIC_ALARM, "no-backup", properties)


def test_alarms_of_the_component_are_raised_on_silence() -> None:
    every = [
        *site_alarms(EventLogsSettings()),
        controller_alarm("DC1", 15),
        health_alarm("DC1", HealthSettings()),
        backup_alarm("DC1"),
    ]
    made = [alarm(metricName=each.metric, treatMissingData=each.missing_data) for each in every]
    assert judge_stack(ALARMS_ON_SILENCE, instance(), *made) == SILENT


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"treatMissingData": "notBreaching"}, 'treatMissingData: found "notBreaching", expected breaching'),
        ({"treatMissingData": None}, "treatMissingData: found no value"),
        ({"alarmActions": []}, "alarmActions: found none"),
        ({"actionsEnabled": False}, "alarmActions: found none"),
    ],
)
def test_alarm_that_silence_does_not_raise_is_reported(change: dict[str, Any], said: str) -> None:
    (text,) = judge_stack(ALARMS_ON_SILENCE, instance(), alarm(**change)).violations
    assert said in text


def test_other_alarms_and_stacks_are_fine() -> None:
    other = alarm(metricName="lockouts", treatMissingData="notBreaching")
    assert judge_stack(ALARMS_ON_SILENCE, instance(), other) == SILENT
    assert judge_stack(ALARMS_ON_SILENCE, instance(tags={}), alarm(treatMissingData="ignore")) == SILENT
    assert judge_stack(ALARMS_ON_SILENCE, instance(), alarm(treatMissingData=UNKNOWN)).unseen
