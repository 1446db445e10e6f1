"""Trail that records calls of Systems Manager and EC2 with their callers, where the account has none."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi
from pulumi_aws.cloudtrail import Trail
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

from components.domain_controllers.monitoring_policies import trail_bucket_policy, trail_key_policy
from components.domain_controllers.names import TRAIL, TRAIL_KEY_ALIAS, trail_bucket_name
from components.session_manager.keys import AliasedKey, AliasedKeyArgs

if TYPE_CHECKING:
    from components.domain_controllers.monitoring_policies import Scope


@dataclass(frozen=True, kw_only=True)
class ManagementTrailArgs:
    """Arguments of the trail.

    Attributes:
        scope: Scope with its home Region; it records all Regions.
        keep: Whether the bucket is retained while it contains logs.
        tags: Tags applied to all taggable resources.
    """

    scope: Scope
    keep: bool
    tags: dict[str, str] = field(default_factory=dict[str, str])


class ManagementTrail(pulumi.ComponentResource):
    """A trail of all management events, as trails cannot select Systems Manager's alone, and its private bucket.

    Attributes:
        arn: ARN of the trail.
    """

    def __init__(self, name: str, args: ManagementTrailArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shell-access:domainControllers:ManagementTrail", name, None, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        key = AliasedKey(
            f"{name}-key",
            AliasedKeyArgs(
                alias=TRAIL_KEY_ALIAS,
                description="CloudTrail: API calls of this account",
                policy=trail_key_policy(args.scope, TRAIL),
                region=args.scope.region,
                tags=args.tags,
                # AWS refuses to delete a bucket that contains logs, and without the key they could not be read.
                retain=args.keep,
            ),
            self._child,
        ).key
        bucket, ready = self._bucket(key.arn)
        trail = Trail(
            name,
            name=TRAIL,
            s3_bucket_name=bucket.bucket,
            kms_key_id=key.arn,
            is_multi_region_trail=True,
            include_global_service_events=True,
            enable_log_file_validation=True,
            region=args.scope.region,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=ready),
        )
        self.arn = trail.arn
        self.register_outputs({"arn": self.arn})

    def _bucket(self, key_arn: pulumi.Output[str]) -> tuple[Bucket, list[pulumi.Resource]]:
        """Return the bucket, and the resources that must exist before the first log is written."""
        name, scope, child = f"{self._name}-logs", self._args.scope, self._child
        bucket_name = trail_bucket_name(scope.account_id, scope.region)
        bucket = Bucket(
            name,
            bucket=bucket_name,
            force_destroy=not self._args.keep,
            region=scope.region,
            tags=self._args.tags,
            opts=child,
        )
        private = BucketPublicAccessBlock(
            name,
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            region=scope.region,
            opts=child,
        )
        encrypted = BucketServerSideEncryptionConfiguration(
            name,
            bucket=bucket.bucket,
            rules=[
                BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                        sse_algorithm="aws:kms", kms_master_key_id=key_arn
                    ),
                    bucket_key_enabled=True,
                )
            ],
            region=scope.region,
            opts=child,
        )
        versioned = BucketVersioning(
            name,
            bucket=bucket.bucket,
            versioning_configuration=BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            region=scope.region,
            opts=child,
        )
        policy = BucketPolicy(
            name,
            bucket=bucket.bucket,
            policy=json.dumps(trail_bucket_policy(scope, TRAIL, bucket_name)),
            region=scope.region,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[private]),
        )
        return bucket, [private, encrypted, versioned, policy]
