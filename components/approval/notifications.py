"""Topic for notifications of the workflow, and the rules and alarms that publish to it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pulumi
from pulumi_aws.cloudwatch import EventRule, EventTarget, EventTargetInputTransformerArgs
from pulumi_aws.sns import Topic, TopicPolicy, TopicSubscription

from components.adoption.adopted_resource import AdoptedResource, with_prior_tags
from components.adoption.lookup import names_in_stack
from components.adoption.resource_kinds import Kind
from components.approval.alarms import FORWARDING_TARGET_ID, iam_event_region, topic_target_id
from components.approval.chat import CHAT_TARGET_ID, INPUT_PATHS
from components.approval.iam_policies import topic_key_policy, topic_policy
from components.approval.names import KEY_ALIAS, TOPIC_NAME
from components.metric_alarm import AlarmPlacement, register_alarm
from components.session_manager.keys import AliasedKey

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pulumi_aws.iam import Role

    from components.approval.alarms import EventAlarm
    from components.approval.evidence_plan import EvidencePlan
    from components.approval.names import WorkflowLocation

_EVENT_RULE: Final = "aws:cloudwatch/eventRule:EventRule"


class NotificationTopic(pulumi.ComponentResource):
    """The topic, its key, its policy and its subscriptions."""

    def __init__(
        self,
        name: str,
        place: WorkflowLocation,
        emails: Sequence[str],
        tags: dict[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Register the resources; each address gets a message to confirm."""
        super().__init__("shell-access:approval:NotificationTopic", name, None, opts)
        child, region, topic_arn = pulumi.ResourceOptions(parent=self), place.region, place.topic_arn
        key = AliasedKey(
            f"{name}-key",
            alias=KEY_ALIAS,
            description="Session approval: notifications",
            policy=topic_key_policy(place),
            region=region,
            tags=tags,
            opts=child,
        )
        adopted = AdoptedResource(
            name, kind=Kind.TOPIC, region=region, physical_name=topic_arn, value=key.key.key_id, opts=child
        )
        topic = Topic(
            name,
            name=TOPIC_NAME,
            kms_master_key_id=key.key.key_id,
            region=region,
            tags=with_prior_tags(Kind.TOPIC, region, topic_arn, tags),
            opts=adopted.import_options(self),
        )
        self.arn = topic.arn
        TopicPolicy(name, arn=topic.arn, policy=json.dumps(topic_policy(place)), region=region, opts=child)
        for email in emails:
            TopicSubscription(
                f"{name}-{email}", topic=topic.arn, protocol="email", endpoint=email, region=region, opts=child
            )
        self.register_outputs({"arn": self.arn})


@dataclass(frozen=True, kw_only=True)
class _Target:
    """Target of an EventBridge rule.

    The message takes the place of the event.
    """

    arn: str
    role_arn: pulumi.Output[str] | None = None
    message: EventTargetInputTransformerArgs | None = None


@dataclass(frozen=True, kw_only=True)
class _Rule:
    """An EventBridge rule in one Region.

    The state may have another name for it.
    """

    alarm: EventAlarm
    name: str
    region: str
    targets: Mapping[str, _Target]


class ApprovalAlarms(pulumi.ComponentResource):
    """EventBridge rules and CloudWatch alarms that publish to the topics, and rules that forward events of other Regions."""

    def __init__(
        self,
        name: str,
        plan: EvidencePlan,
        forwarding_role: Role | None,
        tags: dict[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Register the resources; the role forwards events of other Regions, if there are any."""
        super().__init__("shell-access:approval:Alarms", name, None, opts)
        self._plan, self._forwarding_role, self._tags = plan, forwarding_role, tags
        self._child = pulumi.ResourceOptions(parent=self)
        rules = {(each.alarm.name, each.region): each for each in self._rules()}
        # A rule that forwards events becomes one that publishes when the workflow moves to its Region.
        found = names_in_stack(_EVENT_RULE, {rule: each.name for rule, each in rules.items()})
        for rule, each in rules.items():
            self._rule(found[rule], each)
        placement = AlarmPlacement(topics=plan.alarm_topics, region=plan.place.region, tags=tags)
        for each in plan.metric_alarms:
            register_alarm(each, placement, self._child)
        self.register_outputs({})

    def _rules(self) -> Iterator[_Rule]:
        plan, place = self._plan, self._plan.place
        role_arn = self._forwarding_role.arn if self._forwarding_role else None
        for alarm in plan.event_alarms:
            targets = {topic_target_id(number): _Target(arn=arn) for number, arn in enumerate(plan.alarm_topics)}
            yield _Rule(alarm=alarm, name=alarm.name, region=place.region, targets=targets)
            for region in alarm.forwarded_from:
                bus = _Target(arn=place.event_bus_arn, role_arn=role_arn)
                suffix = "" if region == iam_event_region(place) else f"-{region}"
                name = f"{alarm.name}-forwarding{suffix}"
                yield _Rule(alarm=alarm, name=name, region=region, targets={FORWARDING_TARGET_ID: bus})
        for each in plan.chat_rules:
            message = EventTargetInputTransformerArgs(input_paths=INPUT_PATHS, input_template=each.template)
            targets = {CHAT_TARGET_ID: _Target(arn=each.topic_arn, message=message)}
            yield _Rule(alarm=each.alarm, name=each.alarm.name, region=place.region, targets=targets)

    def _rule(self, name: str, planned: _Rule) -> None:
        alarm, region = planned.alarm, planned.region
        rule = EventRule(
            name,
            name=alarm.name,
            description=alarm.description,
            # Explicit, so that a disabled rule is enabled again.
            state=alarm.state,
            event_pattern=json.dumps(alarm.pattern, sort_keys=True),
            region=region,
            tags=self._tags,
            opts=self._child,
        )
        for target_id, target in planned.targets.items():
            EventTarget(
                f"{name}-{target_id}",
                rule=rule.name,
                target_id=target_id,
                arn=target.arn,
                role_arn=target.role_arn,
                input_transformer=target.message,
                region=region,
                opts=self._child,
            )
