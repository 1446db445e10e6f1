"""Trail that records calls of Systems Manager and EC2 with their callers, where the account has none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi
from pulumi_aws.cloudtrail import Trail

from components.domain_controllers.monitoring_policies import trail_bucket_policy, trail_key_policy
from components.domain_controllers.names import TRAIL, TRAIL_KEY_ALIAS, trail_bucket_name
from components.private_bucket import register_private_bucket
from components.session_manager.keys import AliasedKey

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
    """A trail of all management events, as trails cannot select Systems Manager's alone, and its private bucket."""

    def __init__(self, name: str, args: ManagementTrailArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shell-access:domainControllers:ManagementTrail", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        key = AliasedKey(
            f"{name}-key",
            alias=TRAIL_KEY_ALIAS,
            description="CloudTrail: API calls of this account",
            policy=trail_key_policy(args.scope, TRAIL),
            region=args.scope.region,
            tags=args.tags,
            # AWS refuses to delete a bucket that contains logs, and without the key they could not be read.
            retain=args.keep,
            opts=child,
        ).key
        bucket_name = trail_bucket_name(args.scope.account_id, args.scope.region)
        logs = register_private_bucket(
            f"{name}-logs",
            bucket=bucket_name,
            key_arn=key.arn,
            policy=trail_bucket_policy(args.scope, TRAIL, bucket_name),
            region=args.scope.region,
            tags=args.tags,
            force_destroy=not args.keep,
            opts=child,
        )
        trail = Trail(
            name,
            name=TRAIL,
            s3_bucket_name=logs.bucket.bucket,
            kms_key_id=key.arn,
            is_multi_region_trail=True,
            include_global_service_events=True,
            enable_log_file_validation=True,
            region=args.scope.region,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=logs.ready),
        )
        self.arn = trail.arn
        self.register_outputs({"arn": self.arn})
