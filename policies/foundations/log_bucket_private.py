"""Log buckets block public access."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_policy import Severity

from policies.findings import UNKNOWN, Unseen, Violation, described
from policies.foundations.log_buckets import ALSO, companions, log_buckets
from policies.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.findings import Finding, Findings, Resource
    from policies.stack import Stack

RULE = Rule(
    id="log-bucket-private",
    title="Log buckets block public access",
    severity=Severity.HIGH,
    risk="one wrong ACL or policy publishes the input and output of sessions",
    remedy="Give the bucket a BucketPublicAccessBlock with all four switches true, or the account an AccountPublicAccessBlock",
    source="AWS Security Hub S3.1, S3.8, CloudTrail.6; CIS AWS Foundations Benchmark 5.0, 2.1.4; NIST SP 800-53 r5 AC-3, "
    'SC-7; AWS post "How to automate Session Manager preferences across your organization"',
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-8",
    parameters=(ALSO,),
)

_SWITCHES: Final = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
_ACCOUNT: Final = "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock"


@RULE.on_stack
def _are_private(stack: Stack) -> Findings:
    if any(all(block.value(name) is True for name in _SWITCHES) for block in stack.of(_ACCOUNT)):
        return
    for bucket in log_buckets(stack):
        blocks = list(companions(stack, bucket, "BucketPublicAccessBlock"))
        if not blocks:
            yield Violation("BucketPublicAccessBlock", "none in the stack", "one for this bucket", about=bucket)
        for block in blocks:
            yield from _is_complete(block)


def _is_complete(block: Resource) -> Iterator[Finding]:
    for name in _SWITCHES:
        value = block.value(name)
        if value is UNKNOWN:
            yield Unseen(name, about=block)
        elif value is not True:
            yield Violation(name, described(value), "true", about=block)
