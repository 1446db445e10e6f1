"""Comparison of topics, EventBridge rules, alarms and their delivery."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, cast

from common.aws.arns import split_arn
from components.approval.alarms import ENABLED, FORWARDING_TARGET_ID, topic_target_id
from components.approval.chat import CHAT_TARGET_ID
from components.approval.names import ALARM_PREFIX
from operations.findings import Finding, Status, counted
from operations.inventory.reader import Answer, ReadFailure, known
from operations.inventory.session_manager import KeyFacts
from operations.verify.findings import Check, unequal
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
        key_alias: Alias of the key that encrypts it.
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
    exists = Check(check, f"topic {name}, encrypted with the key behind {desired.key_alias}", deployment.repair)
    if live is None or isinstance(live, ReadFailure):
        return [exists.report_missing(live, "no such topic")]
    # A key that cannot be read is a finding of its own.
    ours = (key.arn, key.key_id) if isinstance(key, KeyFacts) else (live.key,) if isinstance(key, ReadFailure) else ()
    encrypted = bool(live.key) and live.key in ours
    found = f"encrypted with {live.key}" if live.key else "not encrypted"
    return [
        exists.report([] if encrypted else [found]),
        policy_finding(f"{check}-policy", deployment, desired.policy, live.policy),
        *_subscriptions(deployment, desired, live.subscriptions),
    ]


def _subscriptions(
    deployment: Deployment, desired: DesiredTopic, live: tuple[SubscriptionFacts, ...] | ReadFailure
) -> Iterator[Finding]:
    emails = desired.emails
    check = Check(f"{desired.prefix}-subscriptions", f"confirmed subscriptions: {', '.join(emails) or 'none'}")
    if isinstance(live, ReadFailure):
        yield check.report_unread(live)
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
    yield replace(check, remedy="; ".join(remedies)).report(differences)
    open_to_all = [each.endpoint for each in chosen if each.arn and not each.is_authenticated]
    if open_to_all:
        yield Check(
            f"{desired.prefix}-subscription-unsubscribe",
            "unsubscribing requires AWS credentials",
            f"unsubscribe, then: {deployment.repair}, and confirm with the token of the message: {_confirmation(desired)}",
        ).reject(f"the link in every message ends the subscription of {', '.join(open_to_all)}", Status.WARNING)


def _confirmation(desired: DesiredTopic) -> str:
    return (
        f"aws sns confirm-subscription --topic-arn {desired.arn} --token TOKEN "
        f"--authenticate-on-unsubscribe true --region {desired.region}"
    )


@dataclass(frozen=True, kw_only=True)
class DesiredTarget:
    """A target of a rule.

    Attributes:
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
) -> list[str]:
    """Return the differences between a rule and the settings, as text.

    A pattern that is not known (None) is not compared. The rule has to match the state at least: `ENABLED` leaves out
    read-only calls.

    Raises:
        ReadError: The targets of the rule were not read.
    """
    if live is None:
        return ["no such rule"]
    given = known(live.targets)
    differences = [] if live.state != "DISABLED" else ["it is disabled"]
    if live.state == ENABLED != state:
        differences.append(f"its state is {live.state}, not {state}")
    if pattern is not None and _sorted(pattern) != _sorted(json.loads(live.pattern)):
        differences.append("its pattern differs")
    targets = {str(each["Id"]): each for each in given}
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
    """Report messages that were not delivered, by sender."""
    check_ = Check(check, f"all messages of the last 24 hours were delivered in {region}", remedy)
    return check_.compare(
        live,
        lambda failed: [f"{each} failed to deliver {number} in 24 hours" for each, number in failed.items() if number],
    )


_ALARM: Final = "ALARM"


def event_alarm_finding(
    deployment: Deployment,
    plan: EvidencePlan,
    alarm: EventAlarm,
    live: Mapping[str, EventRule] | ReadFailure,
    forwarding: Mapping[str, Mapping[str, EventRule] | ReadFailure],
) -> Finding:
    """Compare an EventBridge rule, its targets, and the rule that forwards its events.

    `live` are rules of the workflow's Region, `forwarding` those of the Region of IAM's events, by name.
    """
    topics = {topic_target_id(number): DesiredTarget(arn=arn) for number, arn in enumerate(plan.alarm_topics)}
    role = plan.place.iam(f"role/{plan.forwarding_role.name}") if plan.forwarding_role else None
    bus = {FORWARDING_TARGET_ID: DesiredTarget(arn=plan.place.event_bus_arn, role=role)}

    def differences(rules: Mapping[str, EventRule]) -> list[str]:
        found = rule_faults(alarm.pattern, topics, rules.get(alarm.name), alarm.state)
        for region in alarm.forwarded_from:
            more = rule_faults(alarm.pattern, bus, known(forwarding[region]).get(alarm.name), alarm.state)
            found += [f"forwarding rule in {region}: {each}" for each in more]
        return found

    expected = f"rule {alarm.name} is enabled and publishes to {counted(len(plan.alarm_topics), 'topic')}"
    id_ = f"approval-alarm-{alarm.name.removeprefix(ALARM_PREFIX)}"
    return Check(id_, expected, deployment.repair).compare(live, differences)


def chat_rule_finding(deployment: Deployment, rule: ChatRule, live: Mapping[str, EventRule] | ReadFailure) -> Finding:
    """Compare an EventBridge rule for notices in a chat, and its message."""
    alarm, target = rule.alarm, {CHAT_TARGET_ID: DesiredTarget(arn=rule.topic_arn, template=rule.template)}
    expected = f"rule {alarm.name} is enabled and publishes its notice to {rule.topic_arn}"
    return Check(f"approval-{alarm.name.removeprefix(ALARM_PREFIX)}", expected, deployment.repair).compare(
        live, lambda rules: rule_faults(alarm.pattern, target, rules.get(alarm.name), alarm.state)
    )


@dataclass(frozen=True, kw_only=True)
class DesiredAlarm:
    """A CloudWatch alarm as the settings define it.

    Attributes:
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
    is_on = Check(
        check, f"alarm {alarm.name} is enabled and publishes to {counted(len(topics), 'topic')}", deployment.repair
    )
    found = live if isinstance(live, ReadFailure) else live.get(alarm.name)
    if found is None or isinstance(found, ReadFailure):
        yield is_on.report_missing(found, "no such alarm")
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
    yield is_on.report(unequal(given))
    if found.get("StateValue") == _ALARM:
        reason = f"it is in state {_ALARM}: {found.get('StateReason', 'no reason given')}"
        raised = Check(f"{check}-state", f"alarm {alarm.name} is not raised", f"see {desired.page}")
        yield raised.reject(reason, Status.WARNING)


def recording_finding(check: str, region: str, live: RecordingFacts | ReadFailure) -> Finding:
    """Report whether a trail records the calls that the alarms depend on."""
    remedy = "create a trail of all Regions, or: aws cloudtrail start-logging --name TRAIL"
    check_ = Check(check, f"a trail records management events in {region}", remedy)
    if isinstance(live, ReadFailure):
        return check_.report_unread(live)
    if not live.recording and live.unread:
        return check_.report_unread(live.unread[0])
    if not live.recording:
        return check_.reject("no trail records them, so that changes raise no alarm")
    return check_.accept(f"{', '.join(live.recording)} records them")
