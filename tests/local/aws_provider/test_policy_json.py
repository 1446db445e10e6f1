"""When two IAM policies mean the same (Terraform AWS provider: policy equivalence)."""

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.aws_provider import policy_json
from operations.verify.policies import policy_differences

words = st.lists(st.sampled_from(["s3:GetObject", "s3:PutObject", "ssm:StartSession", "kms:*"]), min_size=1, max_size=3)
statements = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Deny"]), "Action": words, "Resource": words},
    optional={
        "Sid": st.sampled_from(["one", "two"]),
        "Condition": st.fixed_dictionaries({"StringLike": st.fixed_dictionaries({"aws:PrincipalTag/x": words})}),
        "Principal": st.fixed_dictionaries({"AWS": words}),
    },
)
policies = st.fixed_dictionaries(
    {"Version": st.just("2012-10-17"), "Statement": st.lists(statements, min_size=1, max_size=4)}
)


def shuffled(value: Any, rng: random.Random) -> Any:
    """The same policy as another writer would write it."""
    if isinstance(value, dict):
        items = [(key, shuffled(item, rng)) for key, item in value.items()]
        rng.shuffle(items)
        return dict(items)
    if isinstance(value, list):
        items = [shuffled(item, rng) for item in value]
        rng.shuffle(items)
        return items[0] if len(items) == 1 and isinstance(items[0], str) else items
    return value


@given(policies, st.randoms(use_true_random=False))
def test_order_and_scalars_for_single_items_do_not_matter(policy: dict[str, Any], rng: random.Random) -> None:
    other = json.dumps(shuffled(policy, rng), indent=3)
    assert policy_json.same_policy(json.dumps(policy), other)
    assert policy_json.same_policy(other, json.dumps(policy))


@given(policies, policies, st.randoms(use_true_random=False))
def test_equal_policies_have_no_differences_for_verify(one: Any, two: Any, rng: random.Random) -> None:
    for other in (shuffled(one, rng), two):
        if policy_json.same_policy(json.dumps(one), json.dumps(other)):
            assert policy_differences(one, other) == []


@given(policies, policies)
def test_equivalence_is_symmetric_and_blind_to_normal_form(one: Any, two: Any) -> None:
    first, second = json.dumps(one), json.dumps(two)
    same = policy_json.same_policy(first, second)
    assert policy_json.same_policy(second, first) == same
    assert policy_json.same_policy(policy_json.normal_form(first), second) == same


@given(policies)
def test_dropped_statement_is_a_difference(policy: dict[str, Any]) -> None:
    shorter = {**policy, "Statement": policy["Statement"][1:]}
    assert not policy_json.same_policy(json.dumps(policy), json.dumps(shorter))


def policy(**statement: Any) -> Any:
    base = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [{**base, **statement}]})


root = "arn:aws:iam::123456789012:root"
cases = [
    ("effect is case-insensitive", {"Effect": "allow"}, {}, True),
    ("actions are case-sensitive", {"Action": "S3:GetObject"}, {}, False),
    ("duplicate actions count", {"Action": ["s3:GetObject", "s3:GetObject"]}, {}, False),
    ("sid is compared", {"Sid": "x"}, {}, False),
    ("account and its root", {"Principal": {"AWS": root}}, {"Principal": {"AWS": "123456789012"}}, True),
    ("everyone differs from every AWS", {"Principal": "*"}, {"Principal": {"AWS": "*"}}, False),
    ("empty principals are ignored", {"Principal": {"AWS": []}}, {}, True),
    (
        "booleans are their text",
        {"Condition": {"Bool": {"aws:SecureTransport": True}}},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        True,
    ),
    (
        "condition values are a set",
        {"Condition": {"StringEquals": {"a": ["x", "y", "x"]}}},
        {"Condition": {"StringEquals": {"a": ["y", "x"]}}},
        True,
    ),
    (
        "condition keys are case-sensitive",
        {"Condition": {"StringEquals": {"aws:a": "x"}}},
        {"Condition": {"StringEquals": {"aws:A": "x"}}},
        False,
    ),
]


@pytest.mark.parametrize(("one", "two", "same"), [case[1:] for case in cases], ids=[case[0] for case in cases])
def test_equivalence_of_single_statements(one: dict[str, Any], two: dict[str, Any], *, same: bool) -> None:
    assert policy_json.same_policy(policy(**one), policy(**two)) is same


def test_text_that_is_no_json_equals_only_itself() -> None:
    assert policy_json.same_policy("{", "{")
    assert not policy_json.same_policy("{", "{ ")


def test_normal_form_is_compact_with_sorted_keys() -> None:
    assert policy_json.normal_form('{"b": 1,\n "a": [2, 1]}') == '{"a":[2,1],"b":1}'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[]", "JSON array"),
        ('"{}"', "JSON-encoded string"),
        ("file://policy.json", "file name"),
        ("", "empty"),
        ("nonsense", "leading characters"),
        ('{"Version": "1", "Version": "2"}', "duplicate JSON keys"),
        ('{"Version": ', "invalid JSON policy"),
    ],
)
def test_iam_refuses_what_is_no_policy(text: str, reason: str) -> None:
    assert reason in (policy_json.iam_policy(text) or "")


def test_iam_takes_leading_blanks() -> None:
    assert policy_json.iam_policy('  {"Version": "2012-10-17"}') is None


def test_shuffling_really_shuffles() -> None:
    assert str(shuffled(json.loads(policy()), random.Random(3))) != str(json.loads(policy()))
