import json
from typing import Any

import pytest

from policies.separation_of_duties.approval_tag import APPROVAL_TAG_NOT_IN_PROGRAM as PROGRAM_RULE
from policies.separation_of_duties.approval_tag import APPROVAL_TAG_SET_BY_RUNBOOK as RUNBOOK_RULE
from tests.policies.judging import SILENT, UNKNOWN, Form, judge, undecided, violations
from tests.policies.separation_of_duties.forms import (
    ACCOUNT,
    POLICY,
    ROLE,
    ROLE_ATTACHMENT,
    ROLE_POLICY,
    allow,
    as_policy,
    deny,
    document,
    shown,
)

KEY = "SecurityAllowSessionInstance"
PROGRAM_ROLE = "aws:iam/role:Role"
USER = "aws:iam/user:User"
PROVIDER = "pulumi:providers:aws"
SSO = "aws:ssoadmin/instanceAccessControlAttributes:InstanceAccessControlAttributes"
COGNITO = "aws:cognito/identityPoolProviderPrincipalTag:IdentityPoolProviderPrincipalTag"


def attribute(key: str) -> dict[str, Any]:
    return {"key": key, "values": [{"sources": ["${path:enterprise.costCenter}"]}]}


@pytest.mark.parametrize(
    ("type_", "given"),
    [
        pytest.param(PROGRAM_ROLE, {"tags": {KEY: "i-1"}}, id="a role"),
        pytest.param(USER, {"tags": {KEY.lower(): "i-1"}}, id="a user, in small letters"),
        pytest.param(PROGRAM_ROLE, {"tagsAll": {KEY: UNKNOWN}}, id="with default tags"),
        pytest.param(
            PROGRAM_ROLE, {"tags": {KEY: "i-1"}, "tagsAll": {KEY: "i-1"}}, id="a role, as the provider completes it"
        ),
        pytest.param(PROVIDER, {"defaultTags": json.dumps({"tags": {KEY: "i-1"}})}, id="default tags as text"),
        pytest.param(PROVIDER, {"defaultTags": {"tags": {"Team": "a", KEY: "i-1"}}}, id="default tags"),
        pytest.param(SSO, {"attributes": [attribute("Team"), attribute(KEY)]}, id="an attribute"),
        pytest.param(COGNITO, {"principalTags": {KEY: "sub"}}, id="a claim"),
    ],
)
def test_tag_is_reported(type_: str, given: dict[str, Any]) -> None:
    (said,) = violations(PROGRAM_RULE, type_, given)
    assert "found a tag, expected no tag" in said
    assert "i-1" not in said


@pytest.mark.parametrize(
    ("type_", "given"),
    [
        pytest.param(PROGRAM_ROLE, {}, id="no tags"),
        pytest.param(PROGRAM_ROLE, {"tags": {"Team": KEY}}, id="as a value"),
        pytest.param(USER, {"tags": {"SecurityAllowSession": "x"}}, id="another key"),
        pytest.param(PROVIDER, {"region": "eu-west-1"}, id="no default tags"),
        pytest.param(PROVIDER, {"defaultTags": "nonsense"}, id="default tags that cannot be read"),
        pytest.param(SSO, {"attributes": [attribute("Team")]}, id="another attribute"),
        pytest.param(COGNITO, {"principalTags": {"team": "sub"}}, id="another claim"),
    ],
)
def test_other_tags_are_fine(type_: str, given: dict[str, Any]) -> None:
    assert judge(PROGRAM_RULE, type_, given) == SILENT


def test_tags_that_are_not_known_yet_are_unseen() -> None:
    assert judge(PROGRAM_RULE, PROGRAM_ROLE, {"tags": UNKNOWN}).unseen
    assert judge(PROGRAM_RULE, PROGRAM_ROLE, {"tags": {"Team": UNKNOWN}}) == SILENT


KEYS = "aws:TagKeys"
RUNBOOK = "SsmSessionControlChangeMangerRole"
OPERATOR = f"arn:aws:iam::{ACCOUNT}:role/Operator"


def only(*keys: str, operator: str = "ForAllValues:StringEquals") -> dict[str, Any]:
    return {"Condition": {operator: {KEYS: list(keys)}}}


SETS = {
    "on every principal": (allow("iam:TagRole"), ("iam:TagRole",)),
    "on users": (allow("iam:TagUser", on=f"arn:aws:iam::{ACCOUNT}:user/*"), ("iam:TagUser",)),
    "on one": (allow("iam:TagRole", on=OPERATOR), ("iam:TagRole",)),
    "removing": (allow("iam:Untag*"), ("iam:UntagRole", "iam:UntagUser")),
    "by pattern": (allow("iam:Tag*"), ("iam:TagRole", "iam:TagUser")),
    "on a role that is made": (allow("iam:CreateRole", "iam:TagRole"), ("iam:TagRole",)),
    "riding along with a tag of the request": (
        allow("iam:TagRole", Condition={"StringEquals": {"aws:RequestTag/CostCenter": "42"}}),
        ("iam:TagRole",),
    ),
    "riding along with a tag that is not null": (
        allow("iam:TagUser", Condition={"Null": {"aws:RequestTag/CostCenter": "false"}}),
        ("iam:TagUser",),
    ),
    "in a session": (allow("sts:TagSession"), ("sts:TagSession",)),
    "all but others": (
        {"Effect": "Allow", "NotAction": ["sts:*", "iam:Create*", "iam:Untag*"], "Resource": "*"},
        ("iam:TagRole", "iam:TagUser"),
    ),
    "this key alone": (allow("iam:TagRole", **only(KEY)), ("iam:TagRole",)),
    "this key in small letters": (allow("iam:TagRole", **only(KEY.lower())), ("iam:TagRole",)),
    "keys of a kind": (allow("iam:TagRole", **only("Security*", operator="ForAllValues:StringLike")), ("iam:TagRole",)),
    "among others": (allow("iam:TagRole", **only("team", operator="ForAnyValue:StringEquals")), ("iam:TagRole",)),
    "one value": (
        allow("iam:TagRole", Condition={"StringEquals": {f"aws:RequestTag/{KEY}": "i-0123456789abcdef0"}}),
        ("iam:TagRole",),
    ),
    "by tag of the role": (
        allow("iam:TagRole", Condition={"StringEquals": {"iam:ResourceTag/team": "a"}}),
        ("iam:TagRole",),
    ),
    "denied in one spelling": (allow("iam:TagRole"), ("iam:TagRole",)),
}

SPARES = {
    "other keys only": allow("iam:TagRole", "iam:UntagRole", "iam:CreateRole", **only("team", "cost")),
    "no tags": allow("iam:CreateRole", Condition={"Null": {KEYS: "true"}}),
    "making a role without the right to tag it": allow("iam:CreateRole", "iam:CreateUser"),
    "other things": allow("iam:TagPolicy", "ec2:CreateTags", "iam:Get*"),
    "other resources": allow("iam:*", on="arn:aws:iam::*:policy/*"),
    "denial": deny("iam:Tag*"),
    "the runbook's role, by condition": allow(
        "iam:TagRole", Condition={"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::*:role/{RUNBOOK}"}}
    ),
}


@pytest.mark.parametrize("name", SETS)
def test_setting_the_tag_is_refused(name: str) -> None:
    statement, actions = SETS[name]
    denial = [deny("iam:TagRole", **only(KEY, operator="ForAnyValue:StringEquals"))] if "denied" in name else []
    assert violations(RUNBOOK_RULE, POLICY, as_policy(statement, *denial)) == [
        (
            f'{POLICY} "subject": policy: found statement 1 ({", ".join(actions)}: {shown(statement)}), expected requests that '
            f"cannot carry the tag {KEY}. {RUNBOOK_RULE.remedy}."
        )
    ]


@pytest.mark.parametrize("statement", SPARES.values(), ids=SPARES.keys())
def test_what_cannot_set_the_tag_is_fine(statement: dict[str, Any]) -> None:
    assert judge(RUNBOOK_RULE, POLICY, as_policy(statement)) == SILENT


def test_denial_of_the_key_in_any_case_is_enough() -> None:
    denial = deny("iam:TagRole", **only(KEY, operator="ForAnyValue:StringEqualsIgnoreCase"))
    assert judge(RUNBOOK_RULE, POLICY, as_policy(allow("iam:TagRole"), denial)) == SILENT


def test_every_form_is_judged(form: Form) -> None:
    assert len(violations(RUNBOOK_RULE, form.type, form.carry(json.dumps(document(allow("iam:TagRole")))))) == 1


def test_policy_of_aws_that_sets_tags_may_not_be_attached(attachment: Form) -> None:
    arn = "arn:aws:iam::aws:policy/IAMFullAccess"
    assert len(violations(RUNBOOK_RULE, attachment.type, attachment.carry(arn))) == 1


def test_runbooks_role_sets_it() -> None:
    policy = json.dumps(document(allow("iam:TagRole", on=OPERATOR, **only(KEY))))
    assert judge(RUNBOOK_RULE, ROLE_POLICY, {"role": RUNBOOK, "policy": policy}) == SILENT
    inline = {"name": RUNBOOK, "inlinePolicies": [{"name": "tags", "policy": policy}]}
    assert judge(RUNBOOK_RULE, ROLE, inline) == SILENT
    assert len(violations(RUNBOOK_RULE, ROLE_POLICY, {"role": "Other", "policy": policy})) == 1
    assert len(violations(RUNBOOK_RULE, ROLE_POLICY, {"role": RUNBOOK, "policy": policy}, allowedPrincipals=[])) == 1


def test_role_that_is_not_known_yet_may_be_the_runbooks() -> None:
    policy = json.dumps(document(allow("iam:TagRole")))
    assert judge(RUNBOOK_RULE, ROLE_POLICY, {"role": UNKNOWN, "policy": policy}) == undecided(
        ROLE_POLICY, "who holds policy"
    )


def test_configuration_may_name_whose_tag_counts() -> None:
    apps = as_policy(allow("iam:CreateRole", "iam:TagRole", on=f"arn:aws:iam::{ACCOUNT}:role/app-*"))
    assert len(violations(RUNBOOK_RULE, POLICY, apps)) == 1
    assert violations(RUNBOOK_RULE, POLICY, apps, taggedPrincipals=["role/Operator*"]) == []
    assert len(violations(RUNBOOK_RULE, POLICY, as_policy(allow("iam:*")), taggedPrincipals=["role/Operator*"])) == 1


def test_policy_of_aws_may_be_attached_to_the_runbooks_role() -> None:
    attached = {"role": RUNBOOK, "policyArn": "arn:aws:iam::aws:policy/IAMFullAccess"}
    assert judge(RUNBOOK_RULE, ROLE_ATTACHMENT, attached) == SILENT
