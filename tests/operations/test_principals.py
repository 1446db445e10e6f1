import contextlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.approval.scripts import check_request, grants, people
from operations.approval.requests import parse_request
from operations.principals import GrantedPrincipal, principal_of, same_person, short
from tests.components.approval.scripted_account import ROOT, Account
from tests.components.approval.workflow import trust

names = st.sampled_from(
    ["alice", "Alice", "alice@x.org", "bob", "Operator", "operator", "AWSReservedSSO_Team_0123456789abcdef"]
)
callers = st.one_of(
    names,
    st.builds("arn:aws:iam::123456789012:user/{}".format, names),
    st.builds("arn:aws:iam::123456789012:user/team/{}".format, names),
    st.builds("arn:aws:sts::123456789012:assumed-role/{}/{}".format, names, names),
)


@given(callers, callers)
def test_same_person_agrees_with_runbook(one: str, other: str) -> None:
    assert same_person(one, other) is people.same_person(one, other)


@given(callers)
def test_principal_of_agrees_with_runbook(who: str) -> None:
    principal = principal_of(who)
    assert principal is not None
    assert (principal.kind, principal.name.lower()) == people.principal_of(who)


@pytest.mark.parametrize(
    ("who", "principal", "shown"),
    [
        (
            "arn:aws:sts::123456789012:assumed-role/Operator/olivia",
            GrantedPrincipal("role", "Operator"),
            "Operator/olivia",
        ),
        ("arn:aws:iam::123456789012:user/team/alice", GrantedPrincipal("user", "alice"), "alice"),
        ("alice", GrantedPrincipal("user", "alice"), "alice"),
        ("arn:aws:iam::123456789012:root", None, "root"),
        ("arn:aws:sts::123456789012:federated-user/alice", None, "alice"),
        ("", None, ""),
    ],
)
def test_principal_of_parses_caller_arns(who: str, principal: GrantedPrincipal | None, shown: str) -> None:
    assert principal_of(who) == principal
    assert short(who) == shown


SESSION = "arn:aws:sts::123456789012:assumed-role/{}/{}"
ALICE = {"Approver": "alice", "Decision": "Approve"}
BOB = {"Approver": SESSION.format("Approver", "bob"), "Decision": "Reject"}
DECISIONS = ["{}", "[]", "not JSON", "3", json.dumps(ALICE), json.dumps(BOB), json.dumps([ALICE, BOB]), "[{}]"]
STATUSES = ["Pending", "InProgress", "Success", "Failed", "Cancelled", "TimedOut"]
START = datetime(2026, 3, 2, tzinfo=UTC)


def recorded(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    given = {"PrincipalType": ["user"], "PrincipalName": ["alice"], "InstanceId": ["i-0123456789abcdef0"]}
    whole = [{"Action": "aws:executeAwsApi", "ExecutionStartTime": START, **step} for step in steps]
    return {
        "AutomationExecutionId": "11111111-2222-3333-4444-555555555555",
        "AutomationExecutionStatus": "InProgress",
        "ExecutionStartTime": START,
        "Parameters": given,
        "StepExecutions": whole,
        **more,
    }


@pytest.mark.parametrize("text", DECISIONS)
@pytest.mark.parametrize("more", [[], [json.dumps(ALICE)]], ids=["alone", "beside a yes"])
def test_decisions_agree_with_runbook(text: str, more: list[str]) -> None:
    step = {
        "StepName": "A",
        "Action": "aws:approve",
        "StepStatus": "Waiting",
        "Outputs": {"ApproverDecisions": [text, *more]},
    }
    request = parse_request(recorded(step))
    shown = [each.approver for each in request.decisions if each.approved]
    # Where the runbook refuses what it cannot read, the commands show what they can.
    with contextlib.suppress(ValueError, TypeError, AttributeError):
        assert shown == [
            each["Approver"] for each in check_request._decisions(step) if each["Decision"].startswith("Approve")
        ]


@pytest.mark.parametrize(
    "who", ["alice", "bob", *(SESSION.format(*each) for each in (("Approver", "alice"), ("alice", "bob")))]
)
@pytest.mark.parametrize(
    "principal",
    [GrantedPrincipal("user", "alice"), GrantedPrincipal("role", "alice"), GrantedPrincipal("role", "bob")],
    ids=str,
)
def test_is_for_agrees_with_runbook(monkeypatch: pytest.MonkeyPatch, who: str, principal: GrantedPrincipal) -> None:
    named = trust(ROOT, StringEquals={"sts:RoleSessionName": "${aws:username}"})
    monkeypatch.setattr(people, "client", Account(trusts={"Approver": named, "alice": named}).client)
    events = {"Mode": "automation", "PrincipalType": principal.kind, "PrincipalName": principal.name, "Levels": [1]}
    said = json.dumps({"Approver": who, "Decision": "Approve"})
    step = {"StepName": "A", "Action": "aws:approve", "Outputs": {"ApproverDecisions": [said]}}
    run = recorded(step, ExecutedBy="carol")

    def refused() -> bool:
        try:
            given = check_request._check_approval(None, run, people.People([], []), events)
            check_request._check_people(given, [principal.name] if principal.kind == "user" else [], events)
        except people.RefusedError:
            return True
        return False

    assert principal.is_for(who) is refused()


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("name", ["TagRole", "TagUser", "CheckRequest"])
def test_holds_tag_agrees_with_runbook(name: str, status: str) -> None:
    run = recorded({"StepName": name, "StepStatus": status})
    assert parse_request(run).holds_tag is (grants.granted_at(run) is not None)
    released = recorded({"StepName": name, "StepStatus": status}, {"StepName": "ReleaseGrant", "StepStatus": "Success"})
    assert parse_request(released).holds_tag is (grants.granted_at(released) is not None) is False
    assert (parse_request(run).principal, parse_request(run).instance) == (
        GrantedPrincipal(*grants.granted_by(run)[:2]),
        grants.granted_by(run)[2],
    )
