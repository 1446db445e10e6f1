"""Private bucket: encrypted with a key, versioned, and closed to the public before its policy is set."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
from pulumi_aws.s3 import (
    Bucket,
    BucketPolicy,
    BucketPublicAccessBlock,
    BucketServerSideEncryptionConfiguration,
    BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs,
    BucketServerSideEncryptionConfigurationRuleArgs,
    BucketVersioning,
    BucketVersioningVersioningConfigurationArgs,
)

if TYPE_CHECKING:
    from common.iam.statements import Policy


@dataclass(frozen=True, kw_only=True)
class PrivateBucket:
    """Resources of a private bucket.

    `ready` must exist before the first object is written.
    """

    bucket: Bucket
    versioning: BucketVersioning
    ready: list[pulumi.Resource]


def register_private_bucket(  # noqa: PLR0913 -- arguments of a resource
    name: str,
    *,
    bucket: str,
    key_arn: pulumi.Output[str],
    policy: Policy,
    region: str,
    tags: dict[str, str],
    opts: pulumi.ResourceOptions,
    force_destroy: bool | None = None,
    object_lock_enabled: bool | None = None,
) -> PrivateBucket:
    """Register a bucket with its settings.

    Args:
        name: Name of the resources.
        bucket: Name of the bucket.
        key_arn: ARN of the key that encrypts its objects.
        policy: Bucket policy.
        region: Region of the bucket.
        tags: Tags of the bucket.
        opts: Options of the resources.
        force_destroy: Whether it is deleted with its objects; None: the provider's default.
        object_lock_enabled: Whether objects can be locked, which no update can set; None: the provider's default.
    """
    made = Bucket(
        name,
        bucket=bucket,
        force_destroy=force_destroy,
        object_lock_enabled=object_lock_enabled,
        region=region,
        tags=tags,
        opts=opts,
    )
    private = BucketPublicAccessBlock(
        name,
        bucket=made.bucket,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        region=region,
        opts=opts,
    )
    encrypted = BucketServerSideEncryptionConfiguration(
        name,
        bucket=made.bucket,
        rules=[
            BucketServerSideEncryptionConfigurationRuleArgs(
                apply_server_side_encryption_by_default=BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                    sse_algorithm="aws:kms", kms_master_key_id=key_arn
                ),
                bucket_key_enabled=True,
            )
        ],
        region=region,
        opts=opts,
    )
    versioned = BucketVersioning(
        name,
        bucket=made.bucket,
        versioning_configuration=BucketVersioningVersioningConfigurationArgs(status="Enabled"),
        region=region,
        opts=opts,
    )
    limited = BucketPolicy(
        name,
        bucket=made.bucket,
        policy=json.dumps(policy),
        region=region,
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[private])),
    )
    return PrivateBucket(bucket=made, versioning=versioned, ready=[private, encrypted, versioned, limited])
