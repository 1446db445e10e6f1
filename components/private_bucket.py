"""Private bucket: encrypted with a key, versioned, and closed to the public before its policy is set."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

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
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class PrivateBucketArgs:
    """Arguments of a private bucket.

    Attributes:
        bucket: Name of the bucket.
        key_arn: ARN of the key that encrypts its objects.
        policy: Bucket policy.
        region: Region of the bucket.
        tags: Tags of the bucket.
        force_destroy: Whether it is deleted with its objects; None: the provider's default.
        object_lock_enabled: Whether objects can be locked, which no update can set; None: the provider's default.
    """

    bucket: str
    key_arn: pulumi.Output[str]
    policy: Mapping[str, Any]
    region: str
    tags: dict[str, str] = field(default_factory=dict[str, str])
    force_destroy: bool | None = None
    object_lock_enabled: bool | None = None


@dataclass(frozen=True, kw_only=True)
class PrivateBucket:
    """Resources of a private bucket.

    `ready` must exist before the first object is written.
    """

    bucket: Bucket
    versioning: BucketVersioning
    ready: list[pulumi.Resource]


def register_private_bucket(name: str, args: PrivateBucketArgs, opts: pulumi.ResourceOptions) -> PrivateBucket:
    """Register a bucket with its settings."""
    bucket = Bucket(
        name,
        bucket=args.bucket,
        force_destroy=args.force_destroy,
        object_lock_enabled=args.object_lock_enabled,
        region=args.region,
        tags=args.tags,
        opts=opts,
    )
    private = BucketPublicAccessBlock(
        name,
        bucket=bucket.bucket,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        region=args.region,
        opts=opts,
    )
    encrypted = BucketServerSideEncryptionConfiguration(
        name,
        bucket=bucket.bucket,
        rules=[
            BucketServerSideEncryptionConfigurationRuleArgs(
                apply_server_side_encryption_by_default=BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                    sse_algorithm="aws:kms", kms_master_key_id=args.key_arn
                ),
                bucket_key_enabled=True,
            )
        ],
        region=args.region,
        opts=opts,
    )
    versioned = BucketVersioning(
        name,
        bucket=bucket.bucket,
        versioning_configuration=BucketVersioningVersioningConfigurationArgs(status="Enabled"),
        region=args.region,
        opts=opts,
    )
    policy = BucketPolicy(
        name,
        bucket=bucket.bucket,
        policy=json.dumps(args.policy),
        region=args.region,
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[private])),
    )
    return PrivateBucket(bucket=bucket, versioning=versioned, ready=[private, encrypted, versioned, policy])
