"""Plan of the operation of one site's controllers, from the settings. Pure: component, `verify` and tests use it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from common.iam.statements import allow
from common.limits import DOCUMENT, Generated
from components.adoption.document_content import published_bytes, serialized
from components.association import AssociationPlan
from components.detection.names import SecurityService
from components.domain_controllers.names import ALARMS, EVENT_LOGS, METRICS, ROLE_TAG
from components.domain_controllers.operations import backups, documents, event_logs, health, patching, promotion
from components.session_manager.endpoint_services import EC2, INSPECTOR, SECRETS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from common.aws.arns import Scope
    from common.iam.statements import Statement
    from components.adoption.document_content import PlannedDocument
    from components.domain_controllers.operations.event_logs import MetricFilter
    from components.domain_controllers.settings import DomainControllersSection
    from components.metric_alarm import MetricAlarm

CIS_ACTIONS: Final = (
    "inspector2:SendCisSessionHealth",
    "inspector2:SendCisSessionTelemetry",
    "inspector2:StartCisSession",
    "inspector2:StopCisSession",
)
"""Actions of the AWS managed policy AmazonInspector2ManagedCisPolicy, which support no resource and no condition."""


@dataclass(frozen=True, kw_only=True)
class OperationsPlan:
    """Resources that operate the controllers of a site.

    Associations are by the last part of their resources' names. Alarms by controller have the dimension `InstanceId`
    besides those of the plan.
    """

    retention_days: int = 0
    log_groups: tuple[str, ...] = ()
    metric_filters: tuple[MetricFilter, ...] = ()
    documents: tuple[PlannedDocument, ...] = ()
    associations: Mapping[str, AssociationPlan] = field(default_factory=dict[str, "AssociationPlan"])
    alarms: tuple[MetricAlarm, ...] = ()
    controller_alarms: tuple[tuple[str, MetricAlarm], ...] = ()

    @property
    def promotes(self) -> bool:
        """Return whether an association promotes a controller, which reads secrets."""
        return any(each.controller for each in self.associations.values())

    @property
    def has_alarms(self) -> bool:
        """CloudWatch publishes to the site's topic."""
        return bool(self.alarms or self.controller_alarms)


def plan_operations(section: DomainControllersSection, region: str) -> OperationsPlan:
    """Return the plan of a site; it is empty where the site builds no controllers, which have no role of this stack."""
    controllers = [each.name for each in section.sites[region].controllers]
    parts = (
        [
            *_agent(section, controllers),
            *_health(section, controllers),
            *_patching(section),
            *_backups(section, region),
            *_promotion(section, region),
        ]
        if controllers
        else []
    )
    return OperationsPlan(
        retention_days=max((each.retention_days for each in parts), default=0),
        log_groups=tuple(name for each in parts for name in each.log_groups),
        metric_filters=tuple(found for each in parts for found in each.metric_filters),
        documents=tuple(found for each in parts for found in each.documents),
        associations={key: found for each in parts for key, found in each.associations.items()},
        alarms=tuple(found for each in parts for found in each.alarms),
        controller_alarms=tuple(found for each in parts for found in each.controller_alarms),
    )


def _agent(section: DomainControllersSection, controllers: Sequence[str]) -> Iterator[OperationsPlan]:
    """Yield the plan of the CloudWatch agent, with the event logs where they are collected."""
    logs = section.event_logs
    if logs is None and section.health is None:
        return
    agent = _agent_document(section)
    silence = logs.silence_minutes if logs else event_logs.SILENCE_MINUTES
    yield OperationsPlan(
        documents=(agent,),
        associations={agent.key: _association(agent, "rate(1 hour)")},
        controller_alarms=tuple((name, event_logs.controller_alarm(name, silence)) for name in controllers),
    )
    if logs:
        yield OperationsPlan(
            retention_days=logs.retention_days,
            log_groups=tuple(event_logs.log_groups(logs)),
            metric_filters=tuple(event_logs.metric_filters()),
            alarms=tuple(event_logs.site_alarms(logs)),
        )


def _agent_document(section: DomainControllersSection) -> PlannedDocument:
    counters = health.COUNTERS if section.health else {}
    return documents.agent_document(event_logs.agent_configuration(section.event_logs, counters))


def _health(section: DomainControllersSection, controllers: Sequence[str]) -> Iterator[OperationsPlan]:
    settings = section.health
    if settings is None:
        return
    check = health.health_document(settings)
    # It changes nothing, and a controller that cannot be checked is no reason to leave the others unchecked.
    association = replace(
        _association(check, f"rate({settings.check_minutes} minutes)"), max_concurrency="50%", max_errors="99%"
    )
    yield OperationsPlan(
        documents=(check,),
        associations={check.key: association},
        controller_alarms=tuple((name, health.health_alarm(name, settings)) for name in controllers),
    )


def _patching(section: DomainControllersSection) -> Iterator[OperationsPlan]:
    if section.patching:
        yield OperationsPlan(documents=tuple(patching.hook_documents(section.health)))


def _backups(section: DomainControllersSection, region: str) -> Iterator[OperationsPlan]:
    settings = section.backups
    if settings is None or region not in settings.buckets:
        return
    document = backups.backup_document(settings, settings.buckets[region])
    names = [each.name for each in section.sites[region].controllers]
    # A controller whose backup fails raises its alarm, and is no reason to leave the others without one.
    association = replace(_association(document, f"rate({settings.every_hours} hours)"), max_errors="99%")
    yield OperationsPlan(
        documents=(document,),
        associations={document.key: association},
        controller_alarms=tuple((name, backups.backup_alarm(name)) for name in names),
    )


def _promotion(section: DomainControllersSection, region: str) -> Iterator[OperationsPlan]:
    settings = section.promotion
    if settings is None or region not in settings.secrets:
        return
    for each in section.sites[region].controllers:
        document = promotion.promotion_document(
            settings, settings.secrets[region], each.name, section.options, section.health
        )
        # By its ID: another instance with the controllers' tag is none that the settings describe.
        association = replace(_association(document, promotion.SCHEDULE), targets={}, controller=each.name)
        yield OperationsPlan(documents=(document,), associations={document.key: association})


def _association(document: PlannedDocument, schedule: str) -> AssociationPlan:
    """Return the association of a document with all nodes that have the controllers' tag, one at a time.

    A digest of the document is in its name: an association runs at once when it changes, but not when its document does.
    """
    digest = hashlib.sha256(serialized(document.content).encode()).hexdigest()[:8]
    return AssociationPlan(
        name=f"{ALARMS}{document.key}-{digest}",
        document=document.name,
        schedule=schedule,
        targets={f"tag:{ROLE_TAG[0]}": [ROLE_TAG[1]]},
    )


def endpoint_services(section: DomainControllersSection, region: str) -> frozenset[str]:
    """Return the short names of the services that a site's controllers need endpoints for, besides those of all nodes."""
    plan = plan_operations(section, region)
    needed = {
        "logs": plan.log_groups,
        "monitoring": plan.controller_alarms,
        SECRETS: plan.promotes,
        INSPECTOR: bool(section.benchmark),
    }
    return frozenset({EC2, *(service for service, is_needed in needed.items() if is_needed)})


def needs_s3(section: DomainControllersSection, region: str) -> bool:
    """Return whether controllers download from S3: packages of Distributor are there, such as Inspector's plugin.

    Sources: Systems Manager User Guide, "SSM Agent communications with AWS managed S3 buckets"; Inspector User Guide,
    "Scanning Windows EC2 instances".
    """
    return SecurityService.INSPECTOR in section.detected or bool(plan_operations(section, region).documents)


def role_statements(section: DomainControllersSection, scopes: Iterable[Scope]) -> list[Statement]:
    """Return the statements of the controllers' policy that the operation needs.

    Source: CloudWatch User Guide, "Create IAM roles and users for use with the CloudWatch agent", without `ec2:*`, which
    only dimensions from tags need, and without the log groups and parameters of others: the configuration is in a document.
    """
    plans = {each: plan_operations(section, each.region) for each in scopes}
    groups = [each.arn("logs", f"log-group:{EVENT_LOGS}/*") for each, plan in plans.items() if plan.log_groups]
    send = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    events = [allow("SendEvents", send, groups)] if groups else []
    own = {"StringEquals": {"cloudwatch:namespace": METRICS}}
    sends_metrics = any(plan.controller_alarms for plan in plans.values())
    metrics = [allow("SendMetrics", "cloudwatch:PutMetricData", "*", condition=own)] if sends_metrics else []
    saved = backups.backup_statements(section.backups, list(plans)) if section.backups else []
    secrets = promotion.secret_statements(section.promotion, list(plans)) if section.promotion else []
    scans = [allow("SendCisResults", list(CIS_ACTIONS), "*")] if section.benchmark else []
    return [*events, *metrics, *saved, *secrets, *scans]


def generated_texts(section: DomainControllersSection) -> Iterator[Generated]:
    """Yield every text that settings can make too long."""
    logs = section.event_logs
    if logs:
        agent = _agent_document(section)
        number = sum(len(each) for each in logs.additional_events.values())
        yield Generated(
            what=f"the document {agent.name}",
            size=published_bytes(agent.content),
            quota=DOCUMENT,
            path=("domainControllers", "eventLogs", "additionalEvents"),
            given=f"{number} events of {len(logs.additional_events)} channels",
            fix="Name fewer of them",
        )
