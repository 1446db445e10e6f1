from typing import Any

import pytest

from policies.session_manager.session_preferences_time_out import RULE
from tests.policies.judging import SILENT, UNKNOWN, Form, judge, violations
from tests.policies.session_manager.forms import COMPLIANT, OWN

REMEDY = (
    "Set idleSessionTimeout and, where it is limited, maxSessionDuration to whole minutes within the limit "
    "(here: the same names under shell-access:sessionManager)."
)


def text(form: Form, name: str, found: str, longest: int) -> str:
    return (
        f'{form.type} "subject": {form.path}{name}: found {found}, expected whole minutes from 1 to {longest}. {REMEDY}'
    )


def shown(form: Form, minutes: int) -> str:
    return str(minutes) if form.type == OWN else f'"{minutes}"'


@pytest.mark.parametrize("minutes", [1, 60])
def test_every_time_that_ssm_allows_is_fine_by_default(form: Form, minutes: int) -> None:
    assert judge(RULE, form.type, form.carry(COMPLIANT | {"idleSessionTimeout": minutes})) == SILENT


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
    assert violations(RULE, form.type, form.carry(COMPLIANT | {"idleSessionTimeout": value})) == [
        text(form, "idleSessionTimeout", found, 60)
    ]


@pytest.mark.parametrize("minutes", [0, 61])
def test_idle_time_out_of_range_is_refused(form: Form, minutes: int) -> None:
    assert violations(RULE, form.type, form.carry(COMPLIANT | {"idleSessionTimeout": minutes})) == [
        text(form, "idleSessionTimeout", shown(form, minutes), 60)
    ]


def test_longest_idle_time_is_configurable(form: Form) -> None:
    assert judge(RULE, form.type, form.carry(COMPLIANT), maximumIdleMinutes=20) == SILENT
    assert violations(RULE, form.type, form.carry(COMPLIANT), maximumIdleMinutes=15) == [
        text(form, "idleSessionTimeout", shown(form, 20), 15)
    ]


def test_maximum_duration_is_asked_for_by_configuration_only(form: Form) -> None:
    endless = form.carry(COMPLIANT | {"maxSessionDuration": None})
    assert judge(RULE, form.type, endless) == SILENT
    assert violations(RULE, form.type, endless, maximumDurationMinutes=480) == [
        text(form, "maxSessionDuration", "no value", 480)
    ]
    assert violations(RULE, form.type, form.carry(COMPLIANT), maximumDurationMinutes=30) == [
        text(form, "maxSessionDuration", shown(form, 60), 30)
    ]
    assert judge(RULE, form.type, form.carry(COMPLIANT), maximumDurationMinutes=60) == SILENT


def test_unknown_time_is_advice_and_hides_nothing() -> None:
    half_known = COMPLIANT | {"idleSessionTimeout": UNKNOWN, "maxSessionDuration": 600}
    result = judge(RULE, OWN, half_known, maximumDurationMinutes=480)
    assert result.violations == [text(Form(OWN, "", dict), "maxSessionDuration", "600", 480)]
    assert result.unseen == [
        f'{OWN} "subject": idleSessionTimeout is not known yet; the rule is applied in the update.'
    ]
