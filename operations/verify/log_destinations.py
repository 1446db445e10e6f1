"""Comparison of the log group and the bucket for session logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.session_manager.log_encryption import DefaultEncryption, algorithm_problem, managed_key_problem
from operations.findings import Finding, Status, compared, missing, unknown_finding
from operations.inventory.reader import ReadFailure
from operations.inventory.session_manager import KeyFacts, LogGroupFacts

if TYPE_CHECKING:
    from components.session_manager.settings import SessionManagerSettings
    from operations.deployment import Deployment
    from operations.inventory.session_manager import BucketEncryption, LogBucketFacts, RegionFacts


def log_group_findings(deployment: Deployment, settings: SessionManagerSettings, facts: RegionFacts) -> list[Finding]:
    """Compare the log group if sessions are logged to one."""
    if not settings.logs_to_cloudwatch:
        return []
    expected = f"log group {settings.cw_log_group_name} exists"
    live = facts.log_group
    create = "create the log group, or set shell-access:sessionManager.createCwLogGroup to true"
    remedy = deployment.repair if settings.create_cw_log_group else create
    if live is None or isinstance(live, ReadFailure):
        return [missing("log-group", live, expected=expected, found="no such log group", remedy=remedy)]
    findings = [compared("log-group", same=True, expected=expected, found=expected, remedy=remedy)]
    if settings.create_cw_log_group:
        findings.append(_retention(deployment, settings, live))
    if settings.cw_encryption_enabled:
        findings += _group_encryption(deployment, settings, live, facts.logs_key)
    return findings


def _retention(deployment: Deployment, settings: SessionManagerSettings, live: LogGroupFacts) -> Finding:
    return compared(
        "log-group-retention",
        same=live.retention_days == settings.log_retention_days,
        expected=_days(settings.log_retention_days),
        found=_days(live.retention_days),
        remedy=deployment.repair,
    )


def _days(days: int | None) -> str:
    return "no end" if days is None else f"{days} day{'' if days == 1 else 's'}"


def _group_encryption(
    deployment: Deployment,
    settings: SessionManagerSettings,
    live: LogGroupFacts,
    logs_key: KeyFacts | ReadFailure | None,
) -> list[Finding]:
    """Compare the encryption: a created group has the logs key; for an existing group any key is accepted.

    If the logs key is not known (a finding of its own), any key is accepted.
    """
    check, found = "log-group-encryption", f"encrypted with {live.kms_key_arn}" if live.kms_key_arn else "no KMS key"
    if not settings.create_cw_log_group:
        remedy = (
            f"aws logs associate-kms-key --log-group-name {settings.cw_log_group_name} --kms-key-id KEY_ARN "
            f"--region {deployment.region}, or set shell-access:sessionManager.cwEncryptionEnabled to false"
        )
        same = live.kms_key_arn is not None
        return [compared(check, same=same, expected="encrypted with a KMS key", found=found, remedy=remedy)]
    if not isinstance(logs_key, KeyFacts):
        if live.kms_key_arn:
            return []
        return [
            compared(check, same=False, expected="encrypted with the logs key", found=found, remedy=deployment.repair)
        ]
    return [
        compared(
            check,
            same=live.kms_key_arn == logs_key.arn,
            expected=f"encrypted with {logs_key.arn}",
            found=found,
            remedy=deployment.repair,
        )
    ]


_SECTION = "shell-access:sessionManager"


def bucket_findings(
    deployment: Deployment, settings: SessionManagerSettings, live: LogBucketFacts | ReadFailure | None
) -> list[Finding]:
    """Compare the bucket if sessions are logged to one."""
    if not settings.s3_logging:
        return []
    name = settings.s3_bucket_name
    expected = f"bucket {name} exists"
    if live is None or isinstance(live, ReadFailure):
        remedy = f"create the bucket, or correct {_SECTION}.s3BucketName"
        return [missing("bucket", live, expected=expected, found="no such bucket", remedy=remedy)]
    findings = [_place(deployment, expected, live)]
    if settings.s3_encryption_enabled or settings.s3_kms_key_arn:
        findings.append(_bucket_encryption(deployment, settings, live.encryption, live.region))
    findings.append(_public_access(name, live))
    return findings


def _place(deployment: Deployment, expected: str, live: LogBucketFacts) -> Finding:
    found = f"in {live.region}"
    if deployment.endpoints is None or live.region == deployment.region:
        return Finding(check="bucket", status=Status.OK, expected=expected, found=found)
    return Finding(
        check="bucket",
        status=Status.WARNING,
        expected=expected,
        found=f"{found}, which an S3 gateway endpoint in {deployment.region} does not reach",
        remedy=f"name a bucket of {deployment.region} in {_SECTION}.regionOverrides, or provide another network path to S3",
    )


def _bucket_encryption(
    deployment: Deployment,
    settings: SessionManagerSettings,
    live: BucketEncryption | ReadFailure | None,
    live_region: str,
) -> Finding:
    check, key = "bucket-encryption", settings.s3_kms_key_arn
    expected = f"encrypted with {key}" if key else "encrypted"
    if isinstance(live, ReadFailure):
        return unknown_finding(check, live, expected=expected)
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
        account_id=deployment.account_id,
        owner=settings.s3_bucket_owner or deployment.account_id,
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
            found=f"{found}, which the instance policy does not allow nodes to use",
            remedy=f"set {_SECTION}.s3KmsKeyArn to that key",
        )
    return Finding(check=check, status=Status.OK, expected=expected, found=found)


def _public_access(name: str, live: LogBucketFacts) -> Finding:
    check, expected = "bucket-public-access", "public access is blocked"
    if isinstance(live.open_to_public, ReadFailure):
        return unknown_finding(check, live.open_to_public, expected=expected)
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
