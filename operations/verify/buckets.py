"""Comparison of the buckets that a stack creates: policy, encryption, public access, versioning, Object Lock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from operations.findings import Finding, compared, missing, unknown_finding
from operations.inventory.reader import ReadFailure
from operations.inventory.session_manager import KeyFacts
from operations.verify.policies import policy_finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from operations.deployment import Deployment
    from operations.inventory.monitoring import OwnBucketFacts


@dataclass(frozen=True, kw_only=True)
class DesiredBucket:
    """A bucket as the settings define it.

    Attributes:
        check: ID of the first finding, and prefix of the others' IDs.
        name: Name of the bucket.
        key_alias: Alias of the key that encrypts it.
        policy: Its bucket policy.
        retention: Default retention of Object Lock, `GOVERNANCE, 400 days`; "": not compared.
    """

    check: str
    name: str
    key_alias: str
    policy: Mapping[str, Any]
    retention: str = ""


def own_bucket_findings(
    deployment: Deployment,
    desired: DesiredBucket,
    live: OwnBucketFacts | ReadFailure | None,
    key: KeyFacts | ReadFailure | None,
) -> list[Finding]:
    """Compare a bucket."""
    check, expected = desired.check, f"bucket {desired.name} exists"
    if live is None or isinstance(live, ReadFailure):
        return [missing(check, live, expected=expected, found="no such bucket", remedy=deployment.repair)]
    return [
        compared(check, same=True, expected=expected, found=expected, remedy=deployment.repair),
        policy_finding(f"{check}-policy", deployment, desired.policy, live.policy),
        _encryption(deployment, desired, live.encryption, key),
        _setting(deployment, f"{check}-public-access", "public access is blocked", _open_settings(live)),
        _setting(deployment, f"{check}-versioning", "versioning is enabled", _versioning(live)),
        *([_lock(deployment, desired, live.retention)] if desired.retention else []),
    ]


def _encryption(
    deployment: Deployment,
    desired: DesiredBucket,
    live: tuple[str, str] | ReadFailure,
    key: KeyFacts | ReadFailure | None,
) -> Finding:
    check, expected = f"{desired.check}-encryption", f"encrypted with the key behind {desired.key_alias}"
    if isinstance(live, ReadFailure):
        return unknown_finding(check, live, expected=expected)
    algorithm, named = live
    same = algorithm == "aws:kms" and (not isinstance(key, KeyFacts) or named in (key.arn, key.key_id))
    found = f"{algorithm or 'not encrypted'}{f' with {named}' if named else ''}"
    return compared(check, same=same, expected=expected, found=found, remedy=deployment.repair)


def _lock(deployment: Deployment, desired: DesiredBucket, live: str | ReadFailure | None) -> Finding:
    check, expected = f"{desired.check}-lock", f"new objects are locked: {desired.retention}"
    if isinstance(live, ReadFailure):
        return unknown_finding(check, live, expected=expected)
    found = live or "new objects are not locked"
    return compared(check, same=live == desired.retention, expected=expected, found=found, remedy=deployment.repair)


def _open_settings(live: OwnBucketFacts) -> str | ReadFailure:
    if isinstance(live.open_to_public, ReadFailure):
        return live.open_to_public
    return f"off: {', '.join(live.open_to_public)}" if live.open_to_public else ""


def _versioning(live: OwnBucketFacts) -> str | ReadFailure:
    if isinstance(live.versioning, ReadFailure):
        return live.versioning
    return "" if live.versioning == "Enabled" else f"versioning is {live.versioning.lower() or 'not enabled'}"


def _setting(deployment: Deployment, check: str, expected: str, text: str | ReadFailure) -> Finding:
    if isinstance(text, ReadFailure):
        return unknown_finding(check, text, expected=expected)
    return compared(check, same=not text, expected=expected, found=text or expected, remedy=deployment.repair)
