"""Region in which AWS Config records IAM: detected, or verified where configured, before anything is created.

Source: AWS Config Developer Guide, "Recording AWS resources", section on global resources.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from typing import TYPE_CHECKING, Final

from common.aws.failures import ResourceError, explained
from common.config_recorders import why_not_recorded
from common.problems import Problem, SettingsError, shown
from components.nodes.names import ROLE_TYPE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from common.aws.session import AwsClients

WITHOUT_IAM: Final = frozenset(
    {
        *("ap-east-2", "ap-south-2", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7"),
        *("ca-west-1", "eu-central-2", "eu-south-2", "il-central-1", "me-central-1", "mx-central-1"),
    }
)
"""Regions added to AWS Config after February 2022, which never record global IAM resources."""

_AT_A_TIME: Final = 8
_PATH: Final = ("nodes", "roleCompliance", "region")


def recording_region(clients: AwsClients, regions: Sequence[str], chosen: str | None) -> str:
    """Return the Region in which AWS Config records the roles of the account.

    `chosen` is the Region of the settings, which may be any; else those of the stack are searched.

    Raises:
        SettingsError: No Region records roles, several do, or AWS cannot be called.
    """
    looked_at = [chosen] if chosen else list(regions)
    with ThreadPoolExecutor(_AT_A_TIME) as asking:
        answers = asking.map(_why_not, repeat(clients), looked_at)
        reasons = dict(zip(looked_at, answers, strict=True))
    recording = [region for region, reason in reasons.items() if reason is None]
    if len(recording) == 1:
        return recording[0]
    if recording:
        listed = ", ".join(recording)
        raise _refusal(f"expected the Region to evaluate roles in, got none. AWS Config records IAM roles in {listed}")
    why = "; ".join(f"{region} {reason}" for region, reason in reasons.items())
    got = shown(chosen) if chosen else "none"
    raise _refusal(f"expected a Region whose AWS Config recorder is on and records IAM roles, got {got}. {why}")


def _why_not(clients: AwsClients, region: str) -> str | None:
    if region in WITHOUT_IAM:
        return "is a Region in which AWS Config records no IAM resources"
    config = clients.client("config", region)
    try:
        with explained(f"AWS Config in {region}", "config", region, lambda: clients.caller_arn(region)):
            recorders = config.describe_configuration_recorders()["ConfigurationRecorders"]
            statuses = config.describe_configuration_recorder_status()["ConfigurationRecordersStatus"]
            return why_not_recorded(recorders, statuses, ROLE_TYPE)
    except ResourceError as unknown:
        raise _refusal(f"cannot be checked: {unknown}") from None


def _refusal(message: str) -> SettingsError:
    return SettingsError([Problem(path=_PATH, message=message)])
