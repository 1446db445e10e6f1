from typing import Any

import pytest

from policies.session_manager.session_preferences_encrypt_data import RULE
from tests.policies.judging import SILENT, UNKNOWN, Form, judge, violations
from tests.policies.session_manager.forms import COMPLIANT, OWN

REMEDY = "Set kmsKeyId (here: shell-access:sessionManager.sessionDataEncryption to true) in the preferences themselves."


@pytest.mark.parametrize(
    ("key", "found"),
    [
        pytest.param("", '""', id="empty"),
        pytest.param(" ", '" "', id="blank"),
        pytest.param(None, "no value", id="left out"),
        pytest.param("{{ key }}", '"{{ key }}"', id="chosen by the caller"),
        pytest.param(True, "true", id="a switch"),
    ],
)
def test_preferences_without_a_key_of_their_own_are_refused(form: Form, key: Any, found: str) -> None:
    assert violations(RULE, form.type, form.carry(COMPLIANT | {"kmsKeyId": key})) == [
        f'{form.type} "subject": {form.path}kmsKeyId: found {found}, expected the ID or ARN of a KMS key. {REMEDY}'
    ]


def test_key_that_the_account_holds_in_a_parameter_counts(form: Form) -> None:
    assert judge(RULE, form.type, form.carry(COMPLIANT | {"kmsKeyId": "{{ssm:/session-key}}"})) == SILENT


def test_key_of_the_same_stack_counts_before_it_is_made() -> None:
    assert judge(RULE, OWN, COMPLIANT | {"kmsKeyId": UNKNOWN}) == SILENT
