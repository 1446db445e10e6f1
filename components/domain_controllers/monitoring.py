"""Alerts and flow logs of a site, and the trail that alerts depend on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pulumi
from pulumi_aws.cloudtrail import Trail
from pulumi_aws.cloudwatch import EventRule, EventTarget, LogGroup
from pulumi_aws.ec2 import FlowLog
from pulumi_aws.iam import Role, RoleInlinePolicyArgs
from pulumi_aws.sns import Topic, TopicPolicy, TopicSubscription

from components.domain_controllers.event_patterns import ALERTS, Alert, Watched
from components.domain_controllers.names import (
    ALERTS_TOPIC,
    FLOW_LOGS,
    FLOW_LOGS_POLICY,
    MONITORING_KEY_ALIAS,
    TRAIL,
    TRAIL_KEY_ALIAS,
    alert_rule_name,
    flow_logs_role_name,
    trail_bucket_name,
)
from components.domain_controllers.resource_policies import (
    flow_logs_policy,
    flow_logs_trust_policy,
    monitoring_key_policy,
    topic_policy,
    trail_bucket_policy,
    trail_key_policy,
)
from components.private_bucket import register_private_bucket
from components.session_manager.keys import AliasedKey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulumi_aws.ec2 import Instance

    from common.aws.arns import Scope
    from components.domain_controllers.operations.plan import OperationsPlan
    from components.domain_controllers.site import SiteArgs


class Monitoring(pulumi.ComponentResource):
    """An encrypted topic for EventBridge's alerts about the controllers, and flow logs of their subnets.

    Attributes:
        topic_arn: ARN of the topic.
        key_arn: ARN of the key for topic and logs.
    """

    def __init__(  # noqa: PLR0913 -- keyword arguments of a resource
        self,
        name: str,
        args: SiteArgs,
        plan: OperationsPlan,
        *,
        instances: Sequence[Instance],
        group_ids: Sequence[pulumi.Output[str]],
        acl_ids: Sequence[pulumi.Output[str]],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("shell-access:domainControllers:Monitoring", name, None, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        key = AliasedKey(
            f"{name}-key",
            alias=MONITORING_KEY_ALIAS,
            description="Domain controllers: alerts and flow logs",
            policy=monitoring_key_policy(args.scope, [FLOW_LOGS, *plan.log_groups], alarms=plan.has_alarms),
            region=args.region,
            tags=args.tags,
            opts=self._child,
        ).key
        topic = self._topic(key.arn, alarms=plan.has_alarms)
        ids = [each.id for each in instances]
        # Separate, so that a preview with an unknown ID of the network changes one rule and not all.
        of_instances = pulumi.Output.all(instances=ids).apply(lambda known: Watched(**known))
        of_network = pulumi.Output.all(
            instances=ids,
            interfaces=[each.primary_network_interface_id for each in instances],
            groups=list(group_ids),
            acls=list(acl_ids),
        ).apply(lambda known: Watched(**known))
        for alert in ALERTS:
            if instances or not alert.needs_instances:
                self._alert(alert, of_instances if alert.needs_instances else of_network, topic)
        self._flow_logs(key.arn)
        self.topic_arn, self.key_arn = topic.arn, key.arn
        self.register_outputs({"topicArn": self.topic_arn})

    def _topic(self, key_arn: pulumi.Output[str], *, alarms: bool) -> Topic:
        args = self._args
        topic = Topic(
            f"{self._name}-topic",
            name=ALERTS_TOPIC,
            kms_master_key_id=key_arn,
            region=args.region,
            tags=args.tags,
            opts=self._child,
        )
        TopicPolicy(
            f"{self._name}-topic",
            arn=topic.arn,
            policy=json.dumps(topic_policy(args.scope, ALERTS_TOPIC, alarms=alarms)),
            region=args.region,
            opts=self._child,
        )
        for email in args.section.monitoring.notification_emails:
            TopicSubscription(
                f"{self._name}-{email}",
                topic=topic.arn,
                protocol="email",
                endpoint=email,
                region=args.region,
                opts=self._child,
            )
        return topic

    def _alert(self, alert: Alert, watched: pulumi.Output[Watched], topic: Topic) -> None:
        rule = EventRule(
            f"{self._name}-{alert.name}",
            name=alert_rule_name(alert.name),
            description=alert.description,
            # Explicit, so that a disabled rule is enabled again.
            state="ENABLED",
            event_pattern=watched.apply(lambda ids: json.dumps(alert.pattern(ids), sort_keys=True)),
            region=self._args.region,
            tags=self._args.tags,
            opts=self._child,
        )
        EventTarget(
            f"{self._name}-{alert.name}",
            rule=rule.name,
            target_id="topic",
            arn=topic.arn,
            region=self._args.region,
            opts=self._child,
        )

    def _flow_logs(self, key_arn: pulumi.Output[str]) -> None:
        args, region = self._args, self._args.region
        group = LogGroup(
            f"{self._name}-flow-logs",
            name=FLOW_LOGS,
            retention_in_days=args.section.monitoring.flow_log_retention_days,
            kms_key_id=key_arn,
            region=region,
            tags=args.tags,
            opts=self._child,
        )
        role = Role(
            f"{self._name}-flow-logs",
            name=flow_logs_role_name(region),
            description="Flow logs of the domain controllers' subnets",
            assume_role_policy=json.dumps(flow_logs_trust_policy(args.scope)),
            inline_policies=[
                RoleInlinePolicyArgs(name=FLOW_LOGS_POLICY, policy=json.dumps(flow_logs_policy(args.scope, FLOW_LOGS)))
            ],
            tags=args.tags,
            opts=self._child,
        )
        for subnet in args.resources.network.subnets:
            # Named by the subnet's ID, because EC2 refuses a second flow log for the same subnet under another name.
            FlowLog(
                f"{self._name}-{subnet.id}",
                subnet_id=subnet.id,
                traffic_type="ALL",
                log_destination=group.arn,
                iam_role_arn=role.arn,
                region=region,
                tags=args.tags,
                opts=pulumi.ResourceOptions.merge(
                    self._child, pulumi.ResourceOptions(aliases=[pulumi.Alias(name=f"{self._name}-{subnet.given}")])
                ),
            )


class ManagementTrail(pulumi.ComponentResource):
    """A trail of all management events with its private bucket, where the account has none.

    Trails cannot select the calls of Systems Manager and EC2 alone. With `keep`, the bucket is retained while it has logs.
    """

    def __init__(
        self, name: str, *, scope: Scope, keep: bool, tags: dict[str, str], opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__("shell-access:domainControllers:ManagementTrail", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        key = AliasedKey(
            f"{name}-key",
            alias=TRAIL_KEY_ALIAS,
            description="CloudTrail: API calls of this account",
            policy=trail_key_policy(scope, TRAIL),
            region=scope.region,
            tags=tags,
            # AWS refuses to delete a bucket that contains logs, and without the key they could not be read.
            retain=keep,
            opts=child,
        ).key
        bucket_name = trail_bucket_name(scope.account_id, scope.region)
        logs = register_private_bucket(
            f"{name}-logs",
            bucket=bucket_name,
            key_arn=key.arn,
            policy=trail_bucket_policy(scope, TRAIL, bucket_name),
            region=scope.region,
            tags=tags,
            force_destroy=not keep,
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
            region=scope.region,
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=logs.ready),
        )
        self.arn = trail.arn
        self.register_outputs({"arn": self.arn})
