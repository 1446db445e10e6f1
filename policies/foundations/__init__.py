"""Rules about keys, logs and their buckets, topics, trails, shared documents, role trust, associations, detection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.foundations import (
    association_rate_limited,
    detector_enabled,
    kms_key_deletion_window,
    kms_key_no_lockout_bypass,
    kms_key_policy_closed,
    kms_key_rotation,
    log_bucket_encrypted,
    log_bucket_private,
    log_bucket_tls_only,
    log_group_encrypted,
    log_group_retention,
    log_resource_policy_closed,
    resources_readable,
    role_trust_closed,
    scans_enabled,
    ssm_document_not_shared,
    ssm_public_sharing_blocked,
    topic_encrypted,
    topic_policy_closed,
    trail_encrypted,
    trail_multi_region,
    trail_validated,
)

if TYPE_CHECKING:
    from policies.rule import Rule

RULES: tuple[Rule, ...] = (
    association_rate_limited.RULE,
    detector_enabled.RULE,
    kms_key_deletion_window.RULE,
    kms_key_no_lockout_bypass.RULE,
    kms_key_policy_closed.RULE,
    kms_key_rotation.RULE,
    log_bucket_encrypted.RULE,
    log_bucket_private.RULE,
    log_bucket_tls_only.RULE,
    log_group_encrypted.RULE,
    log_group_retention.RULE,
    log_resource_policy_closed.RULE,
    resources_readable.RULE,
    role_trust_closed.RULE,
    scans_enabled.RULE,
    ssm_document_not_shared.RULE,
    ssm_public_sharing_blocked.RULE,
    topic_encrypted.RULE,
    topic_policy_closed.RULE,
    trail_encrypted.RULE,
    trail_multi_region.RULE,
    trail_validated.RULE,
)
