from typing import Any

import pytest

from policies.session_manager.session_preferences import SESSION_PREFERENCES_ENCRYPT_DATA as ENCRYPT_DATA
from policies.session_manager.session_preferences import SESSION_PREFERENCES_ENCRYPT_LOGS as ENCRYPT_LOGS
from policies.session_manager.session_preferences import SESSION_PREFERENCES_LOG as LOG
from policies.session_manager.session_preferences import SESSION_PREFERENCES_TIME_OUT as TIME_OUT
from tests.policies.judging import SILENT, UNKNOWN, Form, judge, violations
from tests.policies.session_manager.forms import COMPLIANT, OWN


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
    assert violations(ENCRYPT_DATA, form.type, form.carry(COMPLIANT | {"kmsKeyId": key})) == [
        f'{form.type} "subject": {form.path}kmsKeyId: found {found}, expected the ID or ARN of a KMS key. {ENCRYPT_DATA.remedy}.'
    ]


def test_key_that_the_account_holds_in_a_parameter_counts(form: Form) -> None:
    assert judge(ENCRYPT_DATA, form.type, form.carry(COMPLIANT | {"kmsKeyId": "{{ssm:/session-key}}"})) == SILENT


def test_key_of_the_same_stack_counts_before_it_is_made() -> None:
    assert judge(ENCRYPT_DATA, OWN, COMPLIANT | {"kmsKeyId": UNKNOWN}) == SILENT


def encrypted_log_text(form: Form, switch: str, found: str, target: str) -> str:
    return f'{form.type} "subject": {form.path}{switch}: found {found}, expected true, as {target} names a log. {ENCRYPT_LOGS.remedy}.'


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
    assert violations(ENCRYPT_LOGS, form.type, form.carry(COMPLIANT | {switch: value})) == [
        encrypted_log_text(form, switch, found, target)
    ]


def test_both_logs_are_named_where_both_may_be_unencrypted(form: Form) -> None:
    off = COMPLIANT | {"s3EncryptionEnabled": False, "cloudWatchEncryptionEnabled": False}
    assert violations(ENCRYPT_LOGS, form.type, form.carry(off)) == [
        encrypted_log_text(form, "s3EncryptionEnabled", "false", "s3BucketName"),
        encrypted_log_text(form, "cloudWatchEncryptionEnabled", "false", "cloudWatchLogGroupName"),
    ]


@PLACES
def test_where_there_is_no_log_nothing_has_to_be_encrypted(form: Form, target: str, switch: str) -> None:
    assert judge(ENCRYPT_LOGS, form.type, form.carry(COMPLIANT | {target: "", switch: False})) == SILENT


@PLACES
def test_log_whose_name_is_not_known_yet_has_to_be_encrypted(target: str, switch: str) -> None:
    form = Form(OWN, "", dict)
    assert violations(ENCRYPT_LOGS, OWN, COMPLIANT | {target: UNKNOWN, switch: False}) == [
        encrypted_log_text(form, switch, "false", target)
    ]


@PLACES
def test_unknown_switch_is_advice_and_hides_nothing(target: str, switch: str) -> None:
    both = {"s3EncryptionEnabled": False, "cloudWatchEncryptionEnabled": False}
    result = judge(ENCRYPT_LOGS, OWN, COMPLIANT | both | {switch: UNKNOWN})
    assert result.unseen == [f'{OWN} "subject": {switch} is not known yet; the rule is applied in the update.']
    assert len(result.violations) == 1
    assert f"as {target} names" not in result.violations[0]


def named(bucket: Any, log_group: Any) -> dict[str, Any]:
    return COMPLIANT | {"s3BucketName": bucket, "cloudWatchLogGroupName": log_group}


@pytest.mark.parametrize(
    ("bucket", "log_group", "found"),
    [
        pytest.param("", "", '"" and ""', id="both empty"),
        pytest.param(None, None, "no value and no value", id="both left out"),
        pytest.param("", "{{ group }}", '"" and "{{ group }}"', id="chosen by the caller"),
    ],
)
def test_preferences_that_log_nowhere_are_refused(form: Form, bucket: Any, log_group: Any, found: str) -> None:
    assert violations(LOG, form.type, form.carry(named(bucket, log_group))) == [
        (
            f'{form.type} "subject": {form.path}s3BucketName and {form.path}cloudWatchLogGroupName: found {found}, '
            f"expected one of them to name where sessions are logged. {LOG.remedy}."
        )
    ]


@pytest.mark.parametrize(("bucket", "log_group"), [("session-logs", ""), ("", "session-logs")])
def test_one_place_is_enough(form: Form, bucket: str, log_group: str) -> None:
    assert judge(LOG, form.type, form.carry(named(bucket, log_group))) == SILENT


@pytest.mark.parametrize(("bucket", "log_group"), [(UNKNOWN, ""), ("", UNKNOWN)])
def test_place_of_the_same_stack_counts_before_it_is_made(bucket: str, log_group: str) -> None:
    assert judge(LOG, OWN, named(bucket, log_group)) == SILENT


def time_out_text(form: Form, name: str, found: str, longest: int) -> str:
    return f'{form.type} "subject": {form.path}{name}: found {found}, expected whole minutes from 1 to {longest}. {TIME_OUT.remedy}.'


def shown(form: Form, minutes: int) -> str:
    return str(minutes) if form.type == OWN else f'"{minutes}"'


@pytest.mark.parametrize("minutes", [1, 60])
def test_every_time_that_ssm_allows_is_fine_by_default(form: Form, minutes: int) -> None:
    assert judge(TIME_OUT, form.type, form.carry(COMPLIANT | {"idleSessionTimeout": minutes})) == SILENT


@pytest.mark.parametrize(
    ("value", "found"),
    [
        pytest.param(None, "no value", id="left out"),
        pytest.param("", '""', id="empty"),
        pytest.param("{{ minutes }}", '"{{ minutes }}"', id="chosen by the caller"),
        pytest.param("²", '"²"', id="no ASCII digit"),
        pytest.param(True, "true", id="a switch"),
    ],
)
def test_preferences_that_state_no_idle_time_are_refused(form: Form, value: Any, found: str) -> None:
    assert violations(TIME_OUT, form.type, form.carry(COMPLIANT | {"idleSessionTimeout": value})) == [
        time_out_text(form, "idleSessionTimeout", found, 60)
    ]


@pytest.mark.parametrize("minutes", [0, 61])
def test_idle_time_out_of_range_is_refused(form: Form, minutes: int) -> None:
    assert violations(TIME_OUT, form.type, form.carry(COMPLIANT | {"idleSessionTimeout": minutes})) == [
        time_out_text(form, "idleSessionTimeout", shown(form, minutes), 60)
    ]


def test_longest_idle_time_is_configurable(form: Form) -> None:
    assert judge(TIME_OUT, form.type, form.carry(COMPLIANT), maximumIdleMinutes=20) == SILENT
    assert violations(TIME_OUT, form.type, form.carry(COMPLIANT), maximumIdleMinutes=15) == [
        time_out_text(form, "idleSessionTimeout", shown(form, 20), 15)
    ]


def test_maximum_duration_is_asked_for_by_configuration_only(form: Form) -> None:
    endless = form.carry(COMPLIANT | {"maxSessionDuration": None})
    assert judge(TIME_OUT, form.type, endless) == SILENT
    assert violations(TIME_OUT, form.type, endless, maximumDurationMinutes=480) == [
        time_out_text(form, "maxSessionDuration", "no value", 480)
    ]
    assert violations(TIME_OUT, form.type, form.carry(COMPLIANT), maximumDurationMinutes=30) == [
        time_out_text(form, "maxSessionDuration", shown(form, 60), 30)
    ]
    assert judge(TIME_OUT, form.type, form.carry(COMPLIANT), maximumDurationMinutes=60) == SILENT


def test_unknown_time_is_advice_and_hides_nothing() -> None:
    half_known = COMPLIANT | {"idleSessionTimeout": UNKNOWN, "maxSessionDuration": 600}
    result = judge(TIME_OUT, OWN, half_known, maximumDurationMinutes=480)
    assert result.violations == [time_out_text(Form(OWN, "", dict), "maxSessionDuration", "600", 480)]
    assert result.unseen == [
        f'{OWN} "subject": idleSessionTimeout is not known yet; the rule is applied in the update.'
    ]
