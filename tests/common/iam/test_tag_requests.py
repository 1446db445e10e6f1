"""Permission to set a tag, with good and bad members of each kind of condition."""

from collections.abc import Mapping
from typing import Any

import pytest

from common.iam.choices import Choice, any_value
from common.iam.context import ABSENT, Known, RequestContext, known
from common.iam.documents import parse
from common.iam.evaluation import Permissions, Target
from common.iam.tag_requests import tag_grants, tag_requests

TAG = "SecurityAllowSessionInstance"
ROLE = Target(("arn:aws:iam::111122223333:role/operators/one",))


class Caller:
    """A caller with the tag `Team: red` and no other, who chooses everything else."""

    def __init__(self, given: Mapping[str, tuple[Choice, ...]]) -> None:
        self._given = given

    def choices(self, key: str, mentioned: tuple[str, ...]) -> tuple[Choice, ...]:
        prefix = f"{key.partition('/')[0]}/"
        if key == "aws:principaltag/team":
            return (Choice(known("red")),)
        if prefix == "aws:principaltag/":
            return (Choice(ABSENT),)
        return self._given.get(key) or self._given.get(prefix) or any_value(mentioned)


def outcome(*conditions: Any, action: str = "iam:TagRole", denied: Any = None) -> str:
    statements = [{"Effect": "Allow", "Action": action, "Resource": "*", "Condition": each} for each in conditions]
    if denied is not None:
        statements.append({"Effect": "Deny", "Action": action, "Resource": "*", "Condition": denied})
    permissions = Permissions(identity=(parse({"Version": "2012-10-17", "Statement": statements}),))
    context = RequestContext({"aws:principaltag/team": known("red")}, {"aws:principaltag/": ABSENT})
    found = tag_grants(permissions, action, ROLE, TAG, Caller, context=context)
    return "no" if not found else "yes" if any(each.certain for each in found) else "perhaps"


SETS: list[tuple[str, Any]] = [
    ("yes", {}),
    ("yes", {"StringEquals": {"aws:RequestTag/CostCenter": "1234"}}),
    ("yes", {"StringLike": {"aws:RequestTag/CostCenter": "*"}}),
    ("yes", {"StringLike": {"aws:RequestTag/CostCenter": "12?4"}}),
    ("yes", {"Null": {"aws:RequestTag/CostCenter": "false"}}),
    ("yes", {"StringNotEquals": {"aws:RequestTag/CostCenter": "1234"}}),
    ("yes", {"ForAnyValue:StringEquals": {"aws:TagKeys": ["CostCenter", "Team"]}}),
    ("yes", {"ForAnyValue:StringLike": {"aws:TagKeys": ["Cost*"]}}),
    (
        "yes",
        {
            "ForAnyValue:StringEquals": {"aws:TagKeys": "CostCenter"},
            "StringEquals": {"aws:RequestTag/CostCenter": ["1", "2"], "aws:RequestTag/Team": "blue"},
        },
    ),
    ("yes", {"StringEquals": {"aws:RequestTag/Team": "${aws:PrincipalTag/Team}"}}),
    ("yes", {"StringLike": {"aws:RequestTag/Team": "${aws:PrincipalTag/Team}-*"}}),
    ("yes", {"ForAllValues:StringEquals": {"aws:TagKeys": ["CostCenter", TAG]}}),
    ("yes", {"StringLike": {f"aws:RequestTag/{TAG}": "i-*"}}),
    ("yes", {"StringEquals": {f"aws:RequestTag/{TAG.lower()}": "i-0123456789abcdef0"}}),
    ("yes", {"ForAllValues:StringEquals": {"aws:TagKeys": ["CostCenter", TAG.lower()]}}),
    ("perhaps", {"StringEquals": {"aws:TagKeys": "CostCenter"}}),
    ("no", {"ForAllValues:StringEquals": {"aws:TagKeys": ["CostCenter", "Team"]}}),
    ("no", {"ForAllValues:StringLike": {"aws:TagKeys": ["Cost*"]}}),
    ("no", {"Null": {f"aws:RequestTag/{TAG}": "true"}, "Bool": {"aws:SecureTransport": "true"}}),
    ("no", {"StringEquals": {"aws:RequestTag/Team": "${aws:PrincipalTag/Department}"}}),
    ("no", {"Null": {"aws:TagKeys": "true"}}),
    (
        "no",
        {
            "StringEquals": {"aws:RequestTag/CostCenter": "1"},
            "ForAllValues:StringEquals": {"aws:TagKeys": ["CostCenter"]},
        },
    ),
]


@pytest.mark.parametrize(("expected", "condition"), SETS)
def test_tag_grants_for_each_condition(expected: str, condition: Any) -> None:
    assert outcome(condition) == expected


def test_tag_grants_deny_on_the_key_in_any_case_is_no() -> None:
    denied = {"ForAnyValue:StringEqualsIgnoreCase": {"aws:TagKeys": TAG}}
    assert outcome({}, denied=denied) == "no"
    assert outcome({}, denied={"ForAnyValue:StringEquals": {"aws:TagKeys": TAG}}) == "perhaps"
    assert outcome({}, denied={"StringEquals": {"aws:RequestTag/CostCenter": "1"}}) == "yes"


def test_tag_grants_removal_has_no_values() -> None:
    assert outcome({}, action="iam:UntagRole") == "yes"
    assert outcome({"ForAnyValue:StringEquals": {"aws:TagKeys": "Team"}}, action="iam:UntagRole") == "yes"
    assert outcome({"StringEquals": {"aws:RequestTag/Team": "red"}}, action="iam:UntagRole") == "no"
    assert outcome({"ForAllValues:StringEquals": {"aws:TagKeys": "Team"}}, action="iam:UntagRole") == "no"


def test_tag_requests_many_companions_stay_few() -> None:
    condition = {"StringEquals": {f"aws:RequestTag/Key{number}": ["1", "2", "3"] for number in range(12)}}
    statement = {"Effect": "Allow", "Action": "iam:TagRole", "Resource": "*", "Condition": condition}
    policy = parse({"Version": "2012-10-17", "Statement": statement})
    assert len(tag_requests(TAG, "iam:TagRole", policy.statements)) <= 10
    assert outcome(condition) == "yes"


def test_tag_request_keys_list_all_its_tags() -> None:
    condition = {"StringEquals": {"aws:RequestTag/CostCenter": "1"}}
    statement = {"Effect": "Allow", "Action": "iam:TagRole", "Resource": "*", "Condition": condition}
    policy = parse({"Version": "2012-10-17", "Statement": statement})
    requests = tag_requests(TAG, "iam:TagRole", policy.statements)
    both = next(each for each in requests if each.tags.get("costcenter") == "1" and each.certain)
    keys = both.keys()
    assert keys["aws:tagkeys"][0].value == Known((TAG, "costcenter"), many=True)
    assert keys["aws:requesttag/costcenter"][0].value == known("1")
    assert keys["aws:requesttag/"][0].value == ABSENT
