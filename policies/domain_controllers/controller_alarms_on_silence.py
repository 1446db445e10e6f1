"""Alarms on the absence of a domain controller's data are raised when there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_policy import Severity

from policies.domain_controllers.controller_events_alarmed import METRIC_ALARM
from policies.domain_controllers.controller_tags import MARKS
from policies.domain_controllers.machines import Machines
from policies.domain_controllers.references import given
from policies.findings import UNKNOWN, Unseen, Violation
from policies.parameters import Parameter
from policies.rule import Rule

if TYPE_CHECKING:
    from policies.findings import Findings
    from policies.stack import Stack

_METRICS: Final = Parameter(
    name="metrics",
    description="Metrics that every controller puts all the time: their absence is the news.",
    default=["Backups", "HealthProblems", "IncomingLogEvents", "Memory % Committed Bytes In Use"],
    schema={"type": "array", "items": {"type": "string", "minLength": 1}},
)

RULE = Rule(
    id="controller-alarms-on-silence",
    title="Alarms about health, backups and logs of domain controllers are raised when there is no data",
    severity=Severity.HIGH,
    risk="a controller that is not checked, not backed up or sends no events any more looks well",
    remedy="Set treatMissingData to breaching, and alarmActions (here: shell-access:domainControllers.eventLogs, health and "
    "backups)",
    source="Amazon CloudWatch User Guide, configuring how alarms treat missing data; NIST SP 800-53 r5 AU-5, CP-9, SI-4",
    url="https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html",
    parameters=(_METRICS, *MARKS),
)


@RULE.on_stack
def _are_raised(stack: Stack) -> Findings:
    regions = {given(each, "region") for each in Machines(stack).instances}
    for alarm in stack.of(METRIC_ALARM):
        if given(alarm, "region") not in regions or alarm.value("metricName") not in stack.settings[_METRICS.name]:
            continue
        missing = alarm.value("treatMissingData")
        if missing is UNKNOWN:
            yield Unseen("treatMissingData", about=alarm)
        elif missing != "breaching":
            yield Violation("treatMissingData", str(missing), "breaching", about=alarm)
        actions = given(alarm, "alarmActions")
        if actions is not UNKNOWN and (not actions or given(alarm, "actionsEnabled") is False):
            yield Violation("alarmActions", "none", "a topic", about=alarm)
