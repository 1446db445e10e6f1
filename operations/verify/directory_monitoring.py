"""What watches the controllers: flow logs, the encrypted topic, the alerts, and the trail that these rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from components.directory.event_patterns import ALERTS, Watched
from components.directory.names import (
    ALERTS_TOPIC,
    FLOW_LOGS,
    MONITORING_KEY_ALIAS,
    TRAIL,
    alert_rule_name,
)
from operations.reading import Unread
from operations.verify.facts import KeyFacts
from operations.verify.findings import Finding, Status, cannot_tell, compared
from operations.verify.keys import alias_findings

if TYPE_CHECKING:
    from components.directory.event_patterns import Alert
    from operations.verify.directory_facts import AlertFacts, AskedSite, PlaceFacts, SiteFacts, TrailFacts


def monitoring_findings(
    wanted: AskedSite, place: PlaceFacts, watched: Watched | None, live: SiteFacts
) -> list[Finding]:
    """Compares flow logs, topic and alerts.

    Args:
        wanted: at the site.
        place: its network.
        watched: what the alerts are to watch; None: not known, so that their patterns are not looked at.
        live: the facts.
    """
    findings = alias_findings("directory-monitoring-key", MONITORING_KEY_ALIAS, wanted.asked, live.monitoring_key)
    findings += [_flow_logs(wanted, place, live), _log_group(wanted, live), *_topic(wanted, live)]
    findings += [_alert(wanted, each, watched, live.alerts[each.name]) for each in ALERTS if each.name in live.alerts]
    return findings


def watched_of(live: SiteFacts, groups: frozenset[str], acls: frozenset[str]) -> Watched | None:
    """What the alerts are to watch; None where that cannot be told.

    Args:
        live: with the controllers.
        groups: ids of the plan's groups.
        acls: id of the plan's network ACL.
    """
    if isinstance(live.controllers, Unread):
        return None
    return Watched(
        instances=[each.id for each in live.controllers],
        interfaces=[each.interface_id for each in live.controllers],
        groups=sorted(groups),
        acls=sorted(acls),
    )


def trail_findings(wanted: AskedSite, live: TrailFacts | Unread | None) -> list[Finding]:
    """Whether a trail records: without one, EventBridge hears of no session and of no changed group."""
    existing = wanted.section.monitoring.existing_trail
    name, check = existing or TRAIL, "directory-trail"
    expected = f"trail {name} records{'' if existing else ' all Regions'}"
    if isinstance(live, Unread):
        return [cannot_tell(check, expected, live)]
    if live is None:
        remedy = "correct shell-access:domainControllers.monitoring.existingTrail" if existing else wanted.asked.repair
        return [compared(check, same=False, expected=expected, found="no such trail", remedy=remedy)]
    start = f"aws cloudtrail start-logging --name {name} --region {wanted.asked.region}"
    said = [] if live.logging else ["it does not record"]
    said += [] if live.multi_region or existing else ["of one Region only"]
    remedy = start if not live.logging else wanted.asked.repair
    return [compared(check, same=not said, expected=expected, found="; ".join(said) or expected, remedy=remedy)]


def _flow_logs(wanted: AskedSite, place: PlaceFacts, live: SiteFacts) -> Finding:
    check = "directory-flow-logs"
    expected = f"active flow logs of all traffic of {', '.join(each.given for each in place.subnets)} to {FLOW_LOGS}"
    if isinstance(live.flow_logs, Unread):
        return cannot_tell(check, expected, live.flow_logs)
    group = wanted.arn("logs", f"log-group:{FLOW_LOGS}")
    kept = {
        each.subnet_id for each in live.flow_logs if each.active and (each.traffic, each.destination) == ("ALL", group)
    }
    without = [each.given for each in place.subnets if each.id not in kept]
    found = f"none of {', '.join(without)}" if without else expected
    return compared(check, same=not without, expected=expected, found=found, remedy=wanted.asked.repair)


def _log_group(wanted: AskedSite, live: SiteFacts) -> Finding:
    check, days = "directory-flow-log-group", wanted.section.monitoring.flow_log_retention_days
    expected = f"log group {FLOW_LOGS}, encrypted, kept for {days} days"
    if isinstance(live.log_group, Unread):
        return cannot_tell(check, expected, live.log_group)
    if live.log_group is None:
        return compared(check, same=False, expected=expected, found="no such log group", remedy=wanted.asked.repair)
    kept = live.log_group.retention_days
    said = [] if kept == days else [f"kept for {f'{kept} days' if kept else 'ever'}"]
    said += _key_fault(live, live.log_group.kms_key_arn or "")
    found = "; ".join(said) or expected
    return compared(check, same=not said, expected=expected, found=found, remedy=wanted.asked.repair)


def _key_fault(live: SiteFacts, key: str) -> list[str]:
    """Where the key is not known, the finding about it says so, and some key is left at that."""
    if not key:
        return ["not encrypted"]
    if not isinstance(live.monitoring_key, KeyFacts) or key in (live.monitoring_key.arn, live.monitoring_key.key_id):
        return []
    return [f"encrypted with {key}"]


def _topic(wanted: AskedSite, live: SiteFacts) -> list[Finding]:
    check, expected = "directory-topic", f"topic {ALERTS_TOPIC}, encrypted with the key behind {MONITORING_KEY_ALIAS}"
    if isinstance(live.topic, Unread):
        return [cannot_tell(check, expected, live.topic)]
    if live.topic is None:
        return [compared(check, same=False, expected=expected, found="no such topic", remedy=wanted.asked.repair)]
    said = _key_fault(live, live.topic.key)
    found = "; ".join(said) or expected
    finding = compared(check, same=not said, expected=expected, found=found, remedy=wanted.asked.repair)
    waiting = () if isinstance(live.topic.unconfirmed, Unread) else live.topic.unconfirmed
    if not waiting:
        return [finding]
    unheard = Finding(
        check="directory-topic-subscriptions",
        status=Status.WARNING,
        expected="everybody who is to hear of alerts has confirmed",
        found=f"not confirmed: {', '.join(waiting)}",
        remedy="follow the link in the message from AWS Notifications",
    )
    return [finding, unheard]


def _alert(wanted: AskedSite, alert: Alert, watched: Watched | None, live: AlertFacts | Unread | None) -> Finding:
    check, name = f"directory-alert-{alert.name}", alert_rule_name(alert.name)
    expected = f"rule {name} is enabled, watches this site's controllers and tells the topic"
    if isinstance(live, Unread):
        return cannot_tell(check, expected, live)
    if live is None:
        return compared(check, same=False, expected=expected, found="no such rule", remedy=wanted.asked.repair)
    if isinstance(live.targets, Unread):
        return cannot_tell(check, expected, live.targets)
    said = [] if live.enabled else ["it is disabled"]
    if watched and _sorted(live.pattern) != _sorted(alert.pattern(watched)):
        said.append("its pattern is another one")
    if wanted.arn("sns", ALERTS_TOPIC) not in live.targets:
        said.append("it does not tell the topic")
    found = "; ".join(said) or expected
    return compared(check, same=not said, expected=expected, found=found, remedy=wanted.asked.repair)


def _sorted(pattern: Any) -> Any:
    """The order of values means nothing in a pattern (EventBridge User Guide, "Event patterns")."""
    if isinstance(pattern, dict):
        return {key: _sorted(value) for key, value in cast("dict[str, Any]", pattern).items()}
    if isinstance(pattern, list):
        return sorted((_sorted(each) for each in cast("list[Any]", pattern)), key=repr)
    return pattern
