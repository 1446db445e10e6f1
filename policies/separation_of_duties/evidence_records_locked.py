"""Exported records of sessions are locked for as long as auditors ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from pulumi_policy import Severity

from common.json_values import mapping
from components.approval.names import EVIDENCE_BUCKET
from policies.findings import UNKNOWN, Findings, Resource
from policies.parameters import Parameter
from policies.rule import Rule

if TYPE_CHECKING:
    from policies.stack import Stack

_DAYS: Final = Parameter(
    name="minimumDays",
    description="Days for which each record is locked at least.",
    default=365,
    schema={"type": "integer", "minimum": 1},
)

EVIDENCE_RECORDS_LOCKED = Rule(
    id="evidence-records-locked",
    title="Exported records of sessions are locked",
    severity=Severity.HIGH,
    risk="a principal deletes the records of its sessions before an auditor sees them",
    remedy="Set shell-access:approval.evidence.retentionDays, and leave Object Lock of the bucket enabled",
    source="PCI DSS 4.0.1 10.3.2, 10.5.1; NIST SP 800-53 r5 AU-9, AU-11; S3 User Guide, "
    '"Locking objects with Object Lock"',
    url="https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html",
    parameters=(_DAYS,),
)

_BUCKET: Final = "aws:s3/bucket:Bucket"
_LOCK: Final = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"
_DAYS_PER_YEAR: Final = 365


@EVIDENCE_RECORDS_LOCKED.on_stack
def _are_locked(stack: Stack) -> Findings:
    for bucket in stack.of(_BUCKET):
        if not str(bucket.value("bucket")).startswith(f"{EVIDENCE_BUCKET}-"):
            continue
        yield from bucket.require(
            "objectLockEnabled", lambda value: value is True, "true, which no update can set later"
        )
        locks = [each for each in stack.of(_LOCK) if each.refers("bucket", bucket)]
        if not locks:
            yield bucket.violation("bucket", "an Object Lock configuration", found="no retention of new objects")
        for lock in locks:
            yield from _retention_findings(lock, stack.settings[_DAYS.name])


def _retention_findings(lock: Resource, minimum: int) -> Findings:
    rule = lock.value("rule")
    kept: Any = cast("dict[str, Any]", rule).get("defaultRetention") if isinstance(rule, dict) else None
    if UNKNOWN in (rule, kept):
        yield lock.unseen("rule")
        return
    given = mapping(kept)
    days, years = given.get("days") or 0, given.get("years") or 0
    if UNKNOWN in (days, years):
        yield lock.unseen("rule")
    elif int(days) + int(years) * _DAYS_PER_YEAR < minimum:
        found = f"{int(days) + int(years) * _DAYS_PER_YEAR} days"
        yield lock.violation("rule.defaultRetention", f"at least {minimum} days", found=found)
