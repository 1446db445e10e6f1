"""Log groups are encrypted with a customer managed key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_policy import Severity

from policies.foundations.log_groups import LOG_GROUP, NAMES, is_governed
from policies.rule import Rule

if TYPE_CHECKING:
    from policies.findings import Findings, Resource

RULE = Rule(
    id="log-group-encrypted",
    title="Log groups are encrypted with a customer managed KMS key",
    severity=Severity.MEDIUM,
    risk="any principal that may read CloudWatch Logs reads input and output of sessions, with no key to withhold or revoke",
    remedy="Set kmsKeyId to the ARN of a KMS key whose policy lets CloudWatch Logs use it",
    source="AWS Config cloudwatch-log-group-encrypted; NIST SP 800-53 r5 AU-9(3), SC-28(1); "
    'AWS post "How to automate Session Manager preferences across your organization"',
    url="https://docs.aws.amazon.com/config/latest/developerguide/cloudwatch-log-group-encrypted.html",
    parameters=(NAMES,),
)


@RULE.on(LOG_GROUP)
def _is_encrypted(group: Resource) -> Findings:
    if is_governed(group):
        yield from group.require_given("kmsKeyId", "the ARN of a KMS key")
