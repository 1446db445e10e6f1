"""Topic for notifications of the workflow, and the rules and alarms that publish to it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi
from pulumi_aws.cloudwatch import EventRule, EventTarget
from pulumi_aws.sns import Topic, TopicPolicy, TopicSubscription

from components.adoption.adopted_resource import AdoptedResource, AdoptedResourceArgs
from components.adoption.resource_kinds import Kind
from components.approval.alarms import FORWARDING_TARGET_ID, iam_event_region, topic_target_id
from components.approval.iam_policies import topic_key_policy, topic_policy
from components.approval.names import KEY_ALIAS, TOPIC_NAME
from components.metric_alarm import AlarmPlacement, register_alarm
from components.session_manager.keys import AliasedKey, AliasedKeyArgs

if TYPE_CHECKING:
    from components.approval.alarms import EventAlarm
    from components.approval.names import WorkflowLocation
    from components.approval.plan import ApprovalPlan


@dataclass(frozen=True, kw_only=True)
class NotificationTopicArgs:
    """Arguments of `NotificationTopic`.

    Attributes:
        place: Location of the workflow.
        emails: Subscribed addresses; each gets a message to confirm.
        tags: Tags applied to all taggable resources.
    """

    place: WorkflowLocation
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


@dataclass(frozen=True, kw_only=True)
class ApprovalAlarmsArgs:
    """Arguments of `ApprovalAlarms`.

    Attributes:
        plan: Plan of the workflow.
        forwarding_role_arn: ARN of the role that forwards events of other Regions; None where none are forwarded.
        tags: Tags of rules and alarms.
    """

    plan: ApprovalPlan
    forwarding_role_arn: pulumi.Output[str] | None
    tags: dict[str, str] = field(default_factory=dict[str, str])


class ApprovalAlarms(pulumi.ComponentResource):
    """EventBridge rules and CloudWatch alarms that publish to the topics, and rules that forward events of other Regions."""

    def __init__(self, name: str, args: ApprovalAlarmsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shell-access:approval:Alarms", name, None, opts)
        self._args, self._child = args, pulumi.ResourceOptions(parent=self)
        place = args.plan.place
        for alarm in args.plan.event_alarms:
            targets = {topic_target_id(number): arn for number, arn in enumerate(args.plan.alarm_topics)}
            self._rule(alarm, alarm.name, place.region, targets)
            for region in alarm.forwarded_from:
                bus = {FORWARDING_TARGET_ID: place.event_bus_arn}
                suffix = "" if region == iam_event_region(place) else f"-{region}"
                self._rule(alarm, f"{alarm.name}-forwarding{suffix}", region, bus, args.forwarding_role_arn)
        placement = AlarmPlacement(topics=args.plan.alarm_topics, region=place.region, tags=args.tags)
        for each in args.plan.metric_alarms:
            register_alarm(each, placement, self._child)
        self.register_outputs({})

    def _rule(
        self,
        alarm: EventAlarm,
        name: str,
        region: str,
        targets: dict[str, str],
        role_arn: pulumi.Output[str] | None = None,
    ) -> None:
        rule = EventRule(
            name,
            name=alarm.name,
            description=alarm.description,
            # Explicit, so that a disabled rule is enabled again.
            state=alarm.state,
            event_pattern=json.dumps(alarm.pattern, sort_keys=True),
            region=region,
            tags=self._args.tags,
            opts=self._child,
        )
        for target_id, arn in targets.items():
            EventTarget(
                f"{name}-{target_id}",
                rule=rule.name,
                target_id=target_id,
                arn=arn,
                role_arn=role_arn,
                region=region,
                opts=self._child,
            )
