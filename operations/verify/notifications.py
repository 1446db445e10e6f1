"""Comparison of topics, EventBridge rules, alarms and their delivery."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from common.aws.arns import split_arn
from components.approval.alarms import ENABLED, FORWARDING_TARGET_ID, topic_target_id
from components.approval.chat import CHAT_TARGET_ID
from components.approval.names import ALARM_PREFIX
from operations.findings import Finding, Status, compared, counted, from_differences, missing, unequal, unknown_finding
from operations.inventory.reader import Answer, ReadFailure
from operations.inventory.session_manager import KeyFacts
from operations.verify.policies import policy_finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from components.approval.alarms import EventAlarm
    from components.approval.chat import ChatRule
    from components.approval.evidence_plan import EvidencePlan
    from components.metric_alarm import MetricAlarm
    from operations.deployment import Deployment
    from operations.inventory.monitoring import EventRule, RecordingFacts, Sender, SubscriptionFacts, TopicFacts


@dataclass(frozen=True, kw_only=True)
class DesiredTopic:
    """A topic as the settings define it.

    Attributes:
        prefix: Prefix of the findings' IDs, `approval`.
        arn: ARN of the topic.
        key_alias: Alias of the key that encrypts it.
        policy: Its policy.
        emails: Email addresses that are subscribed.
    """

    prefix: str
    arn: str
    key_alias: str
    policy: Mapping[str, Any]
    emails: Sequence[str]

    @property
    def region(self) -> str:
        """Region of the topic."""
        return split_arn(self.arn).region


def topic_findings(
    deployment: Deployment,
    desired: DesiredTopic,
    live: TopicFacts | ReadFailure | None,
    key: KeyFacts | ReadFailure | None,
) -> list[Finding]:
    """Compare a topic: its encryption, its policy, and its subscriptions."""
    check, name = f"{desired.prefix}-topic", desired.arn.rsplit(":", 1)[-1]
    expected = f"topic {name}, encrypted with the key behind {desired.key_alias}"
    if live is None or isinstance(live, ReadFailure):
        return [missing(check, live, expected=expected, found="no such topic", remedy=deployment.repair)]
    # A key that cannot be read is a finding of its own.
    ours = (key.arn, key.key_id) if isinstance(key, KeyFacts) else (live.key,) if isinstance(key, ReadFailure) else ()
    encrypted = bool(live.key) and live.key in ours
    found = expected if encrypted else f"encrypted with {live.key}" if live.key else "not encrypted"
    return [
        compared(check, same=encrypted, expected=expected, found=found, remedy=deployment.repair),
        policy_finding(f"{check}-policy", deployment, desired.policy, live.policy),
        *_subscriptions(deployment, desired, live.subscriptions),
    ]


def _subscriptions(
    deployment: Deployment, desired: DesiredTopic, live: tuple[SubscriptionFacts, ...] | ReadFailure
) -> Iterator[Finding]:
    emails = desired.emails
    check, expected = f"{desired.prefix}-subscriptions", f"confirmed subscriptions: {', '.join(emails) or 'none'}"
    if isinstance(live, ReadFailure):
        yield unknown_finding(check, live, expected=expected)
        return
    by_email = {each.endpoint: each for each in live if each.protocol == "email"}
    missing = [email for email in emails if email not in by_email]
    chosen = [by_email[email] for email in emails if email in by_email]
    pending = [each.endpoint for each in chosen if not each.arn]
    filtered = [each for each in chosen if each.arn and each.is_filtered]
    differences = [f"not subscribed: {', '.join(missing)}"] if missing else []
    differences += [f"not confirmed: {', '.join(pending)}"] if pending else []
    differences += [f"a filter policy withholds messages from {each.endpoint}" for each in filtered]
    remedies = [deployment.repair] if missing or filtered else []
    remedies += [f"confirm with: {_confirmation(desired)}"] if pending else []
    yield from_differences(check, differences, expected=expected, remedy="; ".join(remedies))
    open_to_all = [each.endpoint for each in chosen if each.arn and not each.is_authenticated]
    if open_to_all:
        yield Finding(
            check=f"{desired.prefix}-subscription-unsubscribe",
            status=Status.WARNING,
            expected="unsubscribing requires AWS credentials",
            found=f"the link in every message ends the subscription of {', '.join(open_to_all)}",
            remedy=f"unsubscribe, then: {deployment.repair}, and confirm with the token of the message: {_confirmation(desired)}",
        )


def _confirmation(desired: DesiredTopic) -> str:
    return (
        f"aws sns confirm-subscription --topic-arn {desired.arn} --token TOKEN "
        f"--authenticate-on-unsubscribe true --region {desired.region}"
    )


@dataclass(frozen=True, kw_only=True)
class DesiredTarget:
    """A target of a rule.

    Attributes:
        arn: ARN of the target.
        role: ARN of the role that EventBridge assumes; None: none.
        template: Message in place of the event; None: the event.
    """

    arn: str
    role: str | None = None
    template: str | None = None


def rule_faults(
    pattern: Mapping[str, Any] | None,
    desired: Mapping[str, DesiredTarget],
    live: EventRule | None,
    state: str = ENABLED,
) -> list[str] | ReadFailure:
    """Return the differences between a rule and the settings, as text.

    Args:
        pattern: Event pattern; None: not known, and not compared.
        desired: Targets by ID.
        live: The rule of the account.
        state: The least that the rule has to match: `ENABLED` leaves out read-only calls.
    """
    if live is None:
        return ["no such rule"]
    if isinstance(live.targets, ReadFailure):
        return live.targets
    differences = [] if live.state != "DISABLED" else ["it is disabled"]
    if live.state == ENABLED != state:
        differences.append(f"its state is {live.state}, not {state}")
    if pattern is not None and _sorted(pattern) != _sorted(json.loads(live.pattern)):
        differences.append("its pattern differs")
    targets = {str(each["Id"]): each for each in live.targets}
    for target_id, each in desired.items():
        target = targets.get(target_id)
        if target is None or target["Arn"] != each.arn:
            differences.append(f"it does not send to {each.arn}")
        elif target.get("RoleArn") != each.role:
            differences.append(f"it sends to {each.arn} with the role {target.get('RoleArn')}")
        elif any(target.get(name) for name in ("Input", "InputPath")) or _template(target) != each.template:
            differences.append(f"it changes the message to {each.arn}")
    return differences


def _template(target: Mapping[str, Any]) -> str | None:
    transformer = cast("Mapping[str, Any]", target.get("InputTransformer") or {})
    return transformer.get("InputTemplate")


def _sorted(pattern: Any) -> Any:
    """Sort values, whose order is irrelevant in a pattern (EventBridge User Guide, "Event patterns")."""
    if isinstance(pattern, dict):
        return {key: _sorted(value) for key, value in cast("dict[str, Any]", pattern).items()}
    if isinstance(pattern, list):
        return sorted((_sorted(each) for each in cast("list[Any]", pattern)), key=repr)
    return pattern


def delivery_finding(check: str, region: str, live: Mapping[Sender, int] | ReadFailure, *, remedy: str) -> Finding:
    """Report messages that were not delivered.

    Args:
        check: ID of the finding.
        region: Region of the rules and topics.
        live: Number of messages that were not delivered, by sender.
        remedy: Remediation for the finding.
    """
    expected = f"all messages of the last 24 hours were delivered in {region}"
    if isinstance(live, ReadFailure):
        return unknown_finding(check, live, expected=expected)
    differences = [f"{each} failed to deliver {number} in 24 hours" for each, number in live.items() if number]
    return from_differences(check, differences, expected=expected, remedy=remedy)


_ALARM: Final = "ALARM"


def event_alarm_finding(
    deployment: Deployment,
    plan: EvidencePlan,
    alarm: EventAlarm,
    live: Mapping[str, EventRule] | ReadFailure,
    forwarding: Mapping[str, Mapping[str, EventRule] | ReadFailure],
) -> Finding:
    """Compare an EventBridge rule, its targets, and the rule that forwards its events.

    Args:
        deployment: Settings of the Region of the workflow, with the command that repairs it.
        plan: The workflow as the settings define it.
        alarm: The rule as the settings define it.
        live: Rules of the workflow's Region, by name.
        forwarding: Rules of the Region of IAM's events, by name.
    """
    check = f"approval-alarm-{alarm.name.removeprefix(ALARM_PREFIX)}"
    expected = f"rule {alarm.name} is enabled and publishes to {counted(len(plan.alarm_topics), 'topic')}"
    if isinstance(live, ReadFailure):
        return unknown_finding(check, live, expected=expected)
    topics = {topic_target_id(number): DesiredTarget(arn=arn) for number, arn in enumerate(plan.alarm_topics)}
    differences = rule_faults(alarm.pattern, topics, live.get(alarm.name), alarm.state)
    if isinstance(differences, ReadFailure):
        return unknown_finding(check, differences, expected=expected)
    role = plan.place.iam(f"role/{plan.forwarding_role.name}") if plan.forwarding_role else None
    bus = {FORWARDING_TARGET_ID: DesiredTarget(arn=plan.place.event_bus_arn, role=role)}
    for region in alarm.forwarded_from:
        rules = forwarding[region]
        if isinstance(rules, ReadFailure):
            return unknown_finding(check, rules, expected=expected)
        more = rule_faults(alarm.pattern, bus, rules.get(alarm.name), alarm.state)
        if isinstance(more, ReadFailure):
            return unknown_finding(check, more, expected=expected)
        differences += [f"forwarding rule in {region}: {each}" for each in more]
    return from_differences(check, differences, expected=expected, remedy=deployment.repair)


def chat_rule_finding(deployment: Deployment, rule: ChatRule, live: Mapping[str, EventRule] | ReadFailure) -> Finding:
    """Compare an EventBridge rule for notices in a chat, and its message."""
    check = f"approval-{rule.alarm.name.removeprefix(ALARM_PREFIX)}"
    expected = f"rule {rule.alarm.name} is enabled and publishes its notice to {rule.topic_arn}"
    if isinstance(live, ReadFailure):
        return unknown_finding(check, live, expected=expected)
    target = {CHAT_TARGET_ID: DesiredTarget(arn=rule.topic_arn, template=rule.template)}
    differences = rule_faults(rule.alarm.pattern, target, live.get(rule.alarm.name), rule.alarm.state)
    if isinstance(differences, ReadFailure):
        return unknown_finding(check, differences, expected=expected)
    return from_differences(check, differences, expected=expected, remedy=deployment.repair)


@dataclass(frozen=True, kw_only=True)
class DesiredAlarm:
    """A CloudWatch alarm as the settings define it.

    Attributes:
        check: ID of the finding.
        alarm: The alarm.
        topics: ARNs of the topics that receive it.
        page: Page and section of the documentation about a raised alarm.
    """

    check: str
    alarm: MetricAlarm
    topics: Sequence[str]
    page: str


def metric_alarm_findings(
    deployment: Deployment, desired: DesiredAlarm, live: Mapping[str, Answer] | ReadFailure
) -> Iterator[Finding]:
    """Compare a CloudWatch alarm, and report one in the ALARM state."""
    check, alarm, topics = desired.check, desired.alarm, desired.topics
    expected = f"alarm {alarm.name} is enabled and publishes to {counted(len(topics), 'topic')}"
    if isinstance(live, ReadFailure):
        yield unknown_finding(check, live, expected=expected)
        return
    found = live.get(alarm.name)
    if found is None:
        yield compared(check, same=False, expected=expected, found="no such alarm", remedy=deployment.repair)
        return
    given: dict[str, tuple[Any, Any]] = {
        "actions enabled": (True, found.get("ActionsEnabled")),
        "actions": (sorted(topics), sorted(found.get("AlarmActions", []))),
        "namespace": (alarm.namespace, found.get("Namespace")),
        "metric": (alarm.metric, found.get("MetricName")),
        "dimensions": (alarm.dimensions, {each["Name"]: each["Value"] for each in found.get("Dimensions", [])}),
        "statistic": (alarm.statistic, found.get("Statistic")),
        "period": (alarm.period, found.get("Period")),
        "evaluation periods": (alarm.evaluation_periods, found.get("EvaluationPeriods")),
        "comparison": (alarm.comparison, found.get("ComparisonOperator")),
        "threshold": (alarm.threshold, found.get("Threshold")),
        "missing data": (alarm.missing_data, found.get("TreatMissingData")),
        # With a unit that the metric does not have, the alarm never has data.
        "unit": (None, found.get("Unit")),
        "data points to alarm": (alarm.evaluation_periods, found.get("DatapointsToAlarm") or alarm.evaluation_periods),
    }
    yield from_differences(check, unequal(given), expected=expected, remedy=deployment.repair)
    if found.get("StateValue") == _ALARM:
        yield Finding(
            check=f"{check}-state",
            status=Status.WARNING,
            expected=f"alarm {alarm.name} is not raised",
            found=f"it is in state {_ALARM}: {found.get('StateReason', 'no reason given')}",
            remedy=f"see {desired.page}",
        )


def recording_finding(check: str, region: str, live: RecordingFacts | ReadFailure) -> Finding:
    """Report whether a trail records the calls that the alarms depend on."""
    expected = f"a trail records management events in {region}"
    if isinstance(live, ReadFailure):
        return unknown_finding(check, live, expected=expected)
    if not live.recording and live.unread:
        return unknown_finding(check, live.unread[0], expected=expected)
    recorded = f"{', '.join(live.recording)} records them"
    found = recorded if live.recording else "no trail records them, so that changes raise no alarm"
    remedy = "create a trail of all Regions, or: aws cloudtrail start-logging --name TRAIL"
    return compared(check, same=bool(live.recording), expected=expected, found=found, remedy=remedy)
