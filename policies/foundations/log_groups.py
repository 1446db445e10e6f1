"""Log groups of sessions: retention, encryption, and the resource policies of CloudWatch Logs."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from pulumi_policy import Severity

from policies.foundations.resource_policies import require_closed
from policies.parameters import TEXTS, Parameter
from policies.rule import PREFERENCES_POST, Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policies.findings import Findings, Resource

LOG_GROUP: Final = "aws:cloudwatch/logGroup:LogGroup"

NAMES: Final = Parameter(
    name="names",
    description="Log groups that the rule evaluates, by name (* and ? match any characters).",
    default=["*"],
    schema={**TEXTS, "minItems": 1},
)


def is_governed(group: Resource) -> bool:
    """Return whether the rule applies to a log group; a group whose name is not known counts."""
    name = group.value("name")
    return not isinstance(name, str) or any(fnmatchcase(name, pattern) for pattern in group.settings[NAMES.name])


_SHORTEST = Parameter(
    name="minimumDays",
    description="Minimum retention in days. Security Hub requires 365 by default.",
    default=90,
    schema={"type": "integer", "minimum": 1, "maximum": 3653},
)

LOG_GROUP_RETENTION = Rule(
    id="log-group-retention",
    title="Log groups keep their logs for a set time that is long enough",
    severity=Severity.MEDIUM,
    risk="logs are deleted before an incident is investigated, or kept and paid for without limit",
    remedy="Set retentionInDays to a number of days that CloudWatch Logs accepts and that is long enough (here: "
    "shell-access:sessionManager.logRetentionDays, shell-access:domainControllers.monitoring.flowLogRetentionDays, or "
    "shell-access:domainControllers.eventLogs.retentionDays)",
    source=f"AWS Security Hub CloudWatch.16; NIST SP 800-53 r5 AU-11, SI-12; {PREFERENCES_POST} (90 days)",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html#cloudwatch-16",
    parameters=(_SHORTEST, NAMES),
)


@LOG_GROUP_RETENTION.on(LOG_GROUP)
def _expires_late_enough(group: Resource) -> Findings:
    # The retention of the delivery class is fixed (CloudWatch Logs API, CreateLogGroup).
    if not is_governed(group) or group.value("logGroupClass") == "DELIVERY":
        return
    shortest = group.settings[_SHORTEST.name]
    yield from group.require(
        "retentionInDays",
        lambda days: bool(days) and days >= shortest,
        f"at least {shortest:g} days (0 and no value keep logs forever)",
    )


_ACCEPTED: Final = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545),
    *(731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""Retention periods in days (CloudWatch Logs API, PutRetentionPolicy)."""


@LOG_GROUP_RETENTION.remediates(LOG_GROUP)
def _keep(group: Resource) -> Mapping[str, Any]:
    shortest = group.settings[_SHORTEST.name]
    return {"retentionInDays": next(days for days in _ACCEPTED if days >= shortest)}


LOG_GROUP_ENCRYPTED = Rule(
    id="log-group-encrypted",
    title="Log groups are encrypted with a customer managed KMS key",
    severity=Severity.MEDIUM,
    risk="any principal that may read CloudWatch Logs reads input and output of sessions, with no key to withhold or revoke",
    remedy="Set kmsKeyId to the ARN of a KMS key whose policy lets CloudWatch Logs use it (here: "
    "shell-access:sessionManager.cwEncryptionEnabled to true)",
    source=f"AWS Config cloudwatch-log-group-encrypted; NIST SP 800-53 r5 AU-9(3), SC-28(1); {PREFERENCES_POST}",
    url="https://docs.aws.amazon.com/config/latest/developerguide/cloudwatch-log-group-encrypted.html",
    parameters=(NAMES,),
)


@LOG_GROUP_ENCRYPTED.on(LOG_GROUP)
def _is_encrypted(group: Resource) -> Findings:
    if is_governed(group):
        yield from group.require_given("kmsKeyId", "the ARN of a KMS key")


LOG_RESOURCE_POLICY_CLOSED = Rule(
    id="log-resource-policy-closed",
    title="Resource policies of CloudWatch Logs name no wildcard principal",
    severity=Severity.HIGH,
    risk="any AWS principal writes to the logs, or reads the input and output of sessions",
    remedy="Name accounts or services in policyDocument, or add a condition on fixed accounts",
    source="prowler cloudwatch_log_group_not_publicly_accessible; NIST SP 800-53 r5 AC-3, AC-6, AU-9",
    url="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html",
)


@LOG_RESOURCE_POLICY_CLOSED.on("aws:cloudwatch/logResourcePolicy:LogResourcePolicy")
def _is_closed(policy: Resource) -> Findings:
    yield from require_closed(policy, "policyDocument")
