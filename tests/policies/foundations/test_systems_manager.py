from typing import Any

import pytest

from policies.foundations.systems_manager import ASSOCIATION_RATE_LIMITED as RATE_LIMITED
from policies.foundations.systems_manager import SSM_DOCUMENT_NOT_SHARED as NOT_SHARED
from policies.foundations.systems_manager import SSM_PUBLIC_SHARING_BLOCKED as BLOCKED
from tests.policies.judging import SILENT, UNKNOWN, judge, violations

DOCUMENT = "aws:ssm/document:Document"

both_keys = pytest.mark.parametrize("key", ["accountIds", "account_ids"])


@both_keys
@pytest.mark.parametrize("accounts", ["123456789012", "123456789012, 210987654321"])
def test_named_accounts_are_fine(key: str, accounts: str) -> None:
    assert judge(NOT_SHARED, DOCUMENT, {"permissions": {"type": "Share", key: accounts}}) == SILENT


def test_document_that_is_not_shared_is_fine() -> None:
    assert judge(NOT_SHARED, DOCUMENT, {}) == SILENT


@both_keys
@pytest.mark.parametrize("accounts", ["all", "All", "ALL", "123456789012,all", "*"])
def test_sharing_with_every_account_is_refused(key: str, accounts: str) -> None:
    (said,) = violations(NOT_SHARED, DOCUMENT, {"permissions": {"type": "Share", key: accounts}})
    assert said.startswith(f'{DOCUMENT} "subject": permissions.{key}: found "{accounts}"')


@pytest.mark.parametrize("permissions", [UNKNOWN, {"accountIds": UNKNOWN}])
def test_accounts_that_are_not_known_yet_are_said(permissions: Any) -> None:
    assert judge(NOT_SHARED, DOCUMENT, {"permissions": permissions}).unseen


SETTING = "aws:ssm/serviceSetting:ServiceSetting"
PATH = "/ssm/documents/console/public-sharing-permission"
ARN = f"arn:aws:ssm:eu-west-1:123456789012:servicesetting{PATH}"

both_forms = pytest.mark.parametrize("setting", [PATH, ARN])


@both_forms
def test_sharing_stays_blocked(setting: str) -> None:
    assert judge(BLOCKED, SETTING, {"settingId": setting, "settingValue": "Disable"}) == SILENT
    (said,) = violations(BLOCKED, SETTING, {"settingId": setting, "settingValue": "Enable"})
    assert said.startswith(f'{SETTING} "subject": settingValue: found "Enable", expected "Disable".')
    assert judge(BLOCKED, SETTING, {"settingId": setting, "settingValue": UNKNOWN}).unseen


def test_other_settings_are_left_alone() -> None:
    other = {"settingId": "/ssm/parameter-store/high-throughput-enabled", "settingValue": "Enable"}
    assert judge(BLOCKED, SETTING, other) == SILENT


def test_setting_that_is_not_known_yet_is_said() -> None:
    assert judge(BLOCKED, SETTING, {"settingId": UNKNOWN, "settingValue": "Enable"}).unseen


ASSOCIATION = "aws:ssm/association:Association"
EVERY_NODE = [{"key": "InstanceIds", "values": ["*"]}]
LIMITED = {"targets": EVERY_NODE, "maxConcurrency": "10%", "maxErrors": "1"}


def test_association_with_limits_is_fine() -> None:
    assert judge(RATE_LIMITED, ASSOCIATION, LIMITED) == SILENT
    assert judge(RATE_LIMITED, ASSOCIATION, {**LIMITED, "maxErrors": "0"}) == SILENT


@pytest.mark.parametrize("targets", [None, [], [{"key": "InstanceIds", "values": ["i-1", UNKNOWN]}]])
def test_association_of_named_nodes_needs_no_limits(targets: object) -> None:
    assert judge(RATE_LIMITED, ASSOCIATION, {"targets": targets}) == SILENT


@pytest.mark.parametrize(
    "target",
    [
        {"key": "InstanceIds", "values": ["i-1", "*"]},
        {"key": "InstanceIds", "values": UNKNOWN},
        {"key": "tag:Role", "values": ["Web"]},
        {"key": UNKNOWN, "values": ["i-1"]},
        UNKNOWN,
    ],
)
def test_association_that_may_reach_others_needs_limits(target: object) -> None:
    named = {"key": "InstanceIds", "values": ["i-1"]}
    assert len(violations(RATE_LIMITED, ASSOCIATION, {"targets": [named, target]})) == 2


@pytest.mark.parametrize("name", ["maxConcurrency", "maxErrors"])
@pytest.mark.parametrize("value", [None, "", "100%"])
def test_each_limit_is_asked_for(name: str, value: str | None) -> None:
    (said,) = violations(RATE_LIMITED, ASSOCIATION, {**LIMITED, name: value})
    assert said.startswith(f'{ASSOCIATION} "subject": {name}: found ')
    assert "expected a number, or less than 100%" in said


def test_what_is_not_known_yet_is_reported_as_advice() -> None:
    assert judge(RATE_LIMITED, ASSOCIATION, {**LIMITED, "maxErrors": UNKNOWN}).unseen
    assert violations(RATE_LIMITED, ASSOCIATION, {"targets": UNKNOWN, "maxConcurrency": "1"})
