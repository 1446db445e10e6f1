from __future__ import annotations

import json
from typing import Any

import pytest

from components.domain_controllers.operations.plan import plan_operations
from components.domain_controllers.settings import DomainControllersSection
from policies.domain_controllers.controller_no_secrets import ASSOCIATION, RULE, SECRET_VERSION
from policies.session_manager.session_documents import DOCUMENT
from tests.operations.verify.test_controller_operations import ALL
from tests.operations.verify.test_domain_controllers import REGION, SECTION
from tests.policies.domain_controllers.stacks import instance
from tests.policies.judging import SILENT, UNKNOWN, Made, judge_stack


def document(*lines: str, **change: Any) -> Made:
    step = {"action": "aws:runPowerShellScript", "name": "run", "inputs": {"runCommand": list(lines)}}
    content = json.dumps({"schemaVersion": "2.2", "mainSteps": [step]})
    return Made(type=DOCUMENT, name="document", properties={"documentType": "Command", "content": content, **change})


@pytest.mark.parametrize(
    "line",
    [
        "$p = ConvertTo-SecureString 'Correct horse' -AsPlainText -Force",
        '$p = ConvertTo-SecureString -AsPlainText -Force -String "Correct horse"',
        "$password = 'Correct horse'",
        "@{ SafeModeAdministratorPassword = 'Correct horse' }",
        "net user Administrator Correct-horse",
    ],
)
def test_password_as_text_is_reported(line: str) -> None:
    for made in (document(line), instance(userData=f"<powershell>{line}</powershell>")):
        (said,) = judge_stack(RULE, instance(), made).violations
        assert "a password as text" in said
        assert "orrect" not in said
    assert judge_stack(RULE, document(line)) == SILENT
    assert judge_stack(RULE, instance(), document(line, region="us-east-1")) == SILENT


@pytest.mark.parametrize(
    "line",
    [
        "$secret = (Get-SECSecretValue -SecretId 'arn:aws:secretsmanager:eu-west-1:1:secret:a').SecretString",
        "$options.Add('SafeModeAdministratorPassword', $restoreMode.Password)",
        "$password = $fields['password']",
        "net user Administrator /active:no",
    ],
)
def test_secret_that_is_read_at_run_time_is_accepted(line: str) -> None:
    assert judge_stack(RULE, instance(), document(line)) == SILENT


def test_own_documents_are_accepted() -> None:
    plan = plan_operations(DomainControllersSection.model_validate(SECTION | ALL), REGION)
    assert any(each.key.startswith("promotion") for each in plan.documents)
    made = [document(content=json.dumps(each.content)) for each in plan.documents]
    assert judge_stack(RULE, instance(), *made) == SILENT


@pytest.mark.parametrize(
    ("parameters", "is_reported"),
    [
        ({"AdministratorPassword": "Correct horse"}, True),
        ({"commands": ["ConvertTo-SecureString 'Correct horse' -AsPlainText -Force"]}, True),
        ({"AdministratorSecretArn": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:a-a1B2c3"}, False),
        ({"allowDowngrade": "false"}, False),
    ],
)
def test_parameter_with_a_password_is_reported(parameters: dict[str, Any], *, is_reported: bool) -> None:
    association = Made(type=ASSOCIATION, name="association", properties={"parameters": parameters})
    assert bool(judge_stack(RULE, instance(), association).violations) is is_reported


def test_secret_version_with_a_value_is_reported() -> None:
    version = Made(type=SECRET_VERSION, name="version", properties={"secretString": "Correct horse"})
    (said,) = judge_stack(RULE, instance(), version).violations
    assert "secretString" in said
    assert "orrect" not in said


def test_what_is_unknown_is_unseen() -> None:
    association = Made(type=ASSOCIATION, name="association", properties={"parameters": UNKNOWN})
    assert judge_stack(RULE, instance(), document(content=UNKNOWN)).unseen
    assert judge_stack(RULE, instance(), association).unseen


def test_user_data_that_the_provider_fills_in_is_accepted() -> None:
    assert judge_stack(RULE, instance(userData=UNKNOWN, userDataBase64=UNKNOWN)) == SILENT
