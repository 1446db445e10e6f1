"""Managed nodes of Systems Manager."""

from typing import Any, Final, cast

from local.emulator.extension.service_settings import is_host_management_on

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
