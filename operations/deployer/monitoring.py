"""Permissions for rules and alarms of session approval and domain controllers, the trail and its bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from components.approval.names import ALARM_PREFIX, EVIDENCE_BUCKET, TOPIC_NAME
from components.domain_controllers.names import ALARMS, ALERTS_TOPIC, TRAIL, TRAIL_BUCKET
from operations.deployer.scope import ANY, System
from operations.deployer.statement import AllowedActions

if TYPE_CHECKING:
    from operations.deployer.scope import DeploymentScope

_RULE_CHANGES: Final = (
    "events:DeleteRule",
    "events:PutRule",
    "events:RemoveTargets",
    "events:TagResource",
    "events:UntagResource",
)
_ALARM_CHANGES: Final = (
    "cloudwatch:DeleteAlarms",
    "cloudwatch:PutMetricAlarm",
    "cloudwatch:TagResource",
    "cloudwatch:UntagResource",
)
_TRAIL_CHANGES: Final = (
    "cloudtrail:AddTags",
    "cloudtrail:CreateTrail",
    "cloudtrail:DeleteTrail",
    "cloudtrail:RemoveTags",
    "cloudtrail:StartLogging",
    "cloudtrail:UpdateTrail",
)
_BUCKET_CHANGES: Final = (
    "s3:CreateBucket",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketTagging",
    "s3:PutBucketVersioning",
    "s3:PutEncryptionConfiguration",
    "s3:TagResource",
    "s3:UntagResource",
)
_BUCKET_DELETIONS: Final = ("s3:DeleteBucket", "s3:DeleteBucketPolicy")
_DELETIONS: Final = ("s3:DeleteObject", "s3:DeleteObjectVersion")


def trail_bucket(scope: DeploymentScope) -> str:
    """Return the ARN pattern of the trail's bucket, in any Region."""
    return f"arn:{scope.partition}:s3:::{TRAIL_BUCKET}-{scope.account}-*"


def evidence_bucket(scope: DeploymentScope) -> str:
    """Return the ARN pattern of the bucket for exported records, in any Region."""
    return f"arn:{scope.partition}:s3:::{EVIDENCE_BUCKET}-{scope.account}-*"


def own_buckets(scope: DeploymentScope) -> tuple[str, ...]:
    """Return the ARN patterns of the buckets that the systems of a scope create."""
    trail = (trail_bucket(scope),) if System.CONTROLLERS in scope.systems else ()
    return (*trail, *((evidence_bucket(scope),) if scope.exports_evidence else ()))


def monitoring_permissions(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions for the alerts of domain controllers and the alarms of approval, and buckets."""
    return [*_controllers(scope), *_approval_alarms(scope), *_metric_alarms(scope), *_buckets(scope)]


def _metric_alarms(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permission for CloudWatch alarms with our names."""
    prefixes = {System.APPROVAL: ALARM_PREFIX, System.CONTROLLER_OPERATIONS: ALARMS}
    arns = tuple(
        scope.arn("cloudwatch", f"alarm:{each}*") for system, each in prefixes.items() if system in scope.systems
    )
    return [AllowedActions("ManageAlarms", _ALARM_CHANGES, arns)] if arns else []


def _buckets(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions for buckets; that of exported records is never deleted."""
    buckets = own_buckets(scope)
    if not buckets:
        return []
    found = [AllowedActions("ManageBuckets", _BUCKET_CHANGES, buckets)]
    if System.CONTROLLERS in scope.systems:
        found.append(AllowedActions("DeleteTrailBucket", _BUCKET_DELETIONS, (trail_bucket(scope),)))
    if scope.exports_evidence:
        lock = ("s3:PutBucketObjectLockConfiguration",)
        found.append(AllowedActions("LockEvidenceBucket", lock, (evidence_bucket(scope),)))
    return found


def _approval_alarms(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions for rules and alarms of approval, which publish to its topics and to nothing else.

    A rule in the Region of IAM's events forwards them to the event bus of another one, so these permissions have
    their own condition on the Region.
    """
    if System.APPROVAL not in scope.systems:
        return []
    rules = scope.arn("events", f"rule/{ALARM_PREFIX}*")
    topics = [each if each != ANY else scope.arn("sns", ANY) for each in sorted(scope.alarm_topics)]
    targets = [scope.arn("sns", TOPIC_NAME), *topics, scope.arn("events", "event-bus/default")]
    regions = {"StringEquals": {"aws:RequestedRegion": [*scope.regions, *sorted(scope.event_regions)]}}
    published = {
        "ForAllValues:ArnLike": {"events:TargetArn": targets},
        "Null": {"events:TargetArn": "false"},
    }
    return [
        AllowedActions("ManageApprovalRules", _RULE_CHANGES, (rules,), regions, everywhere=True),
        AllowedActions(
            "PublishApprovalAlarms", ("events:PutTargets",), (rules,), {**published, **regions}, everywhere=True
        ),
    ]


def _controllers(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions for rules that publish to our topic and to nothing else, one trail, and one bucket."""
    if System.CONTROLLERS not in scope.systems:
        return []
    rules = scope.arn("events", f"rule/{ALERTS_TOPIC}-*")
    bucket = trail_bucket(scope)
    published = {
        "ForAllValues:ArnLike": {"events:TargetArn": [scope.arn("sns", ALERTS_TOPIC)]},
        "Null": {"events:TargetArn": "false"},
    }
    logs = [AllowedActions("EmptyTrailBucket", _DELETIONS, (f"{bucket}/*",))]
    return [
        AllowedActions("ManageRules", _RULE_CHANGES, (rules,)),
        AllowedActions("PublishAlerts", ("events:PutTargets",), (rules,), published),
        AllowedActions("ManageTrail", _TRAIL_CHANGES, (scope.arn("cloudtrail", f"trail/{TRAIL}"),)),
        *(logs if scope.empties_trail_bucket else []),
    ]
