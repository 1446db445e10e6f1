import json
from dataclasses import replace
from typing import Any

import pytest

from components.domain_controllers.event_patterns import ALERTS, GROUP_CALLS, Watched
from policies.domain_controllers.controller_monitored import RULE
from tests.policies.domain_controllers.stacks import instance
from tests.policies.judging import SILENT, UNKNOWN, Made, judge_stack

FLOW_LOG = "aws:ec2/flowLog:FlowLog"
TRAIL = "aws:cloudtrail/trail:Trail"
EVENT_RULE = "aws:cloudwatch/eventRule:EventRule"
EVENT_TARGET = "aws:cloudwatch/eventTarget:EventTarget"
(NETWORK,) = (each for each in ALERTS if each.name == "network")
PATTERN = json.dumps(NETWORK.pattern(Watched(groups=("sg-1",), acls=("acl-1",))))

GOOD = {
    "log": Made(type=FLOW_LOG, name="log", properties={"subnetId": "subnet-dc1", "trafficType": "ALL"}),
    "trail": Made(type=TRAIL, name="trail", properties={"isMultiRegionTrail": True, "enableLogging": True}),
    "rule": Made(type=EVENT_RULE, name="rule", properties={"name": "alert", "eventPattern": PATTERN}),
    "target": Made(type=EVENT_TARGET, name="target", properties={"rule": "alert", "arn": "arn:topic"}),
}


def changed(name: str, **properties: Any) -> list[Made]:
    one = replace(GOOD[name], properties={**GOOD[name].properties, **properties})
    return list((GOOD | {name: one}).values())


def without(name: str) -> list[Made]:
    return [each for key, each in GOOD.items() if key != name]


def test_watched_controller_is_fine() -> None:
    assert judge_stack(RULE, instance(), *GOOD.values()) == SILENT


def test_stack_without_controllers_needs_nothing() -> None:
    assert judge_stack(RULE, instance(tags={})) == SILENT


@pytest.mark.parametrize(
    ("missing", "said"), [("log", "flow logs"), ("trail", "trail"), ("rule", "alerts"), ("target", "alerts")]
)
def test_what_is_missing_is_reported(missing: str, said: str) -> None:
    (text,) = judge_stack(RULE, instance(), *without(missing)).violations
    assert text.startswith(f'aws:ec2/instance:Instance "dc1": {said}: found none in the stack, expected ')


def test_nothing_at_all_is_three_violations() -> None:
    assert len(judge_stack(RULE, instance()).violations) == 3
    assert judge_stack(RULE, instance(), elsewhere=["trail", "flowLogs", "alerts"]) == SILENT


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
    assert len(judge_stack(RULE, instance(), *changed(name, **properties)).violations) == 1


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
    result = judge_stack(RULE, instance(), *changed(name, **properties))
    assert (result.violations, len(result.unseen)) == ([], 1)


def test_flow_log_of_the_vpc_is_fine() -> None:
    vpc = Made(type="aws:ec2/vpc:Vpc", name="vpc", properties={"id": "vpc-1"})
    subnet = Made(type="aws:ec2/subnet:Subnet", name="subnet", properties={"id": "subnet-dc1", "vpcId": "vpc-1"})
    others = changed("log", subnetId=None, vpcId="vpc-1", trafficType="REJECT")
    assert judge_stack(RULE, instance(), vpc, subnet, *others) == SILENT


def test_rule_and_target_are_joined_before_they_are_made() -> None:
    rule = replace(GOOD["rule"], properties={"name": UNKNOWN, "eventPattern": PATTERN})
    target = replace(GOOD["target"], properties={"rule": UNKNOWN}, sources={"rule": ["rule"]})
    assert judge_stack(RULE, instance(), GOOD["log"], GOOD["trail"], rule, target) == SILENT


def test_calls_are_configurable() -> None:
    assert len(judge_stack(RULE, instance(), *GOOD.values(), alertOn=["DeleteVpc"]).violations) == 1
