"""Evaluation of service settings of Systems Manager, as plain data.

Source: Systems Manager API reference, ServiceSetting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from common.aws.failures import MalformedAnswerError

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEFAULT: Final = "Default"
_SET: Final = frozenset({"Customized", "PendingUpdate"})


def customized_value(setting: Mapping[str, Any]) -> str | None:
    """Return the value that an account has set; None: AWS' default applies.

    Raises:
        MalformedAnswerError: The status is missing or unknown, or the value is missing.
    """
    status, value = setting.get("Status"), setting.get("SettingValue")
    if status == _DEFAULT:
        return None
    if status not in _SET or not value:
        missing = "known status" if status not in _SET else "value"
        raise MalformedAnswerError(operation="GetServiceSetting", found=f"no {missing} of the setting")
    return str(value)
