"""Topic for notifications of requests, grants, refusals and ends."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi
from pulumi_aws.sns import Topic, TopicPolicy, TopicSubscription

from components.adoption.adopted_resource import AdoptedResource, AdoptedResourceArgs
from components.adoption.resource_kinds import Kind
from components.approval.names import KEY_ALIAS, TOPIC_NAME
from components.approval.topic_policies import topic_key_policy, topic_policy
from components.session_manager.keys import AliasedKey, AliasedKeyArgs

if TYPE_CHECKING:
    from components.approval.names import Place


@dataclass(frozen=True, kw_only=True)
class NotificationTopicArgs:
    """Arguments of `NotificationTopic`.

    Attributes:
        place: Location of the workflow.
        emails: Subscribed addresses; each gets a message to confirm.
        tags: Tags applied to all taggable resources.
    """

    place: Place
    emails: tuple[str, ...]
    tags: dict[str, str] = field(default_factory=dict[str, str])


class NotificationTopic(pulumi.ComponentResource):
    """The topic, its key, its policy and its subscriptions.

    Attributes:
        arn: ARN of the topic.
    """

    def __init__(self, name: str, args: NotificationTopicArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shell-access:approval:NotificationTopic", name, None, opts)
        child, region = pulumi.ResourceOptions(parent=self), args.place.region
        key = AliasedKey(
            f"{name}-key",
            AliasedKeyArgs(
                alias=KEY_ALIAS,
                description="Session approval: notifications",
                policy=topic_key_policy(args.place),
                region=region,
                tags=args.tags,
            ),
            child,
        )
        topic_arn = args.place.topic_arn
        adopted = AdoptedResource(
            name, AdoptedResourceArgs(kind=Kind.TOPIC, region=region, name=topic_arn, value=key.key.key_id), child
        )
        topic = Topic(
            name,
            name=TOPIC_NAME,
            kms_master_key_id=key.key.key_id,
            region=region,
            tags=args.tags,
            opts=adopted.import_options(self),
        )
        self.arn = topic.arn
        TopicPolicy(name, arn=topic.arn, policy=json.dumps(topic_policy(args.place)), region=region, opts=child)
        for email in args.emails:
            TopicSubscription(
                f"{name}-{email}", topic=topic.arn, protocol="email", endpoint=email, region=region, opts=child
            )
        self.register_outputs({"arn": self.arn})
