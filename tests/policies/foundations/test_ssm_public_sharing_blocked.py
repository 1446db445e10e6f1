import pytest

from policies.foundations.ssm_public_sharing_blocked import RULE
from tests.policies.judging import SILENT, UNKNOWN, judge, violations

SETTING = "aws:ssm/serviceSetting:ServiceSetting"
PATH = "/ssm/documents/console/public-sharing-permission"
ARN = f"arn:aws:ssm:eu-west-1:123456789012:servicesetting{PATH}"

both_forms = pytest.mark.parametrize("setting", [PATH, ARN])


@both_forms
def test_sharing_stays_blocked(setting: str) -> None:
    assert judge(RULE, SETTING, {"settingId": setting, "settingValue": "Disable"}) == SILENT
    (said,) = violations(RULE, SETTING, {"settingId": setting, "settingValue": "Enable"})
    assert said.startswith(f'{SETTING} "subject": settingValue: found "Enable", expected "Disable".')
    assert judge(RULE, SETTING, {"settingId": setting, "settingValue": UNKNOWN}).unseen


def test_other_settings_are_left_alone() -> None:
    other = {"settingId": "/ssm/parameter-store/high-throughput-enabled", "settingValue": "Enable"}
    assert judge(RULE, SETTING, other) == SILENT


def test_setting_that_is_not_known_yet_is_said() -> None:
    assert judge(RULE, SETTING, {"settingId": UNKNOWN, "settingValue": "Enable"}).unseen
