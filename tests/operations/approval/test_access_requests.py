"""`request`, `approve`, `status` and `revoke` in mode just-in-time, as people run them against the local AWS."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from components.approval.evidence import export_runbook
from components.approval.scripts import evidence as script
from components.approval.settings import Mode
from components.just_in_time.names import IDENTITY_PROVIDER_SETTING, SERVICE_ROLE, TOKEN_ROLE, TOKEN_SERVICE
from operations.approval import access_requests
from operations.approval.requests import RequestState
from operations.approval.session import ApprovalSession, CallError, Workflow
from operations.evidence.exported import read_exported
from tests.components.approval.workflow import ACCOUNT, PLACE
from tests.components.just_in_time.examples import approval, level, manual
from tests.operations.approval.conftest import ANTON, OLIVIA, JustInTime

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Principal": {"Service": TOKEN_SERVICE}, "Action": "sts:AssumeRole"},
    }
)
REASON = ("--reason", "Disk is full")
REQUESTER = f"arn:aws:sts::{ACCOUNT}:assumed-role/Operator/olivia"


def test_request_shows_the_expected_decision(access: JustInTime) -> None:
    result = access.command("request", "db-1", *REASON)
    assert result.exit_code == 0, result.output
    run = result.stdout.split("run:")[1].split()[0]
    assert result.stdout == (
        f"Requested a session on db-1 ({access.database}) for role Operator, as {REQUESTER}.\n"
        f"  run:       {run}\n"
        f"  decision:  by approval, for 4 hours, by the policy Databases: level 1: 1 of SSOGroup {access.approvers}\n"
        f"  approve:   python -m operations approve {run}    (another principal)\n"
        f"  follow:    python -m operations status {run}\n"
    )


def test_approved_request_shows_decision_and_window(access: JustInTime) -> None:
    run = access.access_request()
    waiting = access.status(run)
    assert (waiting["state"], waiting["askedBy"], waiting["reason"]) == ("waiting", REQUESTER, "Disk is full")
    assert (waiting["instanceName"], waiting["policy"], waiting["approvals"]) == (
        "db-1",
        "Databases",
        {"given": 0, "asked": 1},
    )
    listed = access.command("approve", by=access.anton)
    assert "level 1: 1 of SSOGroup" in " ".join(listed.stdout.split())
    assert f"{run} reason: Disk is full" in listed.stdout
    result = access.command("approve", run[:9], "--comment", "Ticket 4711", by=access.anton, answer="y\n")
    assert (result.exit_code, result.stdout.startswith("Approved. The request is now: granted until ")) == (0, True)
    assert "approvers:   level 1: 1 of SSOGroup" in result.stderr
    found = access.status(run)
    assert (found["state"], found["decisions"][0]["comment"]) == ("granted", "Ticket 4711")
    assert 4 * 3600 - 120 < found["remainingSeconds"] <= 4 * 3600
    shown = access.command("status", run).stdout
    assert f"python -m operations connect {access.database} --region eu-west-1 --access-request {run}" in shown


def test_wait_returns_with_the_state_of_the_token(access: JustInTime) -> None:
    def decide(_seconds: float) -> None:
        access.rest(0)
        (open_request,) = json.loads(access.command("status", "--json", by=access.anton).stdout)["requests"]
        if open_request["state"] == "waiting":
            access.command("approve", open_request["run"], "--yes", by=access.anton)

    access.pause = decide
    result = access.command("request", "db-1", *REASON, "--wait")
    assert (result.exit_code, "Granted. Start the session as role Operator:" in result.stdout) == (0, True)
    assert "connect" in result.stdout
    assert "SecretAccessKey" not in result.output


def test_automatic_approval_needs_no_person(access: JustInTime) -> None:
    access.tag_node(access.node, Environment="dev")
    result = access.command("request", "app-1", *REASON, "--wait", by=access.carol)
    assert result.exit_code == 0, result.output
    assert f"approved automatically, for an hour: group {access.oncall}" in result.stdout
    run = result.stdout.split("run:")[1].split()[0]
    found = access.status(run)
    assert (found["state"], found["detail"], found["grantRun"]) == ("granted", "approved automatically", None)
    revoked = access.command("revoke", run, "--yes", by=access.anton)
    assert (revoked.exit_code, "it was approved automatically" in revoked.stderr) == (1, True)


def _conflict(access: JustInTime) -> str:
    access.publish_policies(manual("Team", targets={"Team": ["a"]}, levels=[level(access.approvers)]))
    access.tag_node(access.database, Team="a")
    return "db-1"


REFUSED: dict[str, Callable[[JustInTime], str]] = {
    "no approval policy applies to its tags": lambda access: access.node,
    "Databases, Team all apply to its tags": _conflict,
    "There is no managed node i-0fedcba9876543210": lambda _access: "i-0fedcba9876543210",
}


@pytest.mark.parametrize("said", REFUSED)
def test_request_that_aws_refuses_is_not_made(access: JustInTime, said: str) -> None:
    assert said in access.refusal("request", REFUSED[said](access), *REASON)
    assert access.ssm.describe_ops_items()["OpsItemSummaries"] == []


def test_request_needs_credentials_of_assume_role(access: JustInTime) -> None:
    key = access.iam.create_access_key(UserName="alice")["AccessKey"]["AccessKeyId"]
    result = access.command("request", "db-1", *REASON, by=key)
    assert (result.exit_code, "accepts the credentials of sts:AssumeRole only" in result.stderr) == (2, True)
    role = access.command("request", "db-1", *REASON, "--as-role", "Second")
    assert (role.exit_code, "an access request is for the caller's own session" in role.stderr) == (2, True)
    long = access.command("request", "db-1", "--reason", "x" * 257)
    assert (long.exit_code, "--reason: expected at most 256 characters, got 257." in long.stderr) == (2, True)


def test_disabled_service_is_an_error_of_aws(access: JustInTime) -> None:
    access.iam.detach_role_policy(
        RoleName=TOKEN_ROLE, PolicyArn="arn:aws:iam::aws:policy/AWSSystemsManagerJustInTimeAccessTokenPolicy"
    )
    access.iam.delete_role(RoleName=TOKEN_ROLE)
    result = access.command("request", "db-1", *REASON)
    assert (result.exit_code, "service is not enabled in this account" in result.stderr) == (1, True)


def test_duplicate_request_needs_again(access: JustInTime) -> None:
    run = access.access_request()
    result = access.command("request", "db-1", *REASON)
    assert (result.exit_code, f"which is waiting: {run}" in result.stderr) == (1, True)
    assert access.command("request", "db-1", *REASON, "--again").exit_code == 0
    # Another person of the same permission set has no request yet.
    assert access.command("request", "db-1", *REASON, by=access.carol).exit_code == 0
    assert access.command("request", "db-1", *REASON, by=access.anton).exit_code == 0


def test_requester_cannot_approve_in_another_role(access: JustInTime) -> None:
    run = access.access_request()
    for by in (access.olivia, OLIVIA):
        result = access.command("approve", run, "--yes", by=by)
        assert (result.exit_code, "requesters cannot approve their own requests" in result.stderr) == (1, True)
    stranger = access.command("approve", run, "--yes", by=ANTON)
    assert (stranger.exit_code, access.status(run)["state"]) == (1, "waiting")


def test_rejected_request_gives_no_credentials(access: JustInTime) -> None:
    run = access.access_request()
    result = access.command("approve", run, "--reject", "--yes", by=access.anton)
    assert (result.exit_code, result.stdout.startswith("Rejected. The request is now: rejected")) == (0, True)
    again = access.command("approve", run, "--yes", by=access.anton)
    assert (again.exit_code, "does not wait for approval: it is rejected" in again.stderr) == (1, True)


def test_revoked_access_lists_its_open_sessions(access: JustInTime) -> None:
    run = access.approved()
    given = access.client("ssm", account=access.key_of(*OLIVIA)).get_access_token(AccessRequestId=run)["Credentials"]
    started = access.client("ssm", account=given["AccessKeyId"]).start_session(Target=access.database)["SessionId"]
    assert access.status(run)["openSessions"] == [started]
    requester = access.command("revoke", run, "--yes")
    assert (requester.exit_code, access.status(run)["state"]) == (1, "granted")
    result = access.command("revoke", run, "--yes", by=access.anton)
    assert result.exit_code == 1
    assert f"terminate-session --region eu-west-1 --session-id {started}" in " ".join(result.stdout.split())
    found = access.status(run)
    assert (found["state"], found["until"]) == ("revoked", None)


def test_status_of_all_regions_needs_no_stack(access: JustInTime) -> None:
    run, other = access.access_request(), access.instance("us-east-1")
    access.client("ec2", "us-east-1").create_tags(Resources=[other], Tags=[{"Key": "Tier", "Value": "database"}])
    content = access.ssm.get_document(Name="Databases")["Content"]
    there = access.client("ssm", "us-east-1")
    there.create_document(Name="Databases", DocumentType="ManualApprovalPolicy", Content=content)
    second = access.access_request(node=other)
    listed = json.loads(access.command("status", "--json").stdout)
    assert {each["run"]: each["region"] for each in listed["requests"]} == {run: "eu-west-1", second: "us-east-1"}
    assert (listed["tagsWithoutGrant"], listed["cannotTell"]) == ([], None)
    assert access.command("approve", second, "--yes", by=access.anton).exit_code == 0
    access.outputs = {}
    one = ("status", "--json", "--mode", "just-in-time", "--region", "us-east-1")
    assert [each["run"] for each in json.loads(access.command(*one).stdout)["requests"]] == [second]


NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
RUN = "11111111-2222-4333-8444-555555555555"
EXECUTION: dict[str, Any] = {
    "AutomationExecutionId": RUN,
    "AutomationSubtype": "AccessRequest",
    "OpsItemId": "oi-0123456789ab",
    "DocumentName": "Databases",
    "ExecutedBy": REQUESTER,
    "StepExecutions": [
        {"Action": "aws:approve", "StepName": "level1", "StepStatus": "Success", "ExecutionEndTime": NOW}
    ],
}
CONTENT = {"accessDuration": 3600, "mainSteps": [{"inputs": {"EnhancedApprovals": {"Approvers": []}}}]}
POLICY: dict[str, Any] = {"DocumentType": "ManualApprovalPolicy", "Content": json.dumps(CONTENT)}
DATA: dict[str, Any] = {"automationExecutionId": RUN, "any": {"of": ["i-0123456789abcdef0"]}, "Reason": "Ticket"}


def parsed(**changed: Any) -> Any:
    data = changed.pop("data", json.dumps(DATA))
    item: dict[str, Any] = {
        "OpsItemId": "oi-0123456789ab",
        "CreatedBy": REQUESTER,
        "CreatedTime": NOW,
        "Status": "Approved",
        "OperationalData": {"/aws/accessrequest": {"Value": data}},
        **changed.pop("item", {}),
    }
    execution = {**EXECUTION, **changed.pop("execution", {})}
    policy = {**POLICY, **changed.pop("policy", {})}
    now = NOW + changed.pop("after", timedelta(minutes=30))
    return access_requests.parse_access_request(item, execution, policy, region="eu-west-1", now=now, **changed)


def test_record_is_read_whatever_its_other_keys() -> None:
    found = parsed()
    assert (found.unknown, found.grant_id, found.instance, found.reason) == ((), RUN, "i-0123456789abcdef0", "Ticket")
    assert (found.state, found.until) == (RequestState.GRANTED, NOW + timedelta(hours=1))
    assert parsed(after=timedelta(minutes=61)).state is RequestState.ENDED


UNKNOWN: dict[str, dict[str, Any]] = {
    "is not of an access request (ChangeRequest)": {"execution": {"AutomationSubtype": "ChangeRequest"}},
    "is of oi-ffffffffffff": {"execution": {"OpsItemId": "oi-ffffffffffff"}},
    "does not run an approval policy (Automation)": {"policy": {"DocumentType": "Automation"}},
    "its approval policy is of another form": {"policy": {"Content": "{}"}},
    "do not name one requester": {"execution": {"ExecutedBy": REQUESTER.replace("olivia", "mallory")}},
    "does not name one node": {"data": json.dumps({**DATA, "more": "mi-0123456789abcdef0"})},
    "ssm:GetAutomationExecution: denied": {"failed": "ssm:GetAutomationExecution: denied"},
}


@pytest.mark.parametrize("said", UNKNOWN)
def test_record_that_is_not_verified_is_not_known(said: str) -> None:
    found = parsed(**UNKNOWN[said])
    assert any(said in each for each in found.unknown), found.unknown


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("PendingApproval", RequestState.WAITING),
        ("Revoked", RequestState.REVOKED),
        ("Cancelled", RequestState.CANCELLED),
        ("TimedOut", RequestState.EXPIRED),
        ("Failed", RequestState.FAILED),
        ("Closed", RequestState.ENDED),
        ("NewInTheNextYear", RequestState.UNKNOWN),
    ],
)
def test_status_of_the_record_is_a_state(status: str, state: RequestState) -> None:
    assert parsed(item={"Status": status}).state is state


def test_unreadable_record_is_not_automatic_approval() -> None:
    found = access_requests.parse_access_request(
        {"OpsItemId": "oi-0123456789ab", "CreatedBy": REQUESTER, "CreatedTime": NOW, "Status": "Approved"},
        None,
        None,
        region="eu-west-1",
        now=NOW,
    )
    assert (found.detail, found.until, found.grant_id) == ("", None, None)
    assert found.unknown


def test_incomplete_request_is_rejected_but_not_approved(access: JustInTime, monkeypatch: pytest.MonkeyPatch) -> None:
    run = access.access_request()
    monkeypatch.setattr("operations.approval.access_requests._nodes", lambda _data: set[str]())
    result = access.command("approve", run, "--yes", by=access.anton)
    assert (result.exit_code, "its record does not name one node" in result.stderr) == (1, True)
    assert access.command("approve", run, "--reject", "--yes", by=access.anton).exit_code == 0


def doctor(access: JustInTime, node: str = "db-1", **options: Any) -> dict[str, str]:
    """Return what prevents access by cause, as `doctor` finds it."""
    section = approval([manual(levels=[level(access.approvers)])])
    access.configure({"aws:region": "eu-west-1", "shell-access:approval": json.dumps(section)})
    result = access.command("doctor", node, "--json", **options)
    findings = json.loads(result.stdout)["findings"]
    return {each["cause"]: each["found"] for each in findings if each["cause"].startswith("access-")}


def test_doctor_names_what_prevents_access(access: JustInTime) -> None:
    enabled = doctor(access)
    assert set(enabled) == {"access-service"}
    access.iam.create_role(RoleName=SERVICE_ROLE, Path="/aws-service-role/ssm/", AssumeRolePolicyDocument=TRUST)
    access.ssm.update_service_setting(SettingId=IDENTITY_PROVIDER_SETTING, SettingValue="SSO")
    assert doctor(access) == {}
    assert "none of the tags" in doctor(access, access.node)["access-tags"]
    key = access.iam.create_access_key(UserName="alice")["AccessKey"]["AccessKeyId"]
    assert "user/alice cannot request access" in doctor(access, by=key)["access-role"]

    run = access.access_request()
    assert "waits for its approvers" in doctor(access)["access-request"]
    access.command("approve", run, "--yes", by=access.anton)
    assert f"{run} of Operator/olivia is approved until" in doctor(access)["access-request"]
    assert "AWS gives its access token to this session only" in doctor(access, by=access.carol)["access-request"]
    access.command("revoke", run, "--yes", by=access.anton)
    assert "an approver revoked it" in doctor(access)["access-request"]
    access.iam.detach_role_policy(
        RoleName=TOKEN_ROLE, PolicyArn="arn:aws:iam::aws:policy/AWSSystemsManagerJustInTimeAccessTokenPolicy"
    )
    access.iam.delete_role(RoleName=TOKEN_ROLE)
    assert f"there is no role {TOKEN_ROLE}" in doctor(access)["access-service"]


def test_request_of_a_deleted_policy_is_not_approved(access: JustInTime) -> None:
    run = access.access_request()
    access.ssm.delete_document(Name="Databases")
    result = access.command("approve", run, "--yes", by=access.anton)
    assert (result.exit_code, "the version of its approval policy no longer exists" in result.stderr) == (1, True)
    assert access.status(run)["state"] == "waiting"


def connect(access: JustInTime, *arguments: str, by: tuple[str, str] = OLIVIA) -> Any:
    access.configure({"aws:region": "eu-west-1", "shell-access:approval": json.dumps(approval())})
    return access.command("connect", *arguments, by=by)


def session_at(now: datetime) -> ApprovalSession:
    workflow = Workflow(mode=Mode.JUST_IN_TIME, region="eu-west-1")
    return ApprovalSession(workflow=workflow, clients=cast("Any", None), identity=cast("Any", None), now=lambda: now)


def test_list_reads_only_what_may_be_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS keeps requests for a year, and answers few reads of them per second."""
    days = [("oi-0", "Approved", 1), ("oi-1", "Rejected", 2), ("oi-2", "Approved", 15), ("oi-3", "Paused", 16)]
    listed = [
        {"OpsItemId": id_, "Status": status, "CreatedBy": REQUESTER, "CreatedTime": NOW - timedelta(days=age)}
        for id_, status, age in days
    ]
    others = {"OpsItemId": "oi-4", "Status": "Approved", "CreatedBy": f"{REQUESTER}2", "CreatedTime": NOW}
    read: list[str] = []

    def call(_session: ApprovalSession, _operation: str, **_: Any) -> Any:
        return {"OpsItemSummaries": [*listed, others]}

    def reading(_session: ApprovalSession, id_: str) -> Any:
        read.append(id_)
        return parsed()

    monkeypatch.setattr(ApprovalSession, "call", call)
    monkeypatch.setattr("operations.approval.access_requests.read_access_request", reading)
    access_requests.list_access_requests(session_at(NOW), 0, by=REQUESTER)
    assert sorted(read) == ["oi-0", "oi-3"]
    read.clear()
    access_requests.list_access_requests(session_at(NOW), 1)
    assert sorted(read) == ["oi-0", "oi-1", "oi-3", "oi-4"]


def test_unreadable_request_makes_the_list_incomplete(access: JustInTime, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = access.access_request(), access.access_request(access.carol)
    read = access_requests.read_access_request

    def failing(session: ApprovalSession, id_: str) -> Any:
        if id_ == first:
            raise CallError("ssm:GetOpsItem: refused")
        return read(session, id_)

    monkeypatch.setattr("operations.approval.access_requests.read_access_request", failing)
    result = access.command("status", "--json")
    shown = json.loads(result.stdout)
    assert (result.exit_code, [each["run"] for each in shown["requests"]]) == (1, [second])
    assert shown["incomplete"] == [f"{first}: ssm:GetOpsItem: refused"]


def test_credentials_need_an_approved_status(monkeypatch: pytest.MonkeyPatch) -> None:
    given = dict.fromkeys(("AccessKeyId", "SecretAccessKey", "SessionToken"), "x")
    session = session_at(NOW)
    for status in ("Pending", "Revoked", "NewInTheNextYear"):
        answer = {"AccessRequestStatus": status, "Credentials": given}
        monkeypatch.setattr(ApprovalSession, "call", lambda *_, answer=answer, **__: answer)
        with pytest.raises(CallError, match=f"its status is {status}"):
            access_requests.access_credentials(session, "oi-0123456789ab")


def test_connect_uses_the_token_of_the_request(access: JustInTime, aws_cli: dict[str, str]) -> None:
    run = access.approved()
    without_stack = ("--region", "eu-west-1")
    for chosen in (
        (),
        ("--access-request", run),
        ("--access-request", run, *without_stack),
        ("--mode", "just-in-time", *without_stack),
    ):
        result = connect(access, "db-1", *chosen)
        assert result.exit_code == 0, result.output
        secrets = (aws_cli["AWS_ACCESS_KEY_ID"], aws_cli["AWS_SECRET_ACCESS_KEY"], aws_cli["AWS_SESSION_TOKEN"])
        assert all(each and each not in result.output for each in secrets)
        assert aws_cli["command"] == (
            f"aws ssm start-session --region eu-west-1 --target {access.database} --document-name SSM-SessionManagerRunShell"
        )
    token = access.client("ssm", account=aws_cli["AWS_ACCESS_KEY_ID"])
    assert token.start_session(Target=access.database)["SessionId"].startswith("olivia-")
    with pytest.raises(token.exceptions.ClientError):
        token.start_session(Target=access.node)


def test_connect_prints_no_credentials(access: JustInTime, aws_cli: dict[str, str]) -> None:
    run = access.approved()
    result = connect(access, "db-1", "--print")
    assert (result.exit_code, aws_cli) == (0, {})
    assert f"aws ssm get-access-token --region eu-west-1 --access-request-id {run}" in result.stderr


def test_connect_without_approval_says_how_to_request(access: JustInTime, aws_cli: dict[str, str]) -> None:
    run = access.access_request()
    for chosen, said in (
        ((), f"no approved access request for {access.database}. Request access: python -m operations request"),
        (("--access-request", run), f"Access request {run} gives no credentials: its status is Pending."),
        (("--access-request", "oi-1"), "--access-request: expected an ID such as oi-0123456789ab, got 'oi-1'."),
        (("--mode", "just-in-time"), "--mode: expected --region with it, got none."),
        (("--mode", "manual", "--region", "eu-west-1"), "--mode: expected one of change-manager, automation"),
        (("--rdp",), "just-in-time node access has shells only"),
        (("--remote-port", "22"), "just-in-time node access has shells only"),
    ):
        result = connect(access, "db-1", *chosen)
        assert (bool(result.exit_code), aws_cli, said in result.stderr) == (True, {}, True), (chosen, result.output)
    access.command("approve", run, "--yes", by=access.anton)
    # The request is another person's.
    result = connect(access, "db-1", "--access-request", run, by=access.carol)
    assert (result.exit_code, aws_cli) == (1, {})


def test_evidence_joins_sessions_to_access_requests(access: JustInTime, aws_cli: dict[str, str]) -> None:
    run = access.approved()
    connect(access, "db-1")
    access.client("ssm", account=aws_cli["AWS_ACCESS_KEY_ID"]).start_session(Target=access.database)
    standing = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ssm:*", "Resource": "*"}]}
    access.iam.put_role_policy(RoleName="Operator", PolicyName="Standing", PolicyDocument=json.dumps(standing))
    access.client("ssm", account=access.key_of(*OLIVIA)).start_session(Target=access.database)
    access.tag_node(access.node, Environment="dev")
    automatic = access.access_request(access.carol, "app-1")
    credentials = access.client("ssm", account=access.key_of(*access.carol)).get_access_token(AccessRequestId=automatic)
    token = credentials["Credentials"]["AccessKeyId"]
    access.client("ssm", account=token).start_session(Target=access.node)
    result = access.command("evidence", "--json", "--from", "1h", by="local")
    report = json.loads(result.stdout)
    assert (result.exit_code, report["complete"]) == (1, True), result.output
    rows = [(each["requestId"], each["person"], [one["rule"] for one in each["findings"]]) for each in report["rows"]]
    # The event history has whole seconds.
    assert sorted(rows, key=lambda row: row[2]) == [
        (run, "olivia", []),
        (automatic, "carol", ["session-auto-approved"]),
        (None, "olivia", ["session-without-approval"]),
    ]
    approvers = {each["requestId"]: each["approvers"] for each in report["rows"]}
    assert approvers[run][0].endswith("/anton")
    assert approvers[automatic] == ["auto-approval policy"]
    assert {each["name"] for each in report["sources"]} >= {"Access requests", "Session Manager"}


def test_exported_access_requests_are_those_of_aws(
    access: JustInTime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = access.approved()
    waiting = access.access_request(access.carol)
    shown = {each: access.status(each) for each in (run, waiting)}
    later = datetime.now(UTC) + timedelta(days=script.SETTLED_DAYS + 1)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return later.astimezone(tz)

    monkeypatch.setattr(script, "datetime", Clock)
    monkeypatch.setattr(script, "client", access.client)
    monkeypatch.setattr(script, "HISTORY_DAYS", script.SETTLED_DAYS + 1)
    location = {"LocationConstraint": "eu-west-1"}
    access.client("s3").create_bucket(
        Bucket=PLACE.evidence_bucket, CreateBucketConfiguration=location, ObjectLockEnabledForBucket=True
    )
    (step,) = export_runbook(PLACE, ("eu-west-1",), access_requests=True)["mainSteps"]
    script.export_evidence({**step["inputs"]["InputPayload"], "Pause": 0}, None)
    for each in access.client("s3").list_objects_v2(Bucket=PLACE.evidence_bucket)["Contents"]:
        file = tmp_path / each["Key"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(access.client("s3").get_object(Bucket=PLACE.evidence_bucket, Key=each["Key"])["Body"].read())
    now = datetime.now(UTC)
    found = read_exported(tmp_path, now - timedelta(hours=1), now, lambda _line: None)
    requests = {each.id: each for each in found.requests if each.state}
    assert {each.id for each in found.requests} == {run, waiting}
    assert (requests[run].caller.arn, requests[run].node) == (REQUESTER, access.database)
    assert abs(requests[run].until - datetime.fromisoformat(shown[run]["until"])) < timedelta(seconds=1)
    assert (requests[waiting].state, shown[waiting]["state"]) == ("waiting", "waiting")
    assert [each.caller.arn.rpartition("/")[2] for each in found.decisions if each.source == "Automation"] == ["anton"]
