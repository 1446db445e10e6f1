"""Plan of the export of records, and the resources that it and the approval workflow consist of, as plain data."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.adoption.document_content import PlannedDocument
from components.approval import names
from components.approval.alarms import EventAlarm, event_alarms, metric_alarms
from components.approval.evidence import export_role_policy, export_runbook, export_schedule_role_policy
from components.approval.iam_policies import automation_trust, schedule_trust

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from common.iam.statements import Policy
    from components.approval.chat import ChatRule
    from components.approval.settings import ApprovalSettings
    from components.metric_alarm import MetricAlarm
    from components.session_manager.settings import LogLocation


@dataclass(frozen=True, kw_only=True)
class PlannedRole:
    """A role that an AWS service assumes, or users in an emergency.

    `key` is a part of its logical name. The one inline policy is `shell-access`; empty: managed policies only. The boundary,
    an ARN, applies unless the settings of the stack name one. 0 seconds are AWS' default of an hour.
    """

    key: str
    name: str
    description: str
    trust: Policy
    policy: Policy
    path: str = "/"
    boundary: str = ""
    max_session_seconds: int = 0


@dataclass(frozen=True, kw_only=True)
class PlannedPolicy:
    """A managed policy and the principals that it is attached to.

    `key` is a part of its logical name.
    """

    key: str
    name: str
    arn: str
    description: str
    content: Policy
    roles: Sequence[str]
    users: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class PlannedSchedule:
    """A schedule that starts a runbook with a role; EventBridge Scheduler calls Systems Manager itself ("Universal targets").

    `key` is a part of its logical name, `target_arn` the API operation, and `input` its parameters as JSON.
    """

    key: str
    name: str
    group: str
    description: str
    expression: str
    role: PlannedRole
    role_arn: str
    target_arn: str
    input: str


def plan_schedule(  # noqa: PLR0913 -- names of the resources
    place: names.WorkflowLocation,
    runbook: str,
    policy: Policy,
    *,
    key: str,
    name: str,
    group: str,
    description: str,
    expression: str,
    role_name: str,
) -> PlannedSchedule:
    """Return the schedule of a runbook, whose role has this policy."""
    return PlannedSchedule(
        key=key,
        name=name,
        group=group,
        description=description,
        expression=expression,
        role=PlannedRole(
            key=key,
            name=role_name,
            description=f"Starts {runbook}",
            trust=schedule_trust(place),
            policy=policy,
        ),
        role_arn=place.iam(f"role/{role_name}"),
        target_arn=f"arn:{place.partition}:scheduler:::aws-sdk:ssm:startAutomationExecution",
        input=json.dumps({"DocumentName": runbook}),
    )


@dataclass(frozen=True, kw_only=True)
class PlannedExport:
    """The export of records."""

    runbook: PlannedDocument
    role: PlannedRole
    schedule: PlannedSchedule


@dataclass(frozen=True, kw_only=True)
class EvidencePlan:
    """The export of records of one account, with its alarms.

    The stack's own topic is the first of `alarm_topics`.
    """

    place: names.WorkflowLocation
    export: PlannedExport | None
    event_alarms: tuple[EventAlarm, ...]
    metric_alarms: tuple[MetricAlarm, ...]
    alarm_topics: tuple[str, ...]
    chat_rules: tuple[ChatRule, ...] = ()
    forwarding_role: PlannedRole | None = None

    @property
    def forwarding_regions(self) -> tuple[str, ...]:
        """Regions with rules that forward events."""
        return tuple(dict.fromkeys(region for each in self.event_alarms for region in each.forwarded_from))

    @property
    def documents(self) -> tuple[PlannedDocument, ...]:
        """All documents."""
        return (self.export.runbook,) if self.export else ()

    @property
    def schedules(self) -> tuple[PlannedSchedule, ...]:
        """All schedules."""
        return (self.export.schedule,) if self.export else ()

    @property
    def roles(self) -> tuple[PlannedRole, ...]:
        """All roles, without those of operators of IAM Identity Center."""
        return (self.export.role, self.export.schedule.role) if self.export else ()

    @property
    def policies(self) -> tuple[PlannedPolicy, ...]:
        """All managed policies."""
        return ()


def plan_evidence(
    settings: ApprovalSettings,
    place: names.WorkflowLocation,
    regions: Sequence[str],
    logs: Mapping[str, LogLocation] | None = None,
) -> EvidencePlan:
    """Return the plan for the export of records beside just-in-time node access."""
    return EvidencePlan(
        place=place,
        export=plan_export(settings, place, regions, logs or {}),
        event_alarms=tuple(event_alarms(settings, place, regions)),
        metric_alarms=metric_alarms(settings),
        alarm_topics=(place.topic_arn, *settings.alarm_topic_arns),
    )


def plan_export(
    settings: ApprovalSettings, place: names.WorkflowLocation, regions: Sequence[str], logs: Mapping[str, LogLocation]
) -> PlannedExport | None:
    """Return the export of records; None where the settings have none."""
    if settings.evidence is None:
        return None
    has_access_requests = settings.has_access_requests
    return PlannedExport(
        runbook=PlannedDocument(
            key="evidence",
            name=names.EVIDENCE_RUNBOOK_NAME,
            type=names.AUTOMATION,
            content=export_runbook(place, regions, logs, access_requests=has_access_requests),
        ),
        role=PlannedRole(
            key="evidence",
            name=names.EVIDENCE_ROLE_NAME,
            description="Adds records of sessions to the evidence bucket",
            trust=automation_trust(place),
            policy=export_role_policy(place, logs, access_requests=has_access_requests),
        ),
        schedule=plan_schedule(
            place,
            names.EVIDENCE_RUNBOOK_NAME,
            export_schedule_role_policy(place),
            key="evidence-schedule",
            name=names.EVIDENCE_SCHEDULE_NAME,
            group=names.EVIDENCE_SCHEDULE_GROUP,
            description="Exports the records of sessions of past days",
            expression="rate(30 minutes)",
            role_name=names.EVIDENCE_SCHEDULE_ROLE_NAME,
        ),
    )
