"""`python -m operations request|approve|status`, as people run them against the local AWS."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from components.approval.names import OPERATOR_POLICY_NAME, RUNBOOK_NAME, TAG_KEY
from tests.components.approval.workflow import ACCOUNT, only
from tests.operations.approval.conftest import ANTON, OLIVIA, People
from tests.operations.arrangement import configuration
from tests.support.emulator import Emulator, change_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.operations.arrangement import Command

NOWHERE = "i-0123456789abcdef0"
REASON = ("--reason", "Disk is full")
BOTH = pytest.mark.parametrize("mode", ["automation", "change-manager"])


def settle(people: People, run: str, state: str) -> dict[str, Any]:
    while True:
        found = people.status(run)
        if found["state"] == state:
            return found
        assert found["state"] in ("waiting", "checking", "granted"), found
        people.pause(0.1)


def test_request_says_what_it_asked_for_and_what_comes_next(people: People) -> None:
    result = people.command("request", people.node, *REASON)
    run = result.stdout.split("run:")[1].split()[0]
    assert result.exit_code == 0
    assert result.stdout == (
        f"Requested a session on app-1 ({people.node}) for role Operator, as arn:aws:sts::{ACCOUNT}:assumed-role/Operator/olivia.\n"
        f"  run:       {run}\n"
        f"  approve:   python -m operations approve {run}    (another person, within 24 hours)\n"
        f"  follow:    python -m operations status {run}\n"
    )
    assert people.run(run)["Parameters"]["Reason"] == ["Disk is full"]


@pytest.mark.parametrize(
    ("options", "principal"),
    [([], "role Operator"), (["--as-role", "Second"], "role Second"), (["--as-user", "alice"], "user alice")],
)
def test_grant_is_for_who_asks_or_for_who_is_named(people: People, options: list[str], principal: str) -> None:
    found = people.status(people.requested(people.node, *options))
    assert f"{found['principalType']} {found['principalName']}" == principal
    assert found["askedBy"].endswith("assumed-role/Operator/olivia")


UNUSABLE: list[tuple[list[str], str]] = [
    (
        ["request", NOWHERE, "--reason", "{{ x }}"],
        "--reason: expected one line of 1 to 300 characters, without braces and characters that do not show, got ",
    ),
    (
        ["request", NOWHERE, "--reason", "a\x1b[2Kb"],
        "--reason: expected one line of 1 to 300 characters, without braces and characters that do not show, got ",
    ),
    (
        ["request", NOWHERE, "--reason", ""],
        "--reason: expected one line of 1 to 300 characters, without braces and characters that do not show, got ",
    ),
    (["request", NOWHERE, "--reason", "all\u200b well"], "got all\\u200b well."),
    (["request", NOWHERE, "--reason", "well\U000e0041"], "got well\\U000e0041."),
    (["request", NOWHERE, *REASON, "--as-role", "a/b"], "'a/b' given; allowed: the name of a role or user"),
    (["request", NOWHERE, *REASON, "--as-role", "AWSReservedSSO_x"], "belongs to IAM Identity Center"),
    (["request", NOWHERE, *REASON, "--as-role", "a", "--as-user", "b"], "--as-role and --as-user are alternatives"),
    (["status", "--mode", "automation"], "--mode and --region go together"),
    (["status", "--region", "eu-west-1"], "--mode and --region go together"),
    (
        ["status", "--mode", "manual", "--region", "eu-west-1"],
        "--mode: 'manual' given; allowed: change-manager, automation",
    ),
    (["status", "abcd"], "No request has an ID that begins with 'abcd'"),
    (["status", "abc"], "its first 4 characters or more, got 'abc'"),
    (["approve", ""], "its first 4 characters or more, got ''"),
    (["revoke", "    "], "its first 4 characters or more, got '    '"),
    (["status", "11111111-2222-3333-4444-555555555555"], "There is no run 11111111-2222-3333-4444-555555555555"),
    (["approve", "--reject"], "--reject, --comment and --yes need a RUN"),
]


@pytest.mark.parametrize(("arguments", "said"), UNUSABLE, ids=[" ".join(each) for each, _ in UNUSABLE])
def test_wrong_command_line_is_one_message(people: People, arguments: list[str], said: str) -> None:
    result = people.command(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert people.ssm.describe_automation_executions()["AutomationExecutionMetadataList"] == []


@pytest.mark.parametrize(
    ("arguments", "said"), [each for each in UNUSABLE if each[0][0] == "request"], ids=lambda each: str(each)[:60]
)
def test_words_are_looked_at_before_stack_and_credentials(
    people: People, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.setattr("operations.approval.request.open_desk", lambda *_: pytest.fail("asked too early"))
    result = people.command(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


@pytest.mark.parametrize("outputs", [{}, {"approval": None}], ids=["not up", "without approval"])
def test_stack_without_approval_is_named(people: People, outputs: dict[str, Any]) -> None:
    people.outputs = outputs
    result = people.command("status", "--stack", "dev")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "Stack dev has no approval, or is not up. Without its outputs: --mode and --region.\n"


def test_mode_and_region_take_the_place_of_a_stack(people: People) -> None:
    people.outputs = {}
    result = people.command("request", people.node, *REASON, "--mode", "automation", "--region", "eu-west-1")
    assert result.exit_code == 0, result.output


def test_caller_that_can_hold_no_grant_has_to_name_one(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    root = f"arn:aws:iam::{ACCOUNT}:root"
    monkeypatch.setattr("operations.approval.desk.identify", lambda *_: identity(root))
    result = people.command("request", people.node, *REASON)
    assert (result.exit_code, result.stderr) == (
        2,
        f"{root} is neither a role nor a user. Name one: --as-role NAME or --as-user NAME.\n",
    )


def identity(arn: str) -> Any:
    from operations.inventory.reader import Identity  # noqa: PLC0415

    return Identity(account_id=ACCOUNT, partition="aws", arn=arn)


def test_request_that_aws_does_not_take_is_told_in_words(people: People) -> None:
    people.ssm.delete_document(Name=RUNBOOK_NAME)
    result = people.command("request", people.node, *REASON)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(
        f"There is no approval workflow in eu-west-1 of account {ACCOUNT}: the document {RUNBOOK_NAME} does not exist."
    )


@pytest.mark.parametrize("command", [["status"], ["approve"], ["request", "app-1", *REASON]], ids=lambda each: each[0])
def test_region_without_the_workflow_is_an_error(people: People, command: list[str]) -> None:
    result = people.command(*command, "--mode", "automation", "--region", "us-east-1")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("There is no approval workflow in us-east-1")


@BOTH
def test_somebody_else_approves_and_everybody_sees_it(workflow: Callable[..., People], mode: str) -> None:
    people = workflow(mode=mode)
    instance = people.instance()
    run = people.requested(instance)
    listed = people.command("approve", by=ANTON)
    assert listed.exit_code == 0
    for part in ("Waiting for approval", run[:8], "Operator/olivia", "role Operator", instance, "Disk is full"):
        assert part in listed.stdout
    approved = people.command("approve", run[:8], "--comment", "Go ahead", by=ANTON, answer="y\n")
    assert approved.exit_code == 0, approved.output
    assert "asked by:    arn:aws:sts::123456789012:assumed-role/Operator/olivia" in approved.stderr
    assert "Approve this? [y/N]" in approved.stderr
    assert approved.stdout.startswith("Approved. The request is now: granted until ")
    assert people.tag() == instance
    shown = people.command("status")
    assert shown.exit_code == 0, shown.output
    assert "approved by Approver/anton: Go ahead" in shown.stdout
    assert "min left" in shown.stdout
    assert [each["run"] for each in people.status()["requests"]] == [run]
    one = people.command("status", run)
    assert f"aws ssm start-session --region eu-west-1 --target {instance} --document-name " in one.stdout
    found = people.status(run)
    assert (found["state"], found["region"]) == ("granted", "eu-west-1")
    assert 0 < found["remainingSeconds"] <= 600
    people.end(found["grantRun"])
    assert settle(people, run, "ended")["endedAt"]
    assert people.status(found["grantRun"])["run"] == run


@BOTH
def test_nobody_approves_their_own_request(workflow: Callable[..., People], mode: str) -> None:
    people = workflow(mode=mode)
    run = people.requested(people.node)
    for by in (OLIVIA, ("Approver", "olivia")):
        result = people.command("approve", run, "--yes", by=by)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "nobody approves their own request. Another approver has to decide." in result.stderr
    assert people.status(run)["state"] == "waiting"


def test_nobody_approves_a_grant_to_themselves(people: People) -> None:
    policy = f"arn:aws:iam::{ACCOUNT}:policy/{OPERATOR_POLICY_NAME}"
    people.iam.attach_role_policy(RoleName="Approver", PolicyArn=policy)
    run = people.requested(people.node, "--as-role", "Approver")
    result = people.command("approve", run, "--yes", by=ANTON)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Approver/anton cannot approve a grant to role Approver: that is the same person.\n"


def test_user_does_not_approve_a_grant_to_themselves_as_somebody_else(people: People) -> None:
    run = people.requested(people.node, "--as-user", "alice")
    result = people.command("approve", run, "--yes", by=("Approver", "alice"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Approver/alice cannot approve a grant to user alice: that is the same person.\n"


@BOTH
def test_rejection_is_told_with_its_reason(workflow: Callable[..., People], mode: str) -> None:
    people = workflow(mode=mode)
    run = people.requested(people.instance())
    result = people.command("approve", run, "--reject", "--comment", "Not today", "--yes", "--json", by=ANTON)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["state"], found["detail"]) == ("rejected", "by Approver/anton: Not today")
    assert people.tag() is None


@pytest.mark.parametrize("answer", ["n\n", ""], ids=["no", "nobody there"])
def test_unsure_is_undecided(people: People, answer: str) -> None:
    run = people.requested(people.node)
    result = people.command("approve", run, by=ANTON, answer=answer)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Nothing was decided." in result.stderr
    assert people.status(run)["state"] == "waiting"


def test_comment_that_would_move_the_cursor_is_shown_as_it_is(people: People) -> None:
    run = people.requested(people.instance())
    people.command("approve", run, "--comment", "yes\x1b[1A\x1b[2Kno", "--yes", by=ANTON)
    shown = people.command("status", run).stdout
    assert "approved by Approver/anton: yes\\x1b[1A\\x1b[2Kno" in shown
    assert "\x1b" not in shown


def test_who_is_not_asked_is_refused_by_aws(people: People) -> None:
    run = people.requested(people.node)
    result = people.command("approve", run, "--yes", by=("Outsider", "oscar"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "ssm:SendAutomationSignal failed (InvalidAutomationSignalException)" in result.stderr


def test_approval_of_what_the_runbook_refuses_fails_with_the_reason(people: People) -> None:
    run = people.requested(people.node)
    people.client("ec2").stop_instances(InstanceIds=[people.node])
    result = people.command("approve", run, "--yes", by=ANTON)
    assert result.exit_code == 1
    assert "refused" in result.stdout
    assert f"{people.node} in eu-west-1 is stopped, not running" in result.stdout


def test_what_does_not_wait_is_not_decided(people: People) -> None:
    run = people.requested(people.node)
    people.command("approve", run, "--reject", "--yes", by=ANTON)
    settle(people, run, "rejected")
    result = people.command("approve", run, "--yes", by=ANTON)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"Request {run} does not wait for approval: it is rejected (by Approver/anton).\n"


def test_second_level_still_has_to_say_yes(workflow: Callable[..., People]) -> None:
    approvers = [{"type": "IamRole", "name": "Approver"}, {"type": "IamRole", "name": "Outsider", "level": 2}]
    people = workflow(approvers=approvers)
    people.iam.update_assume_role_policy(RoleName="Outsider", PolicyDocument=only("oscar"))
    run = people.requested(people.instance())
    result = people.command("approve", run, "--yes", by=ANTON)
    assert result.exit_code == 0
    assert "The request is now: waiting for approval, 1 of 2 given" in result.stdout
    people.until(run, lambda found: found["AutomationExecutionStatus"] == "Waiting")
    assert "granted until" in people.command("approve", run, "--yes", by=("Outsider", "oscar")).stdout


def test_member_of_an_approving_group_decides(workflow: Callable[..., People]) -> None:
    people = workflow(mode="change-manager", approvers=[{"type": "IamGroup", "name": "security"}])
    people.iam.create_group(GroupName="security")
    key = people.iam.create_access_key(UserName="anton")["AccessKey"]["AccessKeyId"]
    run = people.requested(people.instance())
    assert people.command("approve", run, "--yes", by=key).exit_code == 1
    people.iam.add_user_to_group(GroupName="security", UserName="anton")
    result = people.command("approve", run, "--yes", by=key)
    assert result.exit_code == 0, result.output
    assert people.status(run)["decisions"][0]["approver"] == f"arn:aws:iam::{ACCOUNT}:user/anton"


def test_waiting_ends_with_the_command_that_starts_the_session(people: People) -> None:
    instance, waited = people.instance("us-east-1"), list[float]()

    def approve_meanwhile(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 1:
            (run,) = json.loads(people.command("approve", "--json", by=ANTON).stdout)["waiting"]
            people.decide(run["run"])

    people.pause = approve_meanwhile
    result = people.command("request", instance, *REASON, "--wait")
    assert result.exit_code == 0, result.output
    assert "Start the session as role Operator:" in result.stdout
    assert result.stdout.endswith("SSM-SessionManagerRunShell\n")
    assert "waiting for approval" in result.stderr
    assert "granted until" in result.stderr


def test_waiting_in_vain_tells_why(people: People) -> None:
    def reject(_seconds: float) -> None:
        waiting, *_ = people.ssm.describe_automation_executions()["AutomationExecutionMetadataList"]
        if waiting["AutomationExecutionStatus"] == "Waiting":
            people.decide(waiting["AutomationExecutionId"], "Reject")

    people.pause = reject
    result = people.command("request", people.node, *REASON, "--wait")
    assert result.exit_code == 1
    assert "No grant: rejected" in result.stdout
    machine = people.command("request", people.node, *REASON, "--wait", "--json")
    assert (machine.exit_code, json.loads(machine.stdout)["state"]) == (1, "rejected")


def test_interrupted_waiting_leaves_the_request(people: People) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    people.pause = interrupt
    result = people.command("request", people.node, *REASON, "--wait")
    assert result.exit_code == 130
    run = result.stdout.split("run:")[1].split()[0]
    assert f"The request stands: python -m operations status {run}" in result.stderr
    assert people.status(run)["state"] == "waiting"


def test_nothing_asked_is_nothing_to_show(people: People) -> None:
    shown = people.command("status")
    assert (shown.exit_code, shown.stdout) == (0, "No session has been requested.\n")
    assert people.command("approve").stdout == "Nothing waits for approval.\n"
    assert people.status() == {"requests": [], "tagsWithoutGrant": [], "cannotTell": None}


@pytest.mark.parametrize(("kind", "key"), [("role", TAG_KEY), ("user", TAG_KEY), ("user", TAG_KEY.lower())])
def test_tag_without_a_grant_is_a_difference(people: People, kind: str, key: str) -> None:
    tag = [{"Key": key, "Value": NOWHERE}]
    if kind == "role":
        people.iam.tag_role(RoleName="Operator", Tags=tag)
    else:
        people.iam.tag_user(UserName="alice", Tags=tag)
    result = people.command("status")
    name = {"role": "role Operator", "user": "user alice"}[kind]
    assert result.exit_code == 1
    assert f"{name} has the tag {TAG_KEY} for {NOWHERE}, and no grant stands behind it." in result.stdout
    assert people.status()["tagsWithoutGrant"] == [
        {"principalType": kind, "principalName": name.split()[1], "instanceId": NOWHERE}
    ]


def test_tags_that_cannot_be_read_are_said_so(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    from operations.inventory.reader import ReadFailure  # noqa: PLC0415

    unread = ReadFailure(action="iam:ListEntitiesForPolicy", cause="refused: no", remedy="")
    monkeypatch.setattr("operations.approval.status.read_tags", lambda _: unread)
    result = people.command("status")
    assert result.exit_code == 1
    assert (
        "cannot tell whether operators have tags without a grant: iam:ListEntitiesForPolicy: refused" in result.stdout
    )
    assert people.status()["cannotTell"] == {"action": "iam:ListEntitiesForPolicy", "cause": "refused: no"}


def test_account_without_the_operators_policy_has_no_tags(people: People) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:policy/{OPERATOR_POLICY_NAME}"
    for role in ("Operator", "Second"):
        people.iam.detach_role_policy(RoleName=role, PolicyArn=arn)
    people.iam.detach_user_policy(UserName="alice", PolicyArn=arn)
    people.iam.delete_policy(PolicyArn=arn)
    assert people.status()["tagsWithoutGrant"] == []


def test_status_lists_requests_of_every_page(people: People, emulator: Emulator) -> None:
    given = {"InstanceId": [NOWHERE], "PrincipalType": ["role"], "PrincipalName": ["Operator"]}
    change_settings(emulator.endpoint_url, {"automationPageSize": 3})
    operator = people.as_role(*OLIVIA)
    started = [
        operator.start_automation_execution(DocumentName=RUNBOOK_NAME, Parameters=given)["AutomationExecutionId"]
        for _ in range(8)
    ]
    for run in started[:3]:
        people.decide(run, "Reject")
        people.end(run)
    found = people.status("--last", "2")["requests"]
    assert [each["run"] for each in found] == started[1:][::-1]
    assert [each["state"] for each in found] == ["waiting"] * 5 + ["rejected"] * 2
    assert len(people.status("--last", "0")["requests"]) == 5


def test_run_of_something_else_is_no_request(people: People) -> None:
    steps = [{"name": "Wait", "action": "aws:sleep", "inputs": {"Duration": "PT1H"}}]
    content = json.dumps({"schemaVersion": "0.3", "mainSteps": steps})
    for name in ("Other", f"{RUNBOOK_NAME}2"):
        people.ssm.create_document(Name=name, DocumentType="Automation", Content=content)
        run = people.ssm.start_automation_execution(DocumentName=name)["AutomationExecutionId"]
        result = people.command("status", run)
        assert (result.exit_code, result.stderr) == (2, f"{run} is a run of {name}, not a request for a session.\n")
    assert people.status()["requests"] == []


@pytest.mark.parametrize("name", ["request", "approve", "status", "revoke"])
def test_help_tells_the_exit_codes(command: Command, name: str) -> None:
    said = command(name, "--help", stack=configuration()).stdout
    for part in ("--stack", "--mode", "--json", "Exit codes: 0 "):
        assert part in said
