"""SNS topics: encryption and policies."""

from __future__ import annotations

from pulumi_policy import Severity

from policies.findings import Findings, Resource, is_given
from policies.foundations.resource_policies import require_closed, require_guarded_services
from policies.rule import Rule

TOPIC_ENCRYPTED = Rule(
    id="topic-encrypted",
    title="SNS topics are encrypted with a customer managed KMS key",
    severity=Severity.MEDIUM,
    risk="access requests and alarms are unencrypted in SNS; with the AWS managed key, notifications of EventBridge are not delivered",
    remedy="Set kmsMasterKeyId to a key whose policy lets the publishing services use it",
    source="AWS Security Hub SNS.1; NIST SP 800-53 r5 SC-13, SC-28; SNS Developer Guide, encrypted topics and AWS services",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/sns-controls.html#sns-1",
)


@TOPIC_ENCRYPTED.on("aws:sns/topic:Topic")
def _is_encrypted(topic: Resource) -> Findings:
    key = topic.value("kmsMasterKeyId")
    if not is_given(key) or (isinstance(key, str) and key.endswith("alias/aws/sns")):
        yield topic.violation("kmsMasterKeyId", "a customer managed KMS key")


TOPIC_POLICY_CLOSED = Rule(
    id="topic-policy-closed",
    title="Policies of SNS topics name their principals, and services act for known accounts",
    severity=Severity.CRITICAL,
    risk="any principal publishes forged approval requests, or reads those of others; a service does so on behalf of another account",
    remedy="Name principals, and give every service principal a condition on aws:SourceAccount or aws:SourceArn",
    source='AWS Security Hub SNS.4; IAM User Guide, "The confused deputy problem"; NIST SP 800-53 r5 AC-3, AC-4',
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/sns-controls.html#sns-4",
)


@TOPIC_POLICY_CLOSED.on("aws:sns/topic:Topic", "aws:sns/topicPolicy:TopicPolicy")
def _is_closed(topic: Resource) -> Findings:
    yield from require_closed(topic, "policy")
    yield from require_guarded_services(topic, "policy")
