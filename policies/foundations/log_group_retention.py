"""Log groups have a retention that is long enough and not unlimited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pulumi_policy import Severity

from policies.foundations.log_groups import LOG_GROUP, NAMES, is_governed
from policies.rule import Parameter, Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policies.findings import Findings, Resource

_SHORTEST = Parameter(
    name="minimumDays",
    description="Minimum retention in days. Security Hub requires 365 by default.",
    default=90,
    schema={"type": "integer", "minimum": 1, "maximum": 3653},
)

RULE = Rule(
    id="log-group-retention",
    title="Log groups keep their logs for a set time that is long enough",
    severity=Severity.MEDIUM,
    risk="logs are deleted before an incident is investigated, or kept and paid for without limit",
    remedy="Set retentionInDays to a number of days that CloudWatch Logs accepts and that is long enough",
    source="AWS Security Hub CloudWatch.16; NIST SP 800-53 r5 AU-11, SI-12; "
    'AWS post "How to automate Session Manager preferences across your organization" (90 days)',
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html#cloudwatch-16",
    parameters=(_SHORTEST, NAMES),
)


@RULE.on(LOG_GROUP)
def _expires_late_enough(group: Resource) -> Findings:
    # The retention of the delivery class is fixed (CloudWatch Logs API, CreateLogGroup).
    if not is_governed(group) or group.value("logGroupClass") == "DELIVERY":
        return
    shortest = group.settings[_SHORTEST.name]
    yield from group.require(
        "retentionInDays",
        lambda days: bool(days) and days >= shortest,
        f"at least {shortest:g} days (0 and no value keep logs for ever)",
    )


_ACCEPTED: Final = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545),
    *(731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""Retention periods in days (CloudWatch Logs API, PutRetentionPolicy)."""


@RULE.remediates(LOG_GROUP)
def _keep(group: Resource) -> Mapping[str, Any]:
    shortest = group.settings[_SHORTEST.name]
    return {"retentionInDays": next(days for days in _ACCEPTED if days >= shortest)}
