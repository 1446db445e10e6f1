import json
from typing import Any

import pytest

from common.iam.context import ABSENT, RequestContext, known
from common.iam.documents import DocumentError, parse
from common.iam.variables import Expanded, expand, names_in


def only(statement: dict[str, Any], **more: Any) -> Any:
    return parse({"Version": "2012-10-17", "Statement": statement, **more}).statements[0]


def test_single_values_are_lists_of_one() -> None:
    statement = only({"Sid": "One", "Effect": "Allow", "Action": "a:B", "Resource": "x"})
    assert (statement.actions, statement.resources, statement.sid, statement.index) == (("a:B",), ("x",), "One", 0)


def test_text_is_read_as_json() -> None:
    written = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "NotAction": ["a:B"], "Resource": "*"}]}
    )
    (statement,) = parse(written).statements
    assert (statement.allows, statement.covers("a:B"), statement.covers("a:C")) == (False, False, True)


def test_conditions_keep_how_they_are_written() -> None:
    given = {"ForAnyValue:StringLikeIfExists": {"aws:TagKeys": ["a", True, 1]}}
    (condition,) = only({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": given}).conditions
    assert (condition.over, condition.operator, condition.if_exists) == ("foranyvalue", "stringlike", True)
    assert condition.values == ("a", "true", "1")
    assert condition.text == 'ForAnyValue:StringLikeIfExists aws:TagKeys ["a", true, 1]'


@pytest.mark.parametrize("version", [None, "2008-10-17"])
def test_variables_are_text_before_2012(version: str | None) -> None:
    given: dict[str, Any] = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "${aws:username}"}]}
    assert not parse({**given, **({"Version": version} if version else {})}).statements[0].variables


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "not JSON"),
        ([], "expected an object with Version and Statement"),
        ({"Statement": ["x"]}, "mine, statement 0: expected an object, got 'x'"),
        ({"Statement": [{"Effect": "allow"}]}, "expected Effect Allow or Deny, got 'allow'"),
        ({"Statement": [{"Effect": "Allow", "Condition": "x"}]}, "expected an object as Condition, got 'x'"),
        (
            {"Statement": [{"Effect": "Allow", "Condition": {"Bool": "x"}}]},
            "expected an object as Condition.Bool, got 'x'",
        ),
    ],
)
def test_what_is_no_policy_is_said(document: Any, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        parse(document, name="mine")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a${aws:username}b", Expanded("aalb")),
        ("${AWS:UserName}", Expanded("al")),
        ("${aws:PrincipalTag/none}", Expanded(None)),
        ("${aws:PrincipalTag/none, 'x y'}", Expanded("x y")),
        ("${aws:username, 'x'}", Expanded("al")),
        ("${aws:PrincipalTag/none, '*'}", Expanded("*", doubtful=True)),
        ("${aws:SourceVpc}/a", Expanded("*/a", doubtful=True)),
        ("${*}${?}${$}", Expanded("\ue02a\ue03f$")),
        ("${aws:PrincipalTag/star}", Expanded("\ue02a")),
        ("plain*", Expanded("plain*")),
    ],
)
def test_variables(text: str, expected: Expanded) -> None:
    values = {"aws:username": known("al"), "aws:principaltag/none": ABSENT, "aws:principaltag/star": known("*")}
    assert expand(text, RequestContext(values)) == expected


def test_names_of_variables() -> None:
    assert names_in("${aws:PrincipalTag/A, 'x'}-${*}-${aws:userid}") == ("aws:principaltag/a", "aws:userid")
