"""Monitoring of domain controllers: logs and alerts of the network, alarms on events and on the absence of data."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, cast

from pulumi_policy import Severity

from common.iam.truth import Truth, any_of, truth
from common.json_values import mapping
from components.domain_controllers.event_patterns import GROUP_CALLS
from policies.domain_controllers.controller_tags import MARKS
from policies.domain_controllers.machines import Machines, same
from policies.domain_controllers.references import ReferenceIndex
from policies.domain_controllers.routes import VPC
from policies.findings import UNKNOWN, Finding, Findings, Resource
from policies.parameters import TEXTS, Parameter
from policies.rule import CONTROLLERS_POST, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack

FLOW_LOG: Final = "aws:ec2/flowLog:FlowLog"
TRAIL: Final = "aws:cloudtrail/trail:Trail"
EVENT_RULE: Final = "aws:cloudwatch/eventRule:EventRule"
EVENT_TARGET: Final = "aws:cloudwatch/eventTarget:EventTarget"

_ELSEWHERE: Final = Parameter(
    name="elsewhere",
    description="Parts that another stack provides: trail, flowLogs, alerts.",
    default=[],
    schema={"type": "array", "items": {"enum": ["trail", "flowLogs", "alerts"]}},
)
_CALLS: Final = Parameter(
    name="alertOn",
    description="API calls that must raise an alert.",
    default=list(GROUP_CALLS),
    schema=TEXTS,
)

CONTROLLER_MONITORED = Rule(
    id="controller-monitored",
    title="Domain controllers have flow logs, a trail and alarms",
    severity=Severity.HIGH,
    risk="an opened group or an unexpected connection goes unnoticed and leaves no record",
    remedy="Add what is missing (here: shell-access:domainControllers.monitoring), or list it in elsewhere where another "
    "stack has it",
    source="AWS Security Hub EC2.6, CloudTrail.1, CloudWatch.10; "
    "CIS AWS Foundations Benchmark 5.0, 3.1, 3.7, 4.10; NIST SP 800-53 r5 AU-2, AU-12, SI-4; "
    f"{CONTROLLERS_POST}, monitoring",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-6",
    parameters=(_ELSEWHERE, _CALLS, *MARKS),
)


@CONTROLLER_MONITORED.on_stack
def _are_watched(stack: Stack) -> Findings:
    machines = Machines(stack)
    if not machines.instances:
        return
    elsewhere = stack.settings[_ELSEWHERE.name]
    if "flowLogs" not in elsewhere:
        by_subnet = {machines.place_of(each): each for each in reversed(machines.instances)}
        for instance in by_subnet.values():
            yield from _flow_log(stack, machines, instance)
    first = machines.instances[0]
    if "trail" not in elsewhere:
        yield from _one_of("trail", [_records(each) for each in stack.of(TRAIL)], "one that records all Regions", first)
    if "alerts" not in elsewhere:
        # EventBridge receives the events of its own Region.
        by_region = {each.given("region"): each for each in reversed(machines.instances)}
        for region, instance in by_region.items():
            calls = stack.settings[_CALLS.name]
            heard = [_notifies(stack, each, calls) for each in stack.of(EVENT_RULE) if each.given("region") == region]
            found = f"an EventBridge rule with a target for {', '.join(calls)}"
            yield from _one_of("alerts", heard, found, instance)


def _one_of(name: str, found: list[Truth], expected: str, about: Resource) -> Iterator[Finding]:
    best = max(found, default=Truth.NO)
    if best is Truth.NO:
        yield about.violation(name, expected, found="none in the stack")
    elif best is Truth.UNKNOWN:
        yield about.unseen(name)


def _flow_log(stack: Stack, machines: Machines, instance: Resource) -> Iterator[Finding]:
    subnet = machines.subnet_of(instance)
    vpcs = ReferenceIndex(stack, VPC)
    of_subnet = [named for each in subnet.candidates for named in vpcs.all_of(each, "vpcId")]
    found: list[Truth] = []
    for log in stack.of(FLOW_LOG):
        of_the_subnet = any(same(one, subnet) for one in machines.subnets_named_by(log, "subnetId"))
        of_the_vpc = any(same(one, other) for one in vpcs.all_of(log, "vpcId") for other in of_subnet)
        # The VPC of another stack's subnet is not known.
        perhaps = not subnet.candidates and log.given("vpcId") is not None
        where = Truth.YES if of_the_subnet or of_the_vpc else Truth.UNKNOWN if perhaps else Truth.NO
        kind = log.value("trafficType")
        # The published control requires rejected traffic.
        what = Truth.UNKNOWN if kind is UNKNOWN else truth(kind in ("ALL", "REJECT"))
        found.append(min(where, what))
    yield from _one_of("flow logs", found, "one of its subnet or VPC, of all or of rejected traffic", instance)


def _records(trail: Resource) -> Truth:
    everywhere = trail.value("isMultiRegionTrail")
    logging = trail.value("enableLogging")
    return min(
        Truth.UNKNOWN if everywhere is UNKNOWN else truth(everywhere is True),
        Truth.UNKNOWN if logging is UNKNOWN else truth(logging is not False),
    )


def _notifies(stack: Stack, rule: Resource, calls: list[str]) -> Truth:
    """Return whether an EventBridge rule is enabled, matches the calls, and has a target."""
    rules = ReferenceIndex(stack, EVENT_RULE)
    has_target = any(
        rule in named.candidates for target in stack.of(EVENT_TARGET) for named in rules.all_of(target, "rule")
    )
    on = rule.given("state") != "DISABLED" and rule.given("isEnabled") is not False
    pattern = rule.value("eventPattern")
    hears = Truth.UNKNOWN if pattern is UNKNOWN else truth(_names_all(str(pattern or "{}"), calls))
    return min(truth(has_target and on), hears)


def _names_all(pattern: str, calls: list[str]) -> bool:
    """Return whether a pattern matches each of the calls."""
    try:
        detail = json.loads(pattern).get("detail", {})
    except (ValueError, AttributeError):
        return False
    listed = set(_event_names(detail))
    return not listed.isdisjoint(calls) and set(calls) <= listed


def _event_names(detail: Any) -> Iterator[str]:
    """Return all `eventName` values of a pattern, including those below `$or`."""
    if isinstance(detail, dict):
        for name, value in cast("dict[str, Any]", detail).items():
            if name == "eventName" and isinstance(value, list):
                yield from (str(each) for each in cast("list[Any]", value))
            elif name == "$or" and isinstance(value, list):
                for each in cast("list[Any]", value):
                    yield from _event_names(each)


METRIC_FILTER: Final = "aws:cloudwatch/logMetricFilter:LogMetricFilter"
METRIC_ALARM: Final = "aws:cloudwatch/metricAlarm:MetricAlarm"

_EVENTS: Final = Parameter(
    name="events",
    description="IDs of Windows events that must raise an alarm if there are controllers.",
    default=[],
    schema={"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 65535}},
)

CONTROLLER_EVENTS_ALARMED = Rule(
    id="controller-events-alarmed",
    title="Events that show an attack on a domain controller raise alarms",
    severity=Severity.HIGH,
    risk="a cleared log, a new domain administrator or a set restore mode password goes unnoticed",
    remedy="Add a metric filter for the event and an alarm with actions on its metric (here: "
    "shell-access:domainControllers.eventLogs)",
    source='Microsoft "Appendix L: Events to Monitor"; NIST SP 800-53 r5 AU-6, SI-4(5); '
    f"{CONTROLLERS_POST}, monitoring",
    url="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/MonitoringLogData.html",
    parameters=(_EVENTS, *MARKS),
)


@CONTROLLER_EVENTS_ALARMED.on_stack
def _raise_alarms(stack: Stack) -> Findings:
    by_region = {each.given("region"): each for each in reversed(Machines(stack).instances)}
    for region, instance in by_region.items():
        filters = [each for each in stack.of(METRIC_FILTER) if each.given("region") == region]
        alarms = [each for each in stack.of(METRIC_ALARM) if each.given("region") == region]
        alarmed = {each.urn: any_of(_watches(alarm, each) for alarm in alarms) for each in filters}
        for each in filters:
            if alarmed[each.urn] is Truth.NO:
                yield each.violation("metricTransformation", "an alarm with actions on its metric", found="no alarm")
            elif alarmed[each.urn] is Truth.UNKNOWN:
                yield each.unseen("metricTransformation")
        missing: list[int] = []
        for event in map(int, stack.settings[_EVENTS.name]):
            found = any_of(min(_counts(each, event), alarmed[each.urn]) for each in filters)
            if found is Truth.UNKNOWN:
                yield instance.unseen("events")
            missing += [event] if found is Truth.NO else []
        if missing:
            listed = ", ".join(map(str, missing))
            yield instance.violation("events", "a metric filter and an alarm", found=f"no alarm for {listed}")


def _counts(metric_filter: Resource, event: int) -> Truth:
    """Return whether a filter's pattern has an event ID, as a number of its own."""
    pattern = metric_filter.value("pattern")
    if pattern is UNKNOWN:
        return Truth.UNKNOWN
    return truth(re.search(rf"(?<!\d){event}(?!\d)", str(pattern or "")) is not None)


def _watches(alarm: Resource, metric_filter: Resource) -> Truth:
    transformation: Any = metric_filter.value("metricTransformation")
    metric = mapping(transformation)
    same = [
        _equal(alarm.value("metricName"), metric.get("name", UNKNOWN)),
        _equal(alarm.value("namespace"), metric.get("namespace", UNKNOWN)),
    ]
    actions = alarm.given("alarmActions")
    acts = Truth.UNKNOWN if actions is UNKNOWN else truth(bool(actions) and alarm.given("actionsEnabled") is not False)
    return min(*same, acts)


def _equal(one: Any, other: Any) -> Truth:
    return Truth.UNKNOWN if UNKNOWN in (one, other) else truth(one == other)


_METRICS: Final = Parameter(
    name="metrics",
    description="Metrics that every controller publishes continuously, so that missing data indicates a problem.",
    default=["Backups", "HealthProblems", "IncomingLogEvents", "Memory % Committed Bytes In Use"],
    schema=TEXTS,
)

CONTROLLER_ALARMS_ON_SILENCE = Rule(
    id="controller-alarms-on-silence",
    title="Alarms about health, backups and logs of domain controllers are raised when there is no data",
    severity=Severity.HIGH,
    risk="a controller that is no longer checked or backed up, or sends no events, appears healthy",
    remedy="Set treatMissingData to breaching, and alarmActions (here: shell-access:domainControllers.eventLogs, health and "
    "backups)",
    source="Amazon CloudWatch User Guide, configuring how alarms treat missing data; NIST SP 800-53 r5 AU-5, CP-9, SI-4",
    url="https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html",
    parameters=(_METRICS, *MARKS),
)


@CONTROLLER_ALARMS_ON_SILENCE.on_stack
def _are_raised(stack: Stack) -> Findings:
    regions = {each.given("region") for each in Machines(stack).instances}
    for alarm in stack.of(METRIC_ALARM):
        if alarm.given("region") not in regions or alarm.value("metricName") not in stack.settings[_METRICS.name]:
            continue
        yield from alarm.require("treatMissingData", lambda value: value == "breaching", "breaching")
        actions = alarm.given("alarmActions")
        if actions is not UNKNOWN and (not actions or alarm.given("actionsEnabled") is False):
            yield alarm.violation("alarmActions", "a topic", found="none")
