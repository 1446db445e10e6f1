"""The runbooks' scripts, judged apart from any run: what they ask for, and what they make of the answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from components.approval.names import TAG_KEY
from components.approval.scripts import check_request, grants
from components.approval.scripts import trust as trust_policies
from tests.components.approval.scripted_account import (
    ANTON,
    EVENTS,
    INSTANCE,
    LATER,
    OLIVIA,
    OWN,
    ROOT,
    USER,
    approval,
    change_request,
    refusal,
    run,
    tag_step,
)
from tests.components.approval.workflow import ACCOUNT, trust

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]
Made = "Callable[..., Account]"


def release() -> str:
    return grants.release_grant(EVENTS, None)["Outcome"]


def reap() -> Json:
    return grants.remove_expired_grants({**EVENTS, "OperatorUsers": []}, None)


def flood(number: int = 500) -> list[Json]:
    queued = [run(f"queued-{each}", AutomationExecutionStatus="Pending") for each in range(number // 2)]
    return [*queued, *(run(f"waiting-{each}", action="aws:approve") for each in range(number - len(queued)))]


def test_requests_that_wait_for_approval_are_not_read(account: Made) -> None:
    made = account(*flood(), run(OWN, tag_step(1)))
    assert release() == "the tag of role Operator was removed"
    assert set(made.read) == {OWN}
    made = account(*flood())
    assert reap()["Outcome"] == "removed"
    assert (made.read, made.tags) == ([], {})


def test_request_among_many_is_judged(account: Made) -> None:
    made = account(*flood(), run(OWN))
    assert refusal() == ""
    assert set(made.read) == {OWN}


@pytest.mark.parametrize(("page", "others"), [(1, flood()), (1_000, [run(f"other-{each}") for each in range(500)])])
def test_tag_is_removed_where_runs_are_undetermined_in_time(account: Made, page: int, others: list[Json]) -> None:
    slow = account(run(OWN, tag_step(1)), *others, run(LATER, tag_step(2)), seconds=1, page=page)
    assert "could not be determined in time" in release()
    assert slow.tags == {}
    assert slow.now <= grants.LOOK_SECONDS + 3
    slow = account(*others, run(LATER, tag_step(2)), seconds=1, page=page)
    assert "could not be determined in time" in reap()["Removed"]
    assert slow.tags == {}


@pytest.mark.parametrize(
    "failure",
    [
        ClientError({"Error": {"Code": "ThrottlingException"}}, "DescribeAutomationExecutions"),
        ConnectTimeoutError(endpoint_url="https://ssm"),
    ],
    ids=["throttled", "no answer"],
)
def test_tag_is_removed_where_runs_cannot_be_determined(account: Made, failure: Exception) -> None:
    for act in (release, reap):
        made = account(run(OWN, tag_step(1)), run(LATER, tag_step(2)))
        made.failure = failure
        act()
        assert made.tags == {}


def test_request_is_granted_where_other_grants_are_undetermined(account: Made) -> None:
    made = account(run(OWN))
    made.failure = ConnectTimeoutError(endpoint_url="https://ssm")
    judged = check_request.check_request(EVENTS, None)
    assert (judged["Verdict"], judged["Note"]) == (
        "accepted",
        "whether it replaces another active grant could not be determined in time",
    )


@pytest.mark.parametrize("stale", [{}, {TAG_KEY: "i-0fedcba9876543210"}], ids=["none", "of an earlier grant"])
def test_tag_that_iam_does_not_show_yet_is_removed(account: Made, stale: Json) -> None:
    """A run that is canceled just after it has granted."""
    made = account(run(OWN, tag_step(1)), stale=stale)
    assert release() == "the tag of role Operator was removed"
    assert made.tags == {}


def test_tag_is_left_to_the_run_that_granted_last(account: Made) -> None:
    made = account(run(LATER, tag_step(2)), run(OWN, tag_step(1)))
    assert release() == f"the tag of role Operator was left to the run {LATER}"
    assert reap()["Outcome"] == "nothing to remove"
    assert made.tags == {TAG_KEY: INSTANCE}


@pytest.mark.parametrize(
    "steps",
    [
        [{"StepName": "Each", "Action": "aws:executeAutomation", "StepStatus": "InProgress"}],
        [{"StepName": "CheckRequest", "Action": "aws:executeScript", "StepStatus": "InProgress"}],
        [tag_step(2, "Failed")],
        [tag_step(2, "Pending")],
    ],
    ids=["rate control", "refused change request", "failed", "not yet"],
)
def test_run_that_granted_nothing_shields_no_tag(account: Made, steps: list[Json]) -> None:
    made = account(run(LATER, *steps))
    assert reap()["Outcome"] == "removed"
    assert made.tags == {}


@pytest.mark.parametrize("act", [release, reap])
@pytest.mark.parametrize("key", [TAG_KEY.lower(), TAG_KEY.upper()])
def test_tag_goes_in_whatever_case_its_key_is(account: Made, act: Callable[[], Any], key: str) -> None:
    made = account(run(OWN), tags={key: INSTANCE, "team": "a"})
    act()
    assert made.tags == {"team": "a"}


def test_run_that_goes_step_by_step_is_refused_with_the_reason(account: Made) -> None:
    account(run(OWN, Mode="Interactive"))
    assert "goes step by step (mode Interactive)" in refusal()


@pytest.mark.parametrize(
    ("asked_by", "approved_by", "said"),
    [
        (OLIVIA, f"arn:aws:sts::{ACCOUNT}:assumed-role/Approver/olivia", "requesters cannot approve their own request"),
        (ANTON, ANTON, "requesters cannot approve their own request"),
        (USER, f"arn:aws:sts::{ACCOUNT}:assumed-role/Approver/bob", "which the same person may use"),
        (USER, f"arn:aws:sts::{ACCOUNT}:assumed-role/Approver/Bob", "which the same person may use"),
        (USER, f"arn:aws:iam::{ACCOUNT}:user/approvers/bob", "approved a grant to itself"),
        (USER, "bob", "approved a grant to itself"),
        (OLIVIA, ANTON, ""),
    ],
)
@pytest.mark.parametrize("mode", ["automation", "change-manager"])
def test_principals_cannot_approve_for_themselves(
    account: Made, mode: str, asked_by: str, approved_by: str, said: str
) -> None:
    if mode == "automation":
        account(run(OWN, approval("carol", approved_by), ExecutedBy=asked_by))
    else:
        request = change_request(approval("carol", approved_by), ExecutedBy=asked_by)
        account(run(OWN, tag_step(1, "Pending"), ParentAutomationExecutionId=LATER), request)
    reason = refusal(PrincipalType="user", PrincipalName="bob", Mode=mode)
    assert said in reason
    assert bool(said) == bool(reason)


def test_person_behind_a_role_does_not_approve_a_grant_to_it(account: Made) -> None:
    account(run(OWN, approval(f"arn:aws:sts::{ACCOUNT}:assumed-role/Approver/olivia"), ExecutedBy="bob"))
    assert "which the same person may use" in refusal()


def test_one_of_several_behind_a_shared_role_does_not_either(account: Made) -> None:
    shared = trust({"AWS": [USER, f"arn:aws:iam::{ACCOUNT}:user/anton"]})
    account(run(OWN, ExecutedBy="carol"), trusting=shared)
    assert "which the same person may use" in refusal(SharedOperatorRoles=["Operator"])


def test_change_request_without_recorded_decisions_is_accepted(account: Made) -> None:
    waiting = {"StepName": "ApproveLevel1", "Action": "aws:approve", "StepStatus": "Success"}
    account(run(OWN, tag_step(1, "Pending"), ParentAutomationExecutionId=LATER), change_request(waiting))
    assert refusal(Mode="change-manager") == ""


@pytest.mark.parametrize("mode", ["automation", "change-manager"])
def test_approval_of_a_request_without_a_person_is_none(account: Made, mode: str) -> None:
    made = run(OWN, approval(ANTON), ExecutedBy="")
    account(
        {**made, "ParentAutomationExecutionId": LATER} if mode == "change-manager" else made,
        change_request(approval(ANTON), ExecutedBy=""),
    )
    assert refusal(Mode=mode) == "the requester is not known"


@pytest.mark.parametrize("mode", ["automation", "change-manager"])
def test_decisions_that_cannot_be_read_are_no_yes(account: Made, mode: str) -> None:
    unread = {**approval(), "Outputs": {"ApproverDecisions": ["approved by anton"]}}
    made = run(OWN, unread)
    account(
        {**made, "ParentAutomationExecutionId": LATER} if mode == "change-manager" else made, change_request(unread)
    )
    assert "could not be checked" in refusal(Mode=mode)


def in_own_account(**values: Any) -> str:
    return trust(ROOT, StringEquals=values)


TRUSTS: list[tuple[str, bool]] = [
    (trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/team/olivia"}), True),
    (trust({"AWS": [USER]}), True),
    (
        trust({"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_Dev_0123456789abcdef/olivia@example.com"}),
        True,
    ),
    (in_own_account(**{"aws:username": "olivia"}), True),
    (in_own_account(**{"aws:PrincipalArn": USER}), True),
    (in_own_account(**{"aws:userid": "AIDAQ3EGRA7JWEXAMPLE1"}), True),
    (trust({"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/Federated/olivia"}), False),
    (trust({"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/NotAWSReservedSSO_/olivia"}), False),
    (in_own_account(**{"aws:userid": "AROAQ3EGRA7JWEXAMPLE1:olivia"}), False),
    (in_own_account(**{"aws:userid": ["AIDAQ3EGRA7JWEXAMPLE1", "AROAQ3EGRA7JWEXAMPLE1:olivia"]}), False),
    (in_own_account(**{"aws:PrincipalArn": [USER, f"arn:aws:iam::{ACCOUNT}:role/Shared"]}), False),
    (trust({"Federated": f"arn:aws:iam::{ACCOUNT}:saml-provider/x"}, StringEquals={"saml:sub": "olivia"}), False),
    (
        trust(
            {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"},
            StringEquals={"token.actions.githubusercontent.com:sub": "repo:company/tools:ref:refs/heads/main"},
        ),
        False,
    ),
    (trust({"AWS": "*"}, StringEquals={"aws:username": "olivia"}), False),
    (
        trust({"AWS": [*ROOT.values(), "arn:aws:iam::999999999999:root"]}, StringEquals={"aws:username": "olivia"}),
        False,
    ),
    (trust({"AWS": [USER, f"arn:aws:iam::{ACCOUNT}:user/oscar"]}), False),
    (trust(ROOT), False),
    (trust({"AWS": "*"}), False),
    (trust("*"), False),
    (trust({"Service": "ec2.amazonaws.com"}), False),
    (trust({"AWS": f"arn:aws:iam::{ACCOUNT}:role/Other"}), False),
    (in_own_account(**{"sts:RoleSessionName": "olivia"}), False),
    (in_own_account(**{"aws:PrincipalArn": f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_Dev_0/olivia"}), False),
    (trust(ROOT, StringLike={"aws:username": "*"}), False),
    (in_own_account(**{"aws:username": ["olivia", "oscar"]}), False),
]


@pytest.mark.parametrize(("policy", "personal"), TRUSTS)
def test_role_is_personal_if_its_trust_names_one_person(
    account: Made,
    policy: str,
    personal: bool,  # noqa: FBT001
) -> None:
    account(run(OWN), trusting=policy)
    assert ("is shared" in refusal()) is not personal
    assert refusal(SharedOperatorRoles=["Operator"]) == ""


def statement(effect: str, action: Any, principal: Any = ROOT, **condition: Any) -> Json:
    made = {"Effect": effect, "Action": action, "Principal": principal}
    return {**made, "Condition": condition} if condition else made


ALONE = statement("Allow", "sts:AssumeRole", {"AWS": USER})


def trusting(*statements: Json) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.mark.parametrize(
    "action",
    [
        "sts:AssumeRole",
        "STS:assumerole",
        "sts:A*",
        "sts:*Role",
        "s*",
        "sts:AssumeRol?",
        "*",
        "sts:AssumeRoleWithSAML",
        "sts:*WebIdentity",
        ["x:y", "sts:Ass*"],
    ],
)
def test_role_that_others_may_assume_is_shared(account: Made, action: Any) -> None:
    account(run(OWN), trusting=trusting(ALONE, statement("Allow", action)))
    assert "is shared" in refusal()


def test_statement_that_says_what_it_is_not_about_counts_too(account: Made) -> None:
    other = {"Effect": "Allow", "NotAction": "sts:GetCallerIdentity", "Principal": ROOT}
    account(run(OWN), trusting=trusting(ALONE, other))
    assert "is shared" in refusal()


def test_statement_about_something_else_does_not(account: Made) -> None:
    account(run(OWN), trusting=trusting(ALONE, statement("Allow", "sts:SetSourceIdentity")))
    assert refusal() == ""


TAGGING = statement("Allow", "sts:TagSession", {"AWS": USER})
OWN_KEY = f"aws:RequestTag/{TAG_KEY}"


def tagging(**condition: Any) -> Json:
    return statement("Allow", "sts:TagSession", {"AWS": USER}, **condition)


def denying(principal: Any = "*", **condition: Any) -> Json:
    return statement("Deny", "sts:TagSession", principal, **condition)


def operator(name: str, key: str, *values: str) -> Json:
    return {name: {key: list(values)}}


@pytest.mark.parametrize(
    ("statements", "fit"),
    [
        ([TAGGING], False),
        ([{**TAGGING, "Action": ["sts:AssumeRole", "sts:T*"]}], False),
        ([{**TAGGING, "Action": "sts:*"}], False),
        ([tagging(StringEquals={"aws:RequestTag/team": "a"})], False),
        ([tagging(**operator("ForAllValues:StringEquals", "aws:TagKeys", "team", TAG_KEY.lower()))], False),
        ([tagging(**operator("ForAnyValue:StringEquals", "aws:TagKeys", "team"))], False),
        ([tagging(**operator("ForAllValues:StringNotEquals", "aws:TagKeys", TAG_KEY))], False),
        ([tagging(**operator("ForAllValues:StringEquals", "aws:TagKeys", "team"))], True),
        ([tagging(**operator("ForAllValues:StringNotEqualsIgnoreCase", "aws:TagKeys", TAG_KEY))], True),
        ([tagging(Null={OWN_KEY: "true"})], True),
        ([tagging(Null={OWN_KEY: "false"})], False),
        ([TAGGING, denying()], True),
        ([TAGGING, denying({"AWS": "*"}, Null={OWN_KEY.lower(): False})], True),
        ([TAGGING, denying(**operator("ForAnyValue:StringEqualsIgnoreCase", "aws:TagKeys", TAG_KEY))], True),
        ([TAGGING, denying(**operator("ForAnyValue:StringEquals", "aws:TagKeys", TAG_KEY))], False),
        ([TAGGING, denying({"AWS": f"arn:aws:iam::{ACCOUNT}:user/anton"})], False),
        ([TAGGING, denying(Null={OWN_KEY: "false"}, Bool={"aws:MultiFactorAuthPresent": "false"})], False),
        ([TAGGING, {**denying(), "Action": "sts:AssumeRole"}], False),
        ([TAGGING, {"Effect": "Deny", "NotAction": "sts:TagSession", "Principal": "*"}], False),
        ([], True),
    ],
)
def test_role_whose_sessions_may_be_tagged_is_refused(
    account: Made,
    statements: list[Json],
    fit: bool,  # noqa: FBT001
) -> None:
    account(run(OWN), trusting=trusting(ALONE, *statements))
    assert ("permits session tags" in refusal()) is not fit
    assert refusal(SharedOperatorRoles=["Operator"]) == ""


actions = st.sampled_from(["sts:AssumeRole", "sts:A*", "sts:TagSession", "sts:*", "*", "iam:PassRole"])
principals = st.sampled_from([{"AWS": USER}, ROOT, "*", {"Service": "ec2.amazonaws.com"}, {"AWS": [USER, USER]}])


@given(st.lists(st.builds(statement, st.just("Allow"), actions, principals), max_size=4))
def test_role_with_an_unknown_principal_is_not_personal(statements: list[Json]) -> None:
    people = trust_policies.trusted({"Statement": statements})
    unknown = [
        each
        for each in statements
        if each["Principal"] not in ({"AWS": USER}, {"AWS": [USER, USER]})
        and each["Action"] not in ("sts:TagSession", "iam:PassRole")
    ]
    assert ("" in people) is bool(unknown)
