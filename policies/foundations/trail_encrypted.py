"""Trails are encrypted with a customer managed key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_policy import Severity

from policies.rule import Rule

if TYPE_CHECKING:
    from policies.findings import Findings, Resource

RULE = Rule(
    id="trail-encrypted",
    title="Trails are encrypted with a customer managed KMS key",
    severity=Severity.MEDIUM,
    risk="any principal that may read the bucket reads all activity of the account, with no key to withhold",
    remedy="Set kmsKeyId to a key whose policy lets CloudTrail use it",
    source="AWS Security Hub CloudTrail.2; CIS AWS Foundations Benchmark 5.0, 3.5; NIST SP 800-53 r5 AU-9, SC-28",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/cloudtrail-controls.html#cloudtrail-2",
)


@RULE.on("aws:cloudtrail/trail:Trail")
def _is_encrypted(trail: Resource) -> Findings:
    yield from trail.require_given("kmsKeyId", "the ARN of a KMS key")
