"""Comparison of the log group and the bucket for session logs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from components.session_manager.log_encryption import DefaultEncryption, algorithm_problem, managed_key_problem
from operations.findings import Finding, Status, counted
from operations.inventory.reader import ReadFailure
from operations.inventory.session_manager import KeyFacts, LogGroupFacts
from operations.verify.findings import Check

if TYPE_CHECKING:
    from components.session_manager.settings import SessionManagerSettings
    from operations.deployment import Deployment
    from operations.inventory.session_manager import BucketEncryption, LogBucketFacts, RegionFacts


def log_group_findings(deployment: Deployment, settings: SessionManagerSettings, facts: RegionFacts) -> list[Finding]:
    """Compare the log group if sessions are logged to one."""
    if not settings.logs_to_cloudwatch:
        return []
    live, create = facts.log_group, "create the log group, or set shell-access:sessionManager.createCwLogGroup to true"
    remedy = deployment.repair if settings.create_cw_log_group else create
    exists = Check("log-group", f"log group {settings.cw_log_group_name} exists", remedy)
    if live is None or isinstance(live, ReadFailure):
        return [exists.report_missing(live, "no such log group")]
    findings = [exists.accept()]
    if settings.create_cw_log_group:
        retention = Check("log-group-retention", _days(settings.log_retention_days), deployment.repair)
        kept = live.retention_days
        findings.append(retention.judge(_days(kept), same=kept == settings.log_retention_days))
    if settings.cw_encryption_enabled:
        findings += _group_encryption(deployment, settings, live, facts.logs_key)
    return findings


def _days(days: int | None) -> str:
    return "no end" if days is None else counted(days, "day")


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
        return [Check(check, "encrypted with a KMS key", remedy).judge(found, same=live.kms_key_arn is not None)]
    if not isinstance(logs_key, KeyFacts):
        by_logs_key = Check(check, "encrypted with the logs key", deployment.repair)
        return [] if live.kms_key_arn else [by_logs_key.reject(found)]
    own = Check(check, f"encrypted with {logs_key.arn}", deployment.repair)
    return [own.judge(found, same=live.kms_key_arn == logs_key.arn)]


_SECTION = "shell-access:sessionManager"


def bucket_findings(
    deployment: Deployment, settings: SessionManagerSettings, live: LogBucketFacts | ReadFailure | None
) -> list[Finding]:
    """Compare the bucket if sessions are logged to one."""
    if not settings.s3_logging:
        return []
    name = settings.s3_bucket_name
    exists = Check("bucket", f"bucket {name} exists", f"create the bucket, or correct {_SECTION}.s3BucketName")
    if live is None or isinstance(live, ReadFailure):
        return [exists.report_missing(live, "no such bucket")]
    findings = [_place(deployment, exists, live)]
    if settings.s3_encryption_enabled or settings.s3_kms_key_arn:
        findings.append(_bucket_encryption(deployment, settings, live.encryption, live.region))
    findings.append(_public_access(name, live))
    return findings


def _place(deployment: Deployment, exists: Check, live: LogBucketFacts) -> Finding:
    found = f"in {live.region}"
    if deployment.endpoints is None or live.region == deployment.region:
        return exists.accept(found)
    remedy = (
        f"name a bucket of {deployment.region} in {_SECTION}.regionOverrides, or provide another network path to S3"
    )
    unreached = f"{found}, which an S3 gateway endpoint in {deployment.region} does not reach"
    return replace(exists, remedy=remedy).reject(unreached, Status.WARNING)


def _bucket_encryption(
    deployment: Deployment,
    settings: SessionManagerSettings,
    live: BucketEncryption | ReadFailure | None,
    live_region: str,
) -> Finding:
    key = settings.s3_kms_key_arn
    options = f"--bucket {settings.s3_bucket_name} --server-side-encryption-configuration file://encryption.json"
    encrypt = f"aws s3api put-bucket-encryption {options}{f' (aws:kms with {key})' if key else ''}"
    check = Check("bucket-encryption", f"encrypted with {key}" if key else "encrypted", encrypt)
    if isinstance(live, ReadFailure):
        return check.report_unread(live)
    problem = algorithm_problem(live.algorithm if live else None)
    if live is None or (problem and settings.s3_encryption_enabled):
        return check.reject(f"the bucket {problem}" if live else "not encrypted")
    unusable = managed_key_problem(
        DefaultEncryption(algorithm=live.algorithm, key=live.kms_key_arn or ""),
        region=live_region,
        account_id=deployment.account_id,
        owner=settings.s3_bucket_owner or deployment.account_id,
    )
    if unusable:
        return check.reject(f"the bucket {unusable}")
    found = f"{live.algorithm} with {live.kms_key_arn}" if live.kms_key_arn else live.algorithm
    if not key and live.kms_key_arn:
        unallowed = f"{found}, which the instance policy does not allow nodes to use"
        return replace(check, remedy=f"set {_SECTION}.s3KmsKeyArn to that key").reject(unallowed, Status.WARNING)
    return check.judge(found, same=not key or live.kms_key_arn == key)


def _public_access(name: str, live: LogBucketFacts) -> Finding:
    check = Check(
        "bucket-public-access",
        "public access is blocked",
        f"aws s3api put-public-access-block --bucket {name} --public-access-block-configuration "
        "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true",
    )
    if isinstance(live.open_to_public, ReadFailure):
        return check.report_unread(live.open_to_public)
    if not live.open_to_public:
        return check.accept()
    return check.reject(f"off: {', '.join(live.open_to_public)}", Status.WARNING)
