"""Compares the topic of the approval workflow, its key and subscriptions, and the alarms: facts in, findings out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from components.approval.alarms import ALARM_PREFIX, FORWARDING_TARGET_ID, topic_target_id
from components.approval.names import KEY_ALIAS, TOPIC_NAME
from components.approval.topic_policies import topic_key_policy, topic_policy
from components.documents.content import same_content
from operations.reading import Answer, Unread
from operations.verify.facts import KeyFacts
from operations.verify.findings import Finding, Status, cannot_tell, compared
from operations.verify.keys import alias_findings
from operations.verify.policy_document import policy_differences

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from components.approval.alarms import EventAlarm, MetricAlarm
    from components.approval.names import Place
    from components.approval.plan import ApprovalPlan
    from operations.verify.approval_facts import (
        ApprovalTopicFacts,
        RecordingFacts,
        RuleTargetsFacts,
        SubscriptionFacts,
    )
    from operations.verify.facts import Asked


def topic_findings(
    asked: Asked,
    place: Place,
    emails: Sequence[str],
    live: ApprovalTopicFacts | Unread | None,
    key: KeyFacts | Unread | None,
) -> list[Finding]:
    """Compare the topic: its encryption, its policy, and its subscriptions.

    Args:
        asked: settings of the Region of the workflow, with the command that repairs it.
        place: location of the workflow.
        emails: addresses that the settings name.
        live: the topic of the account.
        key: the key behind the alias.
    """
    check, expected = "approval-topic", f"topic {TOPIC_NAME}, encrypted with the key behind {KEY_ALIAS}"
    if isinstance(live, Unread):
        return [cannot_tell(check, expected, live)]
    if live is None:
        return [compared(check, same=False, expected=expected, found="no such topic", remedy=asked.repair)]
    # Where the key cannot be read the finding about it says so.
    ours = (key.arn, key.key_id) if isinstance(key, KeyFacts) else (live.key,) if isinstance(key, Unread) else ()
    encrypted = bool(live.key) and live.key in ours
    found = expected if encrypted else f"encrypted with {live.key}" if live.key else "not encrypted"
    return [
        compared(check, same=encrypted, expected=expected, found=found, remedy=asked.repair),
        _policy("approval-topic-policy", asked, topic_policy(place), live.policy),
        *_subscriptions(asked, place, emails, live.subscriptions),
    ]


def key_findings(
    asked: Asked, place: Place, live: KeyFacts | Unread | None, policy: str | Unread | None
) -> list[Finding]:
    """Compare the key of the topic: there, enabled, rotating, with the policy that the settings ask for.

    Args:
        asked: settings of the Region of the workflow, with the command that repairs it.
        place: location of the workflow.
        live: the key behind the alias.
        policy: its policy as JSON; None where there is no key.
    """
    findings = alias_findings("approval-key", KEY_ALIAS, asked, live)
    if policy is None:
        return findings
    return [*findings, _policy("approval-key-policy", asked, topic_key_policy(place), policy)]


def _policy(check: str, asked: Asked, wanted: Mapping[str, Any], live: str | Unread) -> Finding:
    expected = "the policy is what the settings ask for"
    if isinstance(live, Unread):
        return cannot_tell(check, expected, live)
    unequal = policy_differences(wanted, json.loads(live))
    found = "; ".join(unequal) or expected
    return compared(check, same=not unequal, expected=expected, found=found, remedy=asked.repair)


def _subscriptions(
    asked: Asked, place: Place, emails: Sequence[str], live: tuple[SubscriptionFacts, ...] | Unread
) -> Iterator[Finding]:
    check, expected = "approval-subscriptions", f"confirmed subscriptions: {', '.join(emails) or 'none'}"
    if isinstance(live, Unread):
        yield cannot_tell(check, expected, live)
        return
    by_email = {each.endpoint: each for each in live if each.protocol == "email"}
    missing = [email for email in emails if email not in by_email]
    chosen = [by_email[email] for email in emails if email in by_email]
    pending = [each.endpoint for each in chosen if not each.arn]
    filtered = [each for each in chosen if each.arn and each.is_filtered]
    said = [f"not subscribed: {', '.join(missing)}"] if missing else []
    said += [f"not confirmed: {', '.join(pending)}"] if pending else []
    said += [f"a filter policy withholds messages from {each.endpoint}" for each in filtered]
    remedies = [asked.repair] if missing or filtered else []
    remedies += [f"confirm with: {_confirmation(place)}"] if pending else []
    yield compared(
        check, same=not said, expected=expected, found="; ".join(said) or expected, remedy="; ".join(remedies)
    )
    open_to_all = [each.endpoint for each in chosen if each.arn and not each.is_authenticated]
    if open_to_all:
        yield Finding(
            check="approval-subscription-unsubscribe",
            status=Status.WARNING,
            expected="ending a subscription takes AWS credentials",
            found=f"the link in every message ends the subscription of {', '.join(open_to_all)}",
            remedy=f"unsubscribe, then: {asked.repair}, and confirm with the token of the message: {_confirmation(place)}",
        )


def _confirmation(place: Place) -> str:
    return (
        f"aws sns confirm-subscription --topic-arn {place.topic_arn} --token TOKEN "
        f"--authenticate-on-unsubscribe true --region {place.region}"
    )


def event_alarm_finding(
    asked: Asked,
    plan: ApprovalPlan,
    alarm: EventAlarm,
    live: RuleTargetsFacts | Unread | None,
    forwarding: RuleTargetsFacts | Unread | None,
) -> Finding:
    """Compare an EventBridge rule, its targets, and the rule that forwards its events.

    Args:
        asked: settings of the Region of the workflow, with the command that repairs it.
        plan: the workflow as the settings ask for it.
        alarm: the rule as the settings ask for it.
        live: the rule of the account.
        forwarding: the forwarding rule of the account; not looked at where the plan has none.
    """
    check = f"approval-alarm-{alarm.name.removeprefix(ALARM_PREFIX)}"
    expected = f"rule {alarm.name} is enabled and publishes to {len(plan.alarm_topics)} topics"
    unread = next((each for each in (live, forwarding) if isinstance(each, Unread)), None)
    if unread:
        return cannot_tell(check, expected, unread)
    topics: dict[str, tuple[str, str | None]] = {
        topic_target_id(number): (arn, None) for number, arn in enumerate(plan.alarm_topics)
    }
    said = _rule_faults(alarm, live, topics)
    if alarm.is_forwarded:
        role = plan.place.iam(f"role/{plan.forwarding_role.name}") if plan.forwarding_role else None
        bus = {FORWARDING_TARGET_ID: (plan.place.event_bus_arn, role)}
        said += [f"forwarding rule: {each}" for each in _rule_faults(alarm, forwarding, bus)]
    unknown = next((each for each in said if isinstance(each, Unread)), None)
    if unknown:
        return cannot_tell(check, expected, unknown)
    found = "; ".join(str(each) for each in said) or expected
    return compared(check, same=not said, expected=expected, found=found, remedy=asked.repair)


def _rule_faults(
    alarm: EventAlarm, live: RuleTargetsFacts | Unread | None, wanted: Mapping[str, tuple[str, str | None]]
) -> list[str | Unread]:
    if live is None or isinstance(live, Unread):
        return ["no such rule"]
    if isinstance(live.targets, Unread):
        return [live.targets]
    said: list[str | Unread] = [] if live.state != "DISABLED" else ["it is disabled"]
    said += [] if same_content(alarm.pattern, json.loads(live.pattern)) else ["its pattern differs"]
    targets = {str(each["Id"]): each for each in live.targets}
    for target_id, (arn, role) in wanted.items():
        target = targets.get(target_id)
        if target is None or target["Arn"] != arn:
            said.append(f"it does not send to {arn}")
        elif target.get("RoleArn") != role:
            said.append(f"it sends to {arn} with the role {target.get('RoleArn')}")
        elif any(target.get(name) for name in ("Input", "InputPath", "InputTransformer")):
            said.append(f"it changes the message to {arn}")
    return said


def metric_alarm_finding(
    asked: Asked, plan: ApprovalPlan, alarm: MetricAlarm, live: Mapping[str, Answer] | Unread
) -> Finding:
    """Compare a CloudWatch alarm.

    Args:
        asked: settings of the Region of the workflow, with the command that repairs it.
        plan: the workflow as the settings ask for it.
        alarm: the alarm as the settings ask for it.
        live: the alarms of the account, by name.
    """
    check = f"approval-alarm-{alarm.name.removeprefix(ALARM_PREFIX)}"
    expected = f"alarm {alarm.name} is on and publishes to {len(plan.alarm_topics)} topics"
    if isinstance(live, Unread):
        return cannot_tell(check, expected, live)
    found = live.get(alarm.name)
    if found is None:
        return compared(check, same=False, expected=expected, found="no such alarm", remedy=asked.repair)
    given: dict[str, tuple[Any, Any]] = {
        "actions enabled": (True, found.get("ActionsEnabled")),
        "actions": (sorted(plan.alarm_topics), sorted(found.get("AlarmActions", []))),
        "namespace": (alarm.namespace, found.get("Namespace")),
        "metric": (alarm.metric, found.get("MetricName")),
        "dimensions": (alarm.dimensions, {each["Name"]: each["Value"] for each in found.get("Dimensions", [])}),
        "statistic": (alarm.statistic, found.get("Statistic")),
        "period": (alarm.period, found.get("Period")),
        "evaluation periods": (alarm.evaluation_periods, found.get("EvaluationPeriods")),
        "comparison": (alarm.comparison, found.get("ComparisonOperator")),
        "threshold": (alarm.threshold, found.get("Threshold")),
        "missing data": (alarm.missing_data, found.get("TreatMissingData")),
        # With a unit that the metric does not have there is never any data.
        "unit": (None, found.get("Unit")),
        "data points to alarm": (alarm.evaluation_periods, found.get("DatapointsToAlarm") or alarm.evaluation_periods),
    }
    unequal = [
        f"{name}: {'none' if wanted is None else wanted} expected, {value} found"
        for name, (wanted, value) in given.items()
        if wanted != value
    ]
    said = "; ".join(unequal) or expected
    return compared(check, same=not unequal, expected=expected, found=said, remedy=asked.repair)


def recording_finding(check: str, region: str, live: RecordingFacts | Unread) -> Finding:
    """Report whether a trail records the calls that the alarms wait for.

    Args:
        check: ID of the finding.
        region: Region of the events.
        live: the trails that record there.
    """
    expected = f"a trail records management events in {region}"
    if isinstance(live, Unread):
        return cannot_tell(check, expected, live)
    if not live.recording and live.unread:
        return cannot_tell(check, expected, live.unread[0])
    recorded = f"{', '.join(live.recording)} records them"
    found = recorded if live.recording else "no trail records them, so that changes raise no alarm"
    remedy = "create a trail of all Regions, or: aws cloudtrail start-logging --name TRAIL"
    return compared(check, same=bool(live.recording), expected=expected, found=found, remedy=remedy)
