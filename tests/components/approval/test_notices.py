"""Texts of notices, and sessions that a grant ends, in states that the local AWS cannot produce."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from components.approval.names import WorkflowLocation
from components.approval.script import source
from components.approval.scripts import notices, sessions

INSTANCE = "i-0123456789abcdef0"
EVENTS: dict[str, Any] = {
    "ExecutionId": "run",
    "InstanceId": INSTANCE,
    "PrincipalType": "role",
    "PrincipalName": "Operator",
    "Region": "eu-west-1",
    "Released": "the tag of role Operator was removed",
    "EndSessions": True,
}


@pytest.mark.parametrize(
    ("partition", "region", "host"),
    [
        ("aws", "eu-west-1", "eu-west-1.console.aws.amazon.com"),
        ("aws-cn", "cn-north-1", "cn-north-1.console.amazonaws.cn"),
        ("aws-us-gov", "us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
    ],
)
def test_console_link_is_of_the_partition(partition: str, region: str, host: str) -> None:
    link = WorkflowLocation(partition=partition, account_id="123456789012", region=region).console_link("run")
    assert link == f"https://{host}/systems-manager/automation/execution/run?region={region}"


class Directory:
    """An identity store with Olivia."""

    def describe_user(self, *, UserId: str, IdentityStoreId: str) -> dict[str, str]:  # noqa: N803 -- as boto3 has it
        if (UserId, IdentityStoreId) != ("1-2", "d-1"):
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "DescribeUser")
        return {"UserName": "olivia{{ x }}@example.org"}


@pytest.mark.parametrize(
    ("role", "access", "text"),
    [
        ("ShellOperator-1-2", {"AccountAccessApplication": "arn"}, "olivia x @example.org, {who}"),
        ("ShellOperator-3", {"AccountAccessApplication": "arn"}, "{who}"),
        ("Operator", {"AccountAccessApplication": "arn"}, "{who}"),
        ("ShellOperator-1-2", {}, "{who}"),
    ],
)
def test_notice_names_the_person_of_an_entitled_session(
    role: str, access: dict[str, str], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "client", lambda *_: Directory())
    who = f"arn:aws:sts::123456789012:assumed-role/{role}/anton@example.org"
    events = {"IdentityStore": "d-1", "IdentityStoreRegion": "eu-west-1", **access}
    assert notices.requester_text(who, events) == text.format(who=who)


def step(status: str, *decisions: str) -> dict[str, Any]:
    return {"Action": "aws:approve", "StepStatus": status, "Outputs": {"ApproverDecisions": list(decisions)}}


@pytest.mark.parametrize(
    ("run", "text"),
    [
        ({"StepExecutions": [step("Success", '{"Decision": "Approve", "Approver": "anton"}')]}, "approved by anton"),
        (
            {
                "StepExecutions": [
                    step("Failed", '[{"Decision": "Reject", "Approver": "anton", "Comment": "no {{ x }}"}]')
                ]
            },
            "rejected by anton (no  x )",
        ),
        ({"StepExecutions": [step("TimedOut")]}, "no approver answered in time"),
        ({"StepExecutions": [step("Waiting")], "AutomationExecutionStatus": "Cancelling"}, "canceled"),
        ({"StepExecutions": [step("Success", "not JSON", "[1]")]}, "no decision"),
        ({}, "no decision"),
    ],
)
def test_decision_notice_names_the_approver(run: dict[str, Any], text: str) -> None:
    assert notices.decision(run) == text


@pytest.mark.parametrize(
    ("owner", "kind", "name", "same"),
    [
        ("arn:aws:sts::123456789012:assumed-role/Operator/olivia", "role", "operator", True),
        ("arn:aws:sts::123456789012:assumed-role/Operator2/olivia", "role", "Operator", False),
        ("arn:aws:iam::123456789012:user/Operator", "role", "Operator", False),
        ("arn:aws:iam::123456789012:user/team/alice", "user", "alice", True),
        ("arn:aws:iam::123456789012:user/alice2", "user", "alice", False),
        ("arn:aws:sts::123456789012:assumed-role/alice/x", "user", "alice", False),
        ("", "role", "Operator", False),
    ],
)
def test_session_owner_is_compared_as_a_principal(owner: str, kind: str, name: str, *, same: bool) -> None:
    assert sessions.is_of(owner, kind, name) is same


class Sessions:
    """Session Manager with one open session of the operator, which may be refused, and others that start later.

    `later` are sessions by the pause, in seconds, in which they start.
    """

    def __init__(self, refused: str = "", status: str = "Success", later: dict[int, str] | None = None) -> None:
        self.refused, self.status, self.later, self.open = refused, status, later or {}, ["olivia-1"]

    def sleep(self, seconds: int) -> None:
        self.open += [self.later[seconds]] if seconds in self.later else []

    def get_automation_execution(self, **_given: str) -> dict[str, Any]:
        steps = [{"StepName": "WaitForValidity", "StepStatus": self.status}]
        return {"AutomationExecution": {"AutomationExecutionStatus": "InProgress", "StepExecutions": steps}}

    def get_paginator(self, _name: str) -> Sessions:
        return self

    def paginate(self, **_given: Any) -> list[dict[str, Any]]:
        if self.refused == "DescribeSessions":
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "DescribeSessions")
        owner = "arn:aws:sts::123456789012:assumed-role/Operator/olivia"
        return [{"Sessions": [{"SessionId": each, "Owner": owner} for each in self.open]}]

    def terminate_session(self, *, SessionId: str) -> None:  # noqa: N803
        if self.refused == "TerminateSession":
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "TerminateSession")
        self.open.remove(SessionId)


@pytest.mark.parametrize(
    ("refused", "status", "changes", "outcome"),
    [
        ("", "Success", {}, "1 open session ended: olivia-1"),
        ("", "Success", {"EndSessions": False}, "open sessions continue"),
        ("", "Cancelled", {"EndSessions": False}, "1 open session ended: olivia-1"),
        ("", "Success", {"PrincipalName": "Second"}, "no session was open"),
        (
            "",
            "Cancelled",
            {"Released": "the tag of role Operator was left to the run x"},
            "open sessions continue, under the other grant",
        ),
        ("TerminateSession", "Success", {}, "session olivia-1 could not be ended (AccessDeniedException)"),
        (
            "DescribeSessions",
            "Success",
            {},
            "open sessions might continue, because they could not be read (AccessDeniedException)",
        ),
    ],
)
def test_sessions_end_with_their_grant(
    monkeypatch: pytest.MonkeyPatch, refused: str, status: str, changes: dict[str, Any], outcome: str
) -> None:
    ssm = Sessions(refused, status)
    use(ssm, monkeypatch)
    assert sessions.end_sessions({**EVENTS, **changes}, None) == {"Outcome": outcome}


def use(ssm: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the script call this Session Manager, and pause in it."""
    monkeypatch.setattr(sessions, "client", lambda *_: ssm)
    monkeypatch.setattr("time.sleep", ssm.sleep)


def test_sessions_that_iam_still_permits_end_too(monkeypatch: pytest.MonkeyPatch) -> None:
    ssm = Sessions(later={5: "olivia-2", 15: "olivia-3"})
    use(ssm, monkeypatch)
    outcome = "3 open sessions ended: olivia-1, olivia-2, olivia-3"
    assert (sessions.end_sessions(EVENTS, None), ssm.open) == ({"Outcome": outcome}, [])


def test_script_source_holds_what_its_handler_uses_alone() -> None:
    text = source("grants", "release_grant")
    assert "def release_grant" in text
    assert "def live_grants" in text
    assert "def remove_expired_grants" not in text
    compile(text, "grants", "exec")
