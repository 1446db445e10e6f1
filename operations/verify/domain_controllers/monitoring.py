"""Comparison of the controllers' monitoring: flow logs, the encrypted topic, and the alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.domain_controllers import resource_policies
from components.domain_controllers.event_patterns import Watched
from components.domain_controllers.names import (
    ALERTS_TOPIC,
    FLOW_LOGS,
    FLOW_LOGS_POLICY,
    MONITORING_KEY_ALIAS,
    alert_rule_name,
    flow_logs_role_name,
)
from components.domain_controllers.operations.plan import plan_operations
from operations.inventory.domain_controllers import alerts_of
from operations.inventory.reader import ReadFailure
from operations.inventory.session_manager import KeyFacts
from operations.verify.findings import Check
from operations.verify.keys import alias_findings
from operations.verify.notifications import DesiredTarget, DesiredTopic, delivery_finding, rule_faults, topic_findings
from operations.verify.policies import DesiredRole, role_finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from components.domain_controllers.event_patterns import Alert
    from operations.deployment import SiteDeployment
    from operations.findings import Finding
    from operations.inventory.domain_controllers import FlowLogFacts, SiteFacts, SitePlacement, SiteSubnet
    from operations.inventory.session_manager import LogGroupFacts


def monitoring_findings(
    site: SiteDeployment, placement: SitePlacement, watched: Watched | None, live: SiteFacts
) -> list[Finding]:
    """Compare flow logs, topic and alerts.

    `watched` are the resources that the alerts watch; None: not known, so that event patterns are not compared.
    """
    scope, plan = site.scope, plan_operations(site.section, site.deployment.region)
    topic = DesiredTopic(
        prefix="directory",
        arn=site.deployment.arn("sns", ALERTS_TOPIC),
        key_alias=MONITORING_KEY_ALIAS,
        policy=resource_policies.topic_policy(scope, ALERTS_TOPIC, alarms=plan.has_alarms),
        emails=site.section.monitoring.notification_emails,
    )
    role = DesiredRole(
        check="directory-flow-logs-role",
        name=flow_logs_role_name(site.deployment.region),
        trust=resource_policies.flow_logs_trust_policy(scope),
        inline={FLOW_LOGS_POLICY: resource_policies.flow_logs_policy(scope, FLOW_LOGS)},
        boundary=site.boundary,
    )
    key_policy = resource_policies.monitoring_key_policy(scope, [FLOW_LOGS, *plan.log_groups], alarms=plan.has_alarms)
    return [
        *alias_findings(
            "directory-monitoring-key", MONITORING_KEY_ALIAS, site.deployment, live.monitoring_key, key_policy
        ),
        _flow_logs(site, placement, live),
        role_finding(site.deployment, role, live.flow_logs_role),
        log_group_finding(
            site, live, "directory-flow-log-group", FLOW_LOGS, site.section.monitoring.flow_log_retention_days
        ),
        *topic_findings(site.deployment, topic, live.topic, live.monitoring_key),
        *(_alert(site, each, watched, live) for each in alerts_of(site)),
        delivery_finding(
            "directory-alert-delivery",
            site.deployment.region,
            live.failures,
            remedy="compare directory-topic, directory-topic-policy and directory-monitoring-key-policy",
        ),
    ]


def watched_of(live: SiteFacts, groups: frozenset[str], acls: frozenset[str]) -> Watched | None:
    """Return the resources that the alerts watch; None if they are not known."""
    if isinstance(live.controllers, ReadFailure):
        return None
    return Watched(
        instances=[each.id for each in live.controllers],
        interfaces=[each.interface_id for each in live.controllers],
        groups=sorted(groups),
        acls=sorted(acls),
    )


def _flow_logs(site: SiteDeployment, placement: SitePlacement, live: SiteFacts) -> Finding:
    subnets = placement.subnets
    check = Check(
        "directory-flow-logs",
        f"active flow logs of all traffic of {', '.join(each.given for each in subnets)} to {FLOW_LOGS}",
        f"{site.deployment.repair}; see directory-flow-log-group, directory-flow-logs-role and directory-monitoring-key",
    )
    return check.compare(
        live.flow_logs, lambda logs: [fault for each in subnets for fault in _flow_log_faults(site, each, logs)]
    )


def _flow_log_faults(site: SiteDeployment, subnet: SiteSubnet, live: Sequence[FlowLogFacts]) -> list[str]:
    group = site.deployment.arn("logs", f"log-group:{FLOW_LOGS}")
    role = site.deployment.iam_arn(f"role/{flow_logs_role_name(site.deployment.region)}")
    ours = [each for each in live if each.subnet_id == subnet.id and each.destination == group]
    good = [each for each in ours if each.active and (each.traffic, each.role_arn) == ("ALL", role)]
    if not good:
        return [f"none of {subnet.given}"]
    if any(not each.failure for each in good):
        return []
    return [f"{each.id} of {subnet.given} does not deliver: {each.failure}" for each in good]


def log_group_finding(site: SiteDeployment, live: SiteFacts, check: str, name: str, days: int) -> Finding:
    """Compare a log group that the key for monitoring encrypts."""

    def differences(found: LogGroupFacts) -> list[str]:
        kept = found.retention_days
        unequal = [] if kept == days else [f"kept {f'for {kept} days' if kept else 'forever'}"]
        return [*unequal, *_key_fault(live, found.kms_key_arn or "")]

    expected = f"log group {name}, encrypted, kept for {days} days"
    group = live.log_group if name == FLOW_LOGS else live.operations.log_groups[name]
    return Check(check, expected, site.deployment.repair).compare(group, differences, "no such log group")


def _key_fault(live: SiteFacts, key: str) -> list[str]:
    """Return the fault of an encryption key; while the planned key is unknown (a finding of its own), any passes."""
    if not key:
        return ["not encrypted"]
    if not isinstance(live.monitoring_key, KeyFacts) or key in (live.monitoring_key.arn, live.monitoring_key.key_id):
        return []
    return [f"encrypted with {key}"]


def _alert(site: SiteDeployment, alert: Alert, watched: Watched | None, live: SiteFacts) -> Finding:
    name, target = alert_rule_name(alert.name), {"topic": DesiredTarget(arn=site.deployment.arn("sns", ALERTS_TOPIC))}
    pattern = alert.pattern(watched) if watched else None
    expected = f"rule {name} is enabled, watches this site's controllers and sends to the topic"
    return Check(f"directory-alert-{alert.name}", expected, site.deployment.repair).compare(
        live.rules, lambda rules: rule_faults(pattern, target, rules.get(name))
    )
