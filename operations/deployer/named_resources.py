"""Permissions for resources with fixed names: of Systems Manager, logs, notifications, schedules, rules, alarms, trail and buckets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from components.approval.names import (
    ALARM_PREFIX,
    DOCUMENT_NAMES,
    EVIDENCE_BUCKET,
    EVIDENCE_DATABASE,
    EVIDENCE_RUNBOOK_NAME,
    EVIDENCE_SCHEDULE_GROUP,
    EVIDENCE_SCHEDULE_NAME,
    EVIDENCE_WORKGROUP,
    REAPER_SCHEDULE_GROUP,
    REAPER_SCHEDULE_NAME,
    TOPIC_NAME,
)
from components.domain_controllers.names import (
    ALARMS,
    ALERTS_TOPIC,
    DOCUMENTS,
    EVENT_LOGS,
    FLOW_LOGS,
    TRAIL,
    TRAIL_BUCKET,
)
from components.just_in_time.names import DOCUMENT_TYPES, TOKEN_ROLE, TOKEN_SERVICE
from components.nodes.names import RUNBOOK_NAME as NODES_RUNBOOK_NAME
from components.session_manager.document import DOCUMENT_NAME
from components.session_manager.names import DATA_KEY_PARAMETER
from operations.deployer.scope import ANY, DeploymentScope, System
from operations.deployer.statement import AllowedActions, actions_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_DOCUMENT_CHANGES: Final = actions_of(
    "ssm: AddTagsToResource CreateDocument DeleteDocument RemoveTagsFromResource UpdateDocument",
    "ssm: UpdateDocumentDefaultVersion",
)
_TAG_CHANGES: Final = ("ssm:AddTagsToResource", "ssm:RemoveTagsFromResource")
_PARAMETER_CHANGES: Final = actions_of("ssm: AddTagsToResource DeleteParameter PutParameter RemoveTagsFromResource")
_LOG_GROUP_CHANGES: Final = actions_of(
    "logs: AssociateKmsKey CreateLogGroup DeleteLogGroup DisassociateKmsKey PutRetentionPolicy TagResource",
    "logs: UntagResource",
)
_FILTER_CHANGES: Final = ("logs:DeleteMetricFilter", "logs:PutMetricFilter")
_TOPIC_CHANGES: Final = actions_of(
    "sns: CreateTopic DeleteTopic SetTopicAttributes Subscribe TagResource UntagResource"
)
_SCHEDULE_GROUP_CHANGES: Final = actions_of(
    "scheduler: CreateScheduleGroup DeleteScheduleGroup TagResource UntagResource"
)
_SCHEDULE_CHANGES: Final = ("scheduler:CreateSchedule", "scheduler:DeleteSchedule", "scheduler:UpdateSchedule")
_WORK_GROUP_CHANGES: Final = actions_of(
    "athena: CreateWorkGroup DeleteWorkGroup TagResource UntagResource UpdateWorkGroup"
)
_CATALOG_CHANGES: Final = actions_of(
    "glue: CreateDatabase CreateTable DeleteDatabase DeleteTable TagResource UntagResource UpdateDatabase",
    "glue: UpdateTable",
)
_RULE_CHANGES: Final = actions_of("events: DeleteRule PutRule RemoveTargets TagResource UntagResource")
_ALARM_CHANGES: Final = actions_of("cloudwatch: DeleteAlarms PutMetricAlarm TagResource UntagResource")
_TRAIL_CHANGES: Final = actions_of("cloudtrail: AddTags CreateTrail DeleteTrail RemoveTags StartLogging UpdateTrail")
_BUCKET_CHANGES: Final = actions_of(
    "s3: CreateBucket PutBucketPolicy PutBucketPublicAccessBlock PutBucketTagging PutBucketVersioning",
    "s3: PutEncryptionConfiguration TagResource UntagResource",
)
_BUCKET_DELETIONS: Final = ("s3:DeleteBucket", "s3:DeleteBucketPolicy")
_DELETIONS: Final = ("s3:DeleteObject", "s3:DeleteObjectVersion")


def document_names(scope: DeploymentScope) -> list[str]:
    """Return the names of documents that the systems of a scope create."""
    return [
        *([DOCUMENT_NAME] if System.SESSION_MANAGER in scope.systems else []),
        *(DOCUMENT_NAMES if System.APPROVAL in scope.systems else ()),
        *([EVIDENCE_RUNBOOK_NAME] if scope.exports_evidence else []),
        *([NODES_RUNBOOK_NAME] if System.NODES in scope.systems else []),
        *([f"{DOCUMENTS}*"] if System.CONTROLLER_OPERATIONS in scope.systems else []),
    ]


def log_group_names(scope: DeploymentScope) -> list[str]:
    """Return the names of log groups that the systems of a scope create."""
    sessions = sorted(scope.log_groups) if System.SESSION_MANAGER in scope.systems else []
    events = [f"{EVENT_LOGS}/*"] if System.CONTROLLER_OPERATIONS in scope.systems else []
    return [*sessions, *([FLOW_LOGS] if System.CONTROLLERS in scope.systems else []), *events]


def approval_policy_arns(scope: DeploymentScope) -> tuple[str, ...]:
    """Return the ARNs of the documents of just-in-time node access."""
    return tuple(scope.arn("ssm", f"document/{name}") for name in sorted(scope.approval_policies))


def token_role(scope: DeploymentScope) -> str:
    """Return the ARN of the role of just-in-time node access, which Quick Setup makes and approval policies name."""
    return scope.iam(f"role/{TOKEN_ROLE}")


def trail_bucket(scope: DeploymentScope) -> str:
    """Return the ARN pattern of the trail's bucket, in any Region."""
    return f"arn:{scope.partition}:s3:::{TRAIL_BUCKET}-{scope.account}-*"


def evidence_bucket(scope: DeploymentScope) -> str:
    """Return the ARN pattern of the bucket for exported records, in any Region."""
    return f"arn:{scope.partition}:s3:::{EVIDENCE_BUCKET}-{scope.account}-*"


def own_buckets(scope: DeploymentScope) -> tuple[str, ...]:
    """Return the ARN patterns of the buckets that the systems of a scope create."""
    trail = (trail_bucket(scope),) if System.CONTROLLERS in scope.systems else ()
    return (*trail, *((evidence_bucket(scope),) if scope.exports_evidence else ()))


def named_resource_permissions(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions for documents, the parameter, log groups, topics, schedules and exported records."""
    documents = tuple(scope.arn("ssm", f"document/{name}") for name in document_names(scope))
    # Which of the two forms is evaluated differs by action (CloudWatch Logs User Guide, "Actions, resources, and
    # condition keys").
    groups = tuple(scope.arn("logs", f"log-group:{name}{end}") for name in log_group_names(scope) for end in ("", ":*"))
    filters = _FILTER_CHANGES if System.CONTROLLER_OPERATIONS in scope.systems else ()
    topics = _arns(scope, "sns", {System.APPROVAL: TOPIC_NAME, System.CONTROLLERS: ALERTS_TOPIC})
    # These actions support no resources (Service Authorization Reference).
    subscriptions = ("sns:SetSubscriptionAttributes", "sns:Unsubscribe") if topics else ()
    parameter = _arns(scope, "ssm", {System.SESSION_MANAGER: f"parameter{DATA_KEY_PARAMETER}"})
    return [
        AllowedActions("ManageDocuments", _DOCUMENT_CHANGES, documents),
        *(_approval_policies(scope) if scope.approval_policies else ()),
        AllowedActions("ManageParameter", _PARAMETER_CHANGES, parameter),
        AllowedActions("ManageLogGroups", (*_LOG_GROUP_CHANGES, *filters), groups),
        AllowedActions("ManageTopics", _TOPIC_CHANGES, topics),
        AllowedActions("ManageSubscriptions", subscriptions),
        *(_schedules(scope) if System.APPROVAL in scope.systems else ()),
        *(_evidence(scope) if scope.exports_evidence else ()),
    ]


def _arns(scope: DeploymentScope, service: str, resources: Mapping[System, str]) -> tuple[str, ...]:
    """Return the ARNs of the resources of the systems of a scope."""
    return tuple(scope.arn(service, each) for system, each in resources.items() if system in scope.systems)


def _evidence(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions for the catalog and queries of Athena, and for the workgroup of queries; none to run one."""
    catalog = ("catalog", f"database/{EVIDENCE_DATABASE}", f"table/{EVIDENCE_DATABASE}/*")
    group = (scope.arn("athena", f"workgroup/{EVIDENCE_WORKGROUP}"),) if scope.queries_trail else ()
    return [
        AllowedActions("ManageEvidenceCatalog", _CATALOG_CHANGES, tuple(scope.arn("glue", each) for each in catalog)),
        AllowedActions(
            "ManageEvidenceQueries",
            ("athena:CreateNamedQuery", "athena:DeleteNamedQuery"),
            (scope.arn("athena", "workgroup/primary"),),
        ),
        AllowedActions("ManageEvidenceWorkgroup", _WORK_GROUP_CHANGES, group),
    ]


def _approval_policies(scope: DeploymentScope) -> list[AllowedActions]:
    arns = approval_policy_arns(scope)
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


def _schedules(scope: DeploymentScope) -> list[AllowedActions]:
    # Stacks of earlier releases have the schedule in the default group.
    schedules = [f"{group}/{REAPER_SCHEDULE_NAME}" for group in (REAPER_SCHEDULE_GROUP, "default")]
    groups = [REAPER_SCHEDULE_GROUP]
    if scope.exports_evidence:
        schedules.append(f"{EVIDENCE_SCHEDULE_GROUP}/{EVIDENCE_SCHEDULE_NAME}")
        groups.append(EVIDENCE_SCHEDULE_GROUP)
    arns = tuple(scope.arn("scheduler", f"schedule/{each}") for each in schedules)
    group_arns = tuple(scope.arn("scheduler", f"schedule-group/{each}") for each in groups)
    return [
        AllowedActions("ManageSchedule", _SCHEDULE_CHANGES, arns),
        AllowedActions("ManageScheduleGroup", _SCHEDULE_GROUP_CHANGES, group_arns),
    ]


def monitoring_permissions(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions for the alerts of domain controllers and the alarms of approval, and buckets.

    The bucket of exported records is never deleted.
    """
    controllers = System.CONTROLLERS in scope.systems
    alarms = {System.APPROVAL: f"alarm:{ALARM_PREFIX}*", System.CONTROLLER_OPERATIONS: f"alarm:{ALARMS}*"}
    trail = (trail_bucket(scope),) if controllers else ()
    evidence = (evidence_bucket(scope),) if scope.exports_evidence else ()
    return [
        *(_controllers(scope) if controllers else ()),
        *(_approval_alarms(scope) if System.APPROVAL in scope.systems else ()),
        AllowedActions("ManageAlarms", _ALARM_CHANGES, _arns(scope, "cloudwatch", alarms)),
        AllowedActions("ManageBuckets", _BUCKET_CHANGES, own_buckets(scope)),
        AllowedActions("DeleteTrailBucket", _BUCKET_DELETIONS, trail),
        AllowedActions("LockEvidenceBucket", ("s3:PutBucketObjectLockConfiguration",), evidence),
    ]


def _approval_alarms(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions for rules and alarms of approval, which publish to its topics and to nothing else.

    A rule in the Region of IAM's events forwards them to the event bus of another one, so these permissions have
    their own condition on the Region.
    """
    rules = (scope.arn("events", f"rule/{ALARM_PREFIX}*"),)
    topics = [each if each != ANY else scope.arn("sns", ANY) for each in sorted(scope.alarm_topics)]
    targets = [scope.arn("sns", TOPIC_NAME), *topics, scope.arn("events", "event-bus/default")]
    regions = {"StringEquals": {"aws:RequestedRegion": [*scope.regions, *sorted(scope.event_regions)]}}
    published = {**_published_to(targets), **regions}
    return [
        AllowedActions("ManageApprovalRules", _RULE_CHANGES, rules, regions, everywhere=True),
        AllowedActions("PublishApprovalAlarms", ("events:PutTargets",), rules, published, everywhere=True),
    ]


def _controllers(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions for rules that publish to our topic and to nothing else, one trail, and one bucket."""
    rules = (scope.arn("events", f"rule/{ALERTS_TOPIC}-*"),)
    logs = (f"{trail_bucket(scope)}/*",) if scope.empties_trail_bucket else ()
    return [
        AllowedActions("ManageRules", _RULE_CHANGES, rules),
        AllowedActions("PublishAlerts", ("events:PutTargets",), rules, _published_to([scope.arn("sns", ALERTS_TOPIC)])),
        AllowedActions("ManageTrail", _TRAIL_CHANGES, (scope.arn("cloudtrail", f"trail/{TRAIL}"),)),
        AllowedActions("EmptyTrailBucket", _DELETIONS, logs),
    ]


def _published_to(targets: list[str]) -> dict[str, dict[str, str | list[str]]]:
    return {"ForAllValues:ArnLike": {"events:TargetArn": targets}, "Null": {"events:TargetArn": "false"}}
