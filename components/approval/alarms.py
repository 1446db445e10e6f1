"""Alarms of the approval workflow, as plain data: EventBridge patterns and CloudWatch alarms.

Sources: Systems Manager User Guide, "Amazon EventBridge event examples for Systems Manager"; EventBridge User Guide,
"AWS service events delivered via AWS CloudTrail" and "Sending and receiving events between AWS Regions"; EventBridge
Scheduler User Guide, "Monitoring Amazon EventBridge Scheduler with Amazon CloudWatch". API calls reach EventBridge only
while a trail records the management events of the account.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from common.problems import Problem, unexpected
from components.approval import names
from components.approval.settings import ApprovalSettings, ApproverType
from components.metric_alarm import MetricAlarm

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Pattern = dict[str, Any]

FORWARDING_TARGET_ID: Final = "workflow-region"
IAM_EVENT_REGIONS: Final = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
"""Region that IAM sends its events to, per partition."""
FORWARDING_PARTITIONS: Final = frozenset({"aws"})
"""Partitions in which EventBridge forwards events between Regions: only the commercial one."""

WATCHED_SOURCES: Final = frozenset(
    f"{each}.amazonaws.com" for each in ("ssm", "scheduler", "sns", "events", "monitoring", "iam")
)
"""Services whose calls raise alarms, with their names in CloudTrail."""

ENABLED: Final = "ENABLED"
ENABLED_WITH_READS: Final = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
"""State of a rule that also matches read-only calls (EventBridge User Guide, "Receiving read-only management events")."""
_CALL: Final = "AWS API Call via CloudTrail"
_EXECUTION_CHANGE: Final = "EC2 Automation Execution Status-change Notification"
_STEP_CHANGE: Final = "EC2 Automation Step Status-change Notification"
_RELEASE_STEP: Final = "ReleaseGrant"
_UNSUCCESSFUL: Final = ["Failed", "TimedOut", "Cancelled"]
_NAMES_PER_PATTERN: Final = 16
"""Maximum of names in a pattern: a pattern has 2,048 characters at most (EventBridge quotas), a name up to 64."""
_DOCUMENT_CALLS: Final = [
    *("CreateDocument", "UpdateDocument", "UpdateDocumentDefaultVersion", "UpdateDocumentMetadata"),
    *("DeleteDocument", "ModifyDocumentPermission"),
]
_SCHEDULE_CALLS: Final = ["CreateSchedule", "UpdateSchedule", "DeleteSchedule", "DeleteScheduleGroup"]
_TOPIC_CALLS: Final = ["SetTopicAttributes", "DeleteTopic", "AddPermission", "RemovePermission"]
_ROLE_CALLS: Final = [
    *("AttachRolePolicy", "CreateRole", "DeleteRole", "DeleteRolePermissionsBoundary", "DeleteRolePolicy"),
    *("DetachRolePolicy", "PutRolePermissionsBoundary", "PutRolePolicy", "UpdateAssumeRolePolicy", "UpdateRole"),
]
_USER_CALLS: Final = [
    *("AddUserToGroup", "AttachUserPolicy", "CreateAccessKey", "CreateLoginProfile", "DeactivateMFADevice"),
    *("DeleteUserPermissionsBoundary", "DeleteUserPolicy", "DetachUserPolicy", "PutUserPermissionsBoundary"),
    *("PutUserPolicy", "UpdateLoginProfile", "UpdateUser"),
]
_POLICY_CALLS: Final = [
    *("AttachGroupPolicy", "AttachRolePolicy", "AttachUserPolicy", "CreatePolicyVersion", "DeletePolicy"),
    *("DeletePolicyVersion", "DetachGroupPolicy", "DetachRolePolicy", "DetachUserPolicy", "SetDefaultPolicyVersion"),
]


@dataclass(frozen=True, kw_only=True)
class EventAlarm:
    """An EventBridge rule that publishes matching events to the topics.

    In `forwarded_from`, other Regions in which the events occur, rules of the same name forward them. The state
    `ENABLED` leaves out read-only calls.
    """

    name: str
    description: str
    pattern: Pattern
    forwarded_from: tuple[str, ...] = ()
    state: str = ENABLED


def _schedule_alarms(key: str, runbook: str, group: str, schedule: str, danger: str) -> tuple[MetricAlarm, ...]:
    """Return the alarms of a schedule that starts a runbook at least twice an hour, on sums per hour."""

    def alarm(name: str, description: str, metric: str, *, is_expected: bool = False) -> MetricAlarm:
        return MetricAlarm(
            name=f"{names.ALARM_PREFIX}{key}-{name}",
            description=f"{description}: {danger}",
            namespace="AWS/Scheduler",
            metric=metric,
            comparison="LessThanThreshold" if is_expected else "GreaterThanOrEqualToThreshold",
            threshold=1,
            # Without a schedule the metric has no data.
            missing_data="breaching" if is_expected else "notBreaching",
            dimensions={"ScheduleGroup": group},
        )

    return (
        alarm(
            "did-not-run",
            f"{schedule} started no run of {runbook} for an hour",
            "InvocationAttemptCount",
            is_expected=True,
        ),
        alarm("not-started", f"Systems Manager refused to start {runbook}", "TargetErrorCount"),
        alarm("dropped", f"EventBridge Scheduler gave up starting {runbook}", "InvocationDroppedCount"),
    )


METRIC_ALARMS: Final = _schedule_alarms(
    "reaper", names.REAPER_NAME, names.REAPER_SCHEDULE_GROUP, names.REAPER_SCHEDULE_NAME, "expired grants may remain"
)
_EVIDENCE_ALARMS: Final = _schedule_alarms(
    "evidence",
    names.EVIDENCE_RUNBOOK_NAME,
    names.EVIDENCE_SCHEDULE_GROUP,
    names.EVIDENCE_SCHEDULE_NAME,
    "AWS deletes records after 30 days",
)


def metric_alarms(settings: ApprovalSettings) -> tuple[MetricAlarm, ...]:
    """Return the alarms of the schedules."""
    return (*(METRIC_ALARMS if settings.has_workflow else ()), *(_EVIDENCE_ALARMS if settings.evidence else ()))


def topic_problems(settings: ApprovalSettings, place: names.WorkflowLocation) -> Iterator[Problem]:
    """Yield problems of the topics for alarms and chat: rules and alarms publish in their own account and Region only."""

    def is_here(arn: str) -> bool:
        return arn != place.topic_arn and arn.rpartition(":")[0] == place.topic_arn.rpartition(":")[0]

    for position, arn in enumerate(settings.alarm_topic_arns):
        if not is_here(arn):
            allowed = f"another topic of account {place.account_id} in {place.region}, the Region of the workflow"
            fix = "Subscribe what receives the alarms to a topic there"
            yield unexpected(("approval", "alarmTopicArns", position), allowed, arn, fix)
    # The messages for chat are for no other subscriber.
    chat = settings.chat_topic_arn
    if chat and (not is_here(chat) or chat in settings.alarm_topic_arns):
        allowed = f"a topic of its own in account {place.account_id} and {place.region}, the Region of the workflow"
        yield unexpected(("approval", "chatTopicArn"), allowed, chat, "Subscribe the chat's channel to a topic there")


def event_alarms(
    settings: ApprovalSettings, place: names.WorkflowLocation, regions: Sequence[str] = ()
) -> list[EventAlarm]:
    """Return the rules in the Region of the workflow."""
    return [
        *(_run_alarms() if settings.has_workflow else ()),
        *([_export_alarm()] if settings.evidence else ()),
        *_call_alarms(settings, place),
        *(_iam_alarms(settings, place) if settings.has_workflow and watches_iam(settings, place) else ()),
        *([_break_glass_alarm(settings, place, regions)] if settings.break_glass else ()),
    ]


def watches_iam(settings: ApprovalSettings, place: names.WorkflowLocation) -> bool:
    """Return whether changes in IAM raise alarms: they are enabled, and the events reach the workflow's Region."""
    return settings.alarm_iam_changes and (not needs_forwarding(place) or place.partition in FORWARDING_PARTITIONS)


def needs_forwarding(place: names.WorkflowLocation) -> bool:
    """Return whether IAM sends its events to another Region than that of the workflow."""
    return place.region != iam_event_region(place)


def iam_event_region(place: names.WorkflowLocation) -> str:
    """Return the Region that IAM sends its events to."""
    return IAM_EVENT_REGIONS.get(place.partition, place.region)


def topic_target_id(position: int) -> str:
    """Return the target ID of a topic: `topic` for that of the workflow, then `topic-1`, ..."""
    return f"topic-{position}" if position else "topic"


def forwarding_regions(
    settings: ApprovalSettings, place: names.WorkflowLocation, regions: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return the Regions with rules that forward events to the workflow, IAM's first."""
    iam = [iam_event_region(place)] if watches_iam(settings, place) else []
    used = watched_regions(place, regions) if settings.break_glass else ()
    return tuple(each for each in dict.fromkeys((*iam, *used)) if each != place.region)


def watched_regions(place: names.WorkflowLocation, regions: Sequence[str]) -> tuple[str, ...]:
    """Return the Regions of the stack whose events reach the workflow: emergency access works in no other."""
    forwards = place.partition in FORWARDING_PARTITIONS
    return tuple(each for each in regions if forwards or each == place.region)


def _alarm(
    name: str, description: str, pattern: Pattern, forwarded_from: tuple[str, ...] = (), state: str = ENABLED
) -> EventAlarm:
    return EventAlarm(
        name=f"{names.ALARM_PREFIX}{name}",
        description=description,
        pattern=pattern,
        forwarded_from=forwarded_from,
        state=state,
    )


def _run_alarms() -> Iterator[EventAlarm]:
    runbook = {"Definition": [names.RUNBOOK_NAME], "Status": _UNSUCCESSFUL}
    yield _alarm(
        "grant-not-released",
        f"A run of {names.RUNBOOK_NAME} could not remove its grant; {names.REAPER_NAME} tries again",
        _of("aws.ssm", _STEP_CHANGE, {**runbook, "StepName": [_RELEASE_STEP]}),
    )
    yield _alarm(
        "run-not-completed",
        f"A run of {names.RUNBOOK_NAME} failed, timed out or was cancelled. Rejected and refused requests end so too",
        _of("aws.ssm", _EXECUTION_CHANGE, runbook),
    )
    yield _alarm(
        "reaper-failed",
        f"A run of {names.REAPER_NAME} failed: expired grants may remain",
        _of("aws.ssm", _EXECUTION_CHANGE, {**runbook, "Definition": [names.REAPER_NAME]}),
    )


def _export_alarm() -> EventAlarm:
    runbook = {"Definition": [names.EVIDENCE_RUNBOOK_NAME], "Status": _UNSUCCESSFUL}
    return _alarm(
        "evidence-not-exported",
        f"A run of {names.EVIDENCE_RUNBOOK_NAME} failed, or records are exported late: AWS deletes them after 30 days",
        _of("aws.ssm", _EXECUTION_CHANGE, runbook),
    )


def _call_alarms(settings: ApprovalSettings, place: names.WorkflowLocation) -> Iterator[EventAlarm]:
    own = settings.document_names
    documents = [*own, *(place.ssm(f"document/{name}") for name in own)]
    schedules = [each for group, name in settings.schedules.items() for each in (name, group)]
    subscriptions = [{"prefix": f"{place.topic_arn}:"}]
    alarms = [{"prefix": names.ALARM_PREFIX}]
    yield _alarm(
        "documents-changed",
        "The runbook, the change template or the reaper of session approval changed, or was shared",
        _calls("ssm", _call(_DOCUMENT_CALLS, name=documents)),
    )
    yield _alarm(
        "schedule-changed",
        f"The schedule of {names.REAPER_NAME} changed",
        # The spelling of request parameters in these events is not documented.
        _calls(
            "scheduler",
            {
                "eventName": _SCHEDULE_CALLS,
                "$or": [{"requestParameters": {key: schedules}} for key in ("name", "Name")],
            },
        ),
    )
    yield _alarm(
        "topic-changed",
        "The topic of session approval changed, or a subscription to it ended or changed",
        _either_call(
            "sns",
            _call(_TOPIC_CALLS, topicArn=[place.topic_arn]),
            _call(["Unsubscribe", "SetSubscriptionAttributes"], subscriptionArn=subscriptions),
        ),
    )
    yield _alarm(
        "rules-changed",
        "A rule that raises alarms for session approval changed",
        _either_call(
            "events",
            _call(["PutRule", "DisableRule", "DeleteRule"], name=alarms),
            _call(["PutTargets", "RemoveTargets"], rule=alarms),
        ),
    )
    yield _alarm(
        "metric-alarms-changed",
        "A CloudWatch alarm of session approval changed",
        _either_call(
            "monitoring",
            _call(["PutMetricAlarm"], alarmName=alarms),
            _call(["DeleteAlarms", "DisableAlarmActions"], alarmNames=alarms),
        ),
    )


def _iam_alarms(settings: ApprovalSettings, place: names.WorkflowLocation) -> Iterator[EventAlarm]:
    forwarded = (iam_event_region(place),) if needs_forwarding(place) else ()
    policy_names = (*names.POLICY_NAMES, *((names.OPERATOR_BOUNDARY_NAME,) if settings.operators else ()))
    policies = [place.iam(f"policy/{name}") for name in policy_names]
    yield _alarm(
        "policies-changed",
        "A managed policy of session approval changed, or was attached or detached",
        _calls("iam", _call(_POLICY_CALLS, policyArn=policies)),
        forwarded,
    )
    runbook_sessions = f"arn:{place.partition}:sts::{place.account_id}:assumed-role/{names.ROLE_NAME}/"
    tagging = _call(
        ["TagRole", "TagUser", "CreateRole", "CreateUser"], tags={"key": [{"equals-ignore-case": names.TAG_KEY}]}
    )
    by_others = {"userIdentity": {"arn": [{"anything-but": {"prefix": runbook_sessions}}]}}
    yield _alarm(
        "tag-set",
        f"A principal other than {names.ROLE_NAME} set the tag {names.TAG_KEY}, which allows a session",
        _calls("iam", {**tagging, **by_others}),
        forwarded,
    )
    if settings.operators:
        yield _alarm(
            "operator-roles-changed",
            "IAM roles of operators of IAM Identity Center changed",
            _calls("iam", _call(_ROLE_CALLS, roleName=[{"prefix": names.OPERATOR_ROLE_PREFIX}])),
            forwarded,
        )
    emergency = settings.break_glass.users if settings.break_glass else []
    roles, users = (
        [each.bare_name for each in settings.approvers if each.type is kind]
        for kind in (ApproverType.IAM_ROLE, ApproverType.IAM_USER)
    )
    roles += [*settings.workflow_roles, *settings.operator_roles]
    users += [*settings.operator_users, *(each.rsplit("/", 1)[-1] for each in emergency)]
    for kind, key, calls, people in (
        ("roles", "roleName", _ROLE_CALLS, roles),
        ("users", "userName", _USER_CALLS, users),
    ):
        for number, chunk in enumerate(_chunks(people), start=1):
            yield _alarm(
                f"{kind}-changed" + (f"-{number}" if number > 1 else ""),
                f"IAM {kind} of session approval changed: its own, operators or approvers",
                _calls("iam", _call(calls, **{key: chunk})),
                forwarded,
            )


def _break_glass_alarm(settings: ApprovalSettings, place: names.WorkflowLocation, regions: Sequence[str]) -> EventAlarm:
    """Return the rule for each use of the emergency access role: its calls, and attempts to assume it."""
    role = [place.break_glass_arn]
    uses = [
        {"userIdentity": {"sessionContext": {"sessionIssuer": {"arn": role}}}},
        {"eventSource": ["sts.amazonaws.com"], "requestParameters": {"roleArn": role}},
    ]
    return _alarm(
        "break-glass-used",
        f"{names.BREAK_GLASS_ROLE_NAME}, which needs no approval, was assumed or used, or an attempt was refused",
        {"detail-type": [_CALL], "detail": {"$or": uses}},
        forwarding_regions(settings, place, regions),
        ENABLED_WITH_READS,
    )


def _chunks(values: Sequence[str]) -> Iterator[list[str]]:
    unique = sorted(set(values))
    for start in range(0, len(unique), _NAMES_PER_PATTERN):
        yield unique[start : start + _NAMES_PER_PATTERN]


def _call(operations: Sequence[str], **parameters: Any) -> Pattern:
    return {"eventName": operations, "requestParameters": parameters}


def _either_call(service: str, *calls: Pattern) -> Pattern:
    return _calls(service, {"$or": list(calls)})


def _calls(service: str, detail: Pattern) -> Pattern:
    source = {"eventSource": [f"{service}.amazonaws.com"]}
    return _of(f"aws.{service}", _CALL, {**source, **detail})


def _of(source: str, detail_type: str, detail: Pattern) -> Pattern:
    return {"source": [source], "detail-type": [detail_type], "detail": detail}
