"""State of a request, read from executions as Systems Manager returns them."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from common.aws import ENDED_STATUSES, LIVE_STATUSES
from common.characters import hidden_character
from common.problems import visible
from operations.approval import output
from operations.approval.commands import _exit_code
from operations.approval.executions import NewRequest, check_decision, check_duplicates
from operations.approval.lookups import OperatorTag, tags_without_grant, with_live_data
from operations.approval.requests import ApprovalRequest, RequestState, parse_request
from operations.approval.session import CallError
from operations.errors import ExitCode
from operations.principals import GrantedPrincipal

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NOW = START + timedelta(minutes=5)
ASKED_BY = "arn:aws:sts::123456789012:assumed-role/Operator/olivia"
APPROVER = "arn:aws:sts::123456789012:assumed-role/Approver/anton"
GIVEN = {
    "PrincipalType": ["role"],
    "PrincipalName": ["Operator"],
    "InstanceId": ["i-0123456789abcdef0"],
    "Reason": ["Disk is full"],
}
NOT_YET = "No output available yet because the step is not successfully executed"
APPROVED = {"Approver": APPROVER, "Decision": "Approve", "Comment": "Go ahead"}
REJECTED = {"Approver": APPROVER, "Decision": "Reject", "Comment": "Not today"}


def step(name: str, action: str, status: str, **more: Any) -> dict[str, Any]:
    return {"StepName": name, "Action": action, "StepStatus": status, "ExecutionStartTime": START, **more}


def approval(status: str, *decisions: dict[str, str], name: str = "ApproveLevel1", **outputs: list[str]) -> Any:
    said = {"ApproverDecisions": [json.dumps(each) for each in decisions]} if decisions else {}
    return step(name, "aws:approve", status, Outputs={**said, **outputs})


def tag(status: str = "Success") -> Any:
    return step("TagRole", "aws:executeAwsApi", status)


def sleep(status: str = "InProgress", duration: str = "PT10M") -> Any:
    return step("WaitForValidity", "aws:sleep", status, Inputs={"Duration": duration})


def release(status: str) -> Any:
    return step("ReleaseGrant", "aws:executeScript", status)


def run(status: str, *steps: Any, **more: Any) -> dict[str, Any]:
    return {
        "AutomationExecutionId": "11111111-2222-3333-4444-555555555555",
        "DocumentName": "AllowStartSsmSession",
        "AutomationExecutionStatus": status,
        "ExecutionStartTime": START,
        "ExecutedBy": ASKED_BY,
        "Parameters": GIVEN,
        "StepExecutions": list(steps),
        "Outputs": {"CheckRequest.Verdict": [NOT_YET], "CheckRequest.Reason": [NOT_YET]},
        **more,
    }


def judged(verdict: str, reason: str = "", note: str = "") -> dict[str, Any]:
    values = {"Verdict": verdict, "Reason": reason, "Note": note, "Region": "eu-west-1"}
    return {"Outputs": {f"CheckRequest.{name}": [value] for name, value in values.items()}}


ENDED = {"ExecutionEndTime": START + timedelta(minutes=3)}
YES = approval("Success", APPROVED)
CASES: dict[str, tuple[dict[str, Any], str]] = {
    "just begun": (run("Pending", approval("Pending")), "waiting for approval, 23 h 55 min left"),
    "waiting": (run("Waiting", approval("Waiting")), "waiting for approval, 23 h 55 min left"),
    "one of two levels": (
        run("Waiting", YES, approval("Waiting", name="ApproveLevel2")),
        "waiting for approval, 1 of 2 given, 23 h 55 min left",
    ),
    "checking": (run("InProgress", YES), "checking"),
    "status that AWS has added": (
        run("Paused", YES, tag(), sleep(), **judged("accepted")),
        "unknown: its execution has the status Paused",
    ),
    "steps that are not all returned": (
        run("InProgress", YES, StepExecutionsTruncated=True),
        "unknown: Systems Manager does not return all steps",
    ),
    "granted": (run("InProgress", YES, tag(), sleep(), **judged("accepted")), "granted until 09:10, 5 min left"),
    "granted, inputs as JSON": (
        run("InProgress", YES, tag(), sleep(duration='"PT120M"'), **judged("accepted")),
        "granted until 11:00, 1 h 55 min left",
    ),
    "granted, about to end": (
        run("InProgress", YES, tag(), sleep(duration="PT5M"), **judged("accepted")),
        "granted until 09:05, expired",
    ),
    "granted over another one": (
        run("InProgress", YES, tag(), sleep(), **judged("accepted", note="it replaces an active grant")),
        "granted until 09:10, 5 min left: it replaces an active grant",
    ),
    "ended": (
        run("Success", YES, tag(), sleep("Success"), release("Success"), **judged("accepted"), **ENDED),
        "ended 09:03",
    ),
    "rejected": (run("Failed", approval("Failed", REJECTED), **ENDED), "rejected 09:03: by Approver/anton: Not today"),
    "rejected, without saying by whom": (
        run("Failed", approval("Failed", ApprovalStatus=["Rejected"]), **ENDED),
        "rejected 09:03",
    ),
    "rejected, still notifying": (
        run("InProgress", approval("Failed", REJECTED)),
        "rejected: by Approver/anton: Not today",
    ),
    "expired": (run("Failed", approval("TimedOut"), **ENDED), "expired 09:03: no approver responded in time"),
    "refused": (run("Failed", YES, **judged("refused", "it is stopped"), **ENDED), "refused 09:03: it is stopped"),
    "cancelled before": (run("Cancelled", approval("Cancelled"), **ENDED), "cancelled 09:03"),
    "cancelled while granted": (
        run("Cancelled", YES, tag(), sleep("Cancelled"), release("Success"), **judged("accepted"), **ENDED),
        "cancelled 09:03: the grant was ended early",
    ),
    "failed": (run("Failed", YES, FailureMessage="no rights", **ENDED), "failed 09:03: no rights"),
    "stuck": (
        run("Failed", YES, tag(), sleep("Success"), release("Failed"), FailureMessage="throttled", **ENDED),
        "failed 09:03: throttled",
    ),
}


@pytest.mark.parametrize(("given", "text"), CASES.values(), ids=CASES)
def test_parse_request_returns_state_of_execution(given: dict[str, Any], text: str) -> None:
    request = parse_request(given)
    assert text.startswith(request.state.value)
    assert output.state_text(request, NOW).plain == text
    assert (request.principal, request.instance) == (GrantedPrincipal("role", "Operator"), "i-0123456789abcdef0")
    assert (request.reason, request.requester, request.grant_id) == ("Disk is full", ASKED_BY, request.id)


@pytest.mark.parametrize("name", ["PrincipalType", "PrincipalName", "InstanceId", "ExecutedBy"])
def test_parse_request_without_a_part_is_not_known(name: str) -> None:
    given = run("Waiting", approval("Waiting"))
    shown = parse_request(given)
    assert shown.unknown == ()
    check_decision(shown, APPROVER, approve=True)
    parameters = {key: value for key, value in GIVEN.items() if key != name}
    incomplete = {key: value for key, value in given.items() if key != name} | {"Parameters": parameters}
    found = parse_request(incomplete)
    assert found.unknown == (f"its execution does not name {name}",)
    with pytest.raises(CallError, match=f"cannot be approved here, .* does not name {name}"):
        check_decision(found, APPROVER, approve=True)
    check_decision(found, APPROVER, approve=False)


def test_grant_without_a_region_has_unread_sessions() -> None:
    session: Any = SimpleNamespace(regions=(), is_just_in_time=False)
    granted = parse_request(run("InProgress", YES, tag(), sleep()))
    refused = parse_request(run("Success", YES, **judged("refused") | ENDED))
    found = with_live_data(session, [granted, replace(refused, region="")])
    assert [bool(each.sessions_unread) for each in found] == [True, False]


def test_unknown_state_is_no_success() -> None:
    waiting, unknown = (parse_request(run(status, YES)) for status in ("InProgress", "Paused"))
    assert _exit_code([waiting]) is ExitCode.SUCCESS
    assert _exit_code([waiting, unknown]) is ExitCode.FINDINGS


def test_request_of_an_unknown_state_is_a_duplicate(monkeypatch: pytest.MonkeyPatch) -> None:
    session: Any = SimpleNamespace(is_just_in_time=False, options="")
    same = NewRequest(principal=GrantedPrincipal("role", "Operator"), instance=GIVEN["InstanceId"][0], reason="x")
    unknown = parse_request(run("Paused", YES))
    monkeypatch.setattr("operations.approval.executions.list_requests", lambda *_, **__: [unknown])
    with pytest.raises(CallError, match=r"already has a request .* which is unknown"):
        check_duplicates(session, same)
    assert check_duplicates(session, replace(same, instance="i-0")) == ""


def test_statuses_are_those_of_the_model() -> None:
    shape = botocore.session.get_session().get_service_model("ssm").shape_for("AutomationExecutionStatus")
    assert set(getattr(shape, "enum")) == LIVE_STATUSES | ENDED_STATUSES  # noqa: B009 -- not in botocore's types
    assert not LIVE_STATUSES & ENDED_STATUSES


def changed(status: str, **more: Any) -> dict[str, Any]:
    """A change request: its run has the approvals, and the runbook's parameters beside its own."""
    runbooks = [{"DocumentName": "AllowStartSsmSession", "Parameters": GIVEN}]
    return {**run(status, YES, Runbooks=runbooks, Parameters={}, AutomationSubtype="ChangeRequest"), **more}


CHILD = {"AutomationExecutionId": "99999999-2222-3333-4444-555555555555", "ExecutedBy": "another execution"}
CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any] | None, RequestState]] = {
    "waiting": (changed("PendingApproval", StepExecutions=[approval("Waiting")]), None, RequestState.WAITING),
    "approved": (changed("Approved"), None, RequestState.CHECKING),
    "granted": (changed("RunbookInProgress"), run("InProgress", tag(), sleep(), **CHILD), RequestState.GRANTED),
    "rejected": (changed("Rejected", StepExecutions=[approval("Failed")]), None, RequestState.REJECTED),
    "refused": (
        changed("CompletedWithFailure"),
        run("Failed", **judged("refused", "it is stopped"), **CHILD),
        RequestState.REFUSED,
    ),
    "ended": (
        changed("CompletedWithSuccess"),
        run("Success", tag(), sleep("Success"), release("Success"), **CHILD),
        RequestState.ENDED,
    ),
    "granted, cancelled": (
        changed("CompletedWithFailure"),
        run("Cancelled", tag(), release("Success"), **CHILD),
        RequestState.CANCELLED,
    ),
}


@pytest.mark.parametrize(("parent", "child", "state"), CHANGES.values(), ids=CHANGES)
def test_parse_request_combines_change_request_and_runbook(
    parent: dict[str, Any], child: dict[str, Any] | None, state: RequestState
) -> None:
    request = parse_request(parent, child)
    assert request.state is state
    assert (request.id, request.requester) == (parent["AutomationExecutionId"], ASKED_BY)
    assert (request.principal, request.instance) == (GrantedPrincipal("role", "Operator"), "i-0123456789abcdef0")
    assert request.grant_id == (child["AutomationExecutionId"] if child else None)


@pytest.mark.parametrize("text", ['{"Approver": "x", "Decision": "Maybe"}', "{}", "[]"])
def test_parse_request_ignores_unknown_decisions(text: str) -> None:
    given = step("ApproveLevel1", "aws:approve", "Waiting", Outputs={"ApproverDecisions": [text]})
    request = parse_request(run("Waiting", given))
    assert (request.state, request.decisions) == (RequestState.WAITING, ())


def test_tags_without_grant_compares_principal_and_instance() -> None:
    granted = parse_request(run("InProgress", YES, tag(), sleep(), **judged("accepted")))
    over = parse_request(CASES["ended"][0])
    own = OperatorTag(principal=GrantedPrincipal("role", "operator"), value="i-0123456789abcdef0")
    other = OperatorTag(principal=GrantedPrincipal("role", "Operator"), value="i-0fedcba9876543210")
    assert tags_without_grant([own, other], [granted, over]) == (other,)
    stuck = parse_request(CASES["stuck"][0])
    assert tags_without_grant([own], [over, stuck]) == (own,)


def printed(request: ApprovalRequest) -> str:
    console = Console(file=io.StringIO(), width=110, highlight=False)
    console.print(output.requests_table([request], NOW, "Requests in eu-west-1"))
    output.print_request(console, request, NOW)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())


TABLE = """\
Requests in eu-west-1
┏━━━━━━━━━━┳━━━━━━━┳━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
┃ Run      ┃ Time  ┃ By              ┃ For                 ┃ State                                ┃
┡━━━━━━━━━━╇━━━━━━━╇━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┩
│ 11111111 │ 09:00 │ Operator/olivia │ role Operator       │ granted until 09:10, 5 min left      │
│          │       │                 │ i-0123456789abcdef0 │ approved by Approver/anton: Go ahead │
└──────────┴───────┴─────────────────┴─────────────────────┴──────────────────────────────────────┘
run:         11111111-2222-3333-4444-555555555555
requester:   arn:aws:sts::123456789012:assumed-role/Operator/olivia, 09:00
session for: role Operator
on:          i-0123456789abcdef0 in eu-west-1
reason:      Disk is full
decision:    approved by Approver/anton: Go ahead
state:       granted until 09:10, 5 min left"""


def test_request_table_and_details_show_people_and_times() -> None:
    assert printed(parse_request(CASES["granted"][0])) == TABLE


def test_request_document_has_all_fields() -> None:
    assert output.request_document(parse_request(CASES["granted"][0]), NOW) == {
        "run": "11111111-2222-3333-4444-555555555555",
        "grantRun": "11111111-2222-3333-4444-555555555555",
        "state": "granted",
        "detail": None,
        "askedBy": ASKED_BY,
        "askedAt": "2026-03-02T09:00:00+00:00",
        "principalType": "role",
        "principalName": "Operator",
        "instanceId": "i-0123456789abcdef0",
        "instanceName": None,
        "region": "eu-west-1",
        "reason": "Disk is full",
        "approvals": {"given": 1, "asked": 1},
        "decisions": [{"approver": APPROVER, "decision": "approved", "comment": "Go ahead"}],
        "until": "2026-03-02T09:10:00+00:00",
        "remainingSeconds": 300,
        "endedAt": None,
        "openSessions": None,
    }


NASTY = "a\x1b[2Kb\r\nc\u202ed\x9be\u2028f\x7f\ud800"


def test_request_output_escapes_control_characters() -> None:
    said = {**APPROVED, "Approver": f"arn:aws:sts::123456789012:assumed-role/A/{NASTY}", "Comment": NASTY}
    parameters = {name: [value[0] + NASTY] for name, value in GIVEN.items()}
    by = {"Parameters": parameters, "ExecutedBy": ASKED_BY + NASTY}
    for request in (
        parse_request(
            run("InProgress", approval("Success", said), tag(), sleep(), **judged("accepted", note=NASTY), **by)
        ),
        parse_request(run("Failed", approval("Failed", {**said, "Decision": "Reject"}), **by)),
        parse_request(run("Failed", YES, FailureMessage=NASTY, **by)),
    ):
        for shown in (
            printed(request),
            json.dumps(output.request_document(request, NOW)),
            output.start_command(request),
        ):
            assert all(each.isprintable() or each == "\n" for each in shown)
        assert json.loads(json.dumps(output.request_document(request, NOW)))["reason"] == "Disk is full" + NASTY
        assert "\\x1b[2Kb" in printed(request).replace("\n", "")


@given(st.text())
def test_visible_text_is_printable_and_otherwise_unchanged(text: str) -> None:
    assert visible(text).isprintable()
    assert not hidden_character(visible(text))
    assert visible(text) == text or not text.isprintable() or hidden_character(text)


def test_print_tags_escapes_control_characters() -> None:
    console = Console(file=io.StringIO(), width=200, highlight=False)
    output.print_tags(console, [OperatorTag(principal=GrantedPrincipal("role", "Operator"), value="i-1\x1b[8m")])
    assert "for i-1\\x1b[8m without" in console.file.getvalue()


def test_local_time_on_another_day_has_date() -> None:
    assert output.local_time(START - timedelta(days=1), NOW) == "2026-03-01 09:00"
