"""Comparison of the controllers' monitoring: flow logs, the encrypted topic, and the alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.domain_controllers.event_patterns import Watched
from components.domain_controllers.monitoring_policies import (
    flow_logs_policy,
    flow_logs_trust_policy,
    monitoring_key_policy,
    topic_policy,
)
from components.domain_controllers.names import (
    ALERTS_TOPIC,
    FLOW_LOGS,
    FLOW_LOGS_POLICY,
    MONITORING_KEY_ALIAS,
    alert_rule_name,
    flow_logs_role_name,
)
from operations.inventory.domain_controllers import alerts_of
from operations.inventory.session_manager import KeyFacts
from operations.reading import Unread
from operations.verify.delivery import delivery_finding
from operations.verify.event_rules import WantedTarget, rule_faults
from operations.verify.findings import Finding, cannot_tell, compared
from operations.verify.keys import alias_findings
from operations.verify.roles import WantedRole, role_finding
from operations.verify.topics import WantedTopic, topic_findings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from components.domain_controllers.event_patterns import Alert
    from operations.desired import AskedSite
    from operations.inventory.domain_controllers import FlowLogFacts, PlaceFacts, PlaceSubnet, SiteFacts


def monitoring_findings(
    wanted: AskedSite, place: PlaceFacts, watched: Watched | None, live: SiteFacts
) -> list[Finding]:
    """Compare flow logs, topic and alerts.

    Args:
        wanted: Settings of the site.
        place: Network of the site.
        watched: Resources that the alerts watch; None: not known, so that event patterns are not compared.
        live: Facts about the site.
    """
    scope = wanted.scope
    topic = WantedTopic(
        prefix="directory",
        arn=wanted.arn("sns", ALERTS_TOPIC),
        key_alias=MONITORING_KEY_ALIAS,
        policy=topic_policy(scope, ALERTS_TOPIC),
        emails=wanted.section.monitoring.notification_emails,
    )
    role = WantedRole(
        check="directory-flow-logs-role",
        name=flow_logs_role_name(wanted.asked.region),
        trust=flow_logs_trust_policy(scope),
        inline={FLOW_LOGS_POLICY: flow_logs_policy(scope, FLOW_LOGS)},
        boundary=wanted.boundary,
    )
    key_policy = monitoring_key_policy(scope, FLOW_LOGS)
    return [
        *alias_findings(
            "directory-monitoring-key", MONITORING_KEY_ALIAS, wanted.asked, live.monitoring_key, key_policy
        ),
        _flow_logs(wanted, place, live),
        role_finding(wanted.asked, role, live.flow_logs_role),
        _log_group(wanted, live),
        *topic_findings(wanted.asked, topic, live.topic, live.monitoring_key),
        *(_alert(wanted, each, watched, live) for each in alerts_of(wanted)),
        delivery_finding(
            "directory-alert-delivery",
            wanted.asked.region,
            live.failures,
            remedy="compare directory-topic, directory-topic-policy and directory-monitoring-key-policy",
        ),
    ]


def watched_of(live: SiteFacts, groups: frozenset[str], acls: frozenset[str]) -> Watched | None:
    """Return the resources that the alerts watch; None if they are not known.

    Args:
        live: Facts about the site, with the controllers.
        groups: IDs of the plan's groups.
        acls: ID of the plan's network ACL.
    """
    if isinstance(live.controllers, Unread):
        return None
    return Watched(
        instances=[each.id for each in live.controllers],
        interfaces=[each.interface_id for each in live.controllers],
        groups=sorted(groups),
        acls=sorted(acls),
    )


def _flow_logs(wanted: AskedSite, place: PlaceFacts, live: SiteFacts) -> Finding:
    check = "directory-flow-logs"
    expected = f"active flow logs of all traffic of {', '.join(each.given for each in place.subnets)} to {FLOW_LOGS}"
    if isinstance(live.flow_logs, Unread):
        return cannot_tell(check, expected, live.flow_logs)
    said = [fault for each in place.subnets for fault in _flow_log_faults(wanted, each, live.flow_logs)]
    found = "; ".join(said) or expected
    return compared(check, same=not said, expected=expected, found=found, remedy=_flow_log_remedy(wanted))


def _flow_log_faults(wanted: AskedSite, subnet: PlaceSubnet, live: Sequence[FlowLogFacts]) -> list[str]:
    group = wanted.arn("logs", f"log-group:{FLOW_LOGS}")
    role = f"arn:{wanted.partition}:iam::{wanted.asked.account_id}:role/{flow_logs_role_name(wanted.asked.region)}"
    ours = [each for each in live if each.subnet_id == subnet.id and each.destination == group]
    good = [each for each in ours if each.active and (each.traffic, each.role_arn) == ("ALL", role)]
    if not good:
        return [f"none of {subnet.given}"]
    if any(not each.failure for each in good):
        return []
    return [f"{each.id} of {subnet.given} does not deliver: {each.failure}" for each in good]


def _flow_log_remedy(wanted: AskedSite) -> str:
    return f"{wanted.asked.repair}; see directory-flow-log-group, directory-flow-logs-role and directory-monitoring-key"


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
    """Return the fault of an encryption key; while the planned key is unknown (a finding of its own), any passes."""
    if not key:
        return ["not encrypted"]
    if not isinstance(live.monitoring_key, KeyFacts) or key in (live.monitoring_key.arn, live.monitoring_key.key_id):
        return []
    return [f"encrypted with {key}"]


def _alert(wanted: AskedSite, alert: Alert, watched: Watched | None, live: SiteFacts) -> Finding:
    check, name = f"directory-alert-{alert.name}", alert_rule_name(alert.name)
    expected = f"rule {name} is enabled, watches this site's controllers and sends to the topic"
    if isinstance(live.rules, Unread):
        return cannot_tell(check, expected, live.rules)
    target = {"topic": WantedTarget(arn=wanted.arn("sns", ALERTS_TOPIC))}
    said = rule_faults(alert.pattern(watched) if watched else None, target, live.rules.get(name))
    if isinstance(said, Unread):
        return cannot_tell(check, expected, said)
    found = "; ".join(said) or expected
    return compared(check, same=not said, expected=expected, found=found, remedy=wanted.asked.repair)
