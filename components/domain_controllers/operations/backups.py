"""Backups of controllers: system state on a volume of its own, copied to a bucket with Object Lock, and an alarm. Pure.

Sources: Microsoft, "Virtualized domain controllers: backup and restore considerations" (system state by an application in the
guest, never a copy of the disk), `wbadmin start systemstatebackup`; Amazon S3 User Guide, "Locking objects with Object Lock";
Amazon EC2 User Guide, "Map NVMe disks on your Windows instance to volumes" (ebsnvme-id).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from common.iam.statements import allow
from components.domain_controllers.names import ALARMS, METRICS
from components.domain_controllers.operations.documents import command_document, powershell, script
from components.domain_controllers.operations.settings import BACKUP_DEVICE as DEVICE
from components.metric_alarm import MetricAlarm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from common.aws.arns import Scope
    from common.iam.statements import Statement
    from components.adoption.document_content import PlannedDocument
    from components.domain_controllers.operations.settings import BackupBucketSettings, BackupSettings

BACKUPS: Final = "Backups"
"""Metric of the backups: one per copy that is in the bucket."""

_DAY: Final = 24 * 60 * 60
_MINUTES: Final = 6 * 60


def backup_document(settings: BackupSettings, bucket: BackupBucketSettings) -> PlannedDocument:
    """Return the document that backs a controller up."""
    text = script(
        "back_up",
        {
            "INSTANCE": script("instance"),
            "METRICS": script("metrics", {"NAMESPACE": METRICS}),
            "DISKS": script("disks"),
            "DEVICE": DEVICE,
            "KEEP": str(settings.keep_versions),
            "KEY": bucket.kms_key_arn,
            "BUCKET": bucket.bucket_name,
        },
    )
    return command_document(
        "Backup", "Backs up the system state of a domain controller", powershell("BackUp", text, minutes=_MINUTES)
    )


def backup_alarm(controller: str) -> MetricAlarm:
    """Return the alarm of a controller whose newest backup is older than a day."""
    return MetricAlarm(
        name=f"{ALARMS}no-backup-{controller}",
        description=f"No system state of {controller} has reached the bucket for a day",
        namespace=METRICS,
        metric=BACKUPS,
        comparison="LessThanThreshold",
        threshold=1,
        missing_data="breaching",
        period=_DAY,
    )


def backup_statements(settings: BackupSettings, scopes: Sequence[Scope]) -> list[Statement]:
    """Return the statements of the controllers' policy: write below a site's prefix, and never read or delete."""
    buckets = {
        each: f"arn:{each.partition}:s3:::{settings.buckets[each.region].bucket_name}"
        for each in scopes
        if each.region in settings.buckets
    }
    if not buckets:
        return []
    objects = [f"{arn}/{each.account_id}/{each.region}/*" for each, arn in buckets.items()]
    keys = sorted({settings.buckets[each.region].kms_key_arn for each in buckets})
    encrypted = sorted({one for arn in buckets.values() for one in (arn, f"{arn}/*")})
    of_buckets = {"StringLike": {"kms:EncryptionContext:aws:s3:arn": encrypted}}
    return [
        allow("WriteBackups", ["s3:AbortMultipartUpload", "s3:PutObject"], objects),
        # Parts of an upload are encrypted with the same data key (S3 User Guide, "Multipart upload API and permissions").
        allow("EncryptBackups", ["kms:Decrypt", "kms:GenerateDataKey"], keys, condition=of_buckets),
    ]
