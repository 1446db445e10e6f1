import pytest

from policies.foundations.systems_manager import ASSOCIATION_RATE_LIMITED as RATE_LIMITED
from policies.foundations.systems_manager import SSM_PUBLIC_SHARING_BLOCKED as BLOCKED
from tests.policies.judging import SILENT, UNKNOWN, judge, violations

SETTING = "aws:ssm/serviceSetting:ServiceSetting"


def test_other_settings_are_left_alone() -> None:
    other = {"settingId": "/ssm/parameter-store/high-throughput-enabled", "settingValue": "Enable"}
    assert judge(BLOCKED, SETTING, other) == SILENT


def test_setting_that_is_not_known_yet_is_said() -> None:
    assert judge(BLOCKED, SETTING, {"settingId": UNKNOWN, "settingValue": "Enable"}).unseen


ASSOCIATION = "aws:ssm/association:Association"
EVERY_NODE = [{"key": "InstanceIds", "values": ["*"]}]
LIMITED = {"targets": EVERY_NODE, "maxConcurrency": "10%", "maxErrors": "1"}


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


def test_what_is_not_known_yet_is_reported_as_advice() -> None:
    assert judge(RATE_LIMITED, ASSOCIATION, {**LIMITED, "maxErrors": UNKNOWN}).unseen
    assert violations(RATE_LIMITED, ASSOCIATION, {"targets": UNKNOWN, "maxConcurrency": "1"})
