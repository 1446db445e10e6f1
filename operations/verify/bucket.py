"""Comparison of the bucket for session logs, which the stack does not own: encrypted, without public access."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.session_manager.log_encryption import DefaultEncryption, algorithm_problem, managed_key_problem
from operations.reading import Unread
from operations.verify.findings import Finding, Status, cannot_tell, compared

if TYPE_CHECKING:
    from components.session_manager.settings import SessionManagerSettings
    from operations.desired import Asked
    from operations.inventory.session_manager import BucketEncryption, BucketFacts

_SECTION = "shell-access:sessionManager"


def bucket_findings(asked: Asked, settings: SessionManagerSettings, live: BucketFacts | Unread | None) -> list[Finding]:
    """Compare the bucket if sessions are logged to one."""
    if not settings.s3_logging:
        return []
    name = settings.s3_bucket_name
    expected = f"bucket {name} exists"
    if isinstance(live, Unread):
        return [cannot_tell("bucket", expected, live)]
    if live is None:
        remedy = f"create the bucket, or correct {_SECTION}.s3BucketName"
        return [compared("bucket", same=False, expected=expected, found="no such bucket", remedy=remedy)]
    findings = [_place(asked, expected, live)]
    if settings.s3_encryption_enabled or settings.s3_kms_key_arn:
        findings.append(_encryption(asked, settings, live.encryption, live.region))
    findings.append(_public_access(name, live))
    return findings


def _place(asked: Asked, expected: str, live: BucketFacts) -> Finding:
    found = f"in {live.region}"
    if asked.endpoints is None or live.region == asked.region:
        return Finding(check="bucket", status=Status.OK, expected=expected, found=found)
    return Finding(
        check="bucket",
        status=Status.WARNING,
        expected=expected,
        found=f"{found}, which an S3 gateway endpoint in {asked.region} does not reach",
        remedy=f"name a bucket of {asked.region} in {_SECTION}.regionOverrides, or give nodes another way to S3",
    )


def _encryption(
    asked: Asked, settings: SessionManagerSettings, live: BucketEncryption | Unread | None, live_region: str
) -> Finding:
    check, key = "bucket-encryption", settings.s3_kms_key_arn
    expected = f"encrypted with {key}" if key else "encrypted"
    if isinstance(live, Unread):
        return cannot_tell(check, expected, live)
    options = f"--bucket {settings.s3_bucket_name} --server-side-encryption-configuration file://encryption.json"
    if key:
        options += f" (aws:kms with {key})"
    encrypt = f"aws s3api put-bucket-encryption {options}"
    problem = algorithm_problem(live.algorithm if live else None)
    if live is None or (problem and settings.s3_encryption_enabled):
        found = f"the bucket {problem}" if live else "not encrypted"
        return compared(check, same=False, expected=expected, found=found, remedy=encrypt)
    unusable = managed_key_problem(
        DefaultEncryption(algorithm=live.algorithm, key=live.kms_key_arn or ""),
        region=live_region,
        account_id=asked.account_id,
        owner=settings.s3_bucket_owner or asked.account_id,
    )
    if unusable:
        return compared(check, same=False, expected=expected, found=f"the bucket {unusable}", remedy=encrypt)
    found = f"{live.algorithm} with {live.kms_key_arn}" if live.kms_key_arn else live.algorithm
    if key:
        return compared(check, same=live.kms_key_arn == key, expected=expected, found=found, remedy=encrypt)
    if live.kms_key_arn:
        return Finding(
            check=check,
            status=Status.WARNING,
            expected=expected,
            found=f"{found}, which the instance policy does not let nodes use",
            remedy=f"set {_SECTION}.s3KmsKeyArn to that key",
        )
    return Finding(check=check, status=Status.OK, expected=expected, found=found)


def _public_access(name: str, live: BucketFacts) -> Finding:
    check, expected = "bucket-public-access", "public access is blocked"
    if isinstance(live.open_to_public, Unread):
        return cannot_tell(check, expected, live.open_to_public)
    if not live.open_to_public:
        return Finding(check=check, status=Status.OK, expected=expected, found=expected)
    return Finding(
        check=check,
        status=Status.WARNING,
        expected=expected,
        found=f"off: {', '.join(live.open_to_public)}",
        remedy=f"aws s3api put-public-access-block --bucket {name} --public-access-block-configuration "
        "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true",
    )
