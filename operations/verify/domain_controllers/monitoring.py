"""Comparison of the controllers' monitoring: flow logs, the encrypted topic, the alerts, and the trail that they depend on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from components.domain_controllers import resource_policies
from components.domain_controllers.event_patterns import Watched
from components.domain_controllers.names import (
    ALERTS_TOPIC,
    FLOW_LOGS,
    FLOW_LOGS_POLICY,
    MONITORING_KEY_ALIAS,
    TRAIL,
    TRAIL_BUCKET,
    TRAIL_KEY_ALIAS,
    alert_rule_name,
    flow_logs_role_name,
)
from components.domain_controllers.operations.plan import plan_operations
from operations.inventory import monitoring
from operations.inventory.domain_controllers import alerts_of
from operations.inventory.reader import Reader, ReadFailure
from operations.inventory.session_manager import KeyFacts, read_key
from operations.verify.findings import Check, unequal
from operations.verify.notifications import DesiredTarget, DesiredTopic, delivery_finding, rule_faults, topic_findings
from operations.verify.policies import DesiredRole, role_finding
from operations.verify.storage import DesiredBucket, alias_findings, own_bucket_findings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.domain_controllers.event_patterns import Alert
    from operations.deployment import SiteDeployment
    from operations.findings import Finding
    from operations.inventory.domain_controllers import SiteFacts, SitePlacement, SiteSubnet
    from operations.inventory.reader import Answer
    from operations.inventory.session_manager import LogGroupFacts

_FAILED: Final = "FAILED"


def monitoring_findings(
    site: SiteDeployment, placement: SitePlacement, watched: Watched | None, live: SiteFacts
) -> list[Finding]:
    """Compare flow logs, topic and alerts.

    `watched` are the resources that the alerts watch; None: not known, so that event patterns are not compared.
    """
    scope, plan = site.scope, plan_operations(site.section, site.deployment.region)
    repair, days = site.deployment.repair, site.section.monitoring.flow_log_retention_days
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
            Check("directory-flow-log-group", f"log group {FLOW_LOGS}, encrypted, kept for {days} days", repair),
            live.log_group,
            days,
            live.monitoring_key,
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


def _flow_log_faults(site: SiteDeployment, subnet: SiteSubnet, live: Sequence[Answer]) -> list[str]:
    group = site.deployment.arn("logs", f"log-group:{FLOW_LOGS}")
    role = site.deployment.iam_arn(f"role/{flow_logs_role_name(site.deployment.region)}")
    desired = (subnet.id, group, "ACTIVE", "ALL", role)
    good = [
        each
        for each in live
        if desired
        == (
            each["ResourceId"],
            each.get("LogDestination", "").removesuffix(":*"),
            each["FlowLogStatus"],
            each["TrafficType"],
            each.get("DeliverLogsPermissionArn"),
        )
    ]
    if not good:
        return [f"none of {subnet.given}"]
    failures = {each["FlowLogId"]: _delivery_failure(each) for each in good}
    if not all(failures.values()):
        return []
    return [f"{id_} of {subnet.given} does not deliver: {failure}" for id_, failure in failures.items()]


def _delivery_failure(flow_log: Answer) -> str:
    """Return why delivery fails; "": it succeeds, or was not attempted yet."""
    status = flow_log.get("DeliverLogsStatus")
    return flow_log.get("DeliverLogsErrorMessage") or (status if status == _FAILED else "")


def log_group_finding(
    check: Check, live: LogGroupFacts | ReadFailure | None, days: int, key: KeyFacts | ReadFailure | None
) -> Finding:
    """Compare a log group that the key for monitoring encrypts; while it is unknown (a finding of its own), any passes."""

    def differences(found: LogGroupFacts) -> list[str]:
        kept, used = found.retention_days, found.kms_key_arn
        unequal = [] if kept == days else [f"kept {f'for {kept} days' if kept else 'forever'}"]
        if not used:
            return [*unequal, "not encrypted"]
        is_other = isinstance(key, KeyFacts) and used not in (key.arn, key.key_id)
        return [*unequal, *([f"encrypted with {used}"] if is_other else [])]

    return check.compare(live, differences, "no such log group")


def _alert(site: SiteDeployment, alert: Alert, watched: Watched | None, live: SiteFacts) -> Finding:
    name, target = alert_rule_name(alert.name), {"topic": DesiredTarget(arn=site.deployment.arn("sns", ALERTS_TOPIC))}
    pattern = alert.pattern(watched) if watched else None
    expected = f"rule {name} is enabled, watches this site's controllers and sends to the topic"
    return Check(f"directory-alert-{alert.name}", expected, site.deployment.repair).compare(
        live.rules, lambda rules: rule_faults(pattern, target, rules.get(name))
    )


def bucket_name(site: SiteDeployment) -> str:
    """Return the name of the bucket of the stack's own trail."""
    return f"{TRAIL_BUCKET}-{site.deployment.account_id}-{site.deployment.region}"


def desired_bucket(site: SiteDeployment) -> DesiredBucket:
    """Return the bucket of the stack's own trail as the settings define it."""
    return DesiredBucket(
        check="directory-trail-bucket",
        name=bucket_name(site),
        key_alias=TRAIL_KEY_ALIAS,
        policy=resource_policies.trail_bucket_policy(site.scope, TRAIL, bucket_name(site)),
    )


def verify_trail(reader: Reader, site: SiteDeployment) -> list[Finding]:
    """Read and compare the trail, with its key and bucket if the stack creates them."""
    existing = site.section.monitoring.existing_trail
    trail = monitoring.read_trail(reader, existing or TRAIL)
    if existing:
        return trail_findings(site, trail, None)
    key = read_key(reader, TRAIL_KEY_ALIAS, policy=True)
    return [
        *trail_findings(site, trail, key),
        *alias_findings(
            "directory-trail-key",
            TRAIL_KEY_ALIAS,
            site.deployment,
            key,
            resource_policies.trail_key_policy(site.scope, TRAIL),
        ),
        *own_bucket_findings(
            site.deployment,
            desired_bucket(site),
            monitoring.read_bucket(reader, bucket_name(site), site.deployment.account_id),
            key,
        ),
    ]


def trail_findings(
    site: SiteDeployment, live: monitoring.TrailFacts | ReadFailure | None, key: KeyFacts | ReadFailure | None
) -> list[Finding]:
    """Compare a trail: without one, EventBridge receives no events about sessions or changes of security groups.

    The key behind the alias is ignored for a trail that the settings name.
    """
    existing = site.section.monitoring.existing_trail
    name = existing or TRAIL
    check = Check(
        "directory-trail",
        f"trail {name} records management events{'' if existing else ' of all Regions'}",
        "correct shell-access:domainControllers.monitoring.existingTrail" if existing else site.deployment.repair,
    )
    if live is None or isinstance(live, ReadFailure):
        return [check.report_missing(live, "no such trail")]
    if isinstance(live.records_writes, ReadFailure):
        return [check.report_unread(live.records_writes)]
    named = f"--name {name} --region {site.deployment.region}"
    differences: list[str] = []
    remedies: list[str] = []
    if not live.logging:
        differences.append("it does not record")
        remedies.append(f"aws cloudtrail start-logging {named}")
    if not live.records_writes:
        differences.append("its event selectors exclude management events")
        selectors = """'[{"ReadWriteType": "All", "IncludeManagementEvents": true}]'"""
        remedies.append(f"aws cloudtrail put-event-selectors --trail-{named[2:]} --event-selectors {selectors}")
    if not existing:
        wrong = [] if live.configuration.get("IsMultiRegionTrail") else ["of one Region only"]
        wrong += _trail_differences(site, live.configuration, key)
        differences += wrong
        remedies += [site.deployment.repair] if wrong else []
    return [replace(check, remedy=" && ".join(remedies)).report(differences), _trail_delivery(site, live)]


def _trail_differences(site: SiteDeployment, live: Mapping[str, Any], key: KeyFacts | ReadFailure | None) -> list[str]:
    ours: dict[str, object] = {
        "S3BucketName": bucket_name(site),
        "S3KeyPrefix": None,
        "IncludeGlobalServiceEvents": True,
        "LogFileValidationEnabled": True,
        # An unknown key is a finding of its own.
        "KmsKeyId": key.arn if isinstance(key, KeyFacts) else live.get("KmsKeyId"),
    }
    return unequal({name: (value, live.get(name)) for name, value in ours.items()})


def _trail_delivery(site: SiteDeployment, live: monitoring.TrailFacts) -> Finding:
    remedy = f"{site.deployment.repair}; see directory-trail-bucket-policy and directory-trail-key-policy"
    if site.section.monitoring.existing_trail:
        remedy = "allow cloudtrail.amazonaws.com in the policies of its bucket, key and topic"
    check = Check("directory-trail-delivery", "the last deliveries of the trail succeeded", remedy)
    return check.report([f"{monitoring.DELIVERY_ERRORS[name]}: {error}" for name, error in live.errors.items()])
