"""Just-in-time sessions joined to their access requests."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from components.just_in_time.names import TOKEN_ROLE
from operations.approval.requests import ApprovalRequest, Decision, RequestState
from operations.evidence.cloudtrail import add_event
from operations.evidence.files import load, save
from operations.evidence.findings import Context
from operations.evidence.records import NO_TIME, Caller, Log, LogCoverage, Records, Request
from operations.evidence.report import Report, report
from operations.evidence.systems_manager import add_access_request
from operations.principals import GrantedPrincipal
from tests.support.evidence_history import ACCOUNT, ALICE, NODE, NOON, OLIVIA, History, after

RUN = "11111111-2222-4333-8444-555555555555"
TOKEN = f"arn:aws:sts::{ACCOUNT}:assumed-role/{TOKEN_ROLE}/olivia"
CONTEXT = Context(
    now=after(24 * 60),
    since=NOON - timedelta(days=1),
    until=after(24 * 60),
    person_of=lambda arn: "" if TOKEN_ROLE in arn else arn.rsplit("/", 1)[-1],
    is_just_in_time=True,
)
REQUEST = Request(
    id="oi-0123456789ab",
    account=ACCOUNT,
    caller=Caller(arn=OLIVIA),
    at=NOON,
    principal="role/Operator",
    node=NODE,
    reason="Ticket 4711",
    mode="just-in-time",
    execution=RUN,
    granted=after(2),
    until=after(62),
    state="ended",
)


def made(history: History, *requests: Request, context: Context = CONTEXT) -> Report:
    coverage = LogCoverage(account=ACCOUNT, region="eu-west-1", since=CONTEXT.since, until=CONTEXT.until)
    found = Records(coverage=[coverage])
    for event in history.events:
        add_event(event, found)
    found.requests.extend(requests)
    found.logs.extend(Log(session=each.id, location="s3://logs/x.log", size=2_000) for each in found.starts if each.id)
    return report(found, context)


def rules(made: Report) -> list[str]:
    return [each.rule for row in made.rows for each in row.findings]


@pytest.fixture
def history() -> History:
    """A session within its access, which another person has approved."""
    found = History()
    found.decide(RUN, after(2))
    found.start(after(10), who=TOKEN)
    return found


def test_approved_session_has_no_finding(history: History) -> None:
    (row,) = made(history, REQUEST).rows
    assert (row.findings, row.person) == ((), "olivia")
    assert row.grant
    assert row.grant.request
    assert (row.grant.request.id, row.grant.approvers) == (REQUEST.id, (ALICE,))
    assert (row.grant.begin, row.grant.end, row.grant.approved_at) == (after(2), after(62), after(2))


CHANGED: dict[str, dict[str, Any]] = {
    "session-without-approval": {"node": "i-0fedcba9876543210"},
    "session-outside-window": {"until": after(5)},
    "access-window-unknown": {"granted": NO_TIME, "until": NO_TIME, "state": "granted"},
    "approver-unknown": {"execution": ""},
    "session-auto-approved": {"execution": "", "is_automatic": True},
    "approval-without-reason": {"reason": ""},
    "session-unknown-person": {"caller": Caller(arn=OLIVIA.replace("olivia", "carol"))},
}


@pytest.mark.parametrize("rule", CHANGED)
def test_finding_of_another_request(history: History, rule: str) -> None:
    found = rules(made(history, replace(REQUEST, **CHANGED[rule])))
    assert rule in found
    assert set(found) <= {rule, "session-unknown-person", "grant-unused"}


@pytest.mark.parametrize("state", ["waiting", "rejected", "expired", "failed", "cancelled"])
def test_request_that_was_not_approved_gives_no_access(history: History, state: str) -> None:
    found = made(history, replace(REQUEST, state=state, granted=NO_TIME, until=NO_TIME))
    assert "session-without-approval" in rules(found)


def test_revocation_ends_the_access(history: History) -> None:
    history.decide(RUN, after(5), signal="Revoke")
    assert rules(made(history, REQUEST)) == ["grant-unused", "session-outside-window"]


def test_requester_cannot_be_the_approver() -> None:
    history = History()
    history.decide(RUN, after(2), who=OLIVIA.replace("Operator", "Approver"))
    history.start(after(10), who=TOKEN)
    assert rules(made(history, REQUEST)) == ["session-self-approved"]


def test_standing_permission_beside_requests_is_found(history: History) -> None:
    history.start(after(20))
    (_, row) = made(history, REQUEST).rows
    assert [each.rule for each in row.findings] == ["session-without-approval"]
    assert "by a standing ssm:StartSession, without an access request" in row.findings[0].detail


def test_other_modes_accept_no_access_request(history: History) -> None:
    found = made(history, REQUEST, context=replace(CONTEXT, is_just_in_time=False))
    assert "session-without-approval" in rules(found)


def test_overlapping_requests_are_each_used(history: History) -> None:
    history.start(after(70), who=TOKEN)
    short = replace(REQUEST, id="oi-ffffffffffff", granted=after(3), until=after(4))
    late = replace(REQUEST, id="oi-aaaaaaaaaaaa", granted=after(65), until=after(90))
    found = made(history, REQUEST, short, late)
    sessions = [row.grant.request.id for row in found.sessions if row.grant and row.grant.request]
    assert sessions == [REQUEST.id, late.id]
    assert rules(found) == ["grant-unused"]


def event(history: History, **answer: Any) -> None:
    targets = [{"key": "InstanceIds", "values": [NODE]}]
    asked = {"reason": "Ticket 4711", "targets": targets}
    history.add("ssm", "StartAccessRequest", OLIVIA, NOON, requestParameters=asked, responseElements=answer)


def test_trail_alone_does_not_prove_the_approval(history: History) -> None:
    event(history, accessRequestId=REQUEST.id)
    (row,) = made(history).rows
    assert [each.rule for each in row.findings] == ["access-window-unknown", "approver-unknown"]
    assert row.grant
    assert row.grant.request
    assert row.grant.request.reason == "Ticket 4711"


def test_event_and_record_are_one_request(history: History, tmp_path: Any) -> None:
    event(history, accessRequestId=REQUEST.id)
    (row,) = made(history, replace(REQUEST, reason="")).rows
    assert (row.findings, row.grant and row.grant.setter.source_ip) == ((), "192.0.2.10")
    saved = Records(requests=[REQUEST])
    save(saved, tmp_path / "records.jsonl")
    assert load(tmp_path / "records.jsonl").requests == [REQUEST]


def test_decisions_have_the_time_of_the_approval() -> None:
    found = Records()
    request = ApprovalRequest(
        id=REQUEST.id,
        grant_id=RUN,
        requester=OLIVIA,
        requested_at=NOON,
        principal=GrantedPrincipal("role", "Operator"),
        instance=NODE,
        decisions=(Decision(approver=ALICE, approved=True), Decision(approver=OLIVIA, approved=False)),
        state=RequestState.GRANTED,
        granted_at=after(2),
        until=after(62),
    )
    add_access_request(request, RUN, ACCOUNT, found)
    (made_request,) = found.requests
    assert (made_request.execution, made_request.granted, made_request.until) == (RUN, after(2), after(62))
    assert [(each.request, each.caller.arn, each.at, each.approved) for each in found.decisions] == [
        (RUN, ALICE, after(2), True),
        (RUN, OLIVIA, NO_TIME, False),
    ]
