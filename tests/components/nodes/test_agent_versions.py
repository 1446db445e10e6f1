from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.nodes.agent_versions import minimum_agent_version, needed_agent_versions, unmet, version_key
from components.session_manager.settings import SessionManagerSettings

PLAIN = {"sessionDataEncryption": False, "cwStreamingEnabled": False, "runAsEnabled": False}


def settings(**changes: Any) -> SessionManagerSettings:
    return SessionManagerSettings.model_validate({**PLAIN, **changes})


@pytest.mark.parametrize(
    ("changes", "version"),
    [
        ({}, "2.3.68.0"),
        ({"sessionDataEncryption": True}, "2.3.539.0"),
        ({"runAsEnabled": True, "runAsDefaultUser": "ops"}, "2.3.672.0"),
        ({"linuxShellProfile": "date"}, "3.0.161.0"),
        ({"winShellProfile": "date"}, "3.0.161.0"),
        ({"cwStreamingEnabled": True}, "3.0.284.0"),
        ({"cwStreamingEnabled": True, "sessionDataEncryption": True, "linuxShellProfile": "date"}, "3.0.284.0"),
    ],
)
def test_feature_in_use_decides_the_minimum(changes: dict[str, Any], version: str) -> None:
    assert minimum_agent_version(settings(**changes)).version == version


def test_default_host_management_needs_more_than_any_preference() -> None:
    everything = settings(cwStreamingEnabled=True, linuxShellProfile="date", sessionDataEncryption=True)
    needed = minimum_agent_version(everything, default_host_management=True)
    assert (needed.version, needed.setting) == ("3.2.582.0", "nodes.defaultHostManagement.enabled")


def test_node_needs_nothing_for_what_its_platform_does_not_have() -> None:
    asked = settings(winShellProfile="date", runAsEnabled=True, runAsDefaultUser="ops")
    assert needed_agent_versions(asked, platform="Linux")[0].version == "2.3.672.0"
    assert [each.version for each in needed_agent_versions(asked, platform="Windows")] == ["3.0.161.0", "2.3.68.0"]


def test_unknown_platform_may_need_everything() -> None:
    asked = settings(winShellProfile="date", linuxShellProfile="date")
    assert needed_agent_versions(asked, platform="Plan 9") == needed_agent_versions(asked)


def test_sessions_need_an_agent_without_governed_preferences() -> None:
    assert minimum_agent_version(None).version == "2.3.68.0"


def test_every_need_that_an_old_agent_does_not_meet_is_named() -> None:
    needs = needed_agent_versions(settings(cwStreamingEnabled=True, sessionDataEncryption=True))
    assert [each.feature for each in unmet(needs, "2.3.100.0")] == ["log streaming", "session data encryption"]
    assert unmet(needs, "3.0.284.0") == ()


@pytest.mark.parametrize("installed", ["", "latest", "3.0.284.0-beta", "3..0"])
def test_what_is_no_version_meets_nothing(installed: str) -> None:
    needs = needed_agent_versions(settings())
    assert unmet(needs, installed) == needs


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=5), st.lists(st.integers(0, 3000), min_size=1, max_size=5))
def test_versions_are_ordered_number_by_number(one: list[int], other: list[int]) -> None:
    padded = [[*parts, *[0] * (5 - len(parts))] for parts in (one, other)]
    keys = [version_key(".".join(map(str, parts))) for parts in (one, other)]
    assert None not in keys
    assert (keys[0] < keys[1]) is (padded[0] < padded[1])  # type: ignore[operator]
    assert (keys[0] == keys[1]) is (padded[0] == padded[1])
