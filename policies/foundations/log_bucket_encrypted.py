"""Log buckets are encrypted with a customer managed key.

The SSM Agent accepts buckets with `aws:kms` and `AES256` only, and ends the session for any other algorithm, so dual-layer
encryption (`aws:kms:dsse`) is a violation where sessions are logged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from pulumi_policy import Severity

from policies.findings import UNKNOWN, Unseen, Violation, is_given
from policies.foundations.log_buckets import ALSO, companions, holds_session_logs, log_buckets
from policies.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.findings import Finding, Findings, Resource
    from policies.stack import Stack

RULE = Rule(
    id="log-bucket-encrypted",
    title="Log buckets are encrypted with a customer managed KMS key",
    severity=Severity.MEDIUM,
    risk="any principal that may read the bucket reads input and output of sessions, with no key to withhold or revoke",
    remedy="Give the bucket a BucketServerSideEncryptionConfiguration with aws:kms and kmsMasterKeyId",
    source="AWS Security Hub S3.17; AWS Config s3-default-encryption-kms; NIST SP 800-53 r5 AU-9, SC-13, SC-28(1); "
    'AWS post "How to automate Session Manager preferences across your organization"',
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-17",
    parameters=(ALSO,),
)

_ALGORITHMS: Final = ("aws:kms", "aws:kms:dsse")
_OF_SESSIONS: Final = ("aws:kms",)
_KIND: Final = "BucketServerSideEncryptionConfiguration"
_INLINE: Final = ("serverSideEncryptionConfiguration", "serverSideEncryptionConfigurations")


@RULE.on_stack
def _are_encrypted(stack: Stack) -> Findings:
    for bucket in log_buckets(stack):
        apart = [(each, "rules", each.value("rules")) for each in companions(stack, bucket, _KIND)]
        inline = [(bucket, name, bucket.value(name)) for name in _INLINE]
        accepted = _OF_SESSIONS if holds_session_logs(stack, bucket) else _ALGORITHMS
        yield from _judged(bucket, apart or [each for each in inline if each[2] is not None], accepted)


def _judged(bucket: Resource, given: list[tuple[Resource, str, Any]], accepted: tuple[str, ...]) -> Iterator[Finding]:
    defaults = [
        (holder, name, each) for holder, name, value in given for each in _defaults(value, bucket, holder, name)
    ]
    if not defaults:
        expected = "aws:kms with the ARN of a customer managed key"
        yield Violation("serverSideEncryptionConfiguration", "no value", expected, about=bucket)
    for holder, name, default in defaults:
        if default is UNKNOWN:
            yield Unseen(name, about=holder)
            continue
        algorithm, key = default.get("sseAlgorithm"), default.get("kmsMasterKeyId")
        own = is_given(key) and not str(key).endswith("alias/aws/s3")
        if algorithm is UNKNOWN:
            yield Unseen(f"{name}.sseAlgorithm", about=holder)
        elif algorithm not in accepted or not own:
            found = f"{algorithm} with {'no key' if not is_given(key) else key}"
            yield Violation(name, found, "aws:kms with the ARN of a customer managed key", about=holder)


def _defaults(value: Any, bucket: Resource, holder: Resource, name: str) -> Iterator[Any]:
    """Return the default encryption settings of any resource type."""
    if value is UNKNOWN:
        # The provider sets the encryption of a bucket without the property.
        if holder is not bucket or holder.sources.get(name):
            yield UNKNOWN
    elif isinstance(value, list):
        for each in cast("list[Any]", value):
            yield from _defaults(each, bucket, holder, name)
    elif isinstance(value, dict):
        properties = cast("dict[str, Any]", value)
        if "sseAlgorithm" in properties:
            yield properties
        else:
            nested = [each for key, each in properties.items() if key != "bucketKeyEnabled" and each is not None]
            yield from _defaults(nested, bucket, holder, name)
