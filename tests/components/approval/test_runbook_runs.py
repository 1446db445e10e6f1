"""The runbooks really run, against the local AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from components.approval.names import CHANGE_TEMPLATE_NAME, REAPER_NAME, ROLE_NAME, RUNBOOK_NAME, TAG_KEY
from tests.components.approval.workflow import ACCOUNT, Workflow, only, trust
from tests.support.emulator import change_settings

if TYPE_CHECKING:
    from collections.abc import Callable

REQUEST = "Automation approval request"
GRANTED = "Session request granted"
REFUSED = "Session request refused"
ENDED = "Session grant ended"
NOT_GRANTED = "Session request not granted"


@pytest.fixture
def flow(client: Callable[..., Any], endpoint: str) -> Workflow:
    return Workflow(client, endpoint)


@pytest.mark.parametrize(("kind", "name"), [("role", "Operator"), ("user", "alice")])
def test_principal_gets_the_tag_and_loses_it(flow: Workflow, kind: str, name: str) -> None:
    instance = flow.instance()
    run = flow.ask(instance, kind, name)
    flow.decide(run)
    flow.until_asleep(run)
    assert flow.tag(name, kind) == instance
    assert flow.heard() == [REQUEST, GRANTED]
    assert flow.end(run)["AutomationExecutionStatus"] == "Success"
    assert flow.tag(name, kind) is None
    assert flow.heard() == [REQUEST, GRANTED, ENDED]
    assert flow.output(run, "ReleaseGrant.Outcome") == f"the tag of {kind} {name} was removed"


def test_nothing_is_granted_before_an_approval(flow: Workflow) -> None:
    run = flow.ask(flow.instance())
    flow.until(run, lambda found: found["AutomationExecutionStatus"] == "Waiting")
    assert flow.tag() is None


@pytest.mark.parametrize("minutes", [1, 10, 90])
def test_sleep_is_as_configured(client: Callable[..., Any], endpoint: str, minutes: int) -> None:
    flow = Workflow(client, endpoint, approvalValidityMinutes=minutes)
    run = flow.granted(flow.instance())
    (step,) = (each for each in flow.run(run)["StepExecutions"] if each["StepName"] == "WaitForValidity")
    assert step["Inputs"] == {"Duration": f"PT{minutes}M"}


def test_every_level_has_to_approve_in_turn(client: Callable[..., Any], endpoint: str) -> None:
    approvers = [{"type": "IamRole", "name": "Approver"}, {"type": "IamUser", "name": "anton", "level": 2}]
    flow = Workflow(client, endpoint, approvers=approvers)
    run = flow.ask(flow.instance())
    flow.decide(run)
    flow.until(run, lambda found: found.get("CurrentStepName") == "ApproveLevel2")
    with pytest.raises(flow.ssm.exceptions.InvalidAutomationSignalException):
        flow.decide(run)
    assert flow.tag() is None


def test_rejection_ends_without_a_grant(flow: Workflow) -> None:
    run = flow.ask(flow.instance())
    flow.decide(run, "Reject")
    assert flow.end(run)["AutomationExecutionStatus"] == "Failed"
    assert flow.tag() is None
    assert flow.heard() == [REQUEST, NOT_GRANTED]


def test_only_the_listed_approvers_decide(flow: Workflow) -> None:
    run = flow.ask(flow.instance())
    with pytest.raises(flow.ssm.exceptions.InvalidAutomationSignalException, match="no approver"):
        flow.decide(run, by=("Operator", "olivia"))


@pytest.mark.parametrize(
    ("asked_by", "approved_by"),
    [
        (("Approver", "anton"), ("Approver", "anton")),
        (("Approver", "anton"), ("Approver", "another-name")),
        (("Operator", "Anton"), ("Approver", "anton")),
    ],
    ids=["same session", "same role under another name", "same person through two roles"],
)
def test_requester_cannot_approve_own_request(
    flow: Workflow, asked_by: tuple[str, str], approved_by: tuple[str, str]
) -> None:
    run = flow.ask(flow.instance(), by=asked_by)
    flow.decide(run, by=approved_by)
    assert flow.end(run)["AutomationExecutionStatus"] == "Failed"
    assert "requesters cannot approve their own request" in flow.output(run, "CheckRequest.Reason")
    assert flow.tag() is None
    assert flow.heard() == [REQUEST, REFUSED]


def refused(flow: Workflow, run: str) -> str:
    flow.decide(run)
    ended = flow.end(run)
    assert (ended["AutomationExecutionStatus"], flow.steps(run)["EndRefused"]) == ("Failed", "Failed")
    assert {flow.steps(run)[name] for name in ("TagRole", "TagUser")} == {"Pending"}
    assert REFUSED in flow.heard()
    reason = flow.output(run, "CheckRequest.Reason")
    assert any(reason in message for message in flow.said)
    assert reason in ended["FailureMessage"]
    return reason


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("missing", "does not exist in eu-west-1, us-east-1"),
        ("stopped", "is stopped, not running"),
        ("terminated", "is terminated, not running"),
        ("unmanaged", "is not managed by Systems Manager"),
    ],
)
def test_wrong_instance_is_refused_with_the_reason(flow: Workflow, state: str, expected: str) -> None:
    ec2 = flow.client("ec2")
    instance = flow.instance(managed=state != "unmanaged")
    if state == "missing":
        instance = "i-0123456789abcdef0"
    if state == "stopped":
        ec2.stop_instances(InstanceIds=[instance])
    if state == "terminated":
        ec2.terminate_instances(InstanceIds=[instance])
    assert expected in refused(flow, flow.ask(instance))


def test_instance_of_any_region_of_the_stack_may_be_asked_for(flow: Workflow) -> None:
    instance = flow.instance("us-east-1")
    flow.granted(instance)
    assert flow.tag() == instance


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("role", "AWSReservedSSO_Admin_0123456789abcdef", "belongs to IAM Identity Center"),
        ("role", "Outsider", "is no operator"),
        ("user", "anton", "is no operator"),
        ("role", "Gone", "does not exist"),
        ("role", "Shared", "is shared"),
    ],
)
def test_wrong_principal_is_refused_with_the_reason(flow: Workflow, kind: str, name: str, expected: str) -> None:
    assert expected in refused(flow, flow.ask(flow.instance(), kind, name))


def test_shared_role_is_accepted_where_the_settings_say_so(client: Callable[..., Any], endpoint: str) -> None:
    flow = Workflow(client, endpoint, sharedOperatorRoles=["Shared"])
    flow.granted(flow.instance(), name="Shared")
    assert flow.tag("Shared")


@pytest.mark.parametrize(
    "given",
    [
        {"InstanceId": ["i-*"]},
        {"InstanceId": ["i-0123456789abcdef0 "]},
        {"PrincipalType": ["group"]},
        {"PrincipalName": ["path/Operator"]},
        {"AutomationAssumeRole": [f"arn:aws:iam::{ACCOUNT}:role/Admin"]},
        {"Approver": ["me"]},
        {"Reason": ["{{ PrincipalName }}"]},
        {"Reason": ["all is well\x1b[2K"]},
        {"Reason": ["two\nlines"]},
        *(
            {"Reason": [f"all is well{each}"]}
            for each in "\u202e\u200e\u200f\u061c\u200b\u2060\ufeff\u00ad\u2800\u3164\ue000"
        ),
    ],
    ids=str,
)
def test_parameters_that_could_lead_elsewhere_are_refused(flow: Workflow, given: dict[str, list[str]]) -> None:
    good = {"InstanceId": ["i-0123456789abcdef0"], "PrincipalType": ["role"], "PrincipalName": ["Operator"]}
    with pytest.raises(flow.ssm.exceptions.InvalidAutomationExecutionParametersException):
        flow.ssm.start_automation_execution(DocumentName=RUNBOOK_NAME, Parameters={**good, **given})


@pytest.mark.parametrize("hidden", ["\U000e0041", "\U000f0000", "\u0378", "\U000e0100"])
def test_hidden_character_is_refused_before_approvers_read_it(flow: Workflow, hidden: str) -> None:
    given = {"InstanceId": [flow.instance()], "PrincipalType": ["role"], "PrincipalName": ["Operator"]}
    given["Reason"] = [f"Disk is full{hidden}"]
    started = flow.as_role("Operator", "olivia").start_automation_execution(DocumentName=RUNBOOK_NAME, Parameters=given)
    ended = flow.end(started["AutomationExecutionId"])
    assert ended["AutomationExecutionStatus"] == "Failed"
    assert f"U+{ord(hidden):04X}" in ended["FailureMessage"]
    assert flow.heard() == [NOT_GRANTED]


@pytest.mark.parametrize(
    "reason", ["Festplatte voll: Überlauf", "ディスクがいっぱい", "disk \u26a0\ufe0f 100 %", "a\u00a0b"]
)
def test_reason_in_any_language_is_taken(flow: Workflow, reason: str) -> None:
    given = {"InstanceId": [flow.instance()], "PrincipalType": ["role"], "PrincipalName": ["Operator"]}
    started = flow.as_role("Operator", "olivia").start_automation_execution(
        DocumentName=RUNBOOK_NAME, Parameters={**given, "Reason": [reason]}
    )
    run = started["AutomationExecutionId"]
    flow.decide(run)
    flow.until_asleep(run)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (
            {"Targets": [{"Key": "ParameterValues", "Values": ["i-1"]}], "TargetParameterName": "InstanceId"},
            "has targets",
        ),
        ({"TargetMaps": [{"InstanceId": ["i-1"]}]}, "has targets"),
        ({"TargetLocations": [{"Accounts": [ACCOUNT], "Regions": ["us-east-1"]}]}, "has targets"),
        ({"Mode": "Interactive"}, "goes step by step"),
    ],
    ids=["targets", "maps", "locations", "step by step"],
)
def test_run_of_another_kind_is_refused(flow: Workflow, given: dict[str, Any], reason: str) -> None:
    parameters = {"InstanceId": [flow.instance()], "PrincipalType": ["role"], "PrincipalName": ["Operator"]}
    run = flow.as_role("Operator", "olivia").start_automation_execution(
        DocumentName=RUNBOOK_NAME, Parameters=parameters, **given
    )["AutomationExecutionId"]
    assert reason in refused(flow, run)


def test_request_by_the_runbooks_own_role_is_refused(flow: Workflow) -> None:
    assert "no person" in refused(flow, flow.ask(flow.instance(), by=(ROLE_NAME, "olivia")))


def test_approver_role_that_others_may_assume_is_refused(flow: Workflow) -> None:
    flow.iam.update_assume_role_policy(
        RoleName="Approver", PolicyDocument=trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
    )
    assert "does not prove which person that is" in refused(flow, flow.ask(flow.instance()))


def test_shared_approver_role_that_is_accepted_approves(client: Callable[..., Any], endpoint: str) -> None:
    flow = Workflow(client, endpoint, sharedApproverRoles=["Approver"])
    flow.iam.update_assume_role_policy(
        RoleName="Approver", PolicyDocument=trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
    )
    flow.granted(flow.instance())


def test_user_id_of_a_role_is_resolved_to_the_approving_user(client: Callable[..., Any], endpoint: str) -> None:
    flow = Workflow(client, endpoint, approvers=[{"type": "IamUser", "name": "olivia"}])
    unique = flow.iam.get_user(UserName="olivia")["User"]["UserId"]
    named = trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, StringEquals={"aws:userid": unique})
    flow.iam.update_assume_role_policy(RoleName="Operator", PolicyDocument=named)
    run = flow.ask(flow.instance(), by=("Operator", "another-person"))
    key = flow.iam.create_access_key(UserName="olivia")["AccessKey"]["AccessKeyId"]
    flow.until(run, lambda found: found["AutomationExecutionStatus"] == "Waiting")
    flow.client("ssm", account=key).send_automation_signal(AutomationExecutionId=run, SignalType="Approve")
    flow.end(run)
    assert "requesters cannot approve their own request" in flow.output(run, "CheckRequest.Reason")


def test_two_levels_take_two_people(client: Callable[..., Any], endpoint: str) -> None:
    approvers = [{"type": "IamRole", "name": "Approver"}, {"type": "IamRole", "name": "Second", "level": 2}]
    flow = Workflow(client, endpoint, approvers=approvers, operatorRoles=["Operator"])
    for person, refusal in (("anton", True), ("bea", False)):
        flow.iam.update_assume_role_policy(RoleName="Second", PolicyDocument=only(person))
        run = flow.ask(flow.instance())
        flow.decide(run)
        flow.until(run, lambda found: found.get("CurrentStepName") == "ApproveLevel2")
        flow.decide(run, by=("Second", "another-name"))
        if refusal:
            flow.end(run)
            assert "may be one person" in flow.output(run, "CheckRequest.Reason")
        else:
            flow.until_asleep(run)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "step", ["ApproveLevel1", "CheckRequest", "TagRole", "AnnounceGrant", "WaitForValidity", "AnnounceEnd"]
)
def test_failure_at_a_step_leaves_no_grant(flow: Workflow, endpoint: str, step: str, when: str) -> None:
    change_settings(endpoint, {"automationFaults": {step: when}})
    run = flow.ask(flow.instance())
    if (step, when) != ("ApproveLevel1", "before"):
        flow.decide(run)
    assert flow.end(run)["AutomationExecutionStatus"] == "Failed"
    assert flow.tag() is None


def test_grant_that_was_not_removed_is_reported_and_reaped(flow: Workflow, endpoint: str) -> None:
    change_settings(endpoint, {"automationFaults": {"ReleaseGrant": "before"}})
    run = flow.granted(flow.instance())
    assert flow.end(run)["AutomationExecutionStatus"] == "Failed"
    assert "Session grant could not be removed" in flow.heard()
    assert flow.tag() is not None
    reap(flow)
    assert flow.tag() is None


@pytest.mark.parametrize("moment", ["waiting for approval", "granted"])
def test_cancelled_run_leaves_no_grant(flow: Workflow, moment: str) -> None:
    run = flow.ask(flow.instance())
    flow.until(run, lambda found: found["AutomationExecutionStatus"] == "Waiting")
    if moment == "granted":
        flow.decide(run)
        flow.until_asleep(run)
    flow.ssm.stop_automation_execution(AutomationExecutionId=run)
    assert flow.end(run)["AutomationExecutionStatus"] == "Cancelled"
    assert flow.tag() is None
    assert flow.heard()[-1] == (ENDED if moment == "granted" else NOT_GRANTED)


def test_first_grant_of_an_instance_does_not_end_the_second(flow: Workflow) -> None:
    instance = flow.instance()
    first, second = flow.granted(instance), flow.granted(instance)
    assert flow.end(first)["AutomationExecutionStatus"] == "Success"
    assert flow.output(first, "ReleaseGrant.Outcome") == f"the tag of role Operator was left to the run {second}"
    assert flow.tag() == instance
    flow.end(second)
    assert flow.tag() is None


def test_second_of_two_grants_ends_the_tag_even_if_it_ends_first(flow: Workflow) -> None:
    instance = flow.instance()
    first, second = flow.granted(instance), flow.granted(instance)
    flow.end(second)
    assert flow.tag() is None
    flow.end(first)
    assert "was already removed" in flow.output(first, "ReleaseGrant.Outcome")


def test_grant_of_one_instance_leaves_that_of_another(flow: Workflow) -> None:
    one, two = flow.instance(), flow.instance()
    first, second = flow.granted(one), flow.granted(two)
    assert flow.tag() == two
    flow.end(first)
    assert flow.tag() == two
    assert f"its value is now {two}" in flow.output(first, "ReleaseGrant.Outcome")
    flow.end(second)
    assert flow.tag() is None


def test_run_that_never_granted_leaves_the_tag_of_another_alone(flow: Workflow, endpoint: str) -> None:
    instance = flow.instance()
    flow.granted(instance)
    change_settings(endpoint, {"automationFaults": {"TagRole": "before"}})
    second = flow.ask(instance)
    flow.decide(second)
    flow.end(second)
    assert flow.tag() == instance


def test_grants_of_two_principals_do_not_touch_each_other(flow: Workflow) -> None:
    instance = flow.instance()
    first = flow.granted(instance)
    flow.granted(instance, name="Second")
    flow.end(first)
    assert (flow.tag(), flow.tag("Second")) == (None, instance)


def test_grant_over_a_live_one_of_another_requester_reports_it(flow: Workflow) -> None:
    one, two = flow.instance(), flow.instance()
    first = flow.granted(one)
    second = flow.ask(two, by=("Outsider", "oskar"))
    flow.decide(second)
    flow.until_asleep(second)
    note = flow.output(second, "CheckRequest.Note")
    assert first in note
    assert "assumed-role/Operator/olivia" in note
    assert one in note
    flow.heard()
    assert any(note in message for message in flow.said)


def reap(flow: Workflow) -> dict[str, Any]:
    run = flow.ssm.start_automation_execution(DocumentName=REAPER_NAME)["AutomationExecutionId"]
    return flow.end(run)


def test_reaper_removes_tags_without_a_run_and_no_others(flow: Workflow) -> None:
    instance = flow.instance()
    live = flow.granted(instance)
    flow.iam.tag_role(RoleName="Second", Tags=[{"Key": TAG_KEY, "Value": instance}, {"Key": "team", "Value": "a"}])
    flow.iam.tag_user(UserName="alice", Tags=[{"Key": TAG_KEY, "Value": instance}])
    flow.ask(instance, name="Second")
    assert reap(flow)["AutomationExecutionStatus"] == "Success"
    assert (flow.tag(), flow.tag("Second"), flow.tag("alice", "user")) == (instance, None, None)
    assert [tag["Key"] for tag in flow.iam.list_role_tags(RoleName="Second")["Tags"]] == ["team"]
    assert "Session grants without a run were removed" in flow.heard()
    flow.end(live)


def test_reaper_finds_a_tag_whose_key_has_another_case(flow: Workflow) -> None:
    flow.iam.tag_role(RoleName="Operator", Tags=[{"Key": TAG_KEY.lower(), "Value": flow.instance()}])
    assert reap(flow)["AutomationExecutionStatus"] == "Success"
    assert flow.iam.list_role_tags(RoleName="Operator")["Tags"] == []


def test_reaper_says_nothing_where_there_is_nothing_to_do(flow: Workflow) -> None:
    assert reap(flow)["AutomationExecutionStatus"] == "Success"
    assert flow.heard() == []


def request_change(flow: Workflow, instance: str) -> str:
    given = {"InstanceId": [instance], "PrincipalType": ["role"], "PrincipalName": ["Operator"]}
    return flow.as_role("Operator", "olivia").start_change_request_execution(
        DocumentName=CHANGE_TEMPLATE_NAME,
        ChangeRequestName="a session",
        Runbooks=[{"DocumentName": RUNBOOK_NAME, "Parameters": given}],
    )["AutomationExecutionId"]


def runbook_of(flow: Workflow, request: str) -> str:
    flow.until(request, lambda found: found["AutomationExecutionStatus"] == "RunbookInProgress")
    chosen = [{"Key": "ParentExecutionId", "Values": [request]}]
    while True:
        listed = flow.ssm.describe_automation_executions(Filters=chosen)["AutomationExecutionMetadataList"]
        if listed:
            return listed[0]["AutomationExecutionId"]


def test_change_request_ends_in_the_same_grant(client: Callable[..., Any], endpoint: str) -> None:
    flow = Workflow(client, endpoint, mode="change-manager")
    instance = flow.instance()
    request = request_change(flow, instance)
    flow.decide(request)
    run = runbook_of(flow, request)
    flow.until_asleep(run)
    assert flow.tag() == instance
    flow.end(run)
    assert flow.end(request)["AutomationExecutionStatus"] == "CompletedWithSuccess"
    assert flow.tag() is None
    assert flow.heard() == [REQUEST, GRANTED, ENDED]


def test_own_change_request_is_not_approved_in_another_role(client: Callable[..., Any], endpoint: str) -> None:
    flow = Workflow(client, endpoint, mode="change-manager")
    request = request_change(flow, flow.instance())
    flow.decide(request, by=("Approver", "Olivia"))
    run = runbook_of(flow, request)
    assert flow.end(run)["AutomationExecutionStatus"] == "Failed"
    assert "requesters cannot approve their own request" in flow.output(run, "CheckRequest.Reason")
    assert flow.tag() is None


def test_runbook_started_without_its_change_request_is_refused(client: Callable[..., Any], endpoint: str) -> None:
    flow = Workflow(client, endpoint, mode="change-manager")
    run = flow.ask(flow.instance())
    assert flow.end(run)["AutomationExecutionStatus"] == "Failed"
    assert "does not come from a change request" in flow.output(run, "CheckRequest.Reason")
    assert flow.tag() is None
