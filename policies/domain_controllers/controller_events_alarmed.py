"""Events that show an attack on a domain controller raise alarms."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, cast

from pulumi_policy import Severity

from common.iam.truth import Truth, any_of, truth
from policies.domain_controllers.controller_tags import MARKS
from policies.domain_controllers.machines import Machines
from policies.domain_controllers.references import given
from policies.findings import UNKNOWN, Unseen, Violation
from policies.parameters import Parameter
from policies.rule import Rule

if TYPE_CHECKING:
    from policies.findings import Findings, Resource
    from policies.stack import Stack

METRIC_FILTER: Final = "aws:cloudwatch/logMetricFilter:LogMetricFilter"
METRIC_ALARM: Final = "aws:cloudwatch/metricAlarm:MetricAlarm"

_EVENTS: Final = Parameter(
    name="events",
    description="IDs of Windows events, each of which has to raise an alarm where there are controllers.",
    default=[],
    schema={"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 65535}},
)

RULE = Rule(
    id="controller-events-alarmed",
    title="Events that show an attack on a domain controller raise alarms",
    severity=Severity.HIGH,
    risk="a cleared log, a new domain administrator or a set restore mode password goes unnoticed",
    remedy="Add a metric filter for the event and an alarm with actions on its metric (here: "
    "shell-access:domainControllers.eventLogs)",
    source='Microsoft "Appendix L: Events to Monitor"; NIST SP 800-53 r5 AU-6, SI-4(5); AWS post "Securely extend and access '
    'on-premises Active Directory domain controllers in AWS", monitoring',
    url="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/MonitoringLogData.html",
    parameters=(_EVENTS, *MARKS),
)


@RULE.on_stack
def _raise_alarms(stack: Stack) -> Findings:
    by_region = {given(each, "region"): each for each in reversed(Machines(stack).instances)}
    for region, instance in by_region.items():
        filters = [each for each in stack.of(METRIC_FILTER) if given(each, "region") == region]
        alarms = [each for each in stack.of(METRIC_ALARM) if given(each, "region") == region]
        alarmed = {each.urn: _is_alarmed(each, alarms) for each in filters}
        for each in filters:
            if alarmed[each.urn] is Truth.NO:
                yield Violation("metricTransformation", "no alarm", "an alarm with actions on its metric", about=each)
            elif alarmed[each.urn] is Truth.UNKNOWN:
                yield Unseen("metricTransformation", about=each)
        missing: list[int] = []
        for event in map(int, stack.settings[_EVENTS.name]):
            found = any_of(min(_counts(each, event), alarmed[each.urn]) for each in filters)
            if found is Truth.UNKNOWN:
                yield Unseen("events", about=instance)
            missing += [event] if found is Truth.NO else []
        if missing:
            listed = ", ".join(map(str, missing))
            yield Violation("events", f"no alarm for {listed}", "a metric filter and an alarm", about=instance)


def _counts(metric_filter: Resource, event: int) -> Truth:
    """Return whether a filter's pattern has an event ID, as a number of its own."""
    pattern = metric_filter.value("pattern")
    if pattern is UNKNOWN:
        return Truth.UNKNOWN
    return truth(re.search(rf"(?<!\d){event}(?!\d)", str(pattern or "")) is not None)


def _is_alarmed(metric_filter: Resource, alarms: list[Resource]) -> Truth:
    return any_of(_watches(each, metric_filter) for each in alarms)


def _watches(alarm: Resource, metric_filter: Resource) -> Truth:
    transformation: Any = metric_filter.value("metricTransformation")
    metric = cast("dict[str, Any]", transformation) if isinstance(transformation, dict) else dict[str, Any]()
    same = [
        _equal(alarm.value("metricName"), metric.get("name", UNKNOWN)),
        _equal(alarm.value("namespace"), metric.get("namespace", UNKNOWN)),
    ]
    actions = given(alarm, "alarmActions")
    acts = Truth.UNKNOWN if actions is UNKNOWN else truth(bool(actions) and given(alarm, "actionsEnabled") is not False)
    return min(*same, acts)


def _equal(one: Any, other: Any) -> Truth:
    return Truth.UNKNOWN if UNKNOWN in (one, other) else truth(one == other)
