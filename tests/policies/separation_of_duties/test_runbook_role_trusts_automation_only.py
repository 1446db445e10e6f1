import json
from typing import Any

import pytest

from policies.separation_of_duties.runbook_role_trusts_automation_only import RULE
from tests.policies.judging import SILENT, UNKNOWN, judge, violations

ROLE = "aws:iam/role:Role"
NAME = "SsmSessionControlChangeMangerRole"


def role(principal: Any, name: Any = NAME, **more: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}
    return {"name": name, "assumeRolePolicy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}


@pytest.mark.parametrize(
    "principal",
    [
        {"AWS": "arn:aws:iam::111122223333:root"},
        {"AWS": "arn:aws:iam::111122223333:user/alice", "Service": "ssm.amazonaws.com"},
        {"Service": ["ssm.amazonaws.com", "ec2.amazonaws.com"]},
        {"Service": "lambda.amazonaws.com"},
        {"Federated": "arn:aws:iam::111122223333:saml-provider/idp"},
        "*",
    ],
)
def test_another_principal_is_reported(principal: Any) -> None:
    assert len(violations(RULE, ROLE, role(principal))) == 1
    assert len(violations(RULE, ROLE, role(principal, NAME.lower()))) == 1


@pytest.mark.parametrize("name", ["Other", NAME + "2", None])
def test_role_of_another_name_is_fine(name: Any) -> None:
    assert judge(RULE, ROLE, role({"AWS": "*"}, name)) == SILENT


def test_automation_is_fine() -> None:
    assert judge(RULE, ROLE, role({"Service": "ssm.amazonaws.com"})) == SILENT


def test_what_is_not_known_yet_is_unseen() -> None:
    assert judge(RULE, ROLE, role({"AWS": "*"}, UNKNOWN)).unseen
    assert judge(RULE, ROLE, role({"Service": "ssm.amazonaws.com"}, UNKNOWN)) == SILENT
    assert judge(RULE, ROLE, {"name": NAME, "assumeRolePolicy": UNKNOWN}).unseen


def test_roles_are_configurable() -> None:
    assert len(violations(RULE, ROLE, role({"AWS": "*"}, "Grant-eu"), runbookRoles=["role/Grant-*"])) == 1
