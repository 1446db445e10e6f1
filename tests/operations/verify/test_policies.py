"""Two policies are compared by what they mean."""

import copy
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.session_manager.instance_policy import instance_policy
from components.session_manager.settings import SessionManagerSettings
from operations.verify.policies import policy_differences

POLICY: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {"Sid": "Read", "Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "*"},
        {
            "Sid": "Use",
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": ["arn:b", "arn:a"],
            "Condition": {"Null": {"kms:ResourceAliases": "false"}},
        },
    ],
}


def changed(statement: int, **elements: Any) -> dict[str, Any]:
    policy = copy.deepcopy(POLICY)
    policy["Statement"][statement] |= elements
    return policy


settings = st.builds(
    SessionManagerSettings,
    s3_logging=st.booleans(),
    s3_bucket_name=st.just("logs"),
    session_data_encryption=st.booleans(),
    s3_bucket_owner=st.sampled_from(["", "210987654321"]),
)


@given(st.dictionaries(st.sampled_from(["eu-west-1", "us-east-1"]), settings, min_size=1), st.randoms())
def test_policy_in_another_spelling_has_no_differences(
    by_region: dict[str, SessionManagerSettings], random: Random
) -> None:
    policy = instance_policy(by_region, partition="aws", account_id="123456789012")
    assert policy
    other = copy.deepcopy(policy)
    random.shuffle(other["Statement"])
    for statement in other["Statement"]:
        del statement["Sid"]
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        statement["Action"] = [action.upper() for action in reversed(actions)]
        statement["Resource"] = (
            [statement["Resource"]] if isinstance(statement["Resource"], str) else statement["Resource"]
        )
    assert policy_differences(policy, other) == []


@pytest.mark.parametrize(
    "other",
    [
        changed(0, Action=["S3:LISTBUCKET", "s3:GetObject"]),
        changed(0, Resource=["*"]),
        changed(1, Condition={"null": {"KMS:resourcealiases": [False]}}),
        changed(1, Sid="Other"),
        POLICY | {"Statement": list(reversed(POLICY["Statement"]))},
        POLICY | {"Id": "x"},
    ],
    ids=["case", "list", "condition", "sid", "order", "id"],
)
def test_equivalent_policies_have_no_differences(other: dict[str, Any]) -> None:
    assert policy_differences(POLICY, other) == []


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (changed(0, Action="s3:*"), ['Read.Action: ["s3:GetObject", "s3:ListBucket"] expected, "s3:*" found']),
        (changed(0, Effect="Deny"), ['Read.Effect: "Allow" expected, "Deny" found']),
        (changed(0, Resource="arn:A"), ['Read.Resource: "*" expected, "arn:A" found']),
        (changed(1, Resource=["arn:a"]), ['Use.Resource: ["arn:b", "arn:a"] expected, ["arn:a"] found']),
        (
            changed(1, Condition={"Null": {"kms:ResourceAliases": "true"}}),
            [
                (
                    'Use.Condition: {"Null": {"kms:ResourceAliases": "false"}} expected, '
                    '{"Null": {"kms:ResourceAliases": "true"}} found'
                )
            ],
        ),
        (
            changed(0, Condition={"Bool": {"aws:SecureTransport": "true"}}),
            ['Read.Condition: nothing expected, {"Bool": {"aws:SecureTransport": "true"}} found'],
        ),
        (POLICY | {"Statement": POLICY["Statement"][:1]}, ["statement Use is missing"]),
        (POLICY | {"Statement": POLICY["Statement"][0]}, ["statement Use is missing"]),
        (
            POLICY | {"Statement": [*POLICY["Statement"], {"Effect": "Allow", "Action": "*", "Resource": "*"}]},
            ['statement {"Effect": "Allow", "Action": "*", "Resource": "*"} is unexpected'],
        ),
        (POLICY | {"Version": "2008-10-17"}, ['Version: "2012-10-17" expected, "2008-10-17" found']),
    ],
)
def test_each_difference_is_named(other: dict[str, Any], said: list[str]) -> None:
    assert policy_differences(POLICY, other) == said


def with_principal(principal: Any, **more: Any) -> dict[str, Any]:
    statement = {"Effect": "Deny", "Principal": principal, "Action": "sns:Publish", "Resource": "*", **more}
    return {"Version": "2012-10-17", "Statement": [statement]}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"Service": "ssm.amazonaws.com"}, {"Service": ["ssm.amazonaws.com"]}, True),
        ("*", {"AWS": "*"}, True),
        ({"AWS": "123456789012"}, {"AWS": ["arn:aws:iam::123456789012:root"]}, True),
        ({"AWS": "a", "Service": "b"}, {"Service": "b", "AWS": "a"}, True),
        ({"AWS": "123456789012"}, {"AWS": "210987654321"}, False),
        ({"AWS": "123456789012"}, {"AWS": "arn:aws:iam::123456789012:user/anton"}, False),
        ({"AWS": "123456789012"}, {"AWS": ["123456789012", "*"]}, False),
        ({"Service": "*"}, "*", False),
    ],
)
def test_principal_in_another_spelling_is_the_same(one: Any, other: Any, *, same: bool) -> None:
    assert bool(policy_differences(with_principal(one), with_principal(other))) is not same


def test_operator_repeated_in_another_case_differs() -> None:
    """Both operators hold at once, so that a Deny with a second one denies less."""
    wanted = {"StringEquals": {"aws:TagKeys": "a"}}
    narrowed = {"stringequals": {"aws:TagKeys": "never"}, **wanted}
    assert policy_differences(with_principal("*", Condition=wanted), with_principal("*", Condition=narrowed))
    assert policy_differences(
        with_principal("*", Condition=wanted),
        with_principal("*", Condition={"StringEquals": {"aws:TagKeys": "a", "AWS:TagKeys": "never"}}),
    )
