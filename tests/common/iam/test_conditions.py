"""Operators, set operators and absent keys, as the IAM User Guide defines them."""

from typing import Any

import pytest

from common.iam.conditions import hold
from common.iam.context import ABSENT, UNKNOWN, Known, RequestContext, Value, known
from common.iam.documents import parse
from common.iam.truth import Truth

YES, NO, MAYBE = Truth.YES, Truth.NO, Truth.UNKNOWN
TWO = Known(("a", "b"), many=True)
NONE = Known((), many=True)


def truth_of(condition: Any, context: RequestContext) -> Truth:
    policy = parse({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Condition": condition}})
    return hold(policy.statements[0], context)


CASES: list[tuple[str, Any, Value, Truth]] = [
    ("StringEquals", "a", known("a"), YES),
    ("StringEquals", "A", known("a"), NO),
    ("StringEquals", ["b", "a"], known("a"), YES),
    ("StringEquals", "*", known("a"), NO),
    ("StringEquals", "a", ABSENT, NO),
    ("StringEquals", "a", UNKNOWN, MAYBE),
    ("StringEqualsIfExists", "a", ABSENT, YES),
    ("StringEqualsIfExists", "a", known("b"), NO),
    ("StringNotEquals", ["b", "a"], known("a"), NO),
    ("StringNotEquals", ["b", "c"], known("a"), YES),
    ("StringNotEquals", "a", ABSENT, YES),
    ("StringEqualsIgnoreCase", "A", known("a"), YES),
    ("StringNotEqualsIgnoreCase", "A", known("a"), NO),
    ("StringLike", "a*", known("abc"), YES),
    ("StringNotLike", "a*", known("abc"), NO),
    ("Bool", "true", known("true"), YES),
    ("Bool", True, known("true"), YES),
    ("Bool", "false", ABSENT, NO),
    ("BoolIfExists", "false", ABSENT, YES),
    ("Null", "true", ABSENT, YES),
    ("Null", "false", ABSENT, NO),
    ("Null", True, known("a"), NO),
    ("Null", "false", known("a"), YES),
    ("Null", "false", UNKNOWN, MAYBE),
    ("NumericLessThan", "10", known("9"), YES),
    ("NumericLessThan", "10", known("10"), NO),
    ("NumericLessThanEquals", 10, known("10"), YES),
    ("NumericGreaterThan", "10", known("x"), MAYBE),
    ("NumericNotEquals", "10", known("9"), YES),
    ("DateGreaterThan", "2026-01-01T00:00:00Z", known("2026-06-01T00:00:00Z"), YES),
    ("DateLessThan", "2026-01-01T00:00:00Z", known("2026-06-01T00:00:00Z"), NO),
    ("DateLessThan", "1767225600", known("2025-06-01T00:00:00Z"), YES),
    ("IpAddress", "10.0.0.0/8", known("10.1.2.3"), YES),
    ("NotIpAddress", "10.0.0.0/8", known("10.1.2.3"), NO),
    ("IpAddress", "10.0.0.0/8", known("2001:db8::1"), NO),
    ("ArnLike", "arn:aws:iam::*:role/a*", known("arn:aws:iam::1:role/ab"), YES),
    ("ArnEquals", "arn:aws:iam::*:role/ab", known("arn:aws:iam::1:role/ab"), YES),
    ("ArnLike", "arn:aws:*:role/ab", known("arn:aws:iam::1:role/ab"), MAYBE),
    ("ArnLike", "arn:aws:*:role/x", known("arn:aws:iam::1:role/ab"), NO),
    ("ArnLike", "*", known("arn:aws:iam::1:role/ab"), YES),
    ("ArnNotLike", "arn:aws:iam::1:role/*", known("arn:aws:iam::1:role/ab"), NO),
    ("ForAllValues:StringEquals", ["a", "b", "c"], TWO, YES),
    ("ForAllValues:StringEquals", ["a"], TWO, NO),
    ("ForAllValues:StringEquals", ["a"], ABSENT, YES),
    ("ForAllValues:StringEquals", ["a"], NONE, YES),
    ("ForAnyValue:StringEquals", ["a"], TWO, YES),
    ("ForAnyValue:StringEquals", ["c"], TWO, NO),
    ("ForAnyValue:StringEquals", ["a"], ABSENT, NO),
    ("ForAnyValue:StringNotEquals", ["a"], TWO, YES),
    ("ForAnyValue:StringNotEquals", ["a"], ABSENT, NO),
    ("ForAllValues:StringNotEquals", ["a"], TWO, NO),
    ("StringEquals", "a", TWO, MAYBE),
    ("StringNotEquals", "a", TWO, MAYBE),
    ("SomethingNew", "a", known("a"), MAYBE),
    ("ForEveryValue:StringEquals", "a", known("a"), MAYBE),
]


@pytest.mark.parametrize(("operator", "values", "value", "expected"), CASES)
def test_operator(operator: str, values: Any, value: Value, expected: Truth) -> None:
    assert truth_of({operator: {"aws:Key": values}}, RequestContext({"aws:key": value})) is expected


def test_all_conditions_must_hold() -> None:
    both = {"StringEquals": {"aws:a": "x", "aws:b": "y"}}
    assert truth_of(both, RequestContext({"aws:a": known("x"), "aws:b": known("y")})) is YES
    assert truth_of(both, RequestContext({"aws:a": known("x"), "aws:b": UNKNOWN})) is MAYBE
    assert truth_of(both, RequestContext({"aws:a": known("z"), "aws:b": UNKNOWN})) is NO


def test_whole_internet_is_no_limit() -> None:
    nothing = RequestContext()
    assert truth_of({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}, nothing) is YES
    assert truth_of({"IpAddress": {"aws:SourceIp": ["0.0.0.0/1", "128.0.0.0/1"]}}, nothing) is YES
    assert truth_of({"NotIpAddress": {"aws:SourceIp": "0.0.0.0/0"}}, nothing) is NO
    assert truth_of({"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}, nothing) is MAYBE


def test_variables_in_values() -> None:
    same = {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}

    def context(team: Value) -> RequestContext:
        return RequestContext({"aws:resourcetag/team": known("red"), "aws:principaltag/team": team})

    assert truth_of(same, context(known("red"))) is YES
    assert truth_of(same, context(known("*"))) is NO
    assert truth_of(same, context(ABSENT)) is NO
    assert truth_of(same, context(UNKNOWN)) is MAYBE
    default = {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team, 'red'}"}}
    assert truth_of(default, context(ABSENT)) is YES


def test_key_with_several_values_needs_a_set_operator() -> None:
    assert truth_of({"StringNotEquals": {"aws:TagKeys": "a"}}, RequestContext({"aws:tagkeys": known("b")})) is MAYBE
