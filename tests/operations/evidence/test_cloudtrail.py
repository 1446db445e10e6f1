import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.evidence.cloudtrail import add_event, all_event_names, kind_of
from operations.evidence.records import Caller, Records, SessionKind, SessionStart
from tests.support.evidence_history import History, after

START = json.loads("""
{"eventVersion": "1.05",
 "userIdentity": {"type": "IAMUser", "principalId": "AKIAI44QH8DHBEXAMPLE", "arn": "arn:aws:iam::123456789012:user/JohnDoe",
   "accountId": "123456789012", "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
   "sessionContext": {"attributes": {"mfaAuthenticated": "false", "creationDate": "2026-10-03T20:16:57Z"}}},
 "eventTime": "2026-10-03T20:21:20Z", "eventSource": "ssm.amazonaws.com", "eventName": "StartSession", "awsRegion": "us-east-2",
 "sourceIPAddress": "192.0.2.0/24", "userAgent": "example-user-agent-string",
 "requestParameters": {"target": "i-0123456789abcdef0"},
 "responseElements": {"sessionId": "JohnDoe-0123456789abcdef0", "tokenValue": "Value hidden due to security reasons.",
   "streamUrl": "wss://ssmmessages.us-east-2.amazonaws.com/v1/data-channel/JohnDoe-0123456789abcdef0"},
 "requestID": "a", "eventID": "b", "eventType": "AwsApiCall", "recipientAccountId": "123456789012"}
""")
"""In the form of the Systems Manager User Guide's example."""


def test_start_of_a_session_is_read() -> None:
    found = Records()
    assert add_event(START, found)
    assert found.starts == [
        SessionStart(
            id="JohnDoe-0123456789abcdef0",
            account="123456789012",
            region="us-east-2",
            node="i-0123456789abcdef0",
            caller=Caller(arn="arn:aws:iam::123456789012:user/JohnDoe", source_ip="192.0.2.0/24", mfa=False),
            at=datetime(2026, 10, 3, 20, 21, 20, tzinfo=UTC),
        )
    ]


def test_session_without_a_response_counts() -> None:
    found = Records()
    assert add_event({**START, "responseElements": None}, found)
    assert [each.id for each in found.starts] == ["b"]


@pytest.mark.parametrize(
    ("code", "is_kept"), [("AccessDenied", True), ("AccessDeniedException", True), ("TargetNotConnected", False)]
)
def test_only_refused_attempts_are_kept(code: str, is_kept: bool) -> None:  # noqa: FBT001
    found = Records()
    event = {**START, "errorCode": code, "responseElements": None}
    assert add_event(event, found) is is_kept
    assert [each.error for each in found.starts] == ([code] if is_kept else [])
    assert all(each.id == "" for each in found.starts)


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ("", SessionKind.SHELL),
        ("SSM-SessionManagerRunShell", SessionKind.SHELL),
        ("AWS-StartPortForwardingSession", SessionKind.FORWARDING),
        ("AWS-StartPortForwardingSessionToRemoteHost", SessionKind.FORWARDING),
        ("AWS-StartPortForwardingSessionToSocket", SessionKind.FORWARDING),
        ("AWS-StartSSHSession", SessionKind.FORWARDING),
        ("arn:aws:ssm:eu-west-1::document/AWS-StartSSHSession", SessionKind.FORWARDING),
        ("AWS-StartInteractiveCommand", SessionKind.COMMAND),
        ("AWS-StartNonInteractiveCommand", SessionKind.COMMAND),
        ("MyShell", SessionKind.SHELL),
    ],
)
def test_kind_follows_the_document(document: str, kind: SessionKind) -> None:
    assert kind_of(document) is kind


def test_runs_of_other_runbooks_are_no_requests() -> None:
    history, found = History(), Records()
    history.request(after(0))
    event = history.events[0]
    event["requestParameters"]["documentName"] = "AWS-RestartEC2Instance"
    assert not add_event(event, found)
    event["requestParameters"]["documentName"] = "arn:aws:ssm:eu-west-1:111122223333:document/AllowStartSsmSession"
    assert add_event(event, found)


@pytest.mark.parametrize("key", ["SecurityAllowSessionInstance", "securityallowsessioninstance"])
def test_tags_in_any_case_grant(key: str) -> None:
    history, found = History(), Records()
    given = {"roleName": "Operator", "tags": [{"key": "team", "value": "x"}, {"key": key, "value": "i-1"}]}
    for name in ("TagRole", "CreateRole"):
        assert add_event(history.add("iam", name, "arn", after(0), requestParameters=given), found)
    assert [(each.principal, each.node) for each in found.tags] == [("role/Operator", "i-1")] * 2


def test_other_tags_and_failed_changes_are_no_grants() -> None:
    history, found = History(), Records()
    other = {"roleName": "Operator", "tags": [{"key": "team", "value": "x"}]}
    failed = {"roleName": "Operator", "tags": [{"key": "SecurityAllowSessionInstance", "value": "i-1"}]}
    add_event(history.add("iam", "TagRole", "arn", after(0), requestParameters=other), found)
    add_event(history.add("iam", "TagRole", "arn", after(0), requestParameters=failed, errorCode="AccessDenied"), found)
    add_event(history.add("iam", "UntagRole", "arn", after(0), requestParameters={**other, "tagKeys": ["team"]}), found)
    assert found.tags == []


ODD: st.SearchStrategy[Any] = st.sampled_from([None, "", "HIDDEN_DUE_TO_SECURITY_REASONS", {}, 7])


@given(name=st.sampled_from(all_event_names()), given=ODD, answer=ODD, identity=ODD)
def test_omitted_parts_of_an_event_are_tolerated(name: str, given: Any, answer: Any, identity: Any) -> None:
    for source in ("ssm", "iam", "sts", "ssm-guiconnect"):
        event = {
            **START,
            "eventSource": f"{source}.amazonaws.com",
            "eventName": name,
            "requestParameters": given,
            "responseElements": answer,
            "userIdentity": identity,
        }
        add_event(event, Records())
