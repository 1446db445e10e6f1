"""Comparison of the log group: its retention and encryption."""

from __future__ import annotations

from typing import TYPE_CHECKING

from operations.inventory.session_manager import KeyFacts, LogGroupFacts
from operations.reading import Unread
from operations.verify.findings import Finding, cannot_tell, compared

if TYPE_CHECKING:
    from components.session_manager.settings import SessionManagerSettings
    from operations.desired import Asked
    from operations.inventory.session_manager import RegionFacts


def log_group_findings(asked: Asked, settings: SessionManagerSettings, facts: RegionFacts) -> list[Finding]:
    """Compare the log group if sessions are logged to one."""
    if not settings.logs_to_cloudwatch:
        return []
    expected = f"log group {settings.cw_log_group_name} exists"
    live = facts.log_group
    if isinstance(live, Unread):
        return [cannot_tell("log-group", expected, live)]
    create = "create the log group, or set shell-access:sessionManager.createCwLogGroup to true"
    remedy = asked.repair if settings.create_cw_log_group else create
    if live is None:
        return [compared("log-group", same=False, expected=expected, found="no such log group", remedy=remedy)]
    findings = [compared("log-group", same=True, expected=expected, found=expected, remedy=remedy)]
    if settings.create_cw_log_group:
        findings.append(_retention(asked, settings, live))
    if settings.cw_encryption_enabled:
        findings += _encryption(asked, settings, live, facts.logs_key)
    return findings


def _retention(asked: Asked, settings: SessionManagerSettings, live: LogGroupFacts) -> Finding:
    return compared(
        "log-group-retention",
        same=live.retention_days == settings.log_retention_days,
        expected=_days(settings.log_retention_days),
        found=_days(live.retention_days),
        remedy=asked.repair,
    )


def _days(days: int | None) -> str:
    return "no end" if days is None else f"{days} day{'' if days == 1 else 's'}"


def _encryption(
    asked: Asked, settings: SessionManagerSettings, live: LogGroupFacts, logs_key: KeyFacts | Unread | None
) -> list[Finding]:
    """Compare the encryption: a created group has the logs key; for an existing group any key is accepted.

    If the logs key is not known (a finding of its own), any key is accepted.
    """
    check, found = "log-group-encryption", f"encrypted with {live.kms_key_arn}" if live.kms_key_arn else "no KMS key"
    if not settings.create_cw_log_group:
        remedy = (
            f"aws logs associate-kms-key --log-group-name {settings.cw_log_group_name} --kms-key-id KEY_ARN "
            f"--region {asked.region}, or set shell-access:sessionManager.cwEncryptionEnabled to false"
        )
        same = live.kms_key_arn is not None
        return [compared(check, same=same, expected="encrypted with a KMS key", found=found, remedy=remedy)]
    if not isinstance(logs_key, KeyFacts):
        if live.kms_key_arn:
            return []
        return [compared(check, same=False, expected="encrypted with the logs key", found=found, remedy=asked.repair)]
    return [
        compared(
            check,
            same=live.kms_key_arn == logs_key.arn,
            expected=f"encrypted with {logs_key.arn}",
            found=found,
            remedy=asked.repair,
        )
    ]
