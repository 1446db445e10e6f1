"""Entitlements of account access manager: one for each person and account, of people who exist, for an active application."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from common.problems import SettingsError
from components.account_access.component import plan_entitlements
from components.account_access.settings import AccountAccessSettings
from components.settings import Settings
from tests.support.identity_center import IdentityCenter

if TYPE_CHECKING:
    from collections.abc import Callable

    from common.aws.session import AwsClients

APPLICATION = "arn:aws:account-access:eu-west-1:111122223333:application/1234567890abcdef"
ONE, TWO = "111122223333", "222233334444"
SECTION: dict[str, Any] = {
    "applicationArn": APPLICATION,
    "operators": [
        {"identityCenterUser": "olivia", "accounts": [ONE, TWO]},
        {"identityCenterGroup": "Shell", "accounts": [TWO]},
    ],
}


def problems(**changes: Any) -> dict[str, str]:
    given = {"shell-access:accountAccess": json.dumps({**SECTION, **changes}), "aws:region": "eu-west-1"}
    with pytest.raises(SettingsError) as refused:
        Settings.load(given)
    return {each.key.removeprefix("shell-access:accountAccess."): each.message for each in refused.value.problems}


@pytest.mark.parametrize(
    ("changes", "key", "message"),
    [
        ({"applicationArn": ""}, "applicationArn", "which begins with arn:aws:account-access:"),
        ({"applicationArn": "arn:aws:sso::111122223333:application/x"}, "applicationArn", "(not arn:aws:sso:)"),
        ({"operators": []}, "operators", "expected at least one user or group, got none"),
        ({"operators": [{"accounts": [ONE]}]}, "operators[0]", "either identityCenterUser or identityCenterGroup"),
        ({"operators": [{"identityCenterUser": "oli"}]}, "operators[0].accounts", "a list of account IDs in quotes"),
        (
            {"operators": [{"identityCenterUser": "oli", "accounts": [222233334444]}]},
            "operators[0].accounts[0]",
            "a list of account IDs in quotes",
        ),
        (
            {"operators": [{"identityCenterUser": "oli", "accounts": [ONE]}] * 2},
            "operators[1].accounts",
            f'expected each account once for a user or group, got "{ONE}" twice',
        ),
    ],
)
def test_settings_of_account_access_are_checked(changes: dict[str, Any], key: str, message: str) -> None:
    assert message in problems(**changes)[key]


def test_section_that_is_disabled_entitles_no_one() -> None:
    given = {"shell-access:accountAccess": json.dumps({"enabled": False}), "aws:region": "eu-west-1"}
    found = Settings.load(given)
    assert (found.account_access, found.governs) == (None, False)


@pytest.fixture
def center(client: Callable[..., Any]) -> IdentityCenter:
    """Olivia, and Oscar and Otto, who are in the group `Shell`."""
    found = IdentityCenter(client)
    found.user("olivia")
    group = found.group("Shell")
    found.user("oscar", group)
    found.user("otto", group)
    return found


def section(application: str, **changes: Any) -> AccountAccessSettings:
    return AccountAccessSettings.model_validate({**SECTION, "applicationArn": application, **changes})


def refusals(settings: AccountAccessSettings, clients: AwsClients) -> dict[str, str]:
    with pytest.raises(SettingsError) as refused:
        plan_entitlements(settings, clients, lambda: "me")
    return {each.key.removeprefix("shell-access:accountAccess."): each.message for each in refused.value.problems}


def test_plan_entitles_each_person_to_their_own_role(center: IdentityCenter, clients: AwsClients) -> None:
    found = plan_entitlements(section(center.application()), clients, lambda: "me")
    expected = [(ONE, "olivia"), (TWO, "olivia"), (TWO, "oscar"), (TWO, "otto")]
    assert sorted((each.account, each.person.user_name) for each in found.entitlements) == expected
    for each in found.entitlements:
        role = f"role/shell-access/operators/ShellOperator-{each.person.user_id}"
        assert each.role_arn == f"arn:aws:iam::{each.account}:{role}"
    assert found.store == center.store


def test_plan_refuses_unknown_people_and_applications(center: IdentityCenter, clients: AwsClients) -> None:
    application = center.application()
    unknown = [{"identityCenterUser": "oliva", "accounts": [ONE]}, {"identityCenterGroup": "Shel", "accounts": [ONE]}]
    assert 'user "oliva", group "Shel"' in refusals(section(application, operators=unknown), clients)["operators"]
    gone = refusals(section(application.rpartition("/")[0] + "/0000000000000000"), clients)["applicationArn"]
    assert "got no answer" in gone
    assert "ResourceNotFoundException" in gone or "no application" in gone


def test_plan_refuses_an_application_that_is_not_active(
    center: IdentityCenter, clients: AwsClients, monkeypatch: pytest.MonkeyPatch
) -> None:
    application = center.application()
    client = clients.client("account-access", "eu-west-1")
    answer = {**client.get_application(applicationArn=application), "status": "DELETE_IN_PROGRESS"}
    monkeypatch.setattr(client, "get_application", lambda **_: answer)
    assert "got DELETE_IN_PROGRESS" in refusals(section(application), clients)["applicationArn"]
    elsewhere = {"identityCenter": {"instanceArn": "arn:aws:sso:::instance/ssoins-0000000000000000"}}
    monkeypatch.setattr(
        client, "get_application", lambda **_: {**answer, "status": "ACTIVE", "identitySource": elsewhere}
    )
    assert "which this account does not see" in refusals(section(application), clients)["applicationArn"]
