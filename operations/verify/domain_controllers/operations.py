"""Comparison of what operates the controllers of a site: event logs, metric filters, the agent, associations, alarms."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from components.domain_controllers.names import ALARMS, ALERTS_TOPIC, METRICS
from components.domain_controllers.operations.plan import plan_operations
from components.domain_controllers.operations.promotion import secret_differences
from operations.inventory.reader import ReadFailure
from operations.verify.approval_checks import document_findings
from operations.verify.associations import association_findings
from operations.verify.domain_controllers.monitoring import log_group_finding
from operations.verify.findings import Check, unequal
from operations.verify.notifications import DesiredAlarm, metric_alarm_findings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from components.association import AssociationPlan
    from components.domain_controllers.operations.event_logs import MetricFilter
    from components.domain_controllers.operations.plan import OperationsPlan
    from components.metric_alarm import MetricAlarm
    from operations.deployment import SiteDeployment
    from operations.findings import Finding
    from operations.inventory.controller_operations import SecretFacts
    from operations.inventory.domain_controllers import SiteFacts
    from operations.inventory.reader import Answer

_PAGE = "docs/domain-controllers.md, Alarms"


def operations_findings(site: SiteDeployment, live: SiteFacts) -> list[Finding]:
    """Compare what operates the controllers of a site."""
    plan, deployment = plan_operations(site.section, site.deployment.region), site.deployment
    facts = live.operations
    return [
        *(
            log_group_finding(site, live, f"directory-events-{name.rsplit('/', 1)[-1]}", name, plan.retention_days)
            for name in plan.log_groups
        ),
        *(_metric_filter(site, each, facts.metric_filters) for each in plan.metric_filters),
        *(
            finding
            for each in plan.documents
            for finding in document_findings(
                f"directory-document-{each.key}", deployment, each, facts.documents[each.key]
            )
        ),
        *(finding for key, each in plan.associations.items() for finding in _association(site, key, each, live)),
        *_backup_bucket(site, facts.backup_lock),
        *_secrets(site, facts.secrets),
        *_alarms(site, plan, live),
    ]


def _association(site: SiteDeployment, key: str, plan: AssociationPlan, live: SiteFacts) -> list[Finding]:
    check, found = f"directory-{key}", live.operations.associations[key]
    if plan.controller:
        if isinstance(live.controllers, ReadFailure):
            expected = f"{plan.name} runs {plan.document} on {plan.controller}"
            return [Check(check, expected).report_unread(live.controllers)]
        ids = [each.id for each in live.controllers if each.name == plan.controller]
        target = ids[0] if len(ids) == 1 else f"the ID of {plan.controller}"
        plan = replace(plan, targets={**plan.targets, "InstanceIds": [target]})
    return association_findings(check, site.deployment, plan, found)


def _secrets(site: SiteDeployment, live: Mapping[str, SecretFacts | ReadFailure | None]) -> Iterator[Finding]:
    settings, region = site.section.promotion, site.deployment.region
    for arn, found in live.items():
        if settings is None:
            return
        secrets = settings.secrets[region]
        check = Check(
            f"directory-promotion-secret-{'administrator' if arn == secrets.administrator_arn else 'restore-mode'}",
            f"secret {arn} is encrypted with {secrets.kms_key_arn}, tagged, and shared by no resource policy",
            f"aws secretsmanager describe-secret --secret-id {arn} --region {region}; correct the key, tag or policy",
        )
        yield check.compare(found, partial(_secret_differences, secrets.kms_key_arn), "no such secret")


def _secret_differences(key_arn: str, found: SecretFacts) -> list[str]:
    return [*secret_differences(found.description, key_arn), *_sharing(found.policy)]


def _sharing(policy: str) -> list[str]:
    """Return the statements of a resource policy that may allow access; one that cannot be read is reported."""
    if not policy:
        return []
    try:
        statements = json.loads(policy)["Statement"]
        given: list[dict[str, Any]] = [statements] if isinstance(statements, dict) else list(statements)
        allowed = [str(each.get("Sid", number)) for number, each in enumerate(given) if each["Effect"] != "Deny"]
    except (AttributeError, KeyError, TypeError, ValueError):
        return ["its resource policy cannot be read"]
    return [f"its resource policy allows access: statement {name}" for name in allowed]


def _metric_filter(
    site: SiteDeployment, desired: MetricFilter, live: Mapping[tuple[str, str], Answer] | ReadFailure
) -> Finding:
    expected = f"metric filter {desired.name} of {desired.log_group} counts {desired.pattern} as {desired.metric}"
    check = Check(f"directory-filter-{desired.name}", expected, site.deployment.repair)
    found = live if isinstance(live, ReadFailure) else live.get((desired.log_group, desired.name))
    if found is None or isinstance(found, ReadFailure):
        return check.report_missing(found, "no such metric filter")
    transformations: list[dict[str, Any]] = found.get("metricTransformations", [])
    first = transformations[0] if transformations else {}
    pairs: dict[str, tuple[object, object]] = {
        "pattern": (desired.pattern, found.get("filterPattern", "")),
        "namespace": (METRICS, first.get("metricNamespace")),
        "metric": (desired.metric, first.get("metricName")),
        "value": ("1", first.get("metricValue")),
        "default value": (None, first.get("defaultValue")),
        # Alarms name the metric without dimensions.
        "dimensions": ({}, first.get("dimensions") or {}),
    }
    return check.report(unequal(pairs))


def _backup_bucket(site: SiteDeployment, live: Answer | ReadFailure | None) -> Iterator[Finding]:
    region = site.deployment.region
    settings = site.section.backups
    if settings is None or region not in settings.buckets:
        return
    name = settings.buckets[region].bucket_name
    remedy = (
        f"aws s3api put-object-lock-configuration --bucket {name}, in account {settings.buckets[region].bucket_owner}"
    )
    check = Check("directory-backup-bucket", f"bucket {name} locks new backups for a time by default", remedy)
    if isinstance(live, ReadFailure):
        yield check.report_unread(live)
        return
    retention: dict[str, Any] = (live or {}).get("Rule", {}).get("DefaultRetention", {})
    differences = [] if (live or {}).get("ObjectLockEnabled") == "Enabled" else ["Object Lock is not enabled"]
    differences += [] if retention.get("Days") or retention.get("Years") else ["it has no default retention"]
    yield check.report(differences)


def _alarms(site: SiteDeployment, plan: OperationsPlan, live: SiteFacts) -> Iterator[Finding]:
    for each in plan.alarms:
        yield from _alarm(site, each, live)
    for controller, each in plan.controller_alarms:
        if isinstance(live.controllers, ReadFailure):
            yield Check(_check(each), f"alarm {each.name} watches {controller}").report_unread(live.controllers)
            continue
        # A controller that does not exist, or exists twice, is a finding of its own.
        ids = [found.id for found in live.controllers if found.name == controller]
        dimensions = {**each.dimensions, "InstanceId": ids[0] if len(ids) == 1 else f"the ID of {controller}"}
        yield from _alarm(site, replace(each, dimensions=dimensions), live)


def _check(alarm: MetricAlarm) -> str:
    return f"directory-alarm-{alarm.name.removeprefix(ALARMS)}"


def _alarm(site: SiteDeployment, alarm: MetricAlarm, live: SiteFacts) -> Iterator[Finding]:
    desired = DesiredAlarm(
        check=_check(alarm), alarm=alarm, topics=[site.deployment.arn("sns", ALERTS_TOPIC)], page=_PAGE
    )
    return metric_alarm_findings(site.deployment, desired, live.operations.alarms)
