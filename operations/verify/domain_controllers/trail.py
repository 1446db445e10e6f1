"""Comparison of the trail that alerts depend on: recording, delivery, and the settings of its bucket and key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.domain_controllers.monitoring_policies import trail_bucket_policy, trail_key_policy
from components.domain_controllers.names import TRAIL, TRAIL_BUCKET, TRAIL_KEY_ALIAS
from operations.inventory.monitoring import (
    DELIVERY_ERRORS,
    TrailBucketFacts,
    TrailFacts,
    read_trail,
    read_trail_bucket,
)
from operations.inventory.session_manager import KeyFacts, read_key
from operations.reading import Reader, Unread
from operations.verify.findings import Finding, cannot_tell, compared
from operations.verify.keys import alias_findings
from operations.verify.policy_document import policy_finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from operations.desired import AskedSite


def bucket_name(wanted: AskedSite) -> str:
    """Return the name of the bucket of the stack's own trail."""
    return f"{TRAIL_BUCKET}-{wanted.asked.account_id}-{wanted.asked.region}"


def verify_trail(reader: Reader, wanted: AskedSite) -> list[Finding]:
    """Read and compare the trail, with its key and bucket if the stack creates them.

    Args:
        reader: Reader of the Region where the stack keeps resources that exist once per account.
        wanted: Settings of the Region.
    """
    existing = wanted.section.monitoring.existing_trail
    trail = read_trail(reader, existing or TRAIL)
    if existing:
        return trail_findings(wanted, trail, None)
    key = read_key(reader, TRAIL_KEY_ALIAS, policy=True)
    return [
        *trail_findings(wanted, trail, key),
        *alias_findings(
            "directory-trail-key", TRAIL_KEY_ALIAS, wanted.asked, key, trail_key_policy(wanted.scope, TRAIL)
        ),
        *bucket_findings(wanted, read_trail_bucket(reader, bucket_name(wanted), wanted.asked.account_id), key),
    ]


def trail_findings(wanted: AskedSite, live: TrailFacts | Unread | None, key: KeyFacts | Unread | None) -> list[Finding]:
    """Compare a trail: without one, EventBridge receives no events about sessions or changes of security groups.

    Args:
        wanted: Settings of the Region.
        live: The trail.
        key: The key behind the alias; ignored for a trail that the settings name.
    """
    existing = wanted.section.monitoring.existing_trail
    name, check = existing or TRAIL, "directory-trail"
    expected = f"trail {name} records management events{'' if existing else ' of all Regions'}"
    if isinstance(live, Unread):
        return [cannot_tell(check, expected, live)]
    if live is None:
        remedy = "correct shell-access:domainControllers.monitoring.existingTrail" if existing else wanted.asked.repair
        return [compared(check, same=False, expected=expected, found="no such trail", remedy=remedy)]
    if isinstance(live.records_writes, Unread):
        return [cannot_tell(check, expected, live.records_writes)]
    named = f"--name {name} --region {wanted.asked.region}"
    said: list[str] = []
    remedies: list[str] = []
    if not live.logging:
        said.append("it does not record")
        remedies.append(f"aws cloudtrail start-logging {named}")
    if not live.records_writes:
        said.append("its event selectors leave management events out")
        selectors = """'[{"ReadWriteType": "All", "IncludeManagementEvents": true}]'"""
        remedies.append(f"aws cloudtrail put-event-selectors --trail-{named[2:]} --event-selectors {selectors}")
    if not existing:
        unequal = [] if live.configuration.get("IsMultiRegionTrail") else ["of one Region only"]
        unequal += _differences(wanted, live.configuration, key)
        said += unequal
        remedies += [wanted.asked.repair] if unequal else []
    found = "; ".join(said) or expected
    return [
        compared(check, same=not said, expected=expected, found=found, remedy=" && ".join(remedies)),
        _delivery(wanted, live),
    ]


def _differences(wanted: AskedSite, live: Mapping[str, Any], key: KeyFacts | Unread | None) -> list[str]:
    ours: dict[str, object] = {
        "S3BucketName": bucket_name(wanted),
        "S3KeyPrefix": None,
        "IncludeGlobalServiceEvents": True,
        "LogFileValidationEnabled": True,
        # An unknown key is a finding of its own.
        "KmsKeyId": key.arn if isinstance(key, KeyFacts) else live.get("KmsKeyId"),
    }
    return [
        f"{name}: {value} expected, {live.get(name)} found" for name, value in ours.items() if live.get(name) != value
    ]


def _delivery(wanted: AskedSite, live: TrailFacts) -> Finding:
    check, expected = "directory-trail-delivery", "the last deliveries of the trail succeeded"
    said = [f"{DELIVERY_ERRORS[name]}: {error}" for name, error in live.errors.items()]
    existing = wanted.section.monitoring.existing_trail
    remedy = "let the policies of its bucket, key and topic allow cloudtrail.amazonaws.com"
    if not existing:
        remedy = f"{wanted.asked.repair}; see directory-trail-bucket-policy and directory-trail-key-policy"
    return compared(check, same=not said, expected=expected, found="; ".join(said) or expected, remedy=remedy)


def bucket_findings(
    wanted: AskedSite, live: TrailBucketFacts | Unread | None, key: KeyFacts | Unread | None
) -> list[Finding]:
    """Compare the bucket of the stack's own trail.

    Args:
        wanted: Settings of the Region.
        live: The bucket.
        key: The key behind the alias.
    """
    check, expected = "directory-trail-bucket", f"bucket {bucket_name(wanted)} exists"
    if isinstance(live, Unread):
        return [cannot_tell(check, expected, live)]
    if live is None:
        return [compared(check, same=False, expected=expected, found="no such bucket", remedy=wanted.asked.repair)]
    return [
        compared(check, same=True, expected=expected, found=expected, remedy=wanted.asked.repair),
        policy_finding(
            f"{check}-policy",
            wanted.asked,
            trail_bucket_policy(wanted.scope, TRAIL, bucket_name(wanted)),
            live.policy,
        ),
        _bucket_encryption(wanted, f"{check}-encryption", live.encryption, key),
        _bucket_setting(wanted, f"{check}-public-access", "public access is blocked", _said_open(live)),
        _bucket_setting(wanted, f"{check}-versioning", "versioning is enabled", _said_versioning(live)),
    ]


def _bucket_encryption(
    wanted: AskedSite, check: str, live: tuple[str, str] | Unread, key: KeyFacts | Unread | None
) -> Finding:
    expected = f"encrypted with the key behind {TRAIL_KEY_ALIAS}"
    if isinstance(live, Unread):
        return cannot_tell(check, expected, live)
    algorithm, named = live
    same = algorithm == "aws:kms" and (not isinstance(key, KeyFacts) or named in (key.arn, key.key_id))
    found = f"{algorithm or 'not encrypted'}{f' with {named}' if named else ''}"
    return compared(check, same=same, expected=expected, found=found, remedy=wanted.asked.repair)


def _said_open(live: TrailBucketFacts) -> str | Unread:
    if isinstance(live.open_to_public, Unread):
        return live.open_to_public
    return f"off: {', '.join(live.open_to_public)}" if live.open_to_public else ""


def _said_versioning(live: TrailBucketFacts) -> str | Unread:
    if isinstance(live.versioning, Unread):
        return live.versioning
    return "" if live.versioning == "Enabled" else f"versioning is {live.versioning.lower() or 'not enabled'}"


def _bucket_setting(wanted: AskedSite, check: str, expected: str, said: str | Unread) -> Finding:
    if isinstance(said, Unread):
        return cannot_tell(check, expected, said)
    return compared(check, same=not said, expected=expected, found=said or expected, remedy=wanted.asked.repair)
