"""Policies of SNS topics name their principals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_policy import Severity

from policies.foundations.resource_policies import require_closed, require_guarded_services
from policies.rule import Rule

if TYPE_CHECKING:
    from policies.findings import Findings, Resource

RULE = Rule(
    id="topic-policy-closed",
    title="Policies of SNS topics name their principals, and services act for known accounts",
    severity=Severity.CRITICAL,
    risk="any principal publishes forged approval requests, or reads those of others; a service does so on behalf of another account",
    remedy="Name principals, and give every service principal a condition on aws:SourceAccount or aws:SourceArn",
    source='AWS Security Hub SNS.4; IAM User Guide, "The confused deputy problem"; NIST SP 800-53 r5 AC-3, AC-4',
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/sns-controls.html#sns-4",
)


@RULE.on("aws:sns/topic:Topic", "aws:sns/topicPolicy:TopicPolicy")
def _is_closed(topic: Resource) -> Findings:
    yield from require_closed(topic, "policy")
    yield from require_guarded_services(topic, "policy")
