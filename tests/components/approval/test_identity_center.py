"""Operators of IAM Identity Center: one role per person, which no other principal can assume or keep."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
import z3
from iamprover.engine.patterns import iam_pattern_to_re

from common.limits import excess_problems
from common.problems import SettingsError
from components.approval.iam_policies import operator_policy, requester_policy
from components.approval.identity_center import (
    IdentityCenterOperators,
    OperatorPerson,
    account_access_trust,
    operator_trust,
)
from components.approval.identity_store import find_operators
from components.approval.names import OPERATORS_PATH, RESERVED_PATH, TAG_KEY, WorkflowLocation
from components.approval.plan import ApprovalPlan, generated_texts, plan_approval
from components.approval.scripts import trust as trust_policies
from components.approval.scripts.people import Identities, People
from components.approval.settings import ApprovalSettings
from components.preflight import quotas
from components.settings import Settings
from tests.components.approval.proving import Request
from tests.components.approval.scripted_account import OWN, ROOT, approval, parameters, refusal, run
from tests.components.approval.workflow import ACCOUNT, trust
from tests.support.identity_center import IdentityCenter

if TYPE_CHECKING:
    from collections.abc import Callable

    from common.aws.session import AwsClients

PLACE = WorkflowLocation(partition="aws", account_id=ACCOUNT, region="eu-west-1")
OLIVIA = OperatorPerson(user_id="906f9c1e2a-0a1b2c3d-1111-2222-3333-444455556666", user_name="olivia@example.org")
OSCAR = OperatorPerson(user_id="0a1b2c3d-7777-2222-3333-444455556666", user_name="oscar@example.org")
PEOPLE = IdentityCenterOperators(
    people=(OLIVIA, OSCAR), reserved_path=f"{RESERVED_PATH}eu-west-1/", store="d-1234567890", region="eu-west-1"
)
SECTION: dict[str, Any] = {
    "approvers": [{"type": "IamRole", "name": "Approver"}],
    "operators": [{"identityCenterUser": OLIVIA.user_name}, {"identityCenterGroup": "Shell"}],
    "identityCenter": {"permissionSet": "ShellUser"},
}
MANAGEMENT = "111122223333"
APPLICATION = f"arn:aws:account-access:eu-central-1:{MANAGEMENT}:application/1234567890abcdef"
ENTITLED: dict[str, Any] = {"identityCenter": {"access": "account-access-manager", "applicationArn": APPLICATION}}
OF_IDENTITY_CENTER = f"arn:aws:sso::{MANAGEMENT}:application/ssoins-1234567890abcdef/apl-1234567890abcdef"
RESERVED = f"AWSReservedSSO_ShellUser_{'0' * 16}"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role{PEOPLE.reserved_path}{RESERVED}"

Policy = dict[str, Any]


def settings(**changes: Any) -> ApprovalSettings:
    return ApprovalSettings.model_validate({**SECTION, **changes})


def plan(people: IdentityCenterOperators = PEOPLE, **changes: Any) -> ApprovalPlan:
    return plan_approval(settings(**changes), PLACE, ["eu-west-1"], session_data_encryption=True, operators=people)


def of_olivia() -> Policy:
    return operator_trust(settings(), PEOPLE, OLIVIA, PLACE)


# Settings


def problems(**changes: Any) -> dict[str, str]:
    given = {"shell-access:approval": json.dumps({**SECTION, **changes}), "aws:region": "eu-west-1"}
    with pytest.raises(SettingsError) as refused:
        Settings.load(given)
    return {each.key.removeprefix("shell-access:approval."): each.message for each in refused.value.problems}


@pytest.mark.parametrize(
    ("changes", "key", "message"),
    [
        ({"operators": [{}]}, "operators[0]", "expected either identityCenterUser or identityCenterGroup, got {}"),
        (
            {"operators": [{"identityCenterUser": "aa", "identityCenterGroup": "bb"}]},
            "operators[0]",
            "expected either identityCenterUser or identityCenterGroup",
        ),
        (
            {"operators": [{"identityCenterUser": "Olivia"}, {"identityCenterUser": "olivia"}]},
            "operators[1].identityCenterUser",
            "each user and each group once",
        ),
        ({"operators": [{"identityCenterUser": "*"}]}, "operators[0].identityCenterUser", "letters, digits"),
        ({"operators": [{"identityCenterUser": "a${aws:x}"}]}, "operators[0].identityCenterUser", "letters, digits"),
        ({"operators": [{"identityCenterUser": "a\u200bb"}]}, "operators[0].identityCenterUser", "letters, digits"),
        ({"identityCenter": {}}, "identityCenter.permissionSet", "expected the name of a permission set"),
        ({"identityCenter": {"permissionSet": "a*"}}, "identityCenter.permissionSet", "letters, digits"),
        (
            {"identityCenter": {"access": "account-access-manager"}},
            "identityCenter.applicationArn",
            "expected the ARN of the application of account access manager",
        ),
        (
            {"identityCenter": {**ENTITLED["identityCenter"], "permissionSet": "a"}},
            "identityCenter.permissionSet",
            "expected no value with access account-access-manager",
        ),
        (
            {"identityCenter": {"permissionSet": "ShellUser", "applicationArn": APPLICATION}},
            "identityCenter.applicationArn",
            "expected no value with access permission-set",
        ),
        (
            {"identityCenter": {**ENTITLED["identityCenter"], "applicationArn": OF_IDENTITY_CENTER}},
            "identityCenter.applicationArn",
            "which begins with arn:aws:account-access: (not arn:aws:sso:)",
        ),
        ({"operatorRoles": [OLIVIA.role_name]}, "operatorRoles[0]", "name the person in operators"),
        (
            {"approvers": [{"type": "IamRole", "name": f"shell-access/operators/{OLIVIA.role_name}"}]},
            "approvers[0].name",
            "another role than those that the stack creates",
        ),
    ],
)
def test_settings_of_identity_center_are_checked(changes: dict[str, Any], key: str, message: str) -> None:
    assert message in problems(**changes)[key]


def test_settings_accept_operators_of_identity_center_alone() -> None:
    given = {"shell-access:approval": json.dumps(SECTION), "aws:region": "eu-west-1"}
    assert Settings.load(given).approval == settings()


# Plan


def test_plan_has_one_role_per_person() -> None:
    made = plan()
    assert [each.name for each in made.operator_roles] == [each.role_name for each in PEOPLE.people]
    for role in made.operator_roles:
        assert (role.path, role.policy) == (OPERATORS_PATH, {})
        assert role.boundary == f"arn:aws:iam::{ACCOUNT}:policy/ShellAccessOperatorBoundary"
        assert "sts:TagSession" not in [
            each["Action"]
            for each in role.trust["Statement"]
            if each["Effect"] == "Allow"  # type: ignore[index]
        ]
    assert len(made.operator_policies) == 4
    for policy in made.operator_policies:
        assert list(policy.roles) == PEOPLE.roles


def test_plan_without_guard_rails_denies_people_only() -> None:
    made = {each.key: each for each in plan(operatorRoles=["Operator"]).operator_policies}
    assert list(made["operator"].roles) == ["Operator", *PEOPLE.roles]
    assert list(made["guard-rails"].roles) == PEOPLE.roles
    both = {each.key: each for each in plan(operatorRoles=["Operator"], guardRails=True).operator_policies}
    assert list(both["guard-rails"].roles) == ["Operator", *PEOPLE.roles]


def test_plan_of_a_large_group_fits_until_a_document_is_full() -> None:
    def people(count: int) -> IdentityCenterOperators:
        several = tuple(
            OperatorPerson(user_id=f"906f9c1e2a-0a1b2c3d-1111-2222-3333-{number:012}", user_name=f"person-{number}")
            for number in range(count)
        )
        return IdentityCenterOperators(people=several, reserved_path=RESERVED_PATH)

    def found(count: int) -> list[str]:
        return [each.message for each in excess_problems(generated_texts(settings(), plan(people(count))))]

    # IAM lets an account have 1,000 roles, unless more are requested.
    assert found(1_000) == []
    (message,) = found(2_000)
    assert "the document RemoveExpiredSsmSessionGrants to take" in message
    assert "with 2000 operators" in message


# Trust policy and boundary, proved


CALLER = {
    "aws:PrincipalArn": ROLE_ARN.removesuffix("0" * 16) + "?" * 16,
    "aws:userid": f"AROA*:{OLIVIA.user_name}",
    "sts:RoleSessionName": OLIVIA.user_name,
}
"""The person in a session of the permission set's role, stated apart from the policy."""


def admitted_otherwise(policy: Policy, key: str) -> str | None:
    """A caller that differs from the person in a condition key."""
    statements = [{**each, "Resource": "*"} for each in policy["Statement"] if each["Effect"] == "Allow"]
    request = Request({**policy, "Statement": statements})
    allowed = z3.And(request.allows("sts:AssumeRole"), request.resource == z3.StringVal("*"))
    return request.example(allowed, z3.Not(z3.InRe(request.key(key), iam_pattern_to_re(CALLER[key]))))


def without(key: str) -> Policy:
    leaky = copy.deepcopy(of_olivia())
    condition = leaky["Statement"][0]["Condition"]
    for operator in [each for each, keys in condition.items() if key in keys]:
        del condition[operator][key]
    return leaky


@pytest.mark.parametrize("key", CALLER)
def test_trust_admits_the_person_alone(key: str) -> None:
    assert admitted_otherwise(of_olivia(), key) is None
    assert admitted_otherwise(without(key), key) is not None


def test_trust_refuses_a_caller_with_the_approval_tag() -> None:
    allowing = {**of_olivia(), "Statement": [{**of_olivia()["Statement"][0], "Resource": "*"}]}
    tagged = Request(allowing, {f"aws:PrincipalTag/{TAG_KEY}": "i-0123456789abcdef0"})
    assert tagged.example(tagged.allowed) is None
    plain = Request(allowing)
    assert plain.example(plain.allowed) is not None


def test_boundary_allows_what_operators_are_allowed_and_no_more() -> None:
    boundary = plan().boundary
    assert boundary is not None
    operators: Any = operator_policy(PLACE, session_data_encryption=True)
    requesters: Any = requester_policy(settings(), PLACE)
    tagged = {"aws:userid": "AROAEXAMPLE:olivia", f"aws:PrincipalTag/{TAG_KEY}": "i-0123456789abcdef0"}
    bounded = Request(boundary.content, tagged)
    known = {
        action
        for policy in (operators, requesters)
        for statement in policy["Statement"]
        for action in (statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]])
    }
    assert bounded.example(bounded.allowed, z3.Not(bounded.does(*known))) is None
    instances = f"arn:aws:ec2:*:{ACCOUNT}:instance/i-0123456789abcdef0"
    document = f"arn:aws:ssm:*:{ACCOUNT}:document/SSM-SessionManagerRunShell"
    elsewhere = z3.Not(bounded.on(instances, document))
    assert bounded.example(bounded.allows("ssm:StartSession"), elsewhere) is None


# The runbook's judgment


def events(**changes: Any) -> dict[str, Any]:
    return {
        "PrincipalName": OLIVIA.role_name,
        "OperatorRoles": [],
        "IdentityStore": PEOPLE.store,
        "IdentityStoreRegion": PEOPLE.region,
        **changes,
    }


def session(role: str, name: str) -> str:
    return f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{name}"


@pytest.fixture
def judge(account: Callable[..., Any]) -> Callable[..., str]:
    """Returns why a request is refused: for Olivia's role, asked for by her and approved by Anton."""

    def judged(
        *,
        by: str = session("AWSReservedSSO_Approve_0123456789abcdef", "anton@example.org"),
        executed_by: str = "",
        trusting: Policy | None = None,
        path: str = OPERATORS_PATH,
        identities: dict[str, str] | None = None,
        **changes: Any,
    ) -> str:
        approvers: dict[str, Policy] = changes.pop("approvers", {})
        given = run(
            OWN,
            approval(by),
            ExecutedBy=executed_by or session(OLIVIA.role_name, OLIVIA.user_name),
            Parameters=parameters(name=OLIVIA.role_name),
        )
        account(
            given,
            trusts={
                OLIVIA.role_name: json.dumps(trusting or of_olivia()),
                OSCAR.role_name: json.dumps(
                    entitled()
                    if "AccountAccessApplication" in changes
                    else operator_trust(settings(), PEOPLE, OSCAR, PLACE)
                ),
                "AWSReservedSSO_Approve_0123456789abcdef": "{}",
                RESERVED: "{}",
                **{name: json.dumps(each) for name, each in approvers.items()},
            },
            reserved=("AWSReservedSSO_Approve_0123456789abcdef", RESERVED),
            paths={OLIVIA.role_name: path, OSCAR.role_name: path},
            identities={
                OLIVIA.user_name: OLIVIA.user_id,
                OSCAR.user_name: OSCAR.user_id,
                "anton@example.org": "id-of-anton",
                **(identities or {}),
            },
        )
        return refusal(**events(**changes))

    return judged


def test_runbook_grants_a_person_of_identity_center(judge: Callable[..., str]) -> None:
    assert judge() == ""


def test_runbook_refuses_the_person_in_another_permission_set(judge: Callable[..., str]) -> None:
    own = session("AWSReservedSSO_Approve_0123456789abcdef", OLIVIA.user_name)
    assert "requesters cannot approve their own request" in judge(by=own)


def test_runbook_compares_user_ids_and_not_names(judge: Callable[..., str]) -> None:
    """Olivia was renamed after the deployment, and approves under the new name."""
    renamed = session("AWSReservedSSO_Approve_0123456789abcdef", "olivia.new@example.org")
    ids = {"olivia.new@example.org": OLIVIA.user_id}
    assert "requesters cannot approve their own request" in judge(by=renamed, identities=ids)


def test_runbook_refuses_a_user_name_of_another_user(judge: Callable[..., str]) -> None:
    created_again = {OLIVIA.user_name: "another-id"}
    assert f"has the ID {OLIVIA.user_id} any more" in judge(identities=created_again)
    renamed = {OLIVIA.user_name: "another-id", "olivia.new@example.org": OLIVIA.user_id}
    assert "does not admit olivia.new@example.org alone" in judge(identities=renamed)


def test_runbook_refuses_an_unknown_approver(judge: Callable[..., str]) -> None:
    unknown = session("AWSReservedSSO_Approve_0123456789abcdef", "unknown@example.org")
    assert "no user of IAM Identity Center has the user name unknown@example.org" in judge(by=unknown)


def test_runbook_refuses_a_role_whose_trust_has_changed(judge: Callable[..., str]) -> None:
    of_oscar = operator_trust(settings(), PEOPLE, OSCAR, PLACE)
    assert "does not admit olivia@example.org alone" in judge(trusting=of_oscar)
    for key in ("aws:PrincipalArn", "aws:userid"):
        assert "does not admit olivia@example.org alone" in judge(trusting=without(key))
    two = {**of_olivia(), "Statement": [*of_olivia()["Statement"], *of_oscar["Statement"]]}
    assert "does not admit olivia@example.org alone" in judge(trusting=two)
    tagging = {"Effect": "Allow", "Principal": ROOT, "Action": "sts:TagSession"}
    untied = {**of_olivia(), "Statement": [of_olivia()["Statement"][0], tagging]}
    assert "permits session tags" in judge(trusting=untied)


def test_runbook_refuses_a_role_of_the_name_elsewhere(judge: Callable[..., str]) -> None:
    assert "has the path /elsewhere/" in judge(path="/elsewhere/")


def test_runbook_refuses_a_role_that_is_no_operator(judge: Callable[..., str]) -> None:
    assert "is no operator of this workflow" in judge(IdentityStore="")
    assert "does not exist" in judge(PrincipalName=f"{OLIVIA.role_name}0")
    assert "is no operator of this workflow" in judge(PrincipalName=OLIVIA.role_name.lower())
    other_letters = OLIVIA.role_name.replace("a1b2", "A1B2")
    assert f"role {other_letters} has the name {OLIVIA.role_name}" in judge(PrincipalName=other_letters)


# The same with account access manager, which assumes the role in a session of any name


def entitled() -> Policy:
    return account_access_trust(APPLICATION)


@pytest.fixture
def judge_entitled(judge: Callable[..., str]) -> Callable[..., str]:
    """Returns why a request is refused: for Olivia's role, in a session that she has named after Anton."""

    def judged(**changes: Any) -> str:
        given = {"executed_by": session(OLIVIA.role_name, "oscar@example.org"), "trusting": entitled()}
        return judge(**{**given, "AccountAccessApplication": APPLICATION, **changes})

    return judged


def test_runbook_grants_an_entitled_person(judge_entitled: Callable[..., str]) -> None:
    assert judge_entitled() == ""
    # A new user name changes nothing, as the entitlement has the ID.
    assert judge_entitled(identities={"olivia.new@example.org": OLIVIA.user_id}) == ""


def test_runbook_knows_an_entitled_person_by_user_id(judge_entitled: Callable[..., str]) -> None:
    """Whatever she calls her session, Olivia cannot approve with her permission set, or as an IAM user of her name."""
    own = session("AWSReservedSSO_Approve_0123456789abcdef", OLIVIA.user_name)
    assert "requesters cannot approve their own request" in judge_entitled(by=own)
    renamed = {"olivia.new@example.org": OLIVIA.user_id}
    own = session("AWSReservedSSO_Approve_0123456789abcdef", "olivia.new@example.org")
    assert "requesters cannot approve their own request" in judge_entitled(by=own, identities=renamed)
    assert "requesters cannot approve" in judge_entitled(by=f"arn:aws:iam::{ACCOUNT}:user/olivia")


def test_runbook_knows_the_person_of_a_grant_by_user_id(judge_entitled: Callable[..., str]) -> None:
    """Oscar requests for Olivia, who approves."""
    own = session("AWSReservedSSO_Approve_0123456789abcdef", OLIVIA.user_name)
    by_oscar = session(OSCAR.role_name, "x")
    assert "which the same person may use" in judge_entitled(by=own, executed_by=by_oscar)


def test_runbook_refuses_an_approval_in_a_session_of_any_name(judge_entitled: Callable[..., str]) -> None:
    named = session(OSCAR.role_name, "anton@example.org")
    assert f"the trust policy of role {OSCAR.role_name} does not prove" in judge_entitled(by=named)


@pytest.mark.parametrize("shared", [[], ["Approver"]], ids=["own", "shared"])
def test_runbook_follows_a_chain_to_an_entitled_person(shared: list[str], judge_entitled: Callable[..., str]) -> None:
    """Olivia approves in a role that her operator's role may assume, however she calls both sessions."""
    admitted = {"AWS": f"arn:aws:iam::{ACCOUNT}:role{OPERATORS_PATH}{OLIVIA.role_name}"}
    chained = {"Effect": "Allow", "Principal": admitted, "Action": "sts:AssumeRole"}
    refused = judge_entitled(
        by=session("Approver", "anton"),
        approvers={"Approver": {"Version": "2012-10-17", "Statement": [chained]}},
        SharedApproverRoles=shared,
    )
    expected = "requesters cannot approve their own request" if shared else "does not prove which person that is"
    assert expected in refused


def test_runbook_refuses_an_entitled_user_who_is_gone(judge_entitled: Callable[..., str]) -> None:
    assert "any more" in judge_entitled(identities={OLIVIA.user_name: "another-id"})


def statement_with(**changes: Any) -> Policy:
    return {"Version": "2012-10-17", "Statement": [{**entitled()["Statement"][0], **changes}]}


def condition_with(operator: str = "StringEquals", **keys: Any) -> Policy:
    found = dict(entitled()["Statement"][0]["Condition"]["StringEquals"])
    return statement_with(
        Condition={operator: {**found, **{key.replace("_", ":"): value for key, value in keys.items()}}}
    )


WIDER = {
    "session tags": statement_with(Action=["sts:AssumeRole", "sts:SetContext", "sts:TagSession"]),
    "all actions": statement_with(Action="sts:*"),
    "all but one action": statement_with(NotAction="sts:TagSession"),
    "another service": statement_with(Principal={"Service": ["account-access.amazonaws.com", "ec2.amazonaws.com"]}),
    "an account as well": statement_with(Principal={"Service": "account-access.amazonaws.com", **ROOT}),
    "everyone": statement_with(Principal="*"),
    "no condition": {"Version": "2012-10-17", "Statement": [{**entitled()["Statement"][0], "Condition": {}}]},
    "any application": condition_with(
        "StringLike", aws_SourceArn="arn:aws:account-access:*:111122223333:application/*"
    ),
    "two applications": condition_with(aws_SourceArn=[APPLICATION, APPLICATION.replace("1234", "5678")]),
    "another application": condition_with(aws_SourceArn=APPLICATION.replace("1234", "5678")),
    "the application of IAM Identity Center": condition_with(aws_SourceArn="arn:aws:sso::111122223333:application/x/y"),
    "two accounts": condition_with(aws_SourceAccount=[MANAGEMENT, ACCOUNT]),
    "the account of the role": condition_with(aws_SourceAccount=ACCOUNT),
    "where present": condition_with("StringEqualsIfExists"),
    "a second statement": {
        "Version": "2012-10-17",
        "Statement": [entitled()["Statement"][0], {"Effect": "Allow", "Principal": ROOT, "Action": "sts:AssumeRole"}],
    },
    "tags in a second statement": {
        "Version": "2012-10-17",
        "Statement": [entitled()["Statement"][0], {**entitled()["Statement"][0], "Action": "sts:TagSession"}],
    },
    "a person of a permission set": of_olivia(),
}
"""Trust policies of an operator's role that admit more than account access manager for its application."""


@pytest.mark.parametrize("what", WIDER)
def test_runbook_refuses_a_wider_trust_of_an_entitled_person(what: str, judge_entitled: Callable[..., str]) -> None:
    assert "does not admit account access manager alone" in judge_entitled(trusting=WIDER[what])
    assert trust_policies.account_access_application(WIDER[what]) != APPLICATION


def test_role_elsewhere_has_no_entitled_person(account: Callable[..., Any]) -> None:
    account(identities={OLIVIA.user_name: OLIVIA.user_id})
    people = People([], [], Identities(events(AccountAccessApplication=APPLICATION)))
    role = {"RoleName": OLIVIA.role_name, "Path": OPERATORS_PATH, "AssumeRolePolicyDocument": entitled()}
    assert people.entitled(role) == [OLIVIA.user_id, OLIVIA.user_name]
    assert people.entitled({**role, "Path": "/elsewhere/"}) == []
    assert people.entitled({**role, "RoleName": "Operator"}) == []


def test_runbook_refuses_entitled_roles_where_none_are(judge: Callable[..., str]) -> None:
    assert "does not admit olivia@example.org alone" in judge(trusting=entitled())
    other = {"trusting": entitled(), "AccountAccessApplication": APPLICATION.replace("1234", "5678")}
    assert "does not admit account access manager alone" in judge(**other)


def test_trust_of_account_access_is_recognized_in_every_spelling() -> None:
    statement = entitled()["Statement"][0]
    one = {"Version": "2012-10-17", "Statement": {key: each for key, each in statement.items() if key != "Sid"}}
    listed = statement_with(
        Principal={"Service": ["account-access.amazonaws.com"]},
        Action=["sts:SetContext", "STS:assumerole"],
        Condition={"StringEquals": {"AWS:SourceARN": [APPLICATION], "aws:sourceAccount": [MANAGEMENT]}},
    )
    denied = {**one, "Statement": [statement, {"Effect": "Deny", "Principal": "*", "Action": "sts:TagSession"}]}
    for policy in (one, listed, denied):
        assert trust_policies.account_access_application(policy) == APPLICATION


def test_plan_with_account_access_trusts_its_application_alone() -> None:
    people = IdentityCenterOperators(
        people=PEOPLE.people, application=APPLICATION, store=PEOPLE.store, region="eu-central-1"
    )
    made = plan(people, **ENTITLED)
    for role in made.operator_roles:
        assert role.trust == entitled()
        assert (role.path, role.boundary) == (
            OPERATORS_PATH,
            f"arn:aws:iam::{ACCOUNT}:policy/ShellAccessOperatorBoundary",
        )
    for policy in made.operator_policies:
        assert list(policy.roles) == PEOPLE.roles
    (check,) = (each for each in made.runbook.content["mainSteps"] if each["name"] == "CheckRequest")
    given = check["inputs"]["InputPayload"]
    assert given["AccountAccessApplication"] == APPLICATION
    users = made.reaper.content["mainSteps"][0]["inputs"]["InputPayload"]["IdentityCenterUsers"]
    assert users.split() == [each.user_id for each in PEOPLE.people]


SOURCE = {"aws:SourceAccount": MANAGEMENT, "aws:SourceArn": APPLICATION}
"""The application, stated apart from the policy."""


@pytest.mark.parametrize("key", SOURCE)
def test_trust_admits_the_application_alone(key: str) -> None:
    def other(policy: Policy, action: str) -> str | None:
        request = Request({**policy, "Statement": [{**each, "Resource": "*"} for each in policy["Statement"]]})
        return request.example(request.allows(action), request.key(key) != z3.StringVal(SOURCE[key]))

    leaky = copy.deepcopy(entitled())
    del leaky["Statement"][0]["Condition"]["StringEquals"][key]
    for action in ("sts:AssumeRole", "sts:SetContext"):
        assert other(entitled(), action) is None
        assert other(leaky, action) is not None
    tagging = Request({**entitled(), "Statement": [{**entitled()["Statement"][0], "Resource": "*"}]})
    assert tagging.example(tagging.allows("sts:TagSession")) is None


RESERVED_PATTERN = f"arn:aws:iam::{ACCOUNT}:role{RESERVED_PATH}AWSReservedSSO_ShellUser_*"


def of_reserved(pattern: Any = RESERVED_PATTERN, operator: str = "ArnLike", userid: Any = "*:olivia") -> str:
    return trust(ROOT, **{operator: {"aws:PrincipalArn": pattern}}, StringLike={"aws:userid": userid})


@pytest.mark.parametrize(
    ("document", "user"),
    [
        (of_reserved(), "olivia"),
        (trust(ROOT, ArnLike={"aws:PrincipalArn": ROLE_ARN}, StringEquals={"aws:userid": "AROAX:olivia"}), "olivia"),
        (trust({"AWS": ROLE_ARN}, StringLike={"aws:userid": "*:olivia"}), "olivia"),
        (trust({"AWS": ROLE_ARN}), ""),
        (trust(ROOT, StringLike={"aws:userid": "*:olivia"}), ""),
        (trust(ROOT, ArnLike={"aws:PrincipalArn": RESERVED_PATTERN}), ""),
        (of_reserved(userid="*:oli*"), ""),
        (of_reserved(userid="*olivia"), ""),
        (of_reserved(userid=["*:olivia", "*:oscar"]), ""),
        (of_reserved(f"arn:aws:iam::{ACCOUNT}:role/*AWSReservedSSO_X_*"), ""),
        (of_reserved(operator="ArnLikeIfExists"), ""),
        (of_reserved([RESERVED_PATTERN, f"arn:aws:iam::{ACCOUNT}:role/Other"]), ""),
        (of_reserved(RESERVED_PATTERN.replace(ACCOUNT, "*")), ""),
        (of_reserved(operator="ArnNotLike"), ""),
    ],
)
def test_trust_of_identity_center_names_one_person_or_none(document: str, user: str) -> None:
    assert trust_policies.identity_center_user(json.loads(document)) == user


# Lookup


@pytest.fixture
def identities(client: Callable[..., Any]) -> dict[str, Any]:
    """Olivia and Oscar, who is in the group `Shell`, with the permission set `ShellUser` in this account."""
    center = IdentityCenter(client)
    group = center.group("Shell")
    center.assign("ShellUser", group)
    return {
        "store": center.store,
        "Shell": group,
        OLIVIA.user_name: center.user(OLIVIA.user_name),
        OSCAR.user_name: center.user(OSCAR.user_name, group),
    }


def names(found: IdentityCenterOperators) -> list[str]:
    return sorted(each.user_name for each in found.people)


def test_operators_are_looked_up_by_name_and_by_id(clients: AwsClients, identities: dict[str, Any]) -> None:
    found = find_operators(settings(), clients, "eu-west-1", lambda: "me")
    assert names(found) == ["olivia@example.org", "oscar@example.org"]
    assert (found.store, found.region) == (identities["store"], "eu-west-1")
    assert found.reserved_path == f"{RESERVED_PATH}eu-west-1/"
    by_id = [
        {"identityCenterUser": identities["oscar@example.org"]},
        {"identityCenterGroup": identities["Shell"]},
    ]
    again = find_operators(settings(operators=by_id), clients, "eu-west-1", lambda: "me")
    assert [each.user_id for each in again.people] == [identities["oscar@example.org"]]


@pytest.mark.usefixtures("identities")
def test_lookup_with_account_access_needs_no_permission_set(clients: AwsClients) -> None:
    here = {**ENTITLED["identityCenter"], "applicationArn": APPLICATION.replace("eu-central-1", "eu-west-1")}
    found = find_operators(settings(identityCenter=here), clients, "us-east-1", lambda: "me")
    assert names(found) == ["olivia@example.org", "oscar@example.org"]
    assert (found.region, found.reserved_path, found.application) == ("eu-west-1", "", here["applicationArn"])
    with pytest.raises(SettingsError, match="expected permission-set in us-gov-west-1, got account-access-manager"):
        find_operators(settings(identityCenter=here), clients, "us-gov-west-1", lambda: "me")


def test_lookup_reports_everything_that_is_unknown_at_once(clients: AwsClients, identities: dict[str, Any]) -> None:
    unknown = [
        {"identityCenterUser": "oliva"},
        {"identityCenterGroup": "Shells"},
        {"identityCenterUser": "00000000-0000-0000-0000-000000000000"},
        {"identityCenterGroup": "Shell"},
    ]
    with pytest.raises(SettingsError) as refused:
        find_operators(
            settings(operators=unknown, identityCenter={"permissionSet": "Shell"}), clients, "eu-west-1", lambda: "me"
        )
    found = {each.key: each.message for each in refused.value.problems}
    assert set(found) == {"shell-access:approval.operators", "shell-access:approval.identityCenter.permissionSet"}
    message = found["shell-access:approval.operators"]
    assert f"identity store {identities['store']}" in message
    assert 'user "oliva", group "Shells", user "00000000-0000-0000-0000-000000000000"' in message
    assert "expected a role of the permission set" in found["shell-access:approval.identityCenter.permissionSet"]


def test_lookup_refuses_user_names_that_are_no_session_names(
    client: Callable[..., Any], clients: AwsClients, identities: dict[str, Any]
) -> None:
    more = {"DisplayName": "x", "Name": {"FamilyName": "x", "GivenName": "y"}}
    directory = client("identitystore")
    made = directory.create_user(IdentityStoreId=identities["store"], UserName="örjan *", **more)
    directory.create_group_membership(
        IdentityStoreId=identities["store"], GroupId=identities["Shell"], MemberId={"UserId": made["UserId"]}
    )
    with pytest.raises(SettingsError, match="expected user names of 2 to 64 letters"):
        find_operators(settings(), clients, "eu-west-1", lambda: "me")


@pytest.mark.usefixtures("identities")
def test_lookup_refuses_an_approver_who_is_an_operator(clients: AwsClients) -> None:
    approvers = [{"type": "SSOUser", "name": "Oscar@example.org"}]
    with pytest.raises(SettingsError, match="expected an approver who is not an operator"):
        find_operators(settings(mode="change-manager", approvers=approvers), clients, "eu-west-1", lambda: "me")


def test_lookup_of_an_empty_group_finds_no_operator(
    client: Callable[..., Any], clients: AwsClients, identities: dict[str, Any]
) -> None:
    client("identitystore").create_group(DisplayName="Empty", IdentityStoreId=identities["store"])
    empty = find_operators(settings(operators=[{"identityCenterGroup": "Empty"}]), clients, "eu-west-1", lambda: "me")
    assert empty.people == ()
    assert plan(empty).operator_roles == ()


def test_roles_beyond_the_quota_are_refused(
    client: Callable[..., Any], clients: AwsClients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quotas, "program_clients", lambda: clients)
    client("iam").create_role(RoleName=OLIVIA.role_name, Path=OPERATORS_PATH, AssumeRolePolicyDocument="{}")
    quotas.check_roles(PEOPLE, "eu-west-1")
    quota = client("iam").get_account_summary()["SummaryMap"]["RolesQuota"]
    many = tuple(
        OperatorPerson(user_id=f"0a1b2c3d-7777-2222-3333-{number:012}", user_name="x") for number in range(quota)
    )
    with pytest.raises(SettingsError, match=f"expected room for {quota} more roles in the account"):
        quotas.check_roles(IdentityCenterOperators(people=many), "eu-west-1")
