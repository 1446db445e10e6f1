"""What a node needs for a session as the settings ask for it: services, actions. Pure.

The actions for encryption and logs are those of the instance policy, so that policy and judgement cannot part. Those of
the agent itself: Systems Manager User Guide, "Verify or create an IAM role with Session Manager permissions". From 3.3.40.0
on the agent does without ec2messages where it reaches ssmmessages ("Reference: ec2messages, ssmmessages, and other API
operations").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from components.nodes.agent_versions import version_key
from components.session_manager.endpoint_services import interface_services
from components.session_manager.instance_policy import instance_policy
from operations.reading import Unread
from operations.verify.facts import BucketEncryption, BucketFacts, KeyFacts

if TYPE_CHECKING:
    from operations.doctor.facts import NodeFacts

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
"""The agent's first version that does without ec2messages."""

_SESSION: Final = "session-0a1b2c3d4e5f60718"
"""Stands for the name of a log stream or object."""


@dataclass(frozen=True, kw_only=True)
class Need:
    """An action that the node's role must be allowed.

    Attributes:
        action: `kms:Decrypt`.
        resources: ARNs, on any one of which it has to be allowed.
        through: the service that makes the call for the node, `s3.eu-west-1.amazonaws.com`; empty: the agent itself.
    """

    action: str
    resources: tuple[str, ...]
    through: str = ""

    @property
    def service(self) -> str:
        """The endpoint that the call goes to."""
        return STORAGE if self.through else self.action.partition(":")[0]


def services(node: NodeFacts) -> tuple[str, ...]:
    """Short names of the services that the node has to reach, sorted."""
    settings = node.asked.session_manager
    needed = {*interface_services(settings)}
    if settings and settings.s3_logging:
        needed.add(STORAGE)
    managed = node.managed
    version = managed.agent_version if managed is not None and not isinstance(managed, Unread) else ""
    if (version_key(version) or ()) >= (version_key(WITHOUT_MESSAGES) or ()):
        needed.discard(MESSAGES)
    return tuple(sorted(needed))


def needs(node: NodeFacts) -> tuple[Need, ...]:
    """Every action that the node's role must be allowed: the agent's, then the instance policy's, then the bucket's key."""
    found = [Need(action=REGISTER, resources=(node.node_arn,))]
    found += [Need(action=action, resources=("*",)) for action in CHANNEL_ACTIONS]
    settings = node.asked.session_manager
    if settings is None:
        return tuple(found)
    asked = node.asked
    policy = instance_policy({asked.region: settings}, partition=node.partition, account_id=asked.account_id)
    for statement in policy["Statement"] if policy else ():
        found += _of_statement(node, statement)
    return tuple(found + (_of_bucket_key(node, settings.s3_kms_key_arn) if settings.s3_logging else []))


def _of_statement(node: NodeFacts, statement: dict[str, Any]) -> list[Need]:
    actions: str | list[str] = statement["Action"]
    resources: str | list[str] = statement["Resource"]
    concrete = tuple(_concrete(node, each) for each in ([resources] if isinstance(resources, str) else resources))
    through = statement.get("Condition", {}).get("StringEquals", {}).get("kms:ViaService", [""])
    return [
        Need(action=each, resources=concrete, through=through[0])
        for each in ([actions] if isinstance(actions, str) else actions)
    ]


def _concrete(node: NodeFacts, pattern: str) -> str:
    """One resource of those that a pattern of the instance policy stands for."""
    if pattern == "*":
        return pattern
    key = node.destinations.live.data_key
    if ":kms:" in pattern and pattern.endswith("key/*"):
        return key.arn if isinstance(key, KeyFacts) else pattern.replace("*", _SESSION)
    return pattern.replace("*", _SESSION)


def _of_bucket_key(node: NodeFacts, named: str) -> list[Need]:
    """The bucket's key as it is, where the settings name none: writing takes it all the same."""
    bucket = node.destinations.live.bucket
    encryption = bucket.encryption if isinstance(bucket, BucketFacts) else None
    key = encryption.kms_key_arn if isinstance(encryption, BucketEncryption) else None
    if not key or named:
        return []
    region = key.split(":")[3]
    through = f"s3.{region}.amazonaws.com{'.cn' * (node.partition == 'aws-cn')}"
    return [Need(action=GENERATE, resources=(key,), through=through)]
