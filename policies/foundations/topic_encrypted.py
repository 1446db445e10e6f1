"""SNS topics are encrypted with a customer managed key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_policy import Severity

from policies.findings import is_given
from policies.rule import Rule

if TYPE_CHECKING:
    from policies.findings import Findings, Resource

RULE = Rule(
    id="topic-encrypted",
    title="SNS topics are encrypted with a customer managed KMS key",
    severity=Severity.MEDIUM,
    risk="access requests and alarms are unencrypted in SNS; with the AWS managed key, notifications of EventBridge are not delivered",
    remedy="Set kmsMasterKeyId to a key whose policy lets the publishing services use it",
    source="AWS Security Hub SNS.1; NIST SP 800-53 r5 SC-13, SC-28; SNS Developer Guide, encrypted topics and AWS services",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/sns-controls.html#sns-1",
)


@RULE.on("aws:sns/topic:Topic")
def _is_encrypted(topic: Resource) -> Findings:
    key = topic.value("kmsMasterKeyId")
    if not is_given(key) or (isinstance(key, str) and key.endswith("alias/aws/sns")):
        yield topic.violation("kmsMasterKeyId", "a customer managed KMS key")
