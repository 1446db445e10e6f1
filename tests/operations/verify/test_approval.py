"""Session approval: answers of AWS made up, findings compared. The engine's test verifies what was really built."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from components.approval.iam_policies import topic_policy
from components.approval.names import TAG_KEY, WorkflowLocation
from components.approval.plan import ApprovalPlan, plan_approval
from components.approval.settings import ApprovalSettings
from components.settings import Settings
from operations.deployment import Deployment
from operations.findings import Finding
from operations.inventory import monitoring
from operations.inventory.iam import PolicyFacts, PrincipalFacts, RoleFacts, read_principal
from operations.inventory.reader import Identity, ReadFailure
from operations.inventory.session_manager import DocumentFacts, KeyFacts
from operations.principals import GrantedPrincipal
from operations.verify import notifications
from operations.verify.approval import ApprovalVerification, read_stray_tags
from operations.verify.approval_checks import (
    TolerateHolder,
    policy_findings,
    principal_findings,
    schedule_finding,
    tag_finding,
    workflow_role,
)
from operations.verify.documents import document_differences, document_findings
from operations.verify.policies import role_finding
from tests.operations.arrangement import FakeReader, Refusing, document_facts, live_alarm

PLACE = WorkflowLocation(partition="aws", account_id="123456789012", region="eu-west-1")
DEPLOYMENT = Deployment(stack="dev", account_id="123456789012", region="eu-west-1")
UNREAD = ReadFailure(action="a:B", cause="refused: no", remedy="allow a:B")
OPERATOR = GrantedPrincipal("role", "Operator")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEY = KeyFacts(key_id="k", arn="arn:k", state="Enabled", spec="SYMMETRIC_DEFAULT", rotates=True)
EMAIL = "security@example.org"


def settings(**change: Any) -> ApprovalSettings:
    given = {"approvers": [{"type": "IamRole", "name": "team/Approver"}], "operatorRoles": ["Operator"], **change}
    return ApprovalSettings.model_validate(given)


def plan(**change: Any) -> ApprovalPlan:
    return plan_approval(settings(**change), PLACE, ["eu-west-1"], session_data_encryption=False)


def statuses(findings: list[Finding]) -> dict[str, str]:
    return {each.check: str(each.status) for each in findings}


@pytest.mark.parametrize("mode", ["automation", "change-manager"])
def test_denied_calls_are_never_ok(mode: str) -> None:
    stack = {
        "shell-access:regions": ["eu-west-1"],
        "shell-access:approval": settings(mode=mode).model_dump(by_alias=True),
    }
    loaded = Settings.load({key: json.dumps(value) for key, value in stack.items()} | {"aws:region": "eu-west-1"})
    assert loaded.approval
    identity = Identity(account_id="123456789012", partition="aws", arn="arn:aws:iam::123456789012:user/me")
    found = ApprovalVerification.of(loaded, loaded.approval, Refusing(), identity, DEPLOYMENT).findings()
    assert {str(each.status) for each in found} == {"cannotTell"}
    assert all(each.remedy for each in found)


def document(**change: Any) -> DocumentFacts:
    return document_facts(json.dumps(plan().runbook.content), **{"type": "Automation", **change})


@pytest.mark.parametrize(
    ("live", "unequal"),
    [
        (document(), set()),
        (None, {"approval-runbook"}),
        (document(type="Command"), {"approval-runbook"}),
        (document(status="Failed"), {"approval-runbook"}),
        (document(default_text="{"), {"approval-runbook-content"}),
        (document(default_text="[]"), {"approval-runbook-content"}),
        (document(shared_with=("all",)), {"approval-runbook"}),
        (document(shared_with=UNREAD), {"approval-runbook"}),
        (document(latest_version="2"), {"approval-runbook-default-version"}),
        (
            document(latest_version="2", latest_text="{}"),
            {"approval-runbook-default-version", "approval-runbook-latest-content"},
        ),
    ],
)
def test_document_findings_names_what_differs(live: DocumentFacts | None, unequal: set[str]) -> None:
    found = document_findings("approval-runbook", DEPLOYMENT, plan().runbook, live)
    assert {each.check for each in found if each.status != "ok"} == unequal


def test_document_findings_shared_document_names_accounts() -> None:
    found, *_ = document_findings(
        "approval-runbook", DEPLOYMENT, plan().runbook, document(shared_with=("210987654321", "all"))
    )
    assert found.found == "it is shared with accounts: 210987654321, all"
    assert found.remedy
    assert "modify-document-permission --name AllowStartSsmSession" in found.remedy
    assert "--account-ids-to-remove 210987654321 all" in found.remedy
    assert "pulumi" not in found.remedy


def test_document_differences_names_steps() -> None:
    wanted = plan().runbook.content
    live = json.loads(json.dumps(wanted))
    live["mainSteps"] = [step for step in live["mainSteps"] if step["name"] != "ApproveLevel1"]
    next(step for step in live["mainSteps"] if step["name"] == "CheckRequest")["timeoutSeconds"] = 1
    live["mainSteps"].append({"name": "More"})
    live["assumeRole"] = "arn:other"
    assert document_differences(wanted, json.dumps(live)) == [
        "assumeRole differs",
        "step ApproveLevel1 is missing",
        "step More is unexpected",
        "step CheckRequest differs",
    ]
    live = json.loads(json.dumps(wanted))
    live["mainSteps"].reverse()
    assert document_differences(wanted, json.dumps(live)) == ["the order of the steps differs"]
    assert document_differences(wanted, json.dumps(wanted, indent=3)) == []


def holders(*several: GrantedPrincipal, content: Any = None) -> PolicyFacts:
    return PolicyFacts(content=content or plan().approver_policy.content, holders=frozenset(several))


APPROVER = GrantedPrincipal("role", "Approver")
FEDERATED = GrantedPrincipal("role", "AWSReservedSSO_Security_0123456789abcdef")


def test_policy_findings_reports_missing_and_extra_holders() -> None:
    several = holders(OPERATOR, GrantedPrincipal("group", "all"))
    found = {
        each.check: each for each in policy_findings(DEPLOYMENT, plan().approver_policy, several, TolerateHolder())
    }
    attachments = found["approval-approver-policy-attachments"]
    assert "not attached to role Approver" in attachments.found
    assert "detach-role-policy --role-name Operator" in (attachments.remedy or "")
    assert "detach-group-policy --group-name all" in (attachments.remedy or "")


@pytest.mark.parametrize(
    ("given", "extra", "tolerated"),
    [
        ({}, FEDERATED, False),
        ({"mode": "change-manager", "approvers": [{"type": "SSOGroup", "name": "s"}]}, FEDERATED, True),
        (
            {"mode": "change-manager", "approvers": [{"type": "IamGroup", "name": "s"}]},
            GrantedPrincipal("group", "s"),
            True,
        ),
        (
            {"mode": "change-manager", "approvers": [{"type": "IamGroup", "name": "s"}]},
            GrantedPrincipal("group", "t"),
            False,
        ),
        (
            {"approvers": [{"type": "IamRole", "name": f"aws-reserved/sso.amazonaws.com/{FEDERATED.name}"}]},
            FEDERATED,
            True,
        ),
    ],
)
def test_tolerate_holder_follows_approvers(given: dict[str, Any], extra: GrantedPrincipal, *, tolerated: bool) -> None:
    assert TolerateHolder(settings(**given))(extra) is tolerated
    assert not TolerateHolder()(extra)


def role(**change: Any) -> RoleFacts:
    planned = plan().runbook_role
    given: dict[str, Any] = {
        "trust": planned.trust,
        "attached": frozenset(),
        "inline": {"shell-access": planned.policy},
        "boundary": "arn:b",
    }
    return RoleFacts(**{**given, **change})


@pytest.mark.parametrize(
    ("live", "said"),
    [
        (role(), ""),
        (None, "no such role"),
        (role(boundary=""), "permissions boundary: arn:b expected, none found"),
        (role(path="/team/"), "path / expected, /team/ found"),
        (role(inline={}), "inline policy shell-access is missing"),
        (role(attached=frozenset({"arn:p"})), "arn:p is attached"),
        (role(trust={"Version": "2012-10-17", "Statement": []}), "trust policy"),
    ],
)
def test_role_findings_reports_each_difference(live: RoleFacts | None, said: str) -> None:
    found = role_finding(DEPLOYMENT, workflow_role(plan().runbook_role, "arn:b"), live)
    assert (found.status == "ok") is not said
    assert said in found.found


def test_role_findings_unread_part_is_not_ok() -> None:
    found = role_finding(DEPLOYMENT, workflow_role(plan().runbook_role, "arn:b"), role(inline=UNREAD))
    assert found.status == "cannotTell"


def schedule(**change: Any) -> dict[str, Any]:
    planned = plan().schedule
    target = {"Arn": planned.target_arn, "RoleArn": planned.role_arn, "Input": planned.input}
    given = {
        "State": "ENABLED",
        "ScheduleExpression": "rate(15 minutes)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": target,
    }
    return {**given, **change}


@pytest.mark.parametrize(
    ("live", "is_ok"),
    [
        (schedule(), True),
        (schedule(StartDate=None, EndDate=None), True),
        (schedule(EndDate=NOW), False),
        (schedule(StartDate=NOW), False),
        (schedule(ScheduleExpression="rate(365 days)"), False),
        (schedule(FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 1440}), False),
        (schedule(Target={"Arn": "arn:x", "RoleArn": "arn:y"}), False),
        (None, False),
    ],
)
def test_schedule_finding_compares_target_and_state(live: dict[str, Any] | None, *, is_ok: bool) -> None:
    found = schedule_finding(DEPLOYMENT, plan().schedule, live)
    assert (found.status == "ok") is is_ok


def test_principal_findings_reports_missing_and_moved() -> None:
    paths = {OPERATOR: PrincipalFacts(), APPROVER: PrincipalFacts(path="/team/")}
    assert set(statuses(principal_findings(DEPLOYMENT, settings(), paths)).values()) == {"ok"}
    wrong = {OPERATOR: None, APPROVER: PrincipalFacts()}
    operators, approvers = principal_findings(DEPLOYMENT, settings(), wrong)
    assert "role Operator does not exist" in operators.found
    assert "the settings name team/Approver" in approvers.found
    unread = {**paths, OPERATOR: UNREAD}
    assert statuses(principal_findings(DEPLOYMENT, settings(), unread))["approval-operators"] == "cannotTell"


@pytest.mark.parametrize(("is_empty", "status"), [(False, "ok"), (True, "different")])
def test_principal_findings_reports_empty_group(*, is_empty: bool, status: str) -> None:
    given = settings(mode="change-manager", approvers=[{"type": "IamGroup", "name": "g"}])
    members = {"Users": [] if is_empty else [{"UserName": "anton"}]}
    group = GrantedPrincipal("group", "g")
    live = read_principal(FakeReader({"get_group": {"Group": {"Path": "/"}, **members}}), group)
    _, approvers = principal_findings(DEPLOYMENT, given, {OPERATOR: PrincipalFacts(), group: live})
    assert approvers.status == status
    assert ("group g has no members" in approvers.found) is is_empty


def topic(*subscriptions: monitoring.SubscriptionFacts, **change: Any) -> monitoring.TopicFacts:
    given: dict[str, Any] = {"key": "k", "policy": topic_policy(PLACE), "subscriptions": subscriptions}
    return monitoring.TopicFacts(**{**given, **change})


WANTED_TOPIC = notifications.DesiredTopic(
    prefix="approval", arn=PLACE.topic_arn, key_alias="alias/k", policy=topic_policy(PLACE), emails=[EMAIL]
)


CONFIRMED = monitoring.SubscriptionFacts(arn="arn:s", protocol="email", endpoint=EMAIL, is_authenticated=True)


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        (topic(CONFIRMED), {}),
        (topic(CONFIRMED, replace(CONFIRMED, endpoint="another@example.org", is_authenticated=False)), {}),
        (topic(), {"approval-subscriptions": "different"}),
        (topic(replace(CONFIRMED, protocol="email-json")), {"approval-subscriptions": "different"}),
        (topic(replace(CONFIRMED, arn="")), {"approval-subscriptions": "different"}),
        (topic(replace(CONFIRMED, is_filtered=True)), {"approval-subscriptions": "different"}),
        (topic(replace(CONFIRMED, is_authenticated=False)), {"approval-subscription-unsubscribe": "warning"}),
        (topic(CONFIRMED, key=""), {"approval-topic": "different"}),
        (topic(CONFIRMED, key="alias/aws/sns"), {"approval-topic": "different"}),
        (topic(CONFIRMED, policy={}), {"approval-topic-policy": "different"}),
        (topic(subscriptions=UNREAD), {"approval-subscriptions": "cannotTell"}),
        (None, {"approval-topic": "different"}),
    ],
)
def test_topic_findings_reports_each_difference(live: monitoring.TopicFacts | None, expected: dict[str, str]) -> None:
    found = statuses(notifications.topic_findings(DEPLOYMENT, WANTED_TOPIC, live, KEY))
    assert {check: status for check, status in found.items() if status != "ok"} == expected


def test_read_topic_finds_pending_and_open_subscriptions() -> None:
    listed = [
        {"SubscriptionArn": "PendingConfirmation", "Protocol": "email", "Endpoint": "a"},
        {"SubscriptionArn": "arn:b", "Protocol": "email", "Endpoint": "b"},
    ]
    attributes = {"PendingConfirmation": "false", "ConfirmationWasAuthenticated": "false", "FilterPolicy": '{"x": []}'}
    reader = FakeReader(
        {
            "get_topic_attributes": {"Attributes": {"KmsMasterKeyId": "k", "Policy": "{}"}},
            "list_subscriptions_by_topic": {"Subscriptions": listed},
            "get_subscription_attributes": {"Attributes": attributes},
        }
    )
    live = monitoring.read_topic(reader, PLACE.topic_arn)
    assert isinstance(live, monitoring.TopicFacts)
    assert live.subscriptions == (
        monitoring.SubscriptionFacts(arn="", protocol="email", endpoint="a"),
        monitoring.SubscriptionFacts(arn="arn:b", protocol="email", endpoint="b", is_filtered=True),
    )


def granting_run(instance: str = "i-1", status: str = "InProgress") -> dict[str, Any]:
    parameters = {"PrincipalType": ["role"], "PrincipalName": ["Operator"], "InstanceId": [instance]}
    steps = [{"StepName": "TagRole", "StepStatus": "Success", "Action": "aws:executeAwsApi", "ExecutionStartTime": NOW}]
    return {
        "AutomationExecutionId": "e",
        "AutomationExecutionStatus": status,
        "DocumentName": "AllowStartSsmSession",
        "ExecutionStartTime": NOW,
        "Parameters": parameters,
        "StepExecutions": steps,
    }


def tagged(*runs: dict[str, Any], after: str | None = "i-1") -> FakeReader:
    def tags(value: str | None) -> dict[str, Any]:
        return {"Tags": [{"Key": TAG_KEY, "Value": value}] if value else []}

    return FakeReader(
        {
            "list_role_tags": [tags("i-1"), tags(after)],
            "describe_automation_executions": {"AutomationExecutionMetadataList": list(runs)},
            "get_automation_execution": [{"AutomationExecution": each} for each in runs],
        }
    )


@pytest.mark.parametrize(
    ("reader", "is_stray"),
    [
        (tagged(granting_run()), False),
        (tagged(), True),
        (tagged(granting_run("i-2")), True),
        (tagged({**granting_run(), "DocumentName": "AllowStartSsmSessionOfMine"}), True),
        (tagged({**granting_run(), "StepExecutions": []}), True),
        (tagged(after=None), False),
    ],
)
def test_stray_tag_is_one_without_a_running_grant(reader: FakeReader, *, is_stray: bool) -> None:
    live = read_stray_tags(reader, [OPERATOR])
    assert not isinstance(live, ReadFailure)
    found = tag_finding([OPERATOR], live)
    assert (found.status == "different") is is_stray
    assert not is_stray or "aws iam untag-role --role-name Operator" in (found.remedy or "")


def test_stray_tags_with_unread_runs_are_unknown() -> None:
    reader = tagged()
    reader.answers = {**reader.answers, "describe_automation_executions": UNREAD}
    found = tag_finding([OPERATOR], read_stray_tags(reader, [OPERATOR]))
    assert found.status == "cannotTell"


ALL = {"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True}]}
ADVANCED = [{"Field": "eventCategory", "Equals": ["Management"]}]


def advanced(*fields: dict[str, Any]) -> dict[str, Any]:
    return {"AdvancedEventSelectors": [{"FieldSelectors": [*ADVANCED, *fields]}]}


@pytest.mark.parametrize(
    ("logging", "selectors", "status"),
    [
        (True, ALL, "ok"),
        (True, advanced(), "ok"),
        (True, advanced({"Field": "readOnly", "Equals": ["false"]}), "ok"),
        (False, ALL, "different"),
        (True, {"EventSelectors": [{"ReadWriteType": "ReadOnly"}]}, "different"),
        (True, {"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": False}]}, "different"),
        (True, advanced({"Field": "readOnly", "Equals": ["true"]}), "different"),
        (True, advanced({"Field": "eventSource", "NotEquals": ["iam.amazonaws.com"]}), "different"),
        (
            True,
            advanced({"Field": "eventSource", "NotEquals": ["kms.amazonaws.com", "ssm.amazonaws.com"]}),
            "different",
        ),
        (True, advanced({"Field": "eventSource", "Equals": ["kms.amazonaws.com"]}), "different"),
        (True, advanced({"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"], "Equals": ["x"]}), "different"),
        (True, advanced({"Field": "eventSource", "NotEquals": ["kms.amazonaws.com", "rdsdata.amazonaws.com"]}), "ok"),
        (True, UNREAD, "cannotTell"),
    ],
)
def test_recording_finding_needs_a_trail_of_writes(selectors: Any, status: str, *, logging: bool) -> None:
    trail = {"Name": "t", "TrailARN": "arn:t", "HomeRegion": "us-east-1", "IsMultiRegionTrail": True}
    reader = FakeReader(
        {
            "describe_trails": {"trailList": [trail]},
            "get_trail_status": {"IsLogging": logging},
            "get_event_selectors": selectors,
        }
    )
    live = monitoring.read_recording(reader)
    assert notifications.recording_finding("approval-alarm-trail", "eu-west-1", live).status == status


def test_recording_finding_ignores_trail_of_another_region() -> None:
    trail = {"Name": "t", "TrailARN": "arn:t", "HomeRegion": "us-east-1", "IsMultiRegionTrail": False}
    assert monitoring.read_recording(
        FakeReader({"describe_trails": {"trailList": [trail]}})
    ) == monitoring.RecordingFacts(recording=())


def alarm_findings(live: dict[str, Any]) -> list[Finding]:
    given = plan()
    desired = notifications.DesiredAlarm(
        check="alarm", alarm=given.metric_alarms[0], topics=given.alarm_topics, page="docs/approval.md, Alarms"
    )
    return list(notifications.metric_alarm_findings(DEPLOYMENT, desired, live))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ""),
        ({"DatapointsToAlarm": 1}, ""),
        ({"StateValue": "ALARM", "OKActions": ["arn:x"]}, ""),
        ({"Unit": "Bytes"}, "unit: none expected, Bytes found"),
        ({"DatapointsToAlarm": 2}, "data points to alarm: 1 expected, 2 found"),
        ({"ActionsEnabled": False}, "actions enabled: True expected, False found"),
        ({"AlarmActions": []}, "actions: "),
        ({"MetricName": "InvocationThrottleCount"}, "metric: "),
        ({"TreatMissingData": "ignore"}, "missing data: "),
    ],
)
def test_metric_alarm_finding_reports_difference(change: dict[str, Any], said: str) -> None:
    alarm = plan().metric_alarms[0]
    found, *_ = alarm_findings({alarm.name: live_alarm(alarm, PLACE.topic_arn, **change)})
    assert (found.status == "ok") is not said
    assert said in found.found


def test_metric_alarm_that_is_raised_is_a_warning() -> None:
    alarm = plan().metric_alarms[0]
    live = {alarm.name: live_alarm(alarm, PLACE.topic_arn, StateValue="ALARM", StateReason="no data")}
    raised, state = alarm_findings(live)
    assert (raised.status, state.status, state.found) == ("ok", "warning", "it is in state ALARM: no data")


COMPLETE = {"StatusCode": "Complete"}


@pytest.mark.parametrize(
    ("results", "messages", "said"),
    [
        ([{"Id": "m0", **COMPLETE}], [], "topic t: missing"),
        ([], [], "rule r: missing; topic t: missing"),
        ([{"Id": "m0", **COMPLETE}, {"Id": "m1", "StatusCode": "Forbidden"}], [], "topic t: Forbidden"),
        ([{"Id": "m0", **COMPLETE}, {"Id": "m1", "StatusCode": "PartialData"}], [], "topic t: PartialData"),
        ([{"Id": "m0", **COMPLETE}, {"Id": "m1", **COMPLETE}], [{"Code": "c", "Value": "too many"}], "too many"),
    ],
)
def test_delivery_finding_partial_metrics_cannot_tell(results: list[Any], messages: list[Any], said: str) -> None:
    reader = FakeReader({"get_metric_data": {"MetricDataResults": results, "Messages": messages}})
    live = monitoring.read_failures(reader, [monitoring.rule_sender("r"), monitoring.topic_sender("t")])
    found = notifications.delivery_finding("c", "eu-west-1", live, remedy="look")
    assert (found.status, found.found) == ("cannotTell", f"cloudwatch:GetMetricData: incomplete: {said}")


@pytest.mark.parametrize(("values", "status"), [([], "ok"), ([0.0], "ok"), ([0.0, 2.0], "different")])
def test_delivery_finding_counts_lost_messages(values: list[float], status: str) -> None:
    results = [{"Id": "m0", "Values": values, **COMPLETE}, {"Id": "m1", "Values": [], **COMPLETE}]
    reader = FakeReader({"get_metric_data": {"MetricDataResults": results}})
    live = monitoring.read_failures(reader, [monitoring.rule_sender("r"), monitoring.topic_sender("t")])
    found = notifications.delivery_finding("c", "eu-west-1", live, remedy="look")
    assert found.status == status
    assert status == "ok" or found.found == "rule r failed to deliver 2 in 24 hours"


def test_delivery_finding_unread_metrics_cannot_tell() -> None:
    assert notifications.delivery_finding("c", "eu-west-1", UNREAD, remedy="look").status == "cannotTell"
