"""Texts of secret sections are found wherever they stand, and nothing else is taken for one."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_aws.cfg import RuleScopeArgs

from common.problems import Problem, SettingsError
from components.secret_texts import SecretTexts

PROFILE = 'export TOKEN="hunter2"\nexit'
VALUES: dict[str, Any] = {
    "shell-access:sessionManager": json.dumps(
        {
            "linuxShellProfile": PROFILE,
            "onDestroy": "restore",
            "idleSessionTimeout": 20,
            "regionOverrides": {"eu-west-1": {"cwLogGroupName": "hidden"}},
        }
    ),
    "shell-access:approval": json.dumps({"operatorRoles": ["Operator"]}),
    "shell-access:regions": '["eu-west-1"]',
}
SECRETS = SecretTexts.of(VALUES, frozenset({"shell-access:sessionManager", "shell-access:regions"}))


def test_texts_are_those_of_secret_sections() -> None:
    assert SECRETS.sections == {"sessionManager", "regions"}
    assert SECRETS.texts == (PROFILE, "hidden")


@pytest.mark.parametrize(
    "value",
    [
        PROFILE,
        f"before {PROFILE} after",
        json.dumps({"a": PROFILE}),
        json.dumps({"a": json.dumps({"b": PROFILE})}),
        {"a": [{"b": "the hidden one"}]},
        RuleScopeArgs(tag_key="hidden"),
        [RuleScopeArgs(tag_key="hidden")],
    ],
)
def test_finds_secret_in_any_value(value: object) -> None:
    assert SECRETS.is_in(value)


@pytest.mark.parametrize("value", ["Operator", "eu-west-1", "restore", 20, None, True, {"a": ["b"]}, RuleScopeArgs()])
def test_finds_nothing_in_public_values(value: object) -> None:
    assert not SECRETS.is_in(value)


@given(st.text(min_size=3))
def test_finds_every_text_in_json(text: str) -> None:
    secrets = SecretTexts.of({"shell-access:tags": json.dumps({"a": text})}, frozenset({"shell-access:tags"}))
    if secrets.texts:
        for ascii_only in (True, False):
            inner = json.dumps({"b": text}, ensure_ascii=ascii_only)
            assert secrets.is_in(inner)
            assert secrets.is_in(json.dumps({"c": inner}, ensure_ascii=ascii_only))
        assert text not in secrets.without(f"<{text}>")


def test_problems_show_no_value_of_a_secret_section() -> None:
    problems = [
        Problem(path=("sessionManager", "idleSessionTimeout"), message="expected whole minutes, got 98."),
        Problem(
            path=("sessionManager", "cwLogGroupName"), message="expected names that fit, got 99. Use shorter names"
        ),
        Problem(path=("approval", "operatorRoles"), message='expected another, got "Operator".'),
        Problem(path=("nodes",), message="the group hidden is there", details=("of hidden",)),
    ]
    assert [str(each) for each in SECRETS.without_values(SettingsError(problems)).problems] == [
        "shell-access:sessionManager.idleSessionTimeout: expected whole minutes, got [secret]",
        "shell-access:sessionManager.cwLogGroupName: expected names that fit, got [secret]",
        'shell-access:approval.operatorRoles: expected another, got "Operator".',
        "shell-access:nodes: the group [secret] is there:\n      of [secret]",
    ]
