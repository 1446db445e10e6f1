"""Services and actions that a node requires for sessions with the configured settings. Pure.

The actions for encryption and logs are those of the instance policy, so that policy and evaluation cannot diverge.
Those of the agent itself: Systems Manager User Guide, "Verify or create an IAM role with Session Manager permissions".
From 3.3.40.0, the agent does not use ec2messages if it reaches ssmmessages ("Reference: ec2messages, ssmmessages, and
other API operations").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from common.aws.arns import service_domain, split_arn
from components.nodes.agent_versions import version_key
from components.session_manager.endpoint_services import interface_services
from components.session_manager.instance_policy import instance_policy
from components.session_manager.settings import s3_key_prefix
from operations.doctor.facts import Managed
from operations.inventory.session_manager import BucketEncryption, KeyFacts, LogBucketFacts

if TYPE_CHECKING:
    from operations.doctor.facts import NodeFacts


_SESSION: Final = "session-0a1b2c3d4e5f60718"
"""Placeholder for the name of a log stream, an object or a key."""
_CHANNEL: Final = ("arn:{partition}:ssmmessages:{region}:{account}:*", "{node}")
_LOG_STREAM: Final = ("arn:{partition}:logs:{region}:{account}:log-group:{group}:log-stream:{session}",)
_OBJECT: Final = ("arn:{partition}:s3:::{bucket}/{prefix}/{session}",)
EVALUATED: Final[dict[str, tuple[str, ...]]] = {
    # Service Authorization Reference, AWS Systems Manager: instance, managed-instance
    "ssm:UpdateInstanceInformation": ("{node}",),
    # Access denied messages name `arn:...:ssmmessages:REGION:ACCOUNT:*` (landing-zone-accelerator-on-aws, pull request
    # 330) or the node itself; Service Authorization Reference: no resource types, so that policies have to name *
    "ssmmessages:CreateControlChannel": _CHANNEL,
    "ssmmessages:CreateDataChannel": _CHANNEL,
    "ssmmessages:OpenControlChannel": _CHANNEL,
    "ssmmessages:OpenDataChannel": _CHANNEL,
    # Access denied messages; the prefix of the name that the call gives is not part of the resource
    "logs:DescribeLogGroups": ("arn:{partition}:logs:{region}:{account}:log-group::log-stream:",),
    "logs:DescribeLogStreams": ("arn:{partition}:logs:{region}:{account}:log-group:{group}:log-stream:",),
    # Service Authorization Reference, Amazon CloudWatch Logs; access denied messages
    "logs:CreateLogStream": _LOG_STREAM,
    "logs:PutLogEvents": _LOG_STREAM,
    # Service Authorization Reference, Amazon S3: bucket, object
    "s3:GetEncryptionConfiguration": ("arn:{partition}:s3:::{bucket}",),
    "s3:PutObject": _OBJECT,
    "s3:PutObjectAcl": _OBJECT,
    # Service Authorization Reference, AWS KMS: the key, whatever alias the call or the bucket names
    "kms:Decrypt": ("{data_key}",),
    "kms:GenerateDataKey": ("{bucket_key}",),
}
"""ARNs of the resources that AWS evaluates for an action, in which `{node}`, `{group}` and so on are those of a node."""


REGISTER: Final = "ssm:UpdateInstanceInformation"
CHANNEL_ACTIONS: Final = (
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
)
MESSAGES: Final = "ec2messages"
STORAGE: Final = "s3"
DECRYPT: Final = "kms:Decrypt"
GENERATE: Final = "kms:GenerateDataKey"
WITHOUT_MESSAGES: Final = "3.3.40.0"
"""First version of the agent that does not need ec2messages."""


@dataclass(frozen=True, kw_only=True)
class Need:
    """Action that the node's role must be allowed to perform.

    Attributes:
        action: Action, such as `kms:Decrypt`.
        resources: ARNs that AWS may evaluate; the action must be allowed on each.
        through: Service that makes the call for the node, `s3.eu-west-1.amazonaws.com`. Empty: the agent itself.
    """

    action: str
    resources: tuple[str, ...]
    through: str = ""

    @property
    def service(self) -> str:
        """Service whose endpoint receives the call."""
        return STORAGE if self.through else self.action.partition(":")[0]


def services(node: NodeFacts) -> tuple[str, ...]:
    """Return the short names of the services that the node must reach, sorted."""
    settings = node.deployment.session_manager
    needed = {*interface_services(settings)}
    if settings and settings.s3_logging:
        needed.add(STORAGE)
    version = node.managed.agent_version if isinstance(node.managed, Managed) else ""
    if (version_key(version) or ()) >= (version_key(WITHOUT_MESSAGES) or ()):
        needed.discard(MESSAGES)
    return tuple(sorted(needed))


def registration(node: NodeFacts) -> Need:
    """Return the action with which the agent registers the node."""
    return _need(node, REGISTER)


def needs(node: NodeFacts) -> tuple[Need, ...]:
    """Return every action that the node's role must be allowed to perform.

    The order is: actions of the agent, of the instance policy, and for the bucket's key.
    """
    found = [_need(node, action) for action in (REGISTER, *CHANNEL_ACTIONS)]
    settings = node.deployment.session_manager
    if settings is None:
        return tuple(found)
    deployment = node.deployment
    policy = instance_policy(
        {deployment.region: settings}, partition=deployment.partition, account_id=deployment.account_id
    )
    statements: list[dict[str, Any]] = policy["Statement"] if policy else []
    named = settings.s3_kms_key_arn if settings.s3_logging else ""
    granted: list[str | list[str]] = [each["Action"] for each in statements]
    for several in granted:
        found += [_need(node, each, named) for each in ([several] if isinstance(several, str) else several)]
    # Where the settings name no key, writing uses the bucket's own key.
    key = bucket_key(node) if settings.s3_logging and not named else ""
    return (*found, *([_need(node, GENERATE, key)] if key else []))


def bucket_key(node: NodeFacts) -> str:
    """Return the ARN of the bucket's customer managed key. Empty: none, or not known."""
    bucket = node.destinations.live.bucket
    encryption = bucket.encryption if isinstance(bucket, LogBucketFacts) else None
    key = encryption.kms_key_arn if isinstance(encryption, BucketEncryption) else None
    return key if key and is_key_arn(key) else ""


def is_key_arn(text: str) -> bool:
    """Return whether a text is the ARN of a key, rather than an alias or an ID."""
    found = split_arn(text)
    return found.prefix == "arn" and found.resource.startswith("key/") and ":" not in found.resource


def _need(node: NodeFacts, action: str, bucket_key: str = "") -> Need:
    """Return the requirement of an action; `bucket_key` is the ARN of the key that encrypts objects (empty: none)."""
    settings, deployment = node.deployment.session_manager, node.deployment
    data_key = node.destinations.live.data_key
    values = {
        "partition": deployment.partition,
        "region": deployment.region,
        "account": deployment.account_id,
        "node": node.node_arn,
        "session": _SESSION,
        "group": settings.cw_log_group_name if settings else "",
        "bucket": settings.s3_bucket_name if settings else "",
        "prefix": s3_key_prefix(settings, deployment.account_id, deployment.region) if settings else "",
        "data_key": data_key.arn if isinstance(data_key, KeyFacts) else deployment.arn("kms", f"key/{_SESSION}"),
        "bucket_key": bucket_key,
    }
    return Need(
        action=action,
        resources=tuple(each.format_map(values) for each in EVALUATED[action]),
        through=service_domain("s3", split_arn(bucket_key).region, deployment.partition) if action == GENERATE else "",
    )
