"""Permissions for Systems Manager, logs and notifications, whose resources have fixed names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from components.approval.names import (
    DOCUMENT_NAMES,
    EVIDENCE_DATABASE,
    EVIDENCE_RUNBOOK_NAME,
    EVIDENCE_SCHEDULE_GROUP,
    EVIDENCE_SCHEDULE_NAME,
    EVIDENCE_WORKGROUP,
    REAPER_SCHEDULE_GROUP,
    REAPER_SCHEDULE_NAME,
    TOPIC_NAME,
)
from components.domain_controllers.names import ALERTS_TOPIC, DOCUMENTS, EVENT_LOGS, FLOW_LOGS
from components.just_in_time.names import DOCUMENT_TYPES, TOKEN_ROLE, TOKEN_SERVICE
from components.nodes.names import RUNBOOK_NAME as NODES_RUNBOOK_NAME
from components.session_manager.document import DOCUMENT_NAME
from components.session_manager.names import DATA_KEY_PARAMETER
from operations.deployer.scope import System
from operations.deployer.statement import AllowedActions

if TYPE_CHECKING:
    from operations.deployer.scope import DeploymentScope

_DOCUMENT_CHANGES: Final = (
    "ssm:AddTagsToResource",
    "ssm:CreateDocument",
    "ssm:DeleteDocument",
    "ssm:RemoveTagsFromResource",
    "ssm:UpdateDocument",
    "ssm:UpdateDocumentDefaultVersion",
)
_TAG_CHANGES: Final = ("ssm:AddTagsToResource", "ssm:RemoveTagsFromResource")
_PARAMETER_CHANGES: Final = (
    "ssm:AddTagsToResource",
    "ssm:DeleteParameter",
    "ssm:PutParameter",
    "ssm:RemoveTagsFromResource",
)
_LOG_GROUP_CHANGES: Final = (
    "logs:AssociateKmsKey",
    "logs:CreateLogGroup",
    "logs:DeleteLogGroup",
    "logs:DisassociateKmsKey",
    "logs:PutRetentionPolicy",
    "logs:TagResource",
    "logs:UntagResource",
)
_FILTER_CHANGES: Final = ("logs:DeleteMetricFilter", "logs:PutMetricFilter")
_TOPIC_CHANGES: Final = (
    "sns:CreateTopic",
    "sns:DeleteTopic",
    "sns:SetTopicAttributes",
    "sns:Subscribe",
    "sns:TagResource",
    "sns:UntagResource",
)
_SCHEDULE_GROUP_CHANGES: Final = (
    "scheduler:CreateScheduleGroup",
    "scheduler:DeleteScheduleGroup",
    "scheduler:TagResource",
    "scheduler:UntagResource",
)
_SCHEDULE_CHANGES: Final = ("scheduler:CreateSchedule", "scheduler:DeleteSchedule", "scheduler:UpdateSchedule")


_WORK_GROUP_CHANGES: Final = (
    "athena:CreateWorkGroup",
    "athena:DeleteWorkGroup",
    "athena:TagResource",
    "athena:UntagResource",
    "athena:UpdateWorkGroup",
)
_CATALOG_CHANGES: Final = (
    "glue:CreateDatabase",
    "glue:CreateTable",
    "glue:DeleteDatabase",
    "glue:DeleteTable",
    "glue:TagResource",
    "glue:UntagResource",
    "glue:UpdateDatabase",
    "glue:UpdateTable",
)


def document_names(scope: DeploymentScope) -> list[str]:
    """Return the names of documents that the systems of a scope create."""
    preferences = [DOCUMENT_NAME] if System.SESSION_MANAGER in scope.systems else []
    export = [EVIDENCE_RUNBOOK_NAME] if scope.exports_evidence else []
    remediation = [NODES_RUNBOOK_NAME] if System.NODES in scope.systems else []
    controllers = [f"{DOCUMENTS}*"] if System.CONTROLLER_OPERATIONS in scope.systems else []
    return [
        *preferences,
        *(DOCUMENT_NAMES if System.APPROVAL in scope.systems else ()),
        *export,
        *remediation,
        *controllers,
    ]


def log_group_names(scope: DeploymentScope) -> list[str]:
    """Return the names of log groups that the systems of a scope create."""
    sessions = sorted(scope.log_groups) if System.SESSION_MANAGER in scope.systems else []
    events = [f"{EVENT_LOGS}/*"] if System.CONTROLLER_OPERATIONS in scope.systems else []
    return [*sessions, *([FLOW_LOGS] if System.CONTROLLERS in scope.systems else []), *events]


def named_resource_permissions(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions for documents, the parameter, log groups, topics, schedules and exported records."""
    return [
        *_documents(scope),
        *_approval_policies(scope),
        *_parameter(scope),
        *_log_groups(scope),
        *_topics(scope),
        *_schedule(scope),
        *(_evidence(scope) if scope.exports_evidence else ()),
    ]


def _evidence(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions for the catalog and queries of Athena."""
    catalog = ("catalog", f"database/{EVIDENCE_DATABASE}", f"table/{EVIDENCE_DATABASE}/*")
    return [
        AllowedActions("ManageEvidenceCatalog", _CATALOG_CHANGES, tuple(scope.arn("glue", each) for each in catalog)),
        AllowedActions(
            "ManageEvidenceQueries",
            ("athena:CreateNamedQuery", "athena:DeleteNamedQuery"),
            (scope.arn("athena", "workgroup/primary"),),
        ),
        *(_trail_queries(scope) if scope.queries_trail else ()),
    ]


def _trail_queries(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions for the workgroup of queries about a trail; none to run a query."""
    group = (scope.arn("athena", f"workgroup/{EVIDENCE_WORKGROUP}"),)
    return [AllowedActions("ManageEvidenceWorkgroup", _WORK_GROUP_CHANGES, group)]


def _documents(scope: DeploymentScope) -> list[AllowedActions]:
    arns = tuple(scope.arn("ssm", f"document/{name}") for name in document_names(scope))
    return [AllowedActions("ManageDocuments", _DOCUMENT_CHANGES, arns)] if arns else []


def approval_policy_arns(scope: DeploymentScope) -> tuple[str, ...]:
    """Return the ARNs of the documents of just-in-time node access."""
    return tuple(scope.arn("ssm", f"document/{name}") for name in sorted(scope.approval_policies))


def token_role(scope: DeploymentScope) -> str:
    """Return the ARN of the role of just-in-time node access, which Quick Setup makes and approval policies name."""
    return scope.iam(f"role/{TOKEN_ROLE}")


def _approval_policies(scope: DeploymentScope) -> list[AllowedActions]:
    arns = approval_policy_arns(scope)
    if not arns:
        return []
    return [
        # Of a document that does not exist yet there is no type to compare, but for CreateDocument itself.
        AllowedActions("TagApprovalPolicies", _TAG_CHANGES, arns),
        AllowedActions(
            "ManageApprovalPolicies",
            tuple(each for each in _DOCUMENT_CHANGES if each not in _TAG_CHANGES),
            arns,
            {"StringEquals": {"ssm:DocumentType": list(DOCUMENT_TYPES)}},
        ),
        AllowedActions(
            "PassTokenRole",
            ("iam:PassRole",),
            (token_role(scope),),
            {"StringEquals": {"iam:PassedToService": TOKEN_SERVICE}},
            everywhere=True,
        ),
    ]


def _parameter(scope: DeploymentScope) -> list[AllowedActions]:
    if System.SESSION_MANAGER not in scope.systems:
        return []
    arn = scope.arn("ssm", f"parameter{DATA_KEY_PARAMETER}")
    return [AllowedActions("ManageParameter", _PARAMETER_CHANGES, (arn,))]


def _log_groups(scope: DeploymentScope) -> list[AllowedActions]:
    # Which of the two forms is evaluated differs by action (CloudWatch Logs User Guide, "Actions, resources, and
    # condition keys").
    arns = tuple(scope.arn("logs", f"log-group:{name}{end}") for name in log_group_names(scope) for end in ("", ":*"))
    filters = _FILTER_CHANGES if System.CONTROLLER_OPERATIONS in scope.systems else ()
    return [AllowedActions("ManageLogGroups", (*_LOG_GROUP_CHANGES, *filters), arns)] if arns else []


def _topics(scope: DeploymentScope) -> list[AllowedActions]:
    names = {System.APPROVAL: TOPIC_NAME, System.CONTROLLERS: ALERTS_TOPIC}
    arns = tuple(scope.arn("sns", name) for system, name in names.items() if system in scope.systems)
    if not arns:
        return []
    return [
        AllowedActions("ManageTopics", _TOPIC_CHANGES, arns),
        # These actions support no resources (Service Authorization Reference).
        AllowedActions("ManageSubscriptions", ("sns:SetSubscriptionAttributes", "sns:Unsubscribe")),
    ]


def _schedule(scope: DeploymentScope) -> list[AllowedActions]:
    if System.APPROVAL not in scope.systems:
        return []
    # Stacks of earlier releases have the schedule in the default group.
    arns = tuple(
        scope.arn("scheduler", f"schedule/{group}/{REAPER_SCHEDULE_NAME}")
        for group in (REAPER_SCHEDULE_GROUP, "default")
    )
    groups = [REAPER_SCHEDULE_GROUP]
    if scope.exports_evidence:
        arns = (*arns, scope.arn("scheduler", f"schedule/{EVIDENCE_SCHEDULE_GROUP}/{EVIDENCE_SCHEDULE_NAME}"))
        groups.append(EVIDENCE_SCHEDULE_GROUP)
    return [
        AllowedActions("ManageSchedule", _SCHEDULE_CHANGES, arns),
        AllowedActions(
            "ManageScheduleGroup",
            _SCHEDULE_GROUP_CHANGES,
            tuple(scope.arn("scheduler", f"schedule-group/{each}") for each in groups),
        ),
    ]
