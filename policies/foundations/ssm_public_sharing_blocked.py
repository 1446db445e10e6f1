"""Public sharing of Systems Manager documents is blocked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_policy import Severity

from policies.findings import UNKNOWN
from policies.rule import Rule

if TYPE_CHECKING:
    from policies.findings import Findings, Resource

RULE = Rule(
    id="ssm-public-sharing-blocked",
    title="Public sharing of Systems Manager documents stays blocked",
    severity=Severity.CRITICAL,
    risk="one wrong call makes a document public",
    remedy="Set settingValue to Disable",
    source="AWS Security Hub SSM.7; AWS Config ssm-automation-block-public-sharing",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/ssm-controls.html#ssm-7",
)

_SETTING: Final = "/ssm/documents/console/public-sharing-permission"


@RULE.on("aws:ssm/serviceSetting:ServiceSetting")
def _is_blocked(setting: Resource) -> Findings:
    which = setting.value("settingId")
    if which is UNKNOWN:
        yield setting.unseen("settingId")
    elif str(which).endswith(_SETTING):
        yield from setting.require("settingValue", lambda value: value == "Disable", '"Disable"')
