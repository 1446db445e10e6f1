"""Alarms of approval: which events match, which do not, and that every pattern fits into a rule."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.approval.alarms import (
    METRIC_ALARMS,
    EventAlarm,
    event_alarms,
    topic_problems,
)
from components.approval.iam_policies import forwarding_policy, forwarding_trust
from components.approval.names import ROLE_NAME, TAG_KEY, WorkflowLocation
from components.approval.plan import plan_approval
from components.approval.runbook import runbook
from components.approval.settings import ApprovalSettings, Approver, ApproverType, BreakGlass
from tests.components.events import call, matches

PLACE = WorkflowLocation(partition="aws", account_id="111122223333", region="eu-west-1")
ARN = "arn:aws:iam::111122223333"
LONGEST_PATTERN = 2048
"""EventBridge User Guide, "EventBridge quotas"."""


def settings(**change: Any) -> ApprovalSettings:
    given: dict[str, Any] = {
        "approvers": [
            Approver(type=ApproverType.IAM_ROLE, name="team/Approver"),
            Approver(type=ApproverType.IAM_USER, name="grace", level=2),
        ],
        "operator_roles": ["Operator"],
        "operator_users": ["alice"],
    }
    return ApprovalSettings(**{**given, **change})


def automation(kind: str, **detail: Any) -> dict[str, Any]:
    """An event of Automation (User Guide, "Amazon EventBridge event examples for Systems Manager")."""
    detail_type = f"EC2 Automation {kind} Status-change Notification"
    return {"source": "aws.ssm", "detail-type": detail_type, "detail": {"ExecutionId": "e", **detail}}


def raised(event: dict[str, Any], given: ApprovalSettings | None = None) -> set[str]:
    alarms = event_alarms(given or settings(), PLACE)
    return {each.name.removeprefix("shell-access-approval-") for each in alarms if matches(each.pattern, event)}


RUNBOOK, REAPER = "AllowStartSsmSession", "RemoveExpiredSsmSessionGrants"
TAGGED = {"tags": [{"key": TAG_KEY.lower(), "value": "i-1"}]}
RAISING: dict[str, tuple[dict[str, Any], set[str]]] = {
    "release failed": (
        automation("Step", Definition=RUNBOOK, StepName="ReleaseGrant", Status="Failed"),
        {"grant-not-released"},
    ),
    "release timed out": (
        automation("Step", Definition=RUNBOOK, StepName="ReleaseGrant", Status="TimedOut"),
        {"grant-not-released"},
    ),
    "run cancelled": (automation("Execution", Definition=RUNBOOK, Status="Cancelled"), {"run-not-completed"}),
    "run timed out": (automation("Execution", Definition=RUNBOOK, Status="TimedOut"), {"run-not-completed"}),
    "reaper failed": (automation("Execution", Definition=REAPER, Status="Failed"), {"reaper-failed"}),
    "default version": (call("ssm", "UpdateDocumentDefaultVersion", name=RUNBOOK), {"documents-changed"}),
    "template by ARN": (
        call("ssm", "DeleteDocument", name="arn:aws:ssm:eu-west-1:111122223333:document/AllowSsmSessionStartTemplate"),
        {"documents-changed"},
    ),
    "shared": (call("ssm", "ModifyDocumentPermission", name=REAPER), {"documents-changed"}),
    "schedule": (call("scheduler", "DeleteSchedule", name="remove-expired-ssm-session-grants"), {"schedule-changed"}),
    "schedule as spelled by the API": (
        call("scheduler", "UpdateSchedule", Name="remove-expired-ssm-session-grants"),
        {"schedule-changed"},
    ),
    "schedule group": (call("scheduler", "DeleteScheduleGroup", name="shell-access-approval"), {"schedule-changed"}),
    "topic policy": (call("sns", "SetTopicAttributes", topicArn=PLACE.topic_arn), {"topic-changed"}),
    "unsubscribed": (call("sns", "Unsubscribe", subscriptionArn=f"{PLACE.topic_arn}:0-1"), {"topic-changed"}),
    "messages filtered": (
        call("sns", "SetSubscriptionAttributes", subscriptionArn=f"{PLACE.topic_arn}:0-1"),
        {"topic-changed"},
    ),
    "rule": (call("events", "DisableRule", name="shell-access-approval-tag-set"), {"rules-changed"}),
    "target": (call("events", "RemoveTargets", rule="shell-access-approval-tag-set"), {"rules-changed"}),
    "alarm": (
        call("monitoring", "DeleteAlarms", alarmNames=["x", "shell-access-approval-reaper-dropped"]),
        {"metric-alarms-changed"},
    ),
    "policy version": (
        call("iam", "SetDefaultPolicyVersion", policyArn=f"{ARN}:policy/RequestSsmSessions"),
        {"policies-changed"},
    ),
    "detached": (
        call("iam", "DetachRolePolicy", roleName="X", policyArn=f"{ARN}:policy/DenyChangingSsmSessionApproval"),
        {"policies-changed"},
    ),
    "trust of the runbook's role": (call("iam", "UpdateAssumeRolePolicy", roleName=ROLE_NAME), {"roles-changed"}),
    "trust of an approver": (call("iam", "UpdateAssumeRolePolicy", roleName="Approver"), {"roles-changed"}),
    "inline policy of an operator": (call("iam", "PutRolePolicy", roleName="Operator"), {"roles-changed"}),
    "access key of an approver": (call("iam", "CreateAccessKey", userName="grace"), {"users-changed"}),
    "tag": (call("iam", "TagRole", roleName="Operator", **TAGGED), {"tag-set"}),
    "tag of a user by a role": (
        call("iam", "TagUser", "arn:aws:sts::111122223333:assumed-role/Admin/x", userName="alice", **TAGGED),
        {"tag-set"},
    ),
}
QUIET: dict[str, dict[str, Any]] = {
    "run succeeded": automation("Execution", Definition=RUNBOOK, Status="Success"),
    "run waits": automation("Execution", Definition=RUNBOOK, Status="Waiting"),
    "another step failed": automation("Step", Definition=RUNBOOK, StepName="ApproveLevel1", Status="Failed"),
    "release succeeded": automation("Step", Definition=RUNBOOK, StepName="ReleaseGrant", Status="Success"),
    "reaper succeeded": automation("Execution", Definition=REAPER, Status="Success"),
    "another runbook failed": automation("Execution", Definition="AWS-StopEC2Instance", Status="Failed"),
    "another document": call("ssm", "UpdateDocument", name="Theirs"),
    "document read": call("ssm", "GetDocument", name=RUNBOOK),
    "another schedule": call("scheduler", "DeleteSchedule", name="theirs"),
    "another topic": call("sns", "SetTopicAttributes", topicArn=f"{PLACE.topic_arn}-2"),
    "another rule": call("events", "DisableRule", name="theirs"),
    "another role": call("iam", "PutRolePolicy", roleName="Theirs"),
    "another policy attached": call("iam", "AttachGroupPolicy", policyArn="arn:aws:iam::aws:policy/ReadOnlyAccess"),
    "tag of the runbook": call(
        "iam", "TagRole", f"arn:aws:sts::111122223333:assumed-role/{ROLE_NAME}/Automation-1", **TAGGED
    ),
    "another tag": call("iam", "TagRole", roleName="Operator", tags=[{"key": "team", "value": "a"}]),
    "tag removed": call("iam", "UntagRole", roleName="Operator", tagKeys=[TAG_KEY]),
}


@pytest.mark.parametrize("name", RAISING)
def test_event_alarms_match_event(name: str) -> None:
    event, expected = RAISING[name]
    assert raised(event) == expected


@pytest.mark.parametrize("name", QUIET)
def test_event_alarms_do_not_match_innocent_event(name: str) -> None:
    assert raised(QUIET[name]) == set()


def test_release_step_is_one_of_the_runbook() -> None:
    steps = [each["name"] for each in runbook(settings(), PLACE, ["eu-west-1"])["mainSteps"]]
    (alarm,) = (each for each in event_alarms(settings(), PLACE) if each.name.endswith("grant-not-released"))
    assert set(alarm.pattern["detail"]["StepName"]) <= set(steps)


def test_patterns_fit_with_many_long_names() -> None:
    many = settings(operator_roles=[f"{'r' * 60}{number}" for number in range(50)])
    alarms = event_alarms(
        many, WorkflowLocation(partition="aws-us-gov", account_id="111122223333", region="us-gov-west-1")
    )
    assert all(len(json.dumps(each.pattern, separators=(",", ":"))) <= LONGEST_PATTERN for each in alarms)
    assert len({each.name for each in alarms}) == len(alarms)
    assert all(len(each.name) <= 64 and len(each.description) <= 512 for each in alarms)
    assert raised(call("iam", "PutRolePolicy", roleName=f"{'r' * 60}49"), many)


def forwarded(alarms: list[EventAlarm]) -> set[str]:
    return {each.pattern["source"][0] for each in alarms if each.forwarded_from == ("us-east-1",)}


@pytest.mark.parametrize(
    ("partition", "region", "watched", "from_elsewhere"),
    [
        ("aws", "eu-west-1", True, {"aws.iam"}),
        ("aws", "us-east-1", True, set()),
        ("aws-us-gov", "us-gov-west-1", True, set()),
        ("aws-us-gov", "us-gov-east-1", False, set()),
    ],
)
def test_iam_alarms_are_forwarded_where_possible(
    partition: str, region: str, *, watched: bool, from_elsewhere: set[str]
) -> None:
    place = WorkflowLocation(partition=partition, account_id="111122223333", region=region)
    alarms = event_alarms(settings(), place)
    assert any(each.pattern["source"] == ["aws.iam"] for each in alarms) is watched
    assert forwarded(alarms) == from_elsewhere


def test_iam_alarms_can_be_switched_off() -> None:
    alarms = event_alarms(settings(alarm_iam_changes=False), PLACE)
    assert not any(each.pattern["source"] == ["aws.iam"] for each in alarms)


def test_forwarding_role_puts_events_on_one_bus_for_our_rules() -> None:
    (statement,) = forwarding_policy(PLACE)["Statement"]
    assert statement["Resource"] == "arn:aws:events:eu-west-1:111122223333:event-bus/default"
    (trust,) = forwarding_trust(PLACE, ["us-east-1"])["Statement"]
    rules = "arn:aws:events:us-east-1:111122223333:rule/shell-access-approval-*"
    assert trust["Condition"]["ArnLike"] == {"aws:SourceArn": rules}
    (trust,) = forwarding_trust(PLACE, ["us-east-1", "us-west-2"])["Statement"]
    assert trust["Condition"]["ArnLike"]["aws:SourceArn"] == [rules, rules.replace("us-east-1", "us-west-2")]


EMERGENCY = "arn:aws:iam::111122223333:role/ShellAccessBreakGlass"
EMERGENCY_CALLER = {"sessionContext": {"sessionIssuer": {"arn": EMERGENCY}}}
EMERGENCY_USES = {
    "session": {"eventSource": "ssm.amazonaws.com", "eventName": "StartSession", "userIdentity": EMERGENCY_CALLER},
    "read": {"eventSource": "kms.amazonaws.com", "eventName": "Decrypt", "userIdentity": EMERGENCY_CALLER},
    "assumed": {"eventSource": "sts.amazonaws.com", "requestParameters": {"roleArn": EMERGENCY}},
    "refused": {
        "eventSource": "sts.amazonaws.com",
        "errorCode": "AccessDenied",
        "requestParameters": {"roleArn": EMERGENCY},
    },
}


@pytest.mark.parametrize("use", EMERGENCY_USES)
def test_break_glass_alarm_is_raised_by_every_use(use: str) -> None:
    given = settings(break_glass=BreakGlass(users=["emergency/erin"]))
    event = {"source": "aws.any", "detail-type": "AWS API Call via CloudTrail", "detail": EMERGENCY_USES[use]}
    assert raised(event, given) == {"break-glass-used"}
    assert raised(event) == set()
    other = json.loads(json.dumps(event).replace("ShellAccessBreakGlass", "ShellAccessBreakGlass2"))
    assert raised(other, given) == set()


def test_break_glass_alarm_hears_every_region_and_reads() -> None:
    given = settings(break_glass=BreakGlass(users=["erin"]))
    regions = ("eu-west-1", "us-east-1", "us-west-2")
    alarm = next(each for each in event_alarms(given, PLACE, regions) if each.name.endswith("break-glass-used"))
    assert alarm.forwarded_from == ("us-east-1", "us-west-2")
    assert alarm.state == "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
    plan = plan_approval(given, PLACE, regions, session_data_encryption=True)
    assert plan.forwarding_regions == ("us-east-1", "us-west-2")


@pytest.mark.parametrize(
    ("call_name", "parameters"),
    [
        ("UpdateAssumeRolePolicy", {"roleName": "ShellAccessBreakGlass"}),
        ("PutRolePolicy", {"roleName": "ShellAccessBreakGlass"}),
        ("DeactivateMFADevice", {"userName": "erin"}),
    ],
)
def test_break_glass_changes_raise_alarms(call_name: str, parameters: dict[str, str]) -> None:
    given = settings(break_glass=BreakGlass(users=["emergency/erin"]))
    assert raised(call("iam", call_name, **parameters), given)
    assert not raised(call("iam", call_name, **parameters))


def test_break_glass_works_where_its_use_is_heard() -> None:
    """EventBridge forwards between Regions in the commercial partition only."""
    place = WorkflowLocation(partition="aws-us-gov", account_id="111122223333", region="us-gov-west-1")
    given = settings(break_glass=BreakGlass(users=["erin"]))
    plan = plan_approval(given, place, ("us-gov-west-1", "us-gov-east-1"), session_data_encryption=False)
    assert plan.forwarding_regions == ()
    assert plan.break_glass_role
    assert "us-gov-east-1" not in json.dumps(plan.break_glass_role.policy)


def test_reaper_alarm_treats_missing_data_as_failure() -> None:
    by_metric = {each.metric: each for each in METRIC_ALARMS}
    assert by_metric["InvocationAttemptCount"].missing_data == "breaching"
    assert by_metric["TargetErrorCount"].missing_data == "notBreaching"
    assert {tuple(each.dimensions) for each in METRIC_ALARMS} == {("ScheduleGroup",)}


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:sns:us-east-1:111122223333:security",
        "arn:aws:sns:eu-west-1:999988887777:security",
        "arn:aws:sns:eu-west-1:111122223333:change-manager-ssm-approval",
    ],
)
def test_topic_problems_names_topic_elsewhere(arn: str) -> None:
    (problem,) = topic_problems(settings(alarm_topic_arns=[arn]), PLACE)
    assert problem.key == "shell-access:approval.alarmTopicArns[0]"
    assert arn in problem.message


def test_topic_problems_accepts_topic_of_the_region() -> None:
    topics = settings(alarm_topic_arns=["arn:aws:sns:eu-west-1:111122223333:security"])
    assert list(topic_problems(topics, PLACE)) == []
