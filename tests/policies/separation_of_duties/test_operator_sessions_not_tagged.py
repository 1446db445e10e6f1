import json
from typing import Any

import pytest

from policies.separation_of_duties.operator_sessions_not_tagged import RULE
from tests.policies.judging import SILENT, UNKNOWN, Judgment, Made, judge_stack
from tests.policies.separation_of_duties.forms import ROLE
from tests.policies.separation_of_duties.stacks import OPERATOR

KEY = "SecurityAllowSessionInstance"
SAML = {"Federated": "arn:aws:iam::111122223333:saml-provider/idp"}
ACCOUNT = {"AWS": "arn:aws:iam::111122223333:root"}


def judged(principal: Any, *actions: str, name: str = "Operator", **more: Any) -> Judgment:
    statement = {"Effect": "Allow", "Principal": principal, "Action": list(actions), **more}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    properties = {"name": name, "assumeRolePolicy": trust, "inlinePolicies": UNKNOWN, "managedPolicyArns": UNKNOWN}
    return judge_stack(RULE, *OPERATOR, Made(type=ROLE, name="role", properties=properties))


@pytest.mark.parametrize(
    ("principal", "actions", "more"),
    [
        (SAML, ("sts:AssumeRoleWithSAML", "sts:TagSession"), {}),
        (ACCOUNT, ("sts:AssumeRole", "sts:TagSession"), {}),
        (ACCOUNT, ("sts:*",), {}),
        (ACCOUNT, ("sts:TagSession",), {"Condition": {"StringLike": {"aws:RequestTag/Team": "*"}}}),
        (ACCOUNT, ("sts:TagSession",), {"Condition": {"StringLike": {f"aws:RequestTag/{KEY}": "i-*"}}}),
    ],
)
def test_trust_that_admits_the_tag_is_reported(principal: Any, actions: tuple[str, ...], more: Any) -> None:
    (said,) = judged(principal, *actions, **more).violations
    assert "sts:TagSession" in said


@pytest.mark.parametrize(
    ("principal", "actions", "more"),
    [
        (SAML, ("sts:AssumeRoleWithSAML",), {}),
        (ACCOUNT, ("sts:AssumeRole",), {}),
        ({"Service": "pods.eks.amazonaws.com"}, ("sts:AssumeRole", "sts:TagSession"), {}),
        (ACCOUNT, ("sts:TagSession",), {"Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": ["Team"]}}}),
    ],
)
def test_trust_without_the_tag_is_fine(principal: Any, actions: tuple[str, ...], more: Any) -> None:
    assert judged(principal, *actions, **more) == SILENT


def test_role_that_is_no_operators_is_fine() -> None:
    assert judged(ACCOUNT, "sts:*", name="Other") == SILENT
