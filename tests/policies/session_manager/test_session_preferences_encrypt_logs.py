from typing import Any

import pytest

from policies.session_manager.session_preferences_encrypt_logs import RULE
from tests.policies.judging import SILENT, UNKNOWN, Form, judge, violations
from tests.policies.session_manager.forms import COMPLIANT, OWN

REMEDY = (
    "Set s3EncryptionEnabled and cloudWatchEncryptionEnabled (here: shell-access:sessionManager.s3EncryptionEnabled "
    "and .cwEncryptionEnabled) to true for each log destination."
)


def text(form: Form, switch: str, found: str, target: str) -> str:
    return (
        f'{form.type} "subject": {form.path}{switch}: found {found}, expected true, as {target} names a log. {REMEDY}'
    )


PLACES = pytest.mark.parametrize(
    ("target", "switch"),
    [("s3BucketName", "s3EncryptionEnabled"), ("cloudWatchLogGroupName", "cloudWatchEncryptionEnabled")],
)


@PLACES
@pytest.mark.parametrize(
    ("value", "found"),
    [
        pytest.param(False, "false", id="off"),
        pytest.param(None, "no value", id="left out"),
        pytest.param("true", '"true"', id="a text"),
        pytest.param("{{ encrypt }}", '"{{ encrypt }}"', id="chosen by the caller"),
    ],
)
def test_log_that_may_be_unencrypted_is_refused(form: Form, target: str, switch: str, value: Any, found: str) -> None:
    assert violations(RULE, form.type, form.carry(COMPLIANT | {switch: value})) == [text(form, switch, found, target)]


def test_both_logs_are_named_where_both_may_be_unencrypted(form: Form) -> None:
    off = COMPLIANT | {"s3EncryptionEnabled": False, "cloudWatchEncryptionEnabled": False}
    assert violations(RULE, form.type, form.carry(off)) == [
        text(form, "s3EncryptionEnabled", "false", "s3BucketName"),
        text(form, "cloudWatchEncryptionEnabled", "false", "cloudWatchLogGroupName"),
    ]


@PLACES
def test_where_there_is_no_log_nothing_has_to_be_encrypted(form: Form, target: str, switch: str) -> None:
    assert judge(RULE, form.type, form.carry(COMPLIANT | {target: "", switch: False})) == SILENT


@PLACES
def test_log_whose_name_is_not_known_yet_has_to_be_encrypted(target: str, switch: str) -> None:
    form = Form(OWN, "", dict)
    assert violations(RULE, OWN, COMPLIANT | {target: UNKNOWN, switch: False}) == [text(form, switch, "false", target)]


@PLACES
def test_unknown_switch_is_advice_and_hides_nothing(target: str, switch: str) -> None:
    both = {"s3EncryptionEnabled": False, "cloudWatchEncryptionEnabled": False}
    result = judge(RULE, OWN, COMPLIANT | both | {switch: UNKNOWN})
    assert result.unseen == [f'{OWN} "subject": {switch} is not known yet; the rule is applied in the update.']
    assert len(result.violations) == 1
    assert f"as {target} names" not in result.violations[0]
