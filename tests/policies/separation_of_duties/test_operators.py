import json
from collections.abc import Callable
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
from policies.separation_of_duties.operators import APPROVERS_NOT_OPERATORS as APPROVERS
from policies.separation_of_duties.operators import ENTITLEMENT
from policies.separation_of_duties.operators import OPERATOR_ROLES_OF_ONE_PERSON as ONE_PERSON
from policies.separation_of_duties.operators import OPERATOR_SESSIONS_NOT_TAGGED as NOT_TAGGED
from tests.policies.judging import SILENT, UNKNOWN, Judgment, Made, judge_stack
from tests.policies.separation_of_duties.documents import (
    DOCUMENT,
    approve,
    as_document,
    as_template,
    content,
    in_every_form,
    step,
    template,
)
from tests.policies.separation_of_duties.forms import OPERATOR, ROLE

ROLES_ACCOUNT = "111122223333"
ROOT = {"AWS": f"arn:aws:iam::{ROLES_ACCOUNT}:root"}
SHELL_USER = f"arn:aws:iam::{ROLES_ACCOUNT}:role{RESERVED_PATH}AWSReservedSSO_ShellUser_*"


def of(*users: str) -> list[dict[str, Any]]:
    place = WorkflowLocation(partition="aws", account_id=ROLES_ACCOUNT, region="eu-west-1")
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


def roles_judged(
    statements: list[dict[str, Any]], name: str = "Operator", path: str = "/", operators: tuple[str, ...] = ()
) -> Judgment:
    trust = json.dumps({"Version": "2012-10-17", "Statement": statements})
    properties = {"name": name, "path": path, "assumeRolePolicy": trust}
    properties |= {"inlinePolicies": UNKNOWN, "managedPolicyArns": UNKNOWN}
    return judge_stack(ONE_PERSON, *OPERATOR, Made(ROLE, "role", properties), operators=list(operators))


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
    (said,) = roles_judged(statements).violations
    assert "others than one person" in said


APPLICATION = "arn:aws:account-access:eu-west-1:111122223333:application/1234567890abcdef"


def entitled(**changes: Any) -> list[dict[str, Any]]:
    trust: Any = account_access_trust(APPLICATION)
    return [{**trust["Statement"][0], **changes}]


OLIVIA = trusting({"AWS": f"arn:aws:iam::{ROLES_ACCOUNT}:user/olivia"})
BELOW = {"name": "ShellOperator-1", "path": OPERATORS_PATH}


@pytest.mark.parametrize(
    ("statements", "place"),
    [
        (of("olivia"), {}),
        (of("olivia"), BELOW),
        (OLIVIA, {}),
        (trusting(ROOT, ArnLike={"aws:PrincipalArn": SHELL_USER}), {"name": "Other"}),
        (entitled(), BELOW),
    ],
)
def test_role_of_one_person_or_no_operator_is_fine(statements: list[dict[str, Any]], place: dict[str, str]) -> None:
    assert roles_judged(statements, **place) == SILENT


@pytest.mark.parametrize(
    ("statements", "place"),
    [
        (OLIVIA, BELOW),
        (entitled(), {}),
        (entitled(), {"name": "Other", "path": OPERATORS_PATH}),
        (entitled(), {"name": "ShellOperator-1", "operators": ("role/ShellOperator-1",)}),
        (entitled(Action="sts:*"), BELOW),
        (entitled(Condition={"StringEquals": {"aws:SourceAccount": ROLES_ACCOUNT}}), BELOW),
        ([*entitled(), {**entitled()[0], "Action": "sts:TagSession"}], BELOW),
        ([*entitled(), *trusting(ROOT)], BELOW),
    ],
)
def test_role_in_another_place_or_of_others_is_reported(
    statements: list[dict[str, Any]], place: dict[str, Any]
) -> None:
    assert roles_judged(statements, **place).violations


def entitlement(principal: Any, name: str = f"shell-access/operators/ShellOperator-{'1' * 8}") -> Judgment:
    role = {"principal": {"identityCenter": principal}, "roleArn": f"arn:aws:iam::{ROLES_ACCOUNT}:role/{name}"}
    properties = {"applicationArn": APPLICATION, "entitlement": {"principalRole": role}}
    return judge_stack(ONE_PERSON, *OPERATOR, Made(ENTITLEMENT, "entitlement", properties))


@pytest.mark.parametrize("principal", [{"groupId": "1" * 8}, {"userId": "2" * 8}])
def test_entitlement_of_another_principal_is_reported(principal: dict[str, str]) -> None:
    (said,) = entitlement(principal).violations
    assert "the user whose ID is in the name of the role" in said
    assert entitlement(principal, "Admin") == SILENT


def test_entitlement_of_the_person_is_fine() -> None:
    assert entitlement({"userId": "1" * 8}) == SILENT
    assert entitlement({"userId": UNKNOWN}).unseen


KEY = "SecurityAllowSessionInstance"
SAML = {"Federated": "arn:aws:iam::111122223333:saml-provider/idp"}
SESSIONS_ACCOUNT = {"AWS": "arn:aws:iam::111122223333:root"}


def sessions_judged(principal: Any, *actions: str, name: str = "Operator", **more: Any) -> Judgment:
    statement = {"Effect": "Allow", "Principal": principal, "Action": list(actions), **more}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    properties = {"name": name, "assumeRolePolicy": trust, "inlinePolicies": UNKNOWN, "managedPolicyArns": UNKNOWN}
    return judge_stack(NOT_TAGGED, *OPERATOR, Made(ROLE, "role", properties))


@pytest.mark.parametrize(
    ("principal", "actions", "more"),
    [
        (SAML, ("sts:AssumeRoleWithSAML", "sts:TagSession"), {}),
        (SESSIONS_ACCOUNT, ("sts:AssumeRole", "sts:TagSession"), {}),
        (SESSIONS_ACCOUNT, ("sts:*",), {}),
        (SESSIONS_ACCOUNT, ("sts:TagSession",), {"Condition": {"StringLike": {"aws:RequestTag/Team": "*"}}}),
        (SESSIONS_ACCOUNT, ("sts:TagSession",), {"Condition": {"StringLike": {f"aws:RequestTag/{KEY}": "i-*"}}}),
    ],
)
def test_trust_that_admits_the_tag_is_reported(principal: Any, actions: tuple[str, ...], more: Any) -> None:
    (said,) = sessions_judged(principal, *actions, **more).violations
    assert "sts:TagSession" in said


@pytest.mark.parametrize(
    ("principal", "actions", "more"),
    [
        (SAML, ("sts:AssumeRoleWithSAML",), {}),
        (SESSIONS_ACCOUNT, ("sts:AssumeRole",), {}),
        (SESSIONS_ACCOUNT, ("sts:*",), {"name": "Other"}),
        ({"Service": "pods.eks.amazonaws.com"}, ("sts:AssumeRole", "sts:TagSession"), {}),
        (
            SESSIONS_ACCOUNT,
            ("sts:TagSession",),
            {"Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": ["Team"]}}},
        ),
    ],
)
def test_trust_without_the_tag_is_fine(principal: Any, actions: tuple[str, ...], more: Any) -> None:
    assert sessions_judged(principal, *actions, **more) == SILENT


PLACE = "content.mainSteps.Ask.inputs.Approvers[0]"


def text(found: str, place: str = PLACE, type_: str = DOCUMENT) -> str:
    expected = "a principal that is not an operator"
    return f'{type_} "subject": {place}: found {found}, expected {expected}. {APPROVERS.remedy}.'


def arn(kind: str, name: str) -> str:
    return f"arn:aws:iam::111122223333:{kind}/{name}"


def asks(*approvers: str) -> dict[str, Any]:
    return content(approve(approvers=approvers))


@in_every_form
def test_operator_who_approves_is_refused(type_: str, carry: Callable[..., dict[str, Any]]) -> None:
    made = Made(type_, properties=carry(asks(arn("role", "Operator"))))
    assert judge_stack(APPROVERS, *OPERATOR, made).violations == [text("role/Operator", type_=type_)]


@pytest.mark.parametrize(
    ("approver", "count"),
    [
        (arn("role", "path/operator"), 1),
        ("arn:aws:sts::111122223333:assumed-role/Operator/session", 1),
        (arn("role", "OPERATOR"), 1),
        (arn("role", "Approver"), 0),
        (arn("user", "Operator"), 0),
        ("Operator", 0),
    ],
)
def test_operator_is_recognized_however_called(approver: str, count: int) -> None:
    found = judge_stack(APPROVERS, *OPERATOR, Made(DOCUMENT, properties=as_document(asks(approver))))
    assert (len(found.violations), found.unseen) == (count, [])


@pytest.mark.parametrize("kind", ["IamRole", "IamGroup", "IamUser"])
def test_approvers_of_a_template_count(kind: str) -> None:
    level = {"EnhancedApprovals": {"Approvers": [{"approver": "Operator", "type": kind}]}}
    made = Made(DOCUMENT, properties=as_template(template(mainSteps=[step("Ask", "aws:approve", inputs=level)])))
    found = judge_stack(APPROVERS, *OPERATOR, made).violations
    place = "content.mainSteps.Ask.inputs.EnhancedApprovals.Approvers[0]"
    assert found == ([text("role/Operator", place)] if kind == "IamRole" else [])


def test_configured_operators_count() -> None:
    made = Made(DOCUMENT, properties=as_document(asks("alice", arn("role", "Fine"))))
    assert judge_stack(APPROVERS, made, operators=["user/Alice"]).violations == [text("user/alice")]


def test_document_that_is_not_known_yet_is_reported_as_advice() -> None:
    late = Made(DOCUMENT, properties={"documentType": "Automation", "content": UNKNOWN})
    result = judge_stack(APPROVERS, *OPERATOR, late)
    assert (result.violations, len(result.unseen)) == ([], 1)
