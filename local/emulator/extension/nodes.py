"""Managed nodes of Systems Manager, and service settings: Default Host Management and just-in-time node access.

Sources, under https://docs.aws.amazon.com/systems-manager/latest/: API_GetServiceSetting, API_UpdateServiceSetting,
API_ResetServiceSetting, API_ServiceSetting; userguide/fleet-manager-default-host-management-configuration.html, whose
examples show `$None` if it is disabled. The value of the identity provider before Quick Setup sets it is not documented.
"""

from datetime import UTC, datetime
from typing import Any, Final, cast

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


# Service settings.


AGENT_VERSION_TAG: Final = "LocalAws:AgentVersion"
PING_STATUS_TAG: Final = "LocalAws:PingStatus"
"""Tags with the properties that the agent would report: the local AWS executes nothing on its instances."""

_LATEST: Final = "3.3.2746.0"


def managed_instances(account_id: str, region: str) -> list[Any]:
    """Return instances with an instance profile: the local AWS has no agents, so a role counts as one.

    With Default Host Management Configuration also instances without a profile, if they have IMDSv2 (User Guide).
    """
    from moto.ec2.models import ec2_backends  # noqa: PLC0415 (slow to load, and only needed here)

    instances: list[Any] = cast("Any", ec2_backends[account_id][region]).all_instances()
    by_default = is_host_management_on(account_id, region)
    return [each for each in instances if each.iam_instance_profile or (by_default and _has_metadata(each))]


def node_arn(place: str, node: str) -> str:
    """Return the ARN of an EC2 instance or another managed node; `place` is `<Region>:<account ID>`."""
    return (
        f"arn:aws:ec2:{place}:instance/{node}"
        if node.startswith("i-")
        else f"arn:aws:ssm:{place}:managed-instance/{node}"
    )


def is_online(instance: Any) -> bool:
    """Return whether the instance's agent would respond."""
    return instance.state == "running"


def ping_status(instance: Any) -> str:
    """API_InstanceInformation, PingStatus."""
    return _tag(instance, PING_STATUS_TAG) or ("Online" if is_online(instance) else "ConnectionLost")


def agent_version(instance: Any) -> str:
    """API_InstanceInformation, AgentVersion: a recent one, unless a tag overrides it."""
    return _tag(instance, AGENT_VERSION_TAG) or _LATEST


def _has_metadata(instance: Any) -> bool:
    """Return whether the metadata service is enabled, which implies IMDSv2."""
    return instance.metadata_options.http_endpoint != "disabled"


def platform(instance: Any) -> str:
    """API_InstanceInformation, PlatformType; EC2 returns a platform for Windows only (API_Instance, Platform)."""
    return "Windows" if instance.platform == "windows" else "Linux"


def _tag(instance: Any, key: str) -> str:
    tags = cast("list[dict[str, str]]", instance.get_tags())
    return next((each["value"] for each in tags if each["key"] == key), "")
