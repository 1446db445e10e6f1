import json
from typing import Any

import pytest

from components.approval.guard_rails import operator_deny_policy
from policies.separation_of_duties.operators_cannot_change_approval import OPERATORS_CANNOT_CHANGE_APPROVAL as RULE
from tests.policies.judging import UNKNOWN, Judgment, Made, judge_stack
from tests.policies.separation_of_duties.documents import PLACE, settings
from tests.policies.separation_of_duties.forms import (
    ATTACHMENTS,
    FORMS,
    POLICY,
    ROLE,
    ROLE_ATTACHMENT,
    ROLE_POLICY,
    allow,
    deny,
    document,
    shown,
)
from tests.policies.separation_of_duties.stacks import OPERATOR, attached, managed, policy

WIDENS = allow("iam:AttachRolePolicy")


def text(type_: str, name: str, place: str, found: str, operator: str = "role/Operator") -> str:
    return (
        f'{type_} "{name}": {place}: found {found}, expected nothing of the kind for {operator}, who is an operator. Remove '
        "the statement from operators, or deny these actions in another of their policies."
    )


def inline(*statements: dict[str, Any], role: str = "Operator", name: str = "inline") -> Made:
    return Made(type=ROLE_POLICY, name=name, properties={"role": role, "policy": json.dumps(document(*statements))})


@pytest.mark.parametrize(
    ("statement", "actions"),
    [
        pytest.param(WIDENS, "iam:AttachRolePolicy", id="permissions"),
        pytest.param(allow("iam:Put*Policy"), "iam:PutGroupPolicy, iam:PutRolePolicy, iam:PutUserPolicy", id="inline"),
        pytest.param(allow("iam:UpdateAssumeRolePolicy"), "iam:UpdateAssumeRolePolicy", id="trust"),
        pytest.param(
            allow("iam:CreateAccessKey", on="arn:aws:iam::*:user/*"), "iam:CreateAccessKey", id="others' credentials"
        ),
        pytest.param(allow("ssm:UpdateDocument"), "ssm:UpdateDocument", id="documents"),
        pytest.param(
            allow("ssm:CreateDocument", on="arn:aws:ssm:*:*:document/mine-*"), "ssm:CreateDocument", id="a document"
        ),
        pytest.param(allow("ssm:SendAutomationSignal"), "ssm:SendAutomationSignal", id="decisions"),
        pytest.param(allow("sso:CreateAccountAssignment"), "sso:CreateAccountAssignment", id="assignments"),
        pytest.param(
            allow("identitystore:U*", on="arn:aws:identitystore:::user/*"), "identitystore:UpdateUser", id="user names"
        ),
    ],
)
def test_operator_who_changes_something_is_refused(statement: dict[str, Any], actions: str) -> None:
    assert judge_stack(RULE, *OPERATOR, inline(statement)).violations == [
        text(ROLE_POLICY, "inline", "policy", f"statement 1 ({actions}: {shown(statement)})")
    ]


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(allow("iam:Get*", "iam:List*", "ssm:Get*", "ssm:Describe*"), id="reading"),
        pytest.param(allow("iam:CreateAccessKey", on="arn:aws:iam::*:user/${aws:username}"), id="one's own key"),
        pytest.param(allow("ssm:*", on="arn:aws:ssm:*:*:parameter/*"), id="other resources"),
        pytest.param(deny("iam:*"), id="denial"),
    ],
)
def test_operator_who_changes_nothing_is_fine(statement: dict[str, Any]) -> None:
    assert judge_stack(RULE, *OPERATOR, inline(statement)) == Judgment()


def test_others_may_change_what_they_like() -> None:
    assert judge_stack(RULE, *OPERATOR, inline(allow("iam:*"), role="Deployer")) == Judgment()
    assert judge_stack(RULE, inline(allow("iam:*"))) == Judgment()


def test_attached_policy_of_an_operator_is_reported_once() -> None:
    wide = managed("wide", WIDENS)
    found = judge_stack(
        RULE,
        *OPERATOR,
        wide,
        attached("wide", "Operator"),
        attached("by-approval", "Second"),
        attached("wide", "Second"),
    )
    assert found.violations == [text(POLICY, "wide", "policy", f"statement 1 (iam:AttachRolePolicy: {shown(WIDENS)})")]


def test_policy_without_an_operator_is_left_alone() -> None:
    assert judge_stack(RULE, *OPERATOR, managed("wide", WIDENS), attached("wide", "Deployer")) == Judgment()


def test_attachments_are_followed_by_arn_too() -> None:
    wide = Made(type=POLICY, name="wide", properties={"arn": "arn:wide", "policy": json.dumps(document(WIDENS))})
    several = Made(
        type=ROLE, name="operator", properties={"name": "Operator", "managedPolicyArns": ["arn:other", "arn:wide"]}
    )
    assert len(judge_stack(RULE, *OPERATOR, wide, several).violations) == 1


def test_policy_of_aws_counts() -> None:
    power = Made(
        type=ROLE_ATTACHMENT,
        name="power",
        properties={"role": "Operator", "policyArn": "arn:aws:iam::aws:policy/IAMFullAccess"},
    )
    assert judge_stack(RULE, *OPERATOR, power).violations == [
        text(ROLE_ATTACHMENT, "power", "policyArn", "IAMFullAccess, which AWS manages")
    ]


def test_action_that_another_policy_denies_is_not_allowed() -> None:
    assert judge_stack(RULE, *OPERATOR, inline(allow("iam:*")), inline(deny("iam:*"), name="denial")) == Judgment()
    someone_elses = inline(deny("iam:*"), role="Other", name="denial")
    assert len(judge_stack(RULE, *OPERATOR, inline(allow("iam:*")), someone_elses).violations) == 1


def test_guard_rails_keep_what_they_name_and_no_more() -> None:
    rails = (policy("rails", operator_deny_policy(settings(), PLACE)), attached("rails", "Operator"))
    assert judge_stack(RULE, *OPERATOR, *rails, inline(allow("ssm:SendAutomationSignal"))) == Judgment()
    assert len(judge_stack(RULE, *OPERATOR, *rails, inline(allow("ssm:CreateDocument"))).violations) == 1


@pytest.mark.parametrize("name", [name for name in FORMS if name != "managed"])
def test_configured_operators_count_in_every_form(name: str) -> None:
    form = FORMS[name]
    made = Made(type=form.type, properties=form.carry(json.dumps(document(WIDENS))))
    operators = ["role/some", "user/some", "group/some", "permission-set/*/ps-1"]
    assert len(judge_stack(RULE, made, operators=operators).violations) == 1
    assert judge_stack(RULE, made) == Judgment()


@pytest.mark.parametrize("name", ATTACHMENTS)
def test_configured_operators_count_in_every_attachment(name: str) -> None:
    form = ATTACHMENTS[name]
    made = Made(type=form.type, properties=form.carry("arn:aws:iam::aws:policy/IAMFullAccess"))
    operators = ["role/*", "user/*", "group/*", "permission-set/*"]
    assert len(judge_stack(RULE, made, operators=operators).violations) == 1


def test_named_policy_is_left_alone() -> None:
    stack = (*OPERATOR, managed("wide", WIDENS), attached("wide", "Operator"))
    assert judge_stack(RULE, *stack, allowedPolicies=["wide"]) == Judgment()


def test_policy_that_is_not_known_yet_is_reported_as_advice() -> None:
    late = Made(type=ROLE_POLICY, name="late", properties={"role": "Operator", "policy": UNKNOWN})
    result = judge_stack(RULE, *OPERATOR, late)
    assert result.violations == []
    assert result.unseen == [f'{ROLE_POLICY} "late": policy is not known yet; the rule is applied in the update.']
