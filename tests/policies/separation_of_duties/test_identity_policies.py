import json
from typing import Any

import pytest

from policies.separation_of_duties.identity_policies import IDENTITY_POLICY_READABLE
from tests.policies.judging import SILENT, UNKNOWN, Form, judge, violations
from tests.policies.separation_of_duties.forms import allow, document


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param("{", id="no JSON"),
        pytest.param("[]", id="a list"),
        pytest.param('{"Statement": {"Effect": "Deny", "Effect": "Allow"}}', id="a key twice"),
        pytest.param('{"Statement": [], "Statement": []}', id="two lists of statements"),
        pytest.param('{"Statement": ["x"]}', id="no statement"),
        pytest.param('{"Statement": {"Effect": "Perhaps"}}', id="no effect"),
        pytest.param('{"Statement": {"Effect": "Allow", "action": "ssm:*", "Resource": "*"}}', id="another case"),
        pytest.param({"Statement": [{"Effect": "Allow", "Condition": "x"}]}, id="no condition"),
        pytest.param(None, id="left out"),
    ],
)
def test_what_cannot_be_read_is_refused(form: Form, policy: Any) -> None:
    assert violations(IDENTITY_POLICY_READABLE, form.type, form.carry(policy)) == [
        (
            f'{form.type} "subject": {form.path}: found text that cannot be read, expected a policy document. '
            f"{IDENTITY_POLICY_READABLE.remedy}."
        )
    ]


@pytest.mark.parametrize("policy", [json.dumps(document(allow("s3:*"))), document(allow("s3:*")), UNKNOWN])
def test_what_can_be_read_is_fine(form: Form, policy: Any) -> None:
    assert judge(IDENTITY_POLICY_READABLE, form.type, form.carry(policy)) == SILENT


def test_text_is_not_repeated_as_it_may_hold_anything(form: Form) -> None:
    assert "hunter2" not in violations(IDENTITY_POLICY_READABLE, form.type, form.carry("password: hunter2"))[0]
