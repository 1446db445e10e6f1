"""A service setting is set, shown as it is, and gets its earlier value back."""

from collections.abc import Callable
from typing import Any

import pytest

from common.aws.failures import ResourceError
from common.aws.session import AwsClients
from components.adoption import inventory
from components.nodes import service_setting
from components.nodes.names import HOST_MANAGEMENT_SETTING, HOST_ROLE_NAME
from components.nodes.service_setting import PriorSettingProvider, ServiceSettingProvider, with_prior_settings
from tests.components.providers import with_clients

SETTING = {"region": "eu-west-1", "settingId": HOST_MANAGEMENT_SETTING}
OURS = {**SETTING, "value": HOST_ROLE_NAME}
PRIOR_TYPE = "pulumi-python:dynamic/ssm:PriorServiceSetting"
THEIRS = "service-role/AWSSystemsManagerDefaultEC2InstanceManagementRole"


@pytest.fixture
def ssm(client: Callable[..., Any]) -> Any:
    return client("ssm")


@pytest.fixture
def noting(clients: AwsClients) -> PriorSettingProvider:
    return with_clients(PriorSettingProvider(), clients)


@pytest.fixture
def setting(clients: AwsClients) -> ServiceSettingProvider:
    return with_clients(ServiceSettingProvider(), clients)


def live(ssm: Any) -> str:
    return ssm.get_service_setting(SettingId=HOST_MANAGEMENT_SETTING)["ServiceSetting"]["SettingValue"]


def put(ssm: Any, value: str) -> None:
    ssm.update_service_setting(SettingId=HOST_MANAGEMENT_SETTING, SettingValue=value)


def noted(noting: PriorSettingProvider) -> str:
    return (noting.create({**SETTING, "ours": HOST_ROLE_NAME}).outs or {})["prior"]


@pytest.mark.parametrize(("before", "after"), [(None, "$None"), (THEIRS, THEIRS)])
def test_what_was_set_before_comes_back(
    ssm: Any, noting: PriorSettingProvider, setting: ServiceSettingProvider, before: str | None, after: str
) -> None:
    if before:
        put(ssm, before)
    made = setting.create({**OURS, "prior": noted(noting)})
    assert live(ssm) == HOST_ROLE_NAME
    setting.delete(made.id, made.outs or {})
    assert live(ssm) == after


def test_our_own_value_is_not_taken_for_an_earlier_one(ssm: Any, noting: PriorSettingProvider) -> None:
    put(ssm, HOST_ROLE_NAME)
    assert noted(noting) == ""


@pytest.mark.parametrize(("member", "value"), [("Status", None), ("Status", "New"), ("SettingValue", None)])
def test_setting_that_is_not_understood_is_not_recorded(
    clients: AwsClients, noting: PriorSettingProvider, ssm: Any, member: str, value: str | None
) -> None:
    def spoil(parsed: dict[str, Any], **_: object) -> None:
        parsed["ServiceSetting"][member] = value

    put(ssm, THEIRS)
    events = clients.client("ssm", "eu-west-1").meta.events
    events.register("after-call.ssm.GetServiceSetting", spoil, unique_id="spoil")
    try:
        with pytest.raises(ResourceError, match="malformed answer: GetServiceSetting"):
            noted(noting)
    finally:
        events.unregister("after-call.ssm.GetServiceSetting", unique_id="spoil")


@pytest.mark.parametrize("before", [None, THEIRS])
def test_prior_value_survives_lost_states(
    noting: PriorSettingProvider,
    setting: ServiceSettingProvider,
    client: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    before: str | None,
) -> None:
    def planned(prior: str | None = None) -> dict[str, str]:
        state = {} if prior is None else {f"urn:pulumi:s::p::{PRIOR_TYPE}::host": {**SETTING, "prior": prior}}
        monkeypatch.setattr(service_setting, "state_outputs", lambda: state)
        return with_prior_settings(HOST_MANAGEMENT_SETTING, HOST_ROLE_NAME, ["eu-west-1"], {"team": "ours"})

    ssm = client("ssm")
    monkeypatch.setattr(service_setting, "program_clients", noting.clients)
    monkeypatch.setattr(
        service_setting, "find_existing", lambda kind, region, name: inventory.find(kind, client("iam"), region, name)
    )
    if before:
        put(ssm, before)
    tags = planned()
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    client("iam").create_role(RoleName=HOST_ROLE_NAME, AssumeRolePolicyDocument="{}", Tags=listed)
    first, after_lost_state = (setting.create({**OURS, "prior": noted(noting)}).outs or {} for _ in range(2))
    assert planned(first["prior"]) == planned() == tags
    assert planned("Theirs") == {"team": "ours", "shell-access:prior-value:eu-west-1": "Theirs"}
    setting.delete("", after_lost_state)
    assert live(ssm) == (before or "$None")


def test_note_is_not_taken_again(noting: PriorSettingProvider) -> None:
    old = {**SETTING, "ours": HOST_ROLE_NAME, "prior": THEIRS}
    assert not noting.diff("id", old, {**SETTING, "ours": "Another", "prior": None}).changes
    assert noting.diff("id", old, {**old, "region": "us-east-1"}).replaces == ["region"]


def test_service_setting_changed_by_others_survives_destroy(
    ssm: Any, setting: ServiceSettingProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    made = setting.create({**OURS, "prior": ""})
    put(ssm, THEIRS)
    setting.delete(made.id, made.outs or {})
    assert live(ssm) == THEIRS
    assert f"is now {THEIRS}, and is not changed" in capsys.readouterr().err


def test_setting_that_was_reset_already_is_left_so(ssm: Any, setting: ServiceSettingProvider) -> None:
    made = setting.create({**OURS, "prior": THEIRS})
    ssm.reset_service_setting(SettingId=HOST_MANAGEMENT_SETTING)
    setting.delete(made.id, made.outs or {})
    assert live(ssm) == "$None"


def test_refresh_shows_value_set_by_another_principal(ssm: Any, setting: ServiceSettingProvider) -> None:
    made = setting.create({**OURS, "prior": ""})
    state = made.outs or {}
    assert setting.read(made.id, state).outs == state
    put(ssm, THEIRS)
    drifted = setting.read(made.id, state).outs or {}
    assert drifted["value"] == THEIRS
    assert setting.diff(made.id, drifted, {**OURS, "prior": ""}).changes
    ssm.reset_service_setting(SettingId=HOST_MANAGEMENT_SETTING)
    assert setting.read(made.id, state).id == ""


def test_unchanged_setting_needs_no_call() -> None:
    assert not ServiceSettingProvider().diff("id", {**OURS, "prior": THEIRS}, {**OURS, "prior": THEIRS}).changes


def test_value_that_gives_way_is_said_before_it_does(
    ssm: Any, setting: ServiceSettingProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    setting.check({}, OURS)
    assert capsys.readouterr().err == ""
    put(ssm, THEIRS)
    setting.check({}, OURS)
    said = capsys.readouterr().err
    assert f"is {THEIRS}. It becomes {HOST_ROLE_NAME}, and {THEIRS} again when the stack is destroyed." in said
    setting.check(OURS, OURS)
    assert capsys.readouterr().err == ""


def test_failure_is_said_in_words(setting: ServiceSettingProvider) -> None:
    with pytest.raises(ResourceError, match=r"the service setting /ssm/none in eu-west-1: .*ServiceSettingNotFound"):
        setting.create({**OURS, "settingId": "/ssm/none"})


ALPHA, BETA = "organization/shell-access/alpha", "organization/shell-access/beta"


@pytest.mark.parametrize(("first", "second"), [(ALPHA, BETA), (BETA, ALPHA)])
def test_setting_belongs_to_the_owner_of_its_role(
    ssm: Any, setting: ServiceSettingProvider, client: Callable[..., Any], first: str, second: str
) -> None:
    tags = [{"Key": "shell-access:owner", "Value": first}]
    client("iam").create_role(RoleName=HOST_ROLE_NAME, AssumeRolePolicyDocument="{}", Tags=tags)
    made = setting.create({**OURS, "owner": first, "prior": THEIRS})
    other = {**OURS, "owner": second, "prior": THEIRS}
    with pytest.raises(ResourceError, match=f"is owned by the stack {first}"):
        setting.create(other)
    with pytest.raises(ResourceError, match=f"is owned by the stack {first}"):
        setting.update("", other, other)
    setting.delete("", other)
    assert live(ssm) == HOST_ROLE_NAME
    setting.delete(made.id, made.outs or {})
    assert live(ssm) == THEIRS
