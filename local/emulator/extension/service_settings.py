"""Service settings of Systems Manager, which moto lacks: Default Host Management and just-in-time node access.

Sources, under https://docs.aws.amazon.com/systems-manager/latest/: API_GetServiceSetting, API_UpdateServiceSetting,
API_ResetServiceSetting, API_ServiceSetting; userguide/fleet-manager-default-host-management-configuration.html, whose
examples show `$None` if it is disabled. The value of the identity provider before Quick Setup sets it is not documented.
"""

from datetime import UTC, datetime
from typing import Any, Final

from moto.core.responses import ActionResult, EmptyResult
from moto.ssm.exceptions import SSMException
from moto.ssm.responses import SimpleSystemManagerResponse

from local.emulator.extension.callers import PARTITION

HOST_MANAGEMENT: Final = "/ssm/managed-instance/default-ec2-instance-management-role"
IDENTITY_PROVIDER: Final = "/ssm/just-in-time-access/identity-provider"
DEFAULTS: Final = {HOST_MANAGEMENT: "$None", IDENTITY_PROVIDER: "IAM"}
_KEPT: Final = "_local_service_settings"
_IN_ARN: Final = ":servicesetting"


def is_host_management_on(account_id: str, region: str) -> bool:
    """Return whether Default Host Management Configuration names a role."""
    from moto.ssm.models import ssm_backends  # noqa: PLC0415 (the service may never be called)

    changed = vars(ssm_backends[account_id][region]).get(_KEPT, {})
    return HOST_MANAGEMENT in changed


class ServiceSettingActions(SimpleSystemManagerResponse):
    """Actions that moto lacks."""

    def get_service_setting(self) -> ActionResult:
        """API_GetServiceSetting, by ID or ARN."""
        return ActionResult({"ServiceSetting": self._shown_setting(self._setting_id())})

    def update_service_setting(self) -> ActionResult:
        changed = (str(self._get_param("SettingValue")), datetime.now(UTC))
        self._changed_settings()[self._setting_id()] = changed
        return EmptyResult()

    def reset_service_setting(self) -> ActionResult:
        """API_ResetServiceSetting: returns the setting after the reset."""
        id_ = self._setting_id()
        self._changed_settings().pop(id_, None)
        return ActionResult({"ServiceSetting": self._shown_setting(id_)})

    def _setting_id(self) -> str:
        given = str(self._get_param("SettingId"))
        id_ = given.split(_IN_ARN, 1)[-1]
        if id_ not in DEFAULTS:
            raise SSMException("ServiceSettingNotFound", f"The local AWS has no service setting {given}.")
        return id_

    def _shown_setting(self, id_: str) -> dict[str, Any]:
        changed = self._changed_settings().get(id_)
        return {
            "SettingId": id_,
            "SettingValue": changed[0] if changed else DEFAULTS[id_],
            "ARN": f"arn:{PARTITION}:ssm:{self.region}:{self.current_account}{_IN_ARN}{id_}",
            "Status": "Customized" if changed else "Default",
            "LastModifiedUser": "System",
            **({"LastModifiedDate": changed[1]} if changed else {}),
        }

    def _changed_settings(self) -> dict[str, tuple[str, datetime]]:
        """Return changed settings, which are stored with moto's state, so that a reset deletes them."""
        return vars(self.ssm_backend).setdefault(_KEPT, {})
