"""Grants and their sessions: what `status` shows, and how they end, on the local AWS."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from components.session_manager.document import DOCUMENT_NAME, document, serialized
from components.session_manager.settings import SessionManagerSettings, preferences
from operations.approval.session import CallError
from operations.inventory.reader import ReadFailure
from tests.components.approval.workflow import ACCOUNT
from tests.operations.approval.conftest import ANTON, OLIVIA, People
from tests.operations.approval.test_commands import BOTH, settle
from tests.support.emulator import wake

PREFERENCES = preferences(SessionManagerSettings(), account_id=ACCOUNT, region="eu-west-1", kms_key_id="")


def granted(people: People, *more: str) -> str:
    """A request that is granted and waits for its end; sessions can be started."""
    with suppress(people.ssm.exceptions.DocumentAlreadyExists):
        content = serialized(document(PREFERENCES))
        people.ssm.create_document(Name=DOCUMENT_NAME, DocumentType="Session", DocumentFormat="JSON", Content=content)
    run = people.requested(people.node, *more)
    people.command("approve", run, "--yes", by=ANTON)
    settle(people, run, "granted")
    return run


def session(people: People, key: str = "", instance: str = "") -> str:
    ssm = people.client("ssm", account=key or people.key_of(*OLIVIA))
    return ssm.start_session(Target=instance or people.node, DocumentName=DOCUMENT_NAME)["SessionId"]


def open_sessions(people: People) -> set[str]:
    return {each["SessionId"] for each in people.ssm.describe_sessions(State="Active")["Sessions"]}


def ended(people: People, run: str) -> dict[str, Any]:
    """The request once its grant has run its whole time."""
    wake(people.endpoint, people.status(run)["grantRun"])
    while people.status(run)["state"] == "granted":
        people.pause(0.1)
    return people.end(people.status(run)["grantRun"])


@BOTH
def test_revoke_ends_the_grant_and_its_sessions_only(workflow: Callable[..., People], mode: str) -> None:
    people = workflow(mode=mode)
    run = granted(people)
    mine, of_another = session(people), session(people, key="local")
    elsewhere = session(people, key="local", instance=people.instance())
    assert people.status(run)["openSessions"] == [mine]
    assert f"session:     {mine} is open" in people.command("status", run).stdout
    assert f"open session {mine}" in " ".join(people.command("status").stdout.split())
    result = people.command("revoke", run, "--yes", by=ANTON)
    assert result.exit_code == 0, result.output
    assert f"the grant was ended early; 1 open session ended: {mine}" in result.stdout
    assert open_sessions(people) == {of_another, elsewhere}
    assert people.tag() is None
    found = people.status(run)
    assert (found["state"], found["openSessions"]) == ("cancelled", [])


@pytest.mark.parametrize("ends", [False, True])
def test_ended_grant_keeps_sessions_by_default(workflow: Callable[..., People], *, ends: bool) -> None:
    people = workflow(endSessionsWithGrant=ends)
    run = granted(people)
    mine = session(people)
    outcome = ended(people, run)["Outputs"]["EndSessions.Outcome"][0]
    assert outcome == (f"1 open session ended: {mine}" if ends else "open sessions continue")
    assert open_sessions(people) == (set() if ends else {mine})
    assert people.status(run)["openSessions"] == ([] if ends else [mine])


def test_revoke_keeps_sessions_of_another_live_grant(people: People) -> None:
    first = granted(people)
    mine = session(people)
    granted(people, "--again")
    result = people.command("revoke", first, "--yes", by=ANTON)
    assert "open sessions continue, under the other grant" in result.stdout
    assert open_sessions(people) == {mine}
    assert people.tag() == people.node


def test_unread_open_sessions_are_no_success(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    run = granted(people)
    unread = ReadFailure(action="ssm:DescribeSessions", cause="refused: no", remedy="allow it")
    monkeypatch.setattr("operations.approval.lookups._open_sessions", lambda *_: unread)
    why = "which sessions are open: ssm:DescribeSessions: refused: no. Remedy: allow it"
    for arguments in (("status",), ("status", run), ("revoke", run, "--yes")):
        result = people.command(*arguments, "--json", by=ANTON)
        found = json.loads(result.stdout)
        (request,) = found.get("requests", [found])
        assert (result.exit_code, request["openSessions"], request["cannotTell"]) == (1, None, [why])


def test_revoke_that_does_not_end_is_no_success(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    run = granted(people)
    monkeypatch.setattr("operations.approval.commands._REVOCATION_POLLS", 2)
    monkeypatch.setattr(people, "pause", lambda _seconds: None)
    monkeypatch.setattr("operations.approval.requests.LIVE_STATUSES", frozenset[str]())
    monkeypatch.setattr("operations.approval.requests.ENDED_STATUSES", frozenset[str]())
    result = people.command("revoke", run, "--yes", by=ANTON)
    assert (result.exit_code, "The grant is now: unknown" in result.stdout) == (1, True)


def test_revoke_without_confirmation_ends_nothing(people: People) -> None:
    run = granted(people)
    assert "Nothing was ended." in people.refusal("revoke", run, by=ANTON, answer="n\n", code=2)
    assert people.status(run)["state"] == "granted"


def test_revoke_without_live_grant_names_remedy(people: People) -> None:
    run = people.requested(people.node)
    assert f"Reject it: python -m operations approve {run} --reject --stack dev" in people.refusal(
        "revoke", run, "--yes", "--stack", "dev", by=ANTON
    )
    people.command("approve", run, "--reject", "--yes", by=ANTON)
    people.end(run)
    assert "has no active grant: it is rejected" in people.refusal("revoke", run, "--yes", by=ANTON)


def test_request_by_name_tag_shows_name(people: People) -> None:
    result = people.command("request", "app-1", "--reason", "Disk is full", "--stack", "dev")
    run = result.stdout.split("run:")[1].split()[0]
    assert f"Requested a session on app-1 ({people.node}) for role Operator" in result.stdout
    assert f"approve {run} --stack dev " in result.stdout
    assert f"status {run} --stack dev\n" in result.stdout
    people.until(run, lambda found: found["AutomationExecutionStatus"] == "Waiting")
    assert people.status(run)["instanceName"] == "app-1"
    assert f"app-1 ({people.node})" in people.command("approve", by=ANTON).stdout
    assert f"app-1 ({people.node})" in people.command("approve", run, by=ANTON, answer="n").stderr


def refused(people: People, *arguments: str) -> str:
    before = len(people.ssm.describe_automation_executions()["AutomationExecutionMetadataList"])
    message = people.refusal("request", *arguments, "--reason", "Disk is full")
    assert len(people.ssm.describe_automation_executions()["AutomationExecutionMetadataList"]) == before
    return message


def test_request_for_unready_instance_is_refused(people: People) -> None:
    assert "There is no instance app-9" in refused(people, "app-9")
    assert "There is no instance i-0123456789abcdef0" in refused(people, "i-0123456789abcdef0")
    unmanaged = people.instance(managed=False)
    assert f"{unmanaged} (eu-west-1) is not managed by Systems Manager" in refused(people, unmanaged)
    twin = people.instance()
    people.client("ec2").create_tags(Resources=[twin], Tags=[{"Key": "Name", "Value": "app-1"}])
    assert "app-1 matches 2 instances" in refused(people, "app-1")
    people.client("ec2").stop_instances(InstanceIds=[people.node])
    assert "is stopped. Start it: aws ec2 start-instances" in refused(people, people.node)
    there = people.instance("us-east-1")
    assert people.command("request", there, "--reason", "Disk is full").exit_code == 0


def test_request_for_non_operator_is_refused(people: People) -> None:
    said = refused(people, "app-1", "--as-role", "Outsider")
    assert "role Outsider is not an operator" in said
    assert "Operators: role Operator, role Second, user alice." in said
    made = people.command("request", "app-1", "--reason", "x", "--as-role", "operator", "--json")
    # The runbook accepts the name in this spelling only.
    assert json.loads(made.stdout)["principalName"] == "Operator"


def test_request_duplicate_requires_again(people: People) -> None:
    run = people.requested(people.node)
    said = refused(people, "app-1", "--stack", "dev")
    assert f"which is waiting: {run}" in said
    assert f"status {run} --stack dev" in said
    assert people.command("request", "app-1", "--reason", "x", "--as-role", "Second").exit_code == 0
    assert people.command("request", people.instance(), "--reason", "x").exit_code == 0
    assert people.command("request", "app-1", "--reason", "x", "--again").exit_code == 0


def test_request_leaves_unreadable_facts_to_runbook(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    unread = ReadFailure(action="x:Read", cause="refused: no", remedy="allow x:Read", refused=True)
    people.requested(people.node)
    monkeypatch.setattr("operations.inventory.instances._look", lambda *_: unread)
    monkeypatch.setattr("operations.approval.lookups.read_operators", lambda *_: unread)

    def no(*_given: object) -> None:
        raise CallError("x:Read: refused: no. Remedy: allow x:Read to olivia, then try again.")

    monkeypatch.setattr("operations.approval.executions.list_requests", lambda *_, **__: no())
    monkeypatch.setattr("operations.approval.executions.check_workflow", no)
    assert "Cannot determine whether app-1 is in eu-west-1: x:Read" in refused(people, "app-1")
    result = people.command("request", people.node, "--reason", "x", "--as-role", "Outsider")
    assert result.exit_code == 0, result.output
    assert "Cannot tell whether the same session is already requested: x:Read: refused" in result.stderr


NOTICE = (
    "Operator: role Operator",
    "Reason: Disk is full",
    "Requester: arn:aws:sts::123456789012:assumed-role/Operator/olivia",
)


@pytest.mark.parametrize("decision", ["approve", "reject"])
@BOTH
def test_notifications_name_people_instance_and_reason(
    workflow: Callable[..., People], mode: str, decision: str
) -> None:
    people = workflow(mode=mode)
    run = people.requested(people.node)
    options = ["--reject"] if decision == "reject" else []
    people.command("approve", run, *options, "--comment", "ok {{ x }}", "--yes", by=ANTON)
    if decision == "approve":
        settle(people, run, "granted")
    else:
        people.end(run)
    people.heard()
    notices = people.said[0 if mode == "automation" else 1 :] if decision == "approve" or mode == "automation" else []
    grant_run = people.status(run)["grantRun"]
    for each in notices:
        assert all(part in each for part in (*NOTICE, f"Instance: app-1 ({people.node})")), each
        console = f"https://eu-west-1.console.aws.amazon.com/systems-manager/automation/execution/{grant_run}?region=eu-west-1"
        assert f"Console: {console}" in each
    if notices:
        verb = "approved" if decision == "approve" else "rejected"
        assert f"Decision: {verb} by " in notices[-1]
        assert "(ok  x )" in notices[-1]
        assert json.loads(json.dumps(notices[-1])) == notices[-1]
