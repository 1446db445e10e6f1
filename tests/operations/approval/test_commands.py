"""`python -m operations request|approve|status`, as people run them against the local AWS."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.approval.names import OPERATOR_POLICY_NAME, RUNBOOK_NAME, TAG_KEY
from tests.components.approval.workflow import ACCOUNT, only
from tests.operations.approval.conftest import ANTON, OLIVIA, People
from tests.support.emulator import Emulator, change_settings
from tests.support.golden_files import Golden

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


def test_request_prints_summary_and_next_commands(people: People) -> None:
    result = people.command("request", people.node, *REASON)
    run = result.stdout.split("run:")[1].split()[0]
    assert result.exit_code == 0
    assert result.stdout == (
        f"Requested a session on app-1 ({people.node}) for role Operator, as arn:aws:sts::{ACCOUNT}:assumed-role/Operator/olivia.\n"
        f"  run:       {run}\n"
        f"  approve:   python -m operations approve {run}    (another principal, within 24 hours)\n"
        f"  follow:    python -m operations status {run}\n"
    )
    assert people.run(run)["Parameters"]["Reason"] == ["Disk is full"]


@pytest.mark.parametrize(
    ("options", "principal"),
    [([], "role Operator"), (["--as-role", "Second"], "role Second"), (["--as-user", "alice"], "user alice")],
)
def test_request_principal_defaults_to_caller(people: People, options: list[str], principal: str) -> None:
    found = people.status(people.requested(people.node, *options))
    assert f"{found['principalType']} {found['principalName']}" == principal
    assert found["askedBy"].endswith("assumed-role/Operator/olivia")


NO_REASON = "--reason: expected one line of 1 to 300 characters, without braces and invisible characters, got "
UNUSABLE_REQUESTS: list[tuple[list[str], str]] = [
    (["--reason", "{{ x }}"], NO_REASON),
    (["--reason", "a\x1b[2Kb"], NO_REASON),
    (["--reason", ""], NO_REASON),
    (["--reason", "all\u200b well"], 'got "all\\u200b well".'),
    (["--reason", "well\U000e0041"], 'got "well\\U000e0041".'),
    ([*REASON, "--as-role", "a/b"], "expected the name of a role or user, without a path, got 'a/b'."),
    ([*REASON, "--as-role", "AWSReservedSSO_x"], "belongs to IAM Identity Center"),
    ([*REASON, "--as-role", "a", "--as-user", "b"], "--as-role and --as-user are alternatives"),
]
UNUSABLE: list[tuple[list[str], str]] = [
    (["status", "--mode", "automation"], "--mode, --region: expected both or neither"),
    (["status", "--region", "eu-west-1"], "--mode, --region: expected both or neither"),
    (
        ["status", "--mode", "manual", "--region", "eu-west-1"],
        "--mode: expected one of change-manager, automation, just-in-time, got 'manual'.",
    ),
    (["status", "abcd"], "No request has an ID that begins with 'abcd'"),
    (["status", "abc"], "its first 4 characters or more, got 'abc'"),
    (["approve", ""], "its first 4 characters or more, got ''"),
    (["revoke", "    "], "its first 4 characters or more, got '    '"),
    (["status", "11111111-2222-3333-4444-555555555555"], "There is no execution 11111111-2222-3333-4444-555555555555"),
    (["approve", "--reject"], "--reject, --comment and --yes require RUN"),
]


@pytest.mark.parametrize(("arguments", "said"), UNUSABLE, ids=[" ".join(each) for each, _ in UNUSABLE])
def test_unusable_command_line_exits_with_one_message(people: People, arguments: list[str], said: str) -> None:
    assert said in people.refusal(*arguments, code=2)


@pytest.mark.parametrize(("arguments", "said"), UNUSABLE_REQUESTS, ids=lambda each: str(each)[:60])
def test_request_checks_text_before_stack_and_credentials(
    people: People, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.setattr("operations.approval.commands.open_session", lambda *_: pytest.fail("called too early"))
    assert said in people.refusal("request", NOWHERE, *arguments, code=2)
    assert people.ssm.describe_automation_executions()["AutomationExecutionMetadataList"] == []


@pytest.mark.parametrize("outputs", [{}, {"approval": None}], ids=["not up", "without approval"])
def test_status_names_stack_without_approval(people: People, outputs: dict[str, Any]) -> None:
    people.outputs = outputs
    result = people.command("status", "--stack", "dev")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(
        "The outputs of the stack dev contain no approval workflow. Set shell-access:approval"
    )
    assert "run: pulumi up --stack dev." in result.stderr


@pytest.mark.parametrize("command", [["status"], ["approve"], ["request", "app-1", *REASON], ["revoke", "1b2c"]])
def test_credentials_of_another_account_are_refused(people: People, command: list[str]) -> None:
    people.outputs = people.outputs | {"accountId": "999999999999"}
    assert people.refusal(*command, code=2).startswith(
        "Credentials: expected those of account 999999999999, which the selected stack governs"
    )


def test_request_accepts_mode_and_region_without_stack(people: People) -> None:
    people.outputs = {}
    result = people.command("request", people.node, *REASON, "--mode", "automation", "--region", "eu-west-1")
    assert result.exit_code == 0, result.output


def test_request_with_a_defaults_file_searches_its_regions(
    people: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.outputs = {}
    monkeypatch.chdir(tmp_path)
    file = tmp_path / ".shell-access.yaml"
    file.write_text("mode: automation\nregion: eu-west-1\nregions: [eu-west-1, us-east-1]\n")
    result = people.command("request", "elsewhere", *REASON)
    assert f"There is no instance elsewhere in account {ACCOUNT} in eu-west-1 or us-east-1." in result.stderr
    assert people.command("request", people.node, *REASON).exit_code == 0
    assert people.command("status", "--stack", "dev").exit_code == 2  # the stack has no workflow, and is what counts


def test_request_by_root_requires_principal_option(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    root = f"arn:aws:iam::{ACCOUNT}:root"
    monkeypatch.setattr("operations.approval.session.identify", lambda *_: identity(root))
    result = people.command("request", people.node, *REASON)
    assert (result.exit_code, result.stderr) == (
        2,
        f"{root} is neither a role nor a user. Name one: --as-role NAME or --as-user NAME.\n",
    )


def identity(arn: str) -> Any:
    from operations.inventory.reader import Identity  # noqa: PLC0415

    return Identity(account_id=ACCOUNT, partition="aws", arn=arn)


def test_request_without_runbook_reports_missing_workflow(people: People) -> None:
    people.ssm.delete_document(Name=RUNBOOK_NAME)
    assert people.refusal("request", people.node, *REASON, code=2).startswith(
        f"There is no approval workflow in eu-west-1 of account {ACCOUNT}: the document {RUNBOOK_NAME} does not exist."
    )


@pytest.mark.parametrize("command", [["status"], ["approve"], ["request", "app-1", *REASON]], ids=lambda each: each[0])
def test_region_without_workflow_is_unusable(people: People, command: list[str]) -> None:
    said = people.refusal(*command, "--mode", "automation", "--region", "us-east-1", code=2)
    assert said.startswith("There is no approval workflow in us-east-1")


@BOTH
def test_approve_by_other_principal_grants_request(workflow: Callable[..., People], mode: str) -> None:
    people = workflow(mode=mode)
    instance = people.instance()
    run = people.requested(instance)
    listed = people.command("approve", by=ANTON)
    assert listed.exit_code == 0
    for part in ("Waiting for approval", run[:8], "Operator/olivia", "role Operator", instance, "Disk is full"):
        assert part in listed.stdout
    approved = people.command("approve", run[:8], "--comment", "Go ahead", by=ANTON, answer="y\n")
    assert approved.exit_code == 0, approved.output
    assert "requester:   arn:aws:sts::123456789012:assumed-role/Operator/olivia" in approved.stderr
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
def test_approve_own_request_is_refused(workflow: Callable[..., People], mode: str) -> None:
    people = workflow(mode=mode)
    run = people.requested(people.node)
    for by in (OLIVIA, ("Approver", "olivia")):
        result = people.command("approve", run, "--yes", by=by)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "requesters cannot approve their own requests. Another approver has to decide." in result.stderr
    assert people.status(run)["state"] == "waiting"


@pytest.mark.parametrize(
    ("option", "name", "by"), [("--as-role", "Approver", ANTON), ("--as-user", "alice", ("Approver", "alice"))]
)
def test_approve_grant_to_the_approver_is_refused(people: People, option: str, name: str, by: tuple[str, str]) -> None:
    policy = f"arn:aws:iam::{ACCOUNT}:policy/{OPERATOR_POLICY_NAME}"
    people.iam.attach_role_policy(RoleName="Approver", PolicyArn=policy)
    said = people.refusal("approve", people.requested(people.node, option, name), "--yes", by=by)
    principal = f"{option.removeprefix('--as-')} {name}"
    assert said == f"{'/'.join(by)} cannot approve a grant to {principal}: both are the same person.\n"


@BOTH
def test_reject_records_comment(workflow: Callable[..., People], mode: str) -> None:
    people = workflow(mode=mode)
    run = people.requested(people.instance())
    result = people.command("approve", run, "--reject", "--comment", "Not today", "--yes", "--json", by=ANTON)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["state"], found["detail"]) == ("rejected", "by Approver/anton: Not today")
    assert people.tag() is None


@pytest.mark.parametrize("answer", ["n\n", ""], ids=["no", "end of input"])
def test_approve_without_confirmation_decides_nothing(people: People, answer: str) -> None:
    run = people.requested(people.node)
    assert "Nothing was decided." in people.refusal("approve", run, by=ANTON, answer=answer, code=2)
    assert people.status(run)["state"] == "waiting"


def test_status_escapes_control_characters_in_comments(people: People) -> None:
    run = people.requested(people.instance())
    people.command("approve", run, "--comment", "yes\x1b[1A\x1b[2Kno", "--yes", by=ANTON)
    shown = people.command("status", run).stdout
    assert "approved by Approver/anton: yes\\x1b[1A\\x1b[2Kno" in shown
    assert "\x1b" not in shown


@BOTH
def test_status_marks_a_grant_that_another_one_replaced(workflow: Callable[..., People], mode: str) -> None:
    people = workflow(mode=mode)
    runs = [people.requested(node, "--again") for node in (people.node, people.instance())]
    for run in runs:
        people.command("approve", run, "--yes", by=ANTON)
        settle(people, run, "granted")
    later, replaced = people.status()["requests"]
    assert later["run"] == runs[1]
    assert replaced["detail"] == f"replaced by the grant for {later['instanceId']} (run {later['grantRun']})"
    assert [people.status(each["run"])["detail"] for each in (later, replaced)] == [later["detail"], replaced["detail"]]
    assert "it replaces an active grant of the same requester" in later["detail"]


def test_approve_by_non_approver_is_refused_by_aws(people: People) -> None:
    run = people.requested(people.node)
    said = people.refusal("approve", run, "--yes", by=("Outsider", "oscar"))
    assert "ssm:SendAutomationSignal: InvalidAutomationSignalException: " in said


def test_approve_reports_refusal_of_runbook(people: People) -> None:
    run = people.requested(people.node)
    people.client("ec2").stop_instances(InstanceIds=[people.node])
    result = people.command("approve", run, "--yes", by=ANTON)
    assert result.exit_code == 1
    assert "refused" in result.stdout
    assert f"{people.node} in eu-west-1 is stopped, not running" in result.stdout


def test_approve_decided_request_is_an_error(people: People) -> None:
    run = people.requested(people.node)
    people.command("approve", run, "--reject", "--yes", by=ANTON)
    settle(people, run, "rejected")
    said = people.refusal("approve", run, "--yes", by=ANTON)
    assert said == f"Request {run} does not wait for approval: it is rejected (by Approver/anton).\n"


def test_approve_first_level_leaves_request_waiting(workflow: Callable[..., People]) -> None:
    approvers = [{"type": "IamRole", "name": "Approver"}, {"type": "IamRole", "name": "Outsider", "level": 2}]
    people = workflow(approvers=approvers)
    people.iam.update_assume_role_policy(RoleName="Outsider", PolicyDocument=only("oscar"))
    run = people.requested(people.instance())
    result = people.command("approve", run, "--yes", by=ANTON)
    assert result.exit_code == 0
    assert "The request is now: waiting for approval, 1 of 2 given" in result.stdout
    people.until(run, lambda found: found["AutomationExecutionStatus"] == "Waiting")
    assert "granted until" in people.command("approve", run, "--yes", by=("Outsider", "oscar")).stdout


def test_approve_by_member_of_approving_group_is_accepted(workflow: Callable[..., People]) -> None:
    people = workflow(mode="change-manager", approvers=[{"type": "IamGroup", "name": "security"}])
    people.iam.create_group(GroupName="security")
    key = people.iam.create_access_key(UserName="anton")["AccessKey"]["AccessKeyId"]
    run = people.requested(people.instance())
    assert people.command("approve", run, "--yes", by=key).exit_code == 1
    people.iam.add_user_to_group(GroupName="security", UserName="anton")
    result = people.command("approve", run, "--yes", by=key)
    assert result.exit_code == 0, result.output
    assert people.status(run)["decisions"][0]["approver"] == f"arn:aws:iam::{ACCOUNT}:user/anton"


def test_request_wait_prints_start_command_when_granted(people: People) -> None:
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
    assert "try again after some seconds" in result.stderr


def test_request_wait_reports_rejection(people: People) -> None:
    decided = set[str]()

    def reject(_seconds: float) -> None:
        waiting, *_ = people.ssm.describe_automation_executions()["AutomationExecutionMetadataList"]
        # The status may be the old one for a moment after the decision.
        if waiting["AutomationExecutionStatus"] == "Waiting" and waiting["AutomationExecutionId"] not in decided:
            decided.add(waiting["AutomationExecutionId"])
            people.decide(waiting["AutomationExecutionId"], "Reject")

    people.pause = reject
    result = people.command("request", people.node, *REASON, "--wait")
    assert result.exit_code == 1
    assert "Not granted: rejected" in result.stdout
    machine = people.command("request", people.node, *REASON, "--wait", "--json")
    assert (machine.exit_code, json.loads(machine.stdout)["state"]) == (1, "rejected")


def test_request_wait_interrupted_keeps_request_open(people: People) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    people.pause = interrupt
    result = people.command("request", people.node, *REASON, "--wait")
    assert result.exit_code == 130
    run = result.stdout.split("run:")[1].split()[0]
    assert f"The request is still open: python -m operations status {run}" in result.stderr
    assert people.status(run)["state"] == "waiting"


def test_status_without_requests_is_empty(people: People) -> None:
    shown = people.command("status")
    assert (shown.exit_code, shown.stdout) == (0, f"No session has been requested in account {ACCOUNT}, eu-west-1.\n")
    assert people.command("approve").stdout == f"No request waits for approval in account {ACCOUNT}, eu-west-1.\n"
    assert people.status() == {"requests": [], "tagsWithoutGrant": [], "cannotTell": None}


@pytest.mark.parametrize(("kind", "key"), [("role", TAG_KEY), ("user", TAG_KEY), ("user", TAG_KEY.lower())])
def test_status_reports_tag_without_grant(people: People, kind: str, key: str) -> None:
    tag = [{"Key": key, "Value": NOWHERE}]
    if kind == "role":
        people.iam.tag_role(RoleName="Operator", Tags=tag)
    else:
        people.iam.tag_user(UserName="alice", Tags=tag)
    result = people.command("status")
    name = {"role": "role Operator", "user": "user alice"}[kind]
    assert result.exit_code == 1
    assert f"{name} has the tag {TAG_KEY} for {NOWHERE} without a grant." in result.stdout
    assert people.status()["tagsWithoutGrant"] == [
        {"principalType": kind, "principalName": name.split()[1], "instanceId": NOWHERE}
    ]


def test_status_reports_unreadable_tags(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    from operations.inventory.reader import ReadFailure  # noqa: PLC0415

    unread = ReadFailure(action="iam:ListEntitiesForPolicy", cause="refused: no", remedy="")
    monkeypatch.setattr("operations.approval.commands.read_tags", lambda _: unread)
    result = people.command("status")
    assert result.exit_code == 1
    assert (
        "cannot tell whether operators have tags without a grant: iam:ListEntitiesForPolicy: refused" in result.stdout
    )
    assert people.status()["cannotTell"] == {"action": "iam:ListEntitiesForPolicy", "cause": "refused: no"}


def test_status_without_operator_policy_lists_no_tags(people: People) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:policy/{OPERATOR_POLICY_NAME}"
    for role in ("Operator", "Second"):
        people.iam.detach_role_policy(RoleName=role, PolicyArn=arn)
    people.iam.detach_user_policy(UserName="alice", PolicyArn=arn)
    people.iam.delete_policy(PolicyArn=arn)
    assert people.status()["tagsWithoutGrant"] == []


def test_status_lists_requests_of_all_pages(people: People, emulator: Emulator) -> None:
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


def test_status_rejects_executions_of_other_documents(people: People) -> None:
    steps = [{"name": "Wait", "action": "aws:sleep", "inputs": {"Duration": "PT1H"}}]
    content = json.dumps({"schemaVersion": "0.3", "mainSteps": steps})
    for name in ("Other", f"{RUNBOOK_NAME}2"):
        people.ssm.create_document(Name=name, DocumentType="Automation", Content=content)
        run = people.ssm.start_automation_execution(DocumentName=name)["AutomationExecutionId"]
        result = people.command("status", run)
        assert (result.exit_code, result.stderr) == (
            2,
            f"{run} is an execution of {name}, not a request for a session.\n",
        )
    assert people.status()["requests"] == []


def test_approval_commands_are_golden(people: People, golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    requested = people.command("request", people.instance(), *REASON, "--json")
    refused = people.command("request", people.node, *REASON, "--json")
    people.client("ec2").stop_instances(InstanceIds=[people.node])
    people.rest(0)
    run, hopeless = (json.loads(each.stdout)["run"] for each in (requested, refused))
    decide = ("--yes", "--json")
    requests = {"requested": requested, "unusable instance": people.command("request", "app-9", *REASON, "--json")}
    approvals = {
        "requests listed": people.command("approve", "--json", by=ANTON),
        "not allowed to approve": people.command("approve", run, *decide, by=("Outsider", "oscar")),
        "granted": people.command("approve", run, *decide, by=ANTON),
        "refused by the runbook": people.command("approve", hopeless, *decide, by=ANTON),
        "not waiting": people.command("approve", run, *decide, by=ANTON),
    }
    statuses = {
        "requests listed": people.command("status", "--json"),
        "one request": people.command("status", run, "--json"),
        "no such request": people.command("status", NOWHERE, "--json"),
    }
    revocations = {
        "no such request": people.command("revoke", NOWHERE, *decide, by=ANTON),
        "no live grant": people.command("revoke", hopeless, *decide, by=ANTON),
        "revoked": people.command("revoke", run, *decide, by=ANTON),
    }
    people.iam.tag_role(RoleName="Operator", Tags=[{"Key": "SecurityAllowSessionInstance", "Value": NOWHERE}])
    statuses["tag without a grant"] = people.command("status", "--json")
    key = people.key_of(*ANTON)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    requests["AWS does not answer"] = people.command("request", NOWHERE, *REASON, "--json", by=key)
    approvals["AWS does not answer"] = people.command("approve", run, *decide, by=key)
    revocations["AWS does not answer"] = people.command("revoke", run, *decide, by=key)
    statuses["AWS does not answer"] = people.command("status", "--json", by=key)
    people.outputs = {}
    requests["stack without approval"] = people.command("request", NOWHERE, *REASON, "--json", by=key)
    approvals["stack without approval"] = people.command("approve", run, *decide, by=key)
    revocations["stack without approval"] = people.command("revoke", run, *decide, by=key)
    statuses["stack without approval"] = people.command("status", "--json", by=key)
    golden.command("request", requests)
    golden.command("approve", approvals)
    golden.command("status", statuses)
    golden.command("revoke", revocations)
