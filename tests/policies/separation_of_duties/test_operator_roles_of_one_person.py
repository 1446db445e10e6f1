import json
from typing import Any

import pytest

from components.approval.identity_center import (
    IdentityCenterOperators,
    OperatorPerson,
    account_access_trust,
    operator_trust,
)
from components.approval.names import OPERATORS_PATH, RESERVED_PATH, WorkflowLocation
from components.approval.settings import ApprovalSettings
from policies.separation_of_duties.operator_roles_of_one_person import ENTITLEMENT, RULE
from tests.policies.judging import SILENT, UNKNOWN, Judgment, Made, judge_stack
from tests.policies.separation_of_duties.forms import ROLE
from tests.policies.separation_of_duties.stacks import OPERATOR

ACCOUNT = "111122223333"
ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
SHELL_USER = f"arn:aws:iam::{ACCOUNT}:role{RESERVED_PATH}AWSReservedSSO_ShellUser_*"


def of(*users: str) -> list[dict[str, Any]]:
    place = WorkflowLocation(partition="aws", account_id=ACCOUNT, region="eu-west-1")
    settings = ApprovalSettings.model_validate({"identityCenter": {"permissionSet": "ShellUser"}})
    people = IdentityCenterOperators(reserved_path=RESERVED_PATH)
    found: list[dict[str, Any]] = []
    for each in users:
        trust: Any = operator_trust(settings, people, OperatorPerson(user_id="1", user_name=each), place)
        found += trust["Statement"]
    return found


def trusting(principal: Any, **condition: Any) -> list[dict[str, Any]]:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return [{**statement, "Condition": condition} if condition else statement]


def judged(
    statements: list[dict[str, Any]], name: str = "Operator", path: str = "/", operators: tuple[str, ...] = ()
) -> Judgment:
    trust = json.dumps({"Version": "2012-10-17", "Statement": statements})
    properties = {"name": name, "path": path, "assumeRolePolicy": trust}
    properties |= {"inlinePolicies": UNKNOWN, "managedPolicyArns": UNKNOWN}
    return judge_stack(RULE, *OPERATOR, Made(type=ROLE, name="role", properties=properties), operators=list(operators))


@pytest.mark.parametrize(
    "statements",
    [
        trusting(ROOT, ArnLike={"aws:PrincipalArn": SHELL_USER}),
        trusting({"AWS": SHELL_USER.replace("*", "0123456789abcdef")}),
        trusting(ROOT, ArnLike={"aws:PrincipalArn": SHELL_USER}, StringLike={"aws:userid": "*:oli*"}),
        of("olivia", "oscar"),
    ],
)
def test_role_of_several_people_is_reported(statements: list[dict[str, Any]]) -> None:
    (said,) = judged(statements).violations
    assert "others than one person" in said


def test_role_below_the_path_of_operators_is_of_one_person() -> None:
    user = trusting({"AWS": f"arn:aws:iam::{ACCOUNT}:user/olivia"})
    assert judged(user, "ShellOperator-1", OPERATORS_PATH).violations
    assert judged(of("olivia"), "ShellOperator-1", OPERATORS_PATH) == SILENT


def test_role_of_one_person_is_fine() -> None:
    assert judged(of("olivia")) == SILENT
    assert judged(trusting({"AWS": f"arn:aws:iam::{ACCOUNT}:user/olivia"})) == SILENT


def test_role_that_is_no_operators_is_fine() -> None:
    assert judged(trusting(ROOT, ArnLike={"aws:PrincipalArn": SHELL_USER}), name="Other") == SILENT


APPLICATION = "arn:aws:account-access:eu-west-1:111122223333:application/1234567890abcdef"


def entitled(**changes: Any) -> list[dict[str, Any]]:
    trust: Any = account_access_trust(APPLICATION)
    return [{**trust["Statement"][0], **changes}]


def test_role_of_an_entitled_person_is_fine_below_the_path_alone() -> None:
    assert judged(entitled(), "ShellOperator-1", OPERATORS_PATH) == SILENT
    for name, path in (("Operator", "/"), ("Other", OPERATORS_PATH)):
        assert judged(entitled(), name, path).violations
    assert judged(entitled(), "ShellOperator-1", "/", operators=("role/ShellOperator-1",)).violations


@pytest.mark.parametrize(
    "statements",
    [
        entitled(Action="sts:*"),
        entitled(Condition={"StringEquals": {"aws:SourceAccount": ACCOUNT}}),
        [*entitled(), {**entitled()[0], "Action": "sts:TagSession"}],
        [*entitled(), *trusting(ROOT)],
    ],
)
def test_role_that_admits_more_than_the_application_is_reported(statements: list[dict[str, Any]]) -> None:
    assert judged(statements, "ShellOperator-1", OPERATORS_PATH).violations


def entitlement(principal: Any, name: str = f"shell-access/operators/ShellOperator-{'1' * 8}") -> Judgment:
    role = {"principal": {"identityCenter": principal}, "roleArn": f"arn:aws:iam::{ACCOUNT}:role/{name}"}
    properties = {"applicationArn": APPLICATION, "entitlement": {"principalRole": role}}
    return judge_stack(RULE, *OPERATOR, Made(type=ENTITLEMENT, name="entitlement", properties=properties))


@pytest.mark.parametrize("principal", [{"groupId": "1" * 8}, {"userId": "2" * 8}])
def test_entitlement_of_another_principal_is_reported(principal: dict[str, str]) -> None:
    (said,) = entitlement(principal).violations
    assert "the user whose ID is in the name of the role" in said
    assert entitlement(principal, "Admin") == SILENT


def test_entitlement_of_the_person_is_fine() -> None:
    assert entitlement({"userId": "1" * 8}) == SILENT
    assert entitlement({"userId": UNKNOWN}).unseen
