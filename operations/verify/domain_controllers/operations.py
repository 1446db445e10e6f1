"""Operation of the controllers of a site: event logs, metric filters, documents, associations, alarms, backups, secrets."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from components.domain_controllers.names import ALARMS, ALERTS_TOPIC, METRICS
from components.domain_controllers.operations.plan import plan_operations
from components.domain_controllers.operations.promotion import secret_arns, secret_differences
from operations.inventory.monitoring import read_metric_alarms
from operations.inventory.reader import Reader, ReadFailure, known, returns_failure
from operations.inventory.session_manager import NO_BUCKET, read_document, read_log_group
from operations.verify.associations import association_findings, read_association
from operations.verify.documents import document_findings
from operations.verify.domain_controllers.monitoring import log_group_finding
from operations.verify.findings import Check, unequal
from operations.verify.notifications import DesiredAlarm, metric_alarm_findings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from components.association import AssociationPlan
    from components.domain_controllers.operations.event_logs import MetricFilter
    from components.domain_controllers.operations.plan import OperationsPlan
    from components.domain_controllers.operations.settings import BackupBucketSettings
    from operations.deployment import SiteDeployment
    from operations.findings import Finding
    from operations.inventory.domain_controllers import SiteFacts
    from operations.inventory.reader import Answer
    from operations.inventory.session_manager import DocumentFacts, LogGroupFacts

_PAGE = "docs/domain-controllers.md, Alarms"


@dataclass(frozen=True, kw_only=True)
class OperationsFacts:
    """Resources that operate the controllers of a site; those that the plan does not have are not read.

    Attributes:
        log_groups: Log groups of events by name.
        metric_filters: Metric filters in the format of the API, by log group and name.
        documents: Documents that run on controllers, by key.
        associations: Associations in the format of the API, by the last part of their resources' names.
        alarms: Alarms in the format of the API, by name.
        backup_lock: Object Lock of the backups' bucket in the format of the API; None: it has none.
        secrets: Secrets of the promotion by ARN: DescribeSecret with `ResourcePolicy`; None: it does not exist.
    """

    log_groups: Mapping[str, LogGroupFacts | ReadFailure | None]
    metric_filters: Mapping[tuple[str, str], Answer] | ReadFailure
    documents: Mapping[str, DocumentFacts | ReadFailure | None]
    associations: Mapping[str, Answer | ReadFailure | None]
    alarms: Mapping[str, Answer] | ReadFailure
    backup_lock: Answer | ReadFailure | None
    secrets: Mapping[str, Answer | ReadFailure | None]


def read_operations(reader: Reader, site: SiteDeployment) -> OperationsFacts:
    """Read what the plan of a site has; facts that cannot be read contain the reason."""
    plan = plan_operations(site.section, reader.region)
    bucket = _bucket(site)
    return OperationsFacts(
        log_groups={name: read_log_group(reader, name) for name in plan.log_groups},
        metric_filters=_metric_filters(reader, plan),
        documents={each.key: read_document(reader, each.name, sharing=True) for each in plan.documents},
        associations={key: read_association(reader, each.name) for key, each in plan.associations.items()},
        alarms=read_metric_alarms(reader, AlarmNamePrefix=ALARMS) if plan.has_alarms else {},
        backup_lock=_object_lock(reader, bucket) if bucket else None,
        secrets={arn: _secret(reader, arn) for arn in secret_arns(site.section, reader.region)},
    )


@returns_failure
def _secret(reader: Reader, arn: str) -> Answer | None:
    absent = ("ResourceNotFoundException",)
    found = reader.find("secretsmanager", "describe_secret", absent=absent, SecretId=arn)
    return {**found, **reader.get("secretsmanager", "get_resource_policy", SecretId=arn)} if found else None


@returns_failure
def _metric_filters(reader: Reader, plan: OperationsPlan) -> dict[tuple[str, str], Answer]:
    return {
        (group, str(each["filterName"])): each
        for group in dict.fromkeys(each.log_group for each in plan.metric_filters)
        for each in reader.items("logs", "describe_metric_filters", "metricFilters", logGroupName=group)
    }


@returns_failure
def _object_lock(reader: Reader, bucket: BackupBucketSettings) -> Answer | None:
    named = {"Bucket": bucket.bucket_name, "ExpectedBucketOwner": bucket.bucket_owner}
    absent = (*NO_BUCKET, "ObjectLockConfigurationNotFoundError")
    answer = reader.find("s3", "get_object_lock_configuration", absent=absent, **named)
    return answer.get("ObjectLockConfiguration", {}) if answer else None


def _bucket(site: SiteDeployment) -> BackupBucketSettings | None:
    return site.section.backups.buckets.get(site.deployment.region) if site.section.backups else None


def operations_findings(site: SiteDeployment, facts: OperationsFacts, live: SiteFacts) -> list[Finding]:
    """Compare what operates the controllers of a site."""
    plan, deployment = plan_operations(site.section, site.deployment.region), site.deployment
    days = plan.retention_days
    findings: list[Finding] = []
    for name in plan.log_groups:
        expected = f"log group {name}, encrypted, kept for {days} days"
        check = Check(f"directory-events-{name.rsplit('/', 1)[-1]}", expected, deployment.repair)
        findings.append(log_group_finding(check, facts.log_groups[name], days, live.monitoring_key))
    findings += [_metric_filter(site, each, facts.metric_filters) for each in plan.metric_filters]
    for each in plan.documents:
        found = facts.documents[each.key]
        findings += document_findings(f"directory-document-{each.key}", deployment, each, found)
    for key, each in plan.associations.items():
        findings += _association(site, key, each, facts.associations[key], live)
    return [
        *findings,
        *_backup_bucket(site, facts.backup_lock),
        *_secrets(site, facts.secrets),
        *_alarms(site, plan, facts.alarms, live),
    ]


@returns_failure
def _instance_id(live: SiteFacts, controller: str) -> str:
    """Return the ID of a controller; one that does not exist, or exists twice, is a finding of its own."""
    ids = [each.id for each in known(live.controllers) if each.name == controller]
    return ids[0] if len(ids) == 1 else f"the ID of {controller}"


def _association(
    site: SiteDeployment, key: str, plan: AssociationPlan, found: Answer | ReadFailure | None, live: SiteFacts
) -> list[Finding]:
    check = f"directory-{key}"
    if plan.controller:
        target = _instance_id(live, plan.controller)
        if isinstance(target, ReadFailure):
            return [Check(check, f"{plan.name} runs {plan.document} on {plan.controller}").report_unread(target)]
        plan = replace(plan, targets={**plan.targets, "InstanceIds": [target]})
    return association_findings(check, site.deployment, plan, found)


def _secrets(site: SiteDeployment, live: Mapping[str, Answer | ReadFailure | None]) -> Iterator[Finding]:
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


def _secret_differences(key_arn: str, found: Answer) -> list[str]:
    return [*secret_differences(found, key_arn), *_sharing(found.get("ResourcePolicy") or "")]


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
    settings = _bucket(site)
    if settings is None:
        return
    name = settings.bucket_name
    remedy = f"aws s3api put-object-lock-configuration --bucket {name}, in account {settings.bucket_owner}"
    check = Check("directory-backup-bucket", f"bucket {name} locks new backups for a time by default", remedy)

    def differences(lock: Answer) -> list[str]:
        retention: dict[str, Any] = lock.get("Rule", {}).get("DefaultRetention", {})
        found = [] if lock.get("ObjectLockEnabled") == "Enabled" else ["Object Lock is not enabled"]
        return found + ([] if retention.get("Days") or retention.get("Years") else ["it has no default retention"])

    yield check.compare({} if live is None else live, differences)


def _alarms(
    site: SiteDeployment, plan: OperationsPlan, found: Mapping[str, Answer] | ReadFailure, live: SiteFacts
) -> Iterator[Finding]:
    desired = [(alarm, "") for alarm in plan.alarms] + [(alarm, name) for name, alarm in plan.controller_alarms]
    for alarm, controller in desired:
        check = f"directory-alarm-{alarm.name.removeprefix(ALARMS)}"
        target = _instance_id(live, controller) if controller else ""
        if isinstance(target, ReadFailure):
            yield Check(check, f"alarm {alarm.name} watches {controller}").report_unread(target)
            continue
        watching = replace(alarm, dimensions={**alarm.dimensions, "InstanceId": target}) if target else alarm
        topics = [site.deployment.arn("sns", ALERTS_TOPIC)]
        planned = DesiredAlarm(check=check, alarm=watching, topics=topics, page=_PAGE)
        yield from metric_alarm_findings(site.deployment, planned, found)
