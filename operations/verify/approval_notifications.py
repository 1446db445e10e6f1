"""Comparison of the alarms of the approval workflow, and of the trails that they depend on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from components.approval.alarms import ALARM_PREFIX, FORWARDING_TARGET_ID, topic_target_id
from operations.reading import Answer, Unread
from operations.verify.event_rules import WantedTarget, rule_faults
from operations.verify.findings import Finding, Status, cannot_tell, compared

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from components.approval.alarms import EventAlarm, MetricAlarm
    from components.approval.plan import ApprovalPlan
    from operations.desired import Asked
    from operations.inventory.monitoring import EventRule, RecordingFacts

_ALARM: Final = "ALARM"


def event_alarm_finding(
    asked: Asked,
    plan: ApprovalPlan,
    alarm: EventAlarm,
    live: Mapping[str, EventRule] | Unread,
    forwarding: Mapping[str, EventRule] | Unread,
) -> Finding:
    """Compare an EventBridge rule, its targets, and the rule that forwards its events.

    Args:
        asked: Settings of the Region of the workflow, with the command that repairs it.
        plan: The workflow as the settings define it.
        alarm: The rule as the settings define it.
        live: Rules of the workflow's Region, by name.
        forwarding: Rules of the Region of IAM's events, by name.
    """
    check = f"approval-alarm-{alarm.name.removeprefix(ALARM_PREFIX)}"
    expected = f"rule {alarm.name} is enabled and publishes to {len(plan.alarm_topics)} topics"
    if isinstance(live, Unread):
        return cannot_tell(check, expected, live)
    topics = {topic_target_id(number): WantedTarget(arn=arn) for number, arn in enumerate(plan.alarm_topics)}
    said = rule_faults(alarm.pattern, topics, live.get(alarm.name))
    if isinstance(said, Unread):
        return cannot_tell(check, expected, said)
    if alarm.is_forwarded:
        if isinstance(forwarding, Unread):
            return cannot_tell(check, expected, forwarding)
        role = plan.place.iam(f"role/{plan.forwarding_role.name}") if plan.forwarding_role else None
        bus = {FORWARDING_TARGET_ID: WantedTarget(arn=plan.place.event_bus_arn, role=role)}
        more = rule_faults(alarm.pattern, bus, forwarding.get(alarm.name))
        if isinstance(more, Unread):
            return cannot_tell(check, expected, more)
        said += [f"forwarding rule: {each}" for each in more]
    found = "; ".join(said) or expected
    return compared(check, same=not said, expected=expected, found=found, remedy=asked.repair)


def metric_alarm_findings(
    asked: Asked, plan: ApprovalPlan, alarm: MetricAlarm, live: Mapping[str, Answer] | Unread
) -> Iterator[Finding]:
    """Compare a CloudWatch alarm, and report one in the ALARM state.

    Args:
        asked: Settings of the Region of the workflow, with the command that repairs it.
        plan: The workflow as the settings define it.
        alarm: The alarm as the settings define it.
        live: Alarms of the account, by name.
    """
    check = f"approval-alarm-{alarm.name.removeprefix(ALARM_PREFIX)}"
    expected = f"alarm {alarm.name} is on and publishes to {len(plan.alarm_topics)} topics"
    if isinstance(live, Unread):
        yield cannot_tell(check, expected, live)
        return
    found = live.get(alarm.name)
    if found is None:
        yield compared(check, same=False, expected=expected, found="no such alarm", remedy=asked.repair)
        return
    given: dict[str, tuple[Any, Any]] = {
        "actions enabled": (True, found.get("ActionsEnabled")),
        "actions": (sorted(plan.alarm_topics), sorted(found.get("AlarmActions", []))),
        "namespace": (alarm.namespace, found.get("Namespace")),
        "metric": (alarm.metric, found.get("MetricName")),
        "dimensions": (alarm.dimensions, {each["Name"]: each["Value"] for each in found.get("Dimensions", [])}),
        "statistic": (alarm.statistic, found.get("Statistic")),
        "period": (alarm.period, found.get("Period")),
        "evaluation periods": (alarm.evaluation_periods, found.get("EvaluationPeriods")),
        "comparison": (alarm.comparison, found.get("ComparisonOperator")),
        "threshold": (alarm.threshold, found.get("Threshold")),
        "missing data": (alarm.missing_data, found.get("TreatMissingData")),
        # With a unit that the metric does not have, the alarm never has data.
        "unit": (None, found.get("Unit")),
        "data points to alarm": (alarm.evaluation_periods, found.get("DatapointsToAlarm") or alarm.evaluation_periods),
    }
    unequal = [
        f"{name}: {'none' if wanted is None else wanted} expected, {value} found"
        for name, (wanted, value) in given.items()
        if wanted != value
    ]
    said = "; ".join(unequal) or expected
    yield compared(check, same=not unequal, expected=expected, found=said, remedy=asked.repair)
    if found.get("StateValue") == _ALARM:
        yield Finding(
            check=f"{check}-state",
            status=Status.WARNING,
            expected=f"alarm {alarm.name} is not raised",
            found=f"it is in state {_ALARM}: {found.get('StateReason', 'no reason given')}",
            remedy="docs/approval.md, Alarms, says what raises it",
        )


def recording_finding(check: str, region: str, live: RecordingFacts | Unread) -> Finding:
    """Report whether a trail records the calls that the alarms depend on.

    Args:
        check: ID of the finding.
        region: Region of the events.
        live: Trails that record in the Region.
    """
    expected = f"a trail records management events in {region}"
    if isinstance(live, Unread):
        return cannot_tell(check, expected, live)
    if not live.recording and live.unread:
        return cannot_tell(check, expected, live.unread[0])
    recorded = f"{', '.join(live.recording)} records them"
    found = recorded if live.recording else "no trail records them, so that changes raise no alarm"
    remedy = "create a trail of all Regions, or: aws cloudtrail start-logging --name TRAIL"
    return compared(check, same=bool(live.recording), expected=expected, found=found, remedy=remedy)
