"""Rules about keys, logs and their buckets, topics, trails, shared documents, role trust, associations, detection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.foundations import (
    detection,
    kms_keys,
    log_buckets,
    log_groups,
    resource_policies,
    resources_readable,
    systems_manager,
    topics,
    trails,
)

if TYPE_CHECKING:
    from policies.rule import Rule

RULES: tuple[Rule, ...] = (
    systems_manager.ASSOCIATION_RATE_LIMITED,
    detection.CIS_SCAN_RECURRING,
    detection.DETECTOR_ENABLED,
    kms_keys.KMS_KEY_DELETION_WINDOW,
    kms_keys.KMS_KEY_NO_LOCKOUT_BYPASS,
    kms_keys.KMS_KEY_POLICY_CLOSED,
    kms_keys.KMS_KEY_ROTATION,
    log_buckets.LOG_BUCKET_ENCRYPTED,
    log_buckets.LOG_BUCKET_PRIVATE,
    log_buckets.LOG_BUCKET_TLS_ONLY,
    log_groups.LOG_GROUP_ENCRYPTED,
    log_groups.LOG_GROUP_RETENTION,
    log_groups.LOG_RESOURCE_POLICY_CLOSED,
    resources_readable.RESOURCES_READABLE,
    resource_policies.ROLE_TRUST_CLOSED,
    detection.SCANS_ENABLED,
    detection.SECURITY_CONTROLS_ENABLED,
    systems_manager.SSM_DOCUMENT_NOT_SHARED,
    systems_manager.SSM_PUBLIC_SHARING_BLOCKED,
    topics.TOPIC_ENCRYPTED,
    topics.TOPIC_POLICY_CLOSED,
    trails.TRAIL_ENCRYPTED,
    trails.TRAIL_MULTI_REGION,
    trails.TRAIL_VALIDATED,
)
