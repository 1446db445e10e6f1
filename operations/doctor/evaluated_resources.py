"""Resource ARNs that AWS evaluates for each action of a node, which may differ from those that a policy would name.

The resource in AWS' own access denied messages is decisive. Where messages differ, every form is listed: an action is
only known to be allowed if it is allowed on each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from components.session_manager.document import s3_key_prefix
from operations.inventory.session_manager import KeyFacts

if TYPE_CHECKING:
    from operations.doctor.facts import NodeFacts

_SESSION: Final = "session-0a1b2c3d4e5f60718"
"""Placeholder for the name of a log stream, an object or a key."""


@dataclass(frozen=True)
class EvaluatedResource:
    """Resources that AWS evaluates for an action.

    Attributes:
        templates: ARNs, in which `{node}`, `{group}`, `{object}` and so on are replaced with those of a node.
        source: Documentation or observation of this.
    """

    templates: tuple[str, ...]
    source: str


_CHANNEL: Final = EvaluatedResource(
    ("arn:{partition}:ssmmessages:{region}:{account}:*", "{node}"),
    "Access denied messages name `arn:...:ssmmessages:REGION:ACCOUNT:*` (landing-zone-accelerator-on-aws, pull request 330) "
    "or the node itself; Service Authorization Reference: no resource types, so that policies have to name *",
)
_LOG_STREAM: Final = EvaluatedResource(
    ("arn:{partition}:logs:{region}:{account}:log-group:{group}:log-stream:{session}",),
    "Service Authorization Reference, Amazon CloudWatch Logs; access denied messages",
)
_OBJECT: Final = EvaluatedResource(
    ("arn:{partition}:s3:::{bucket}/{prefix}/{session}",), "Service Authorization Reference, Amazon S3: object"
)

EVALUATED: Final[dict[str, EvaluatedResource]] = {
    "ssm:UpdateInstanceInformation": EvaluatedResource(
        ("{node}",), "Service Authorization Reference, AWS Systems Manager: instance, managed-instance"
    ),
    "ssmmessages:CreateControlChannel": _CHANNEL,
    "ssmmessages:CreateDataChannel": _CHANNEL,
    "ssmmessages:OpenControlChannel": _CHANNEL,
    "ssmmessages:OpenDataChannel": _CHANNEL,
    "logs:DescribeLogGroups": EvaluatedResource(
        ("arn:{partition}:logs:{region}:{account}:log-group::log-stream:",),
        "Access denied messages; the prefix of the name that the call gives is not part of the resource",
    ),
    "logs:DescribeLogStreams": EvaluatedResource(
        ("arn:{partition}:logs:{region}:{account}:log-group:{group}:log-stream:",), "Access denied messages"
    ),
    "logs:CreateLogStream": _LOG_STREAM,
    "logs:PutLogEvents": _LOG_STREAM,
    "s3:GetEncryptionConfiguration": EvaluatedResource(
        ("arn:{partition}:s3:::{bucket}",), "Service Authorization Reference, Amazon S3: bucket"
    ),
    "s3:PutObject": _OBJECT,
    "s3:PutObjectAcl": _OBJECT,
    "kms:Decrypt": EvaluatedResource(
        ("{data_key}",), "Service Authorization Reference, AWS KMS: the key, whatever alias the call names"
    ),
    "kms:GenerateDataKey": EvaluatedResource(
        ("{bucket_key}",), "Service Authorization Reference, AWS KMS: the key, whatever alias the bucket names"
    ),
}


def evaluated_resources(node: NodeFacts, action: str, bucket_key: str = "") -> tuple[str, ...]:
    """Return the ARNs that AWS may evaluate for an action of a node.

    Args:
        node: Node that makes the request.
        action: One of `EVALUATED`.
        bucket_key: ARN of the key that encrypts objects. Empty: none.
    """
    settings, asked = node.asked.session_manager, node.asked
    data_key = node.destinations.live.data_key
    values = {
        "partition": node.partition,
        "region": asked.region,
        "account": asked.account_id,
        "node": node.node_arn,
        "session": _SESSION,
        "group": settings.cw_log_group_name if settings else "",
        "bucket": settings.s3_bucket_name if settings else "",
        "prefix": s3_key_prefix(settings, asked.account_id, asked.region) if settings else "",
        "data_key": data_key.arn if isinstance(data_key, KeyFacts) else node.arn("kms", f"key/{_SESSION}"),
        "bucket_key": bucket_key,
    }
    return tuple(each.format_map(values) for each in EVALUATED[action].templates)
