import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.workspace import REPOSITORY
from operations.evidence.cloudtrail import add_event
from operations.evidence.findings import RULES, Context, EvidenceRow
from operations.evidence.grants import Grant
from operations.evidence.records import (
    Caller,
    Log,
    LogCoverage,
    RecordedDecision,
    Records,
    RecordSource,
    Request,
    SessionEnd,
    SessionStart,
)
from operations.evidence.report import Report, report
from tests.support.evidence_history import ACCOUNT, ALICE, NODE, NOON, OLIVIA, WORKFLOW, History, after

Plant = Callable[[History], object]


CONTEXT = Context(
    now=after(24 * 60),
    since=NOON - timedelta(days=1),
    until=after(24 * 60),
    person_of=lambda arn: arn.rsplit("/", 1)[-1],
    break_glass=frozenset({"emergency"}),
)

COVERAGE = LogCoverage(account=ACCOUNT, region="eu-west-1", since=CONTEXT.since, until=CONTEXT.until)


def records(history: History, logged: bool = True) -> Records:  # noqa: FBT001, FBT002
    found = Records(coverage=[COVERAGE])
    for event in history.events:
        add_event(event, found)
    if logged:
        found.logs.extend(
            Log(session=each.id, location=f"s3://logs/{each.id}.log", size=2_000) for each in found.starts if each.id
        )
    return found


def made(history: History, context: Context = CONTEXT) -> Report:
    return report(records(history), context)


def rules(made: Report) -> list[str]:
    return [each.rule for row in made.rows for each in row.findings]


def grant_of(row: EvidenceRow) -> Grant:
    assert row.grant
    return row.grant


def request_of(row: EvidenceRow) -> Request:
    found = grant_of(row).request
    assert found
    return found


def test_approved_session_has_no_finding() -> None:
    history = History()
    run = history.grant()
    session = history.start(after(3))
    history.end(session, after(8))
    (row,) = made(history).rows
    assert row.findings == ()
    assert row.start
    assert (row.start.id, row.start.node, row.person) == (session, NODE, "olivia")
    assert (row.end, row.end_source) == (after(8), "TerminateSession")
    held = grant_of(row)
    assert (request_of(row).id, held.approvers, held.approved_at) == (run, (ALICE,), after(1))
    assert (held.begin, held.end) == (after(2), after(12))


OTHER_NODE = "i-0fedcba9876543210"


def role_session(role: str, person: str = "olivia") -> str:
    return f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{person}"


def grant(**more: Any) -> Plant:
    return lambda history: history.grant(**more)


def start(minute: int = 3, **more: Any) -> Plant:
    return lambda history: history.start(after(minute), **more)


def tag(**more: Any) -> Plant:
    return lambda history: history.tag(after(2), **more)


def approval(who: str = ALICE, **more: Any) -> Plant:
    return lambda history: history.decide(history.request(after(0), **more), after(1), who=who)


def session_tag(history: History) -> None:
    asked = {
        "roleArn": f"arn:aws:iam::{ACCOUNT}:role/Operator",
        "tags": [{"key": "securityallowsessioninstance", "value": NODE}],
    }
    history.add("sts", "AssumeRole", ALICE, after(2), requestParameters=asked)


def remote_desktop(history: History) -> None:
    history.add(
        "ssm-guiconnect", "StartConnection", OLIVIA, after(3), requestParameters={"instanceId": NODE}, eventID="e"
    )


PLANTED: dict[str, tuple[str, list[Plant]]] = {
    "without approval": ("session-without-approval", [start()]),
    "for another node": ("session-without-approval", [grant(node=OTHER_NODE), start(), start(node=OTHER_NODE)]),
    "by another principal": ("session-without-approval", [grant(), start(), start(who=role_session("Other"))]),
    "rejected": (
        "session-without-approval",
        [lambda history: history.decide(history.request(after(0)), after(1), signal="Reject"), start()],
    ),
    "after the grant": ("session-outside-window", [grant(), start(), start(13)]),
    "before the grant": ("session-outside-window", [grant(), start(1), start()]),
    "approved by the requester": ("session-self-approved", [approval(OLIVIA), tag(), start()]),
    "approved by the requester's user": (
        "session-self-approved",
        [approval(f"arn:aws:iam::{ACCOUNT}:user/olivia"), tag(), start()],
    ),
    "tagged by hand": ("grant-outside-runbook", [tag(who=OLIVIA), start()]),
    "tagged by hand after a request": (
        "grant-outside-runbook",
        [approval(), tag(who=role_session("Admin", "mallory")), start()],
    ),
    "session tag": ("grant-outside-runbook", [session_tag, start()]),
    "without approver": ("approver-unknown", [lambda history: history.request(after(0)), tag(), start()]),
    "without reason": ("approval-without-reason", [approval(reason="not given"), tag(), start()]),
    "forwarding": (
        "session-forwarding",
        [grant(), start(documentName="AWS-StartPortForwardingSessionToRemoteHost")],
    ),
    "SSH by ARN": (
        "session-forwarding",
        [grant(), start(documentName="arn:aws:ssm:eu-west-1::document/AWS-StartSSHSession")],
    ),
    "remote desktop": ("session-forwarding", [grant(), remote_desktop]),
    "other document": ("session-other-document", [grant(), start(documentName="MyShell")]),
    "interactive command": (
        "session-other-document",
        [grant(), start(documentName="AWS-StartInteractiveCommand")],
    ),
    "emergency access": ("session-break-glass", [start(who=role_session("Emergency"))]),
    "unused": ("grant-unused", [grant()]),
    "refused": ("attempt-refused", [lambda history: history.refuse(after(3))]),
}


@pytest.mark.parametrize(("rule", "plants"), PLANTED.values(), ids=PLANTED)
def test_planted_fault_is_the_only_finding(rule: str, plants: list[Plant]) -> None:
    history = History()
    for plant in plants:
        plant(history)
    assert rules(made(history)) == [rule]


def test_missing_short_and_deleted_logs_are_found() -> None:
    history = History()
    history.grant()
    sessions = [history.start(after(minute)) for minute in (3, 4, 5, 6)]
    for each in sessions:
        history.end(each, after(10))
    found = records(history, logged=False)
    missing, short, deleted, whole = sessions
    found.logs.append(Log(session=short, location="s3://logs/a", size=10))
    found.logs.append(Log(session=deleted, location="s3://logs/b", is_deleted=True))
    found.logs.append(Log(session=whole, location="group:stream", size=None))
    by_session = {
        row.start.id: [each.rule for each in row.findings] for row in report(found, CONTEXT).rows if row.start
    }
    assert by_session == {
        missing: ["session-without-log"],
        short: ["session-log-short"],
        deleted: ["session-log-deleted"],
        whole: [],
    }


def test_open_session_has_no_log_yet() -> None:
    history = History()
    history.grant()
    history.start(after(3))
    assert rules(report(records(history, logged=False), replace(CONTEXT, now=after(30)))) == []


def test_log_is_not_missed_where_locations_are_unknown() -> None:
    history = History()
    history.grant()
    session = history.start(after(3))
    history.end(session, after(4))
    elsewhere = (replace(COVERAGE, region="us-east-1"), replace(COVERAGE, account="999999999999"))
    earlier = replace(COVERAGE, until=after(3))
    for coverage in ([], [*elsewhere, earlier], [replace(COVERAGE, open_sessions=(session,))]):
        found = records(history, logged=False)
        found.coverage[:] = coverage
        (row,) = report(found, CONTEXT).sessions
        assert (row.findings, row.is_log_known) == ((), False)


def test_stack_without_approval_needs_none() -> None:
    history = History()
    history.start(after(3))
    assert rules(made(history, replace(CONTEXT, needs_approval=False))) == []


@given(st.permutations(range(14)))
def test_order_of_the_records_changes_nothing(order: list[int]) -> None:
    history = History()
    history.grant()
    history.grant()
    history.start(after(3))
    history.start(after(3), who=OLIVIA.replace("Operator", "Other"))
    for other in ("role/A", "role/B"):
        history.tag(after(2), principal=other)
        history.untag(after(4), principal=other)
    assert len(history.events) == len(order)
    shuffled = History(events=[history.events[each] for each in order])
    assert made(shuffled).rows == made(history).rows


def test_role_of_identity_center_proves_a_person_in_any_account() -> None:
    history = History()
    history.start(after(3))
    found = records(history)
    path = f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Shell_0123"
    for issuer, person in ((path, "olivia"), (f"arn:aws:iam::{ACCOUNT}:role/AWSReservedSSO_Shell_0123", "")):
        caller = replace(found.starts[0].caller, issuer=issuer)
        found.starts[:] = [replace(found.starts[0], caller=caller)]
        (row,) = report(found, replace(CONTEXT, person_of=lambda _arn: "")).sessions
        assert row.person == person


def test_session_without_event_is_found_after_delivery() -> None:
    history = History()
    history.grant()
    found = records(history)
    start = SessionStart(
        id="olivia-1",
        account=ACCOUNT,
        region="eu-west-1",
        node=NODE,
        caller=Caller(arn=OLIVIA),
        at=after(3),
        in_trail=False,
    )
    found.starts.append(start)
    found.logs.append(Log(session="olivia-1", location="s3://logs/x", size=2_000))
    assert rules(report(found, CONTEXT)) == ["session-not-in-trail"]
    assert rules(report(found, replace(CONTEXT, now=after(10)))) == []
    found.starts.append(replace(start, in_trail=True))
    assert rules(report(found, CONTEXT)) == []


def test_requester_is_compared_as_a_person() -> None:
    """Alice requests in a session that she has named after Anton, for a role of others, and approves as herself."""
    history = History()
    run = history.request(after(0), who=f"arn:aws:sts::{ACCOUNT}:assumed-role/ShellOperator-1/anton")
    history.decide(run, after(1))
    history.tag(after(2))
    history.untag(after(12))
    history.start(after(3))
    of_alice = replace(CONTEXT, person_of=lambda arn: "alice" if "ShellOperator-1" in arn else "olivia")
    assert rules(made(history, of_alice)) == ["session-self-approved"]
    assert rules(made(history, replace(CONTEXT, person_of=lambda _arn: "olivia"))) == []


def test_unproven_person_is_found() -> None:
    history = History()
    history.grant()
    history.start(after(3))
    assert rules(made(history, replace(CONTEXT, person_of=lambda _arn: ""))) == ["session-unknown-person"]


def test_old_approval_is_not_that_of_a_later_grant() -> None:
    history = History()
    history.decide(history.request(after(0)), after(1))
    history.tag(after(2), who=OLIVIA)
    history.untag(after(12))
    run = history.request(after(600))
    history.tag(after(602))
    history.start(after(603))
    found = made(history, replace(CONTEXT, since=after(500)))
    assert rules(found) == ["approver-unknown"]
    assert [request_of(row).id for row in found.rows] == [run]


def test_change_request_is_approved_like_a_run() -> None:
    history = History()
    run = history.request(after(0), mode="change-manager")
    history.decide(run, after(1))
    history.tag(after(2))
    history.start(after(3))
    (row,) = made(history).rows
    assert (request_of(row).mode, row.findings) == ("change-manager", ())


def test_several_approvers_are_all_named() -> None:
    history = History()
    run = history.request(after(0))
    bob = f"arn:aws:iam::{ACCOUNT}:user/bob"
    history.decide(run, after(1))
    history.decide(run, after(1.5), who=bob)
    history.tag(after(2))
    history.start(after(3))
    (row,) = made(history).rows
    assert (grant_of(row).approvers, grant_of(row).approved_at) == ((ALICE, bob), after(1.5))


def test_decision_of_automation_counts_where_the_trail_has_none() -> None:
    history = History()
    run = history.request(after(0))
    history.tag(after(2))
    history.start(after(3))
    decision = RecordedDecision(
        request=run, caller=Caller(arn="alice"), at=CONTEXT.until, approved=True, source="Automation"
    )

    def only_row() -> EvidenceRow:
        found = records(history)
        found.decisions.append(decision)
        (row,) = report(found, CONTEXT).rows
        return row

    assert only_row().findings == ()
    history.decide(run, after(1))
    assert grant_of(only_row()).approvers == (ALICE,)


def test_each_grant_has_its_own_request() -> None:
    history = History()
    first = history.grant()
    second = history.request(after(20), reason="Again")
    history.decide(second, after(21))
    history.tag(after(22))
    history.untag(after(32))
    history.start(after(3))
    history.start(after(23))
    assert [request_of(row).id for row in made(history).rows] == [first, second]


def test_tag_that_a_principal_set_takes_no_request() -> None:
    history = History()
    run = history.request(after(0))
    history.decide(run, after(1))
    history.tag(after(1.5), who=OLIVIA)
    history.untag(after(1.8), who=OLIVIA)
    history.tag(after(2))
    history.start(after(3))
    by_hand, session = made(history).rows
    assert (grant_of(by_hand).request, request_of(session).id) == (None, run)


def test_run_in_the_session_name_decides_between_requests() -> None:
    history = History()
    first = history.request(after(0))
    second = history.request(after(0.5))
    history.decide(first, after(1))
    history.decide(second, after(1.2))
    history.tag(after(2), who=WORKFLOW.replace("Automation", f"Automation-{first}"))
    history.start(after(3))
    assert [request_of(row).id for row in made(history).rows] == [first]


def test_replaced_grant_ends_with_the_next_one() -> None:
    history = History()
    history.grant(end=60)
    history.decide(history.request(after(4), node=OTHER_NODE), after(5))
    history.tag(after(6), node=OTHER_NODE)
    history.start(after(3))
    history.start(after(7))
    history.start(after(7), node=OTHER_NODE)
    assert rules(made(history)) == ["session-outside-window"]


def test_incomplete_source_is_a_gap() -> None:
    found = records(History())
    source = RecordSource(
        name="CloudTrail", region="eu-west-1", since=NOON, until=after(1), records=0, problem="throttled"
    )
    found.sources.append(source)
    result = report(found, CONTEXT)
    assert not result.is_complete
    assert "CloudTrail eu-west-1: throttled" in result.gaps


OF_ACCESS_REQUESTS = frozenset({"access-window-unknown", "session-auto-approved"})
"""Planted in test_access_requests.py."""


def test_every_rule_is_planted() -> None:
    here = {
        *("session-without-log", "session-log-short", "session-log-deleted", "session-not-in-trail"),
        *("session-unknown-person", *OF_ACCESS_REQUESTS),
    }
    assert {rule for rule, _ in PLANTED.values()} | here == RULES.keys()


minutes = st.integers(0, 5_000)


@given(
    grants=st.lists(st.tuples(minutes, st.integers(1, 60)), max_size=8),
    starts=st.lists(minutes, max_size=12),
    order=st.randoms(use_true_random=False),
)
def test_session_is_approved_exactly_within_a_grant(
    grants: list[tuple[int, int]], starts: list[int], order: object
) -> None:
    """Grants that overlap are one: the runbook replaces the tag, and the last one removes it."""
    history = History()
    spans: list[list[int]] = []
    for begin, length in sorted(grants):
        if spans and begin <= spans[-1][1]:
            spans[-1][1] = max(spans[-1][1], begin + length)
        else:
            spans.append([begin, begin + length])
    for begin, end in spans:
        history.decide(history.request(after(begin - 0.5)), after(begin - 0.4))
        history.tag(after(begin))
        history.untag(after(end))
    expected = {}
    for minute in starts:
        # In the middle of a minute, so that the tolerance does not matter.
        expected[history.start(after(minute + 0.5))] = any(begin <= minute < end for begin, end in spans)
    order.shuffle(history.events)  # type: ignore[attr-defined]
    wide = replace(CONTEXT, until=after(100_000), now=after(100_000))
    found = {
        row.start.id: not any(each.rule.startswith("session-") for each in row.findings)
        for row in made(history, wide).rows
        if row.start
    }
    assert found == expected


@given(st.randoms(use_true_random=False))
def test_records_that_are_read_twice_change_nothing(order: object) -> None:
    history = History()
    history.grant()
    history.end(history.start(after(3)), after(5))
    history.start(after(20))
    history.refuse(after(30))
    once = made(history)
    history.events += history.events
    order.shuffle(history.events)  # type: ignore[attr-defined]
    assert made(history).rows == once.rows


def test_end_of_terminate_session_wins() -> None:
    history = History()
    history.grant()
    session = history.start(after(3))
    history.end(session, after(5))
    found = records(history)
    found.ends.append(SessionEnd(id=session, at=after(6), source="DescribeSessions"))
    (row,) = report(found, CONTEXT).rows
    assert (row.end, row.end_source) == (after(5), "TerminateSession")


def test_page_lists_every_finding() -> None:
    page = (REPOSITORY / "docs" / "evidence.md").read_text()
    listed = re.findall(r"^\| `([a-z-]+)` \| (\w+) \| (.*?) \| (.*?) \|$", page, re.MULTILINE)
    assert listed == [(each.id, each.severity, each.title, each.controls) for each in RULES.values()]
