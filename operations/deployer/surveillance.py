"""What watches domain controllers: rules, the trail and its bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from components.directory.names import ALERTS_TOPIC, TRAIL, TRAIL_BUCKET
from operations.deployer.scope import System
from operations.deployer.statement import Permit

if TYPE_CHECKING:
    from operations.deployer.scope import Scope

_RULE_CHANGES: Final = (
    "events:DeleteRule",
    "events:PutRule",
    "events:RemoveTargets",
    "events:TagResource",
    "events:UntagResource",
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
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketTagging",
    "s3:PutBucketVersioning",
    "s3:PutEncryptionConfiguration",
    "s3:TagResource",
    "s3:UntagResource",
)
_DELETIONS: Final = ("s3:DeleteObject", "s3:DeleteObjectVersion")


def trail_bucket(scope: Scope) -> str:
    """Of the account's trail, in whichever Region."""
    return f"arn:{scope.partition}:s3:::{TRAIL_BUCKET}-{scope.account}-*"


def surveillance_permits(scope: Scope) -> list[Permit]:
    """Rules that tell our topic and nothing else, one trail, one bucket."""
    if System.CONTROLLERS not in scope.systems:
        return []
    rules = scope.arn("events", f"rule/{ALERTS_TOPIC}-*")
    bucket = trail_bucket(scope)
    told = {
        "ForAllValues:ArnLike": {"events:TargetArn": [scope.arn("sns", ALERTS_TOPIC)]},
        "Null": {"events:TargetArn": "false"},
    }
    logs = [Permit(sid="EmptyTrailBucket", actions=_DELETIONS, resources=(f"{bucket}/*",))]
    return [
        Permit(sid="ManageRules", actions=_RULE_CHANGES, resources=(rules,)),
        Permit(sid="TellOurTopic", actions=("events:PutTargets",), resources=(rules,), conditions=told),
        Permit(sid="ManageTrail", actions=_TRAIL_CHANGES, resources=(scope.arn("cloudtrail", f"trail/{TRAIL}"),)),
        Permit(sid="ManageTrailBucket", actions=_BUCKET_CHANGES, resources=(bucket,)),
        *(logs if scope.empties_trail_bucket else []),
    ]
