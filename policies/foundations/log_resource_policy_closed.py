"""Resource policies of CloudWatch Logs name their principals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_policy import Severity

from policies.foundations.resource_policies import require_closed
from policies.rule import Rule

if TYPE_CHECKING:
    from policies.findings import Findings, Resource

RULE = Rule(
    id="log-resource-policy-closed",
    title="Resource policies of CloudWatch Logs name no wildcard principal",
    severity=Severity.HIGH,
    risk="any AWS principal writes to the logs, or reads the input and output of sessions",
    remedy="Name accounts or services in policyDocument, or add a condition on fixed accounts",
    source="prowler cloudwatch_log_group_not_publicly_accessible; NIST SP 800-53 r5 AC-3, AC-6, AU-9",
    url="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html",
)


@RULE.on("aws:cloudwatch/logResourcePolicy:LogResourcePolicy")
def _is_closed(policy: Resource) -> Findings:
    yield from require_closed(policy, "policyDocument")
