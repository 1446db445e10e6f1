"""Which instances Systems Manager manages."""

from typing import Any, cast


def managed_instances(account_id: str, region: str) -> list[Any]:
    """Those with an instance profile: the local AWS has no agents, so a role is taken for one."""
    from moto.ec2.models import ec2_backends  # noqa: PLC0415 (slow to load, and only needed here)

    instances: list[Any] = cast("Any", ec2_backends[account_id][region]).all_instances()
    return [instance for instance in instances if instance.iam_instance_profile]


def is_online(instance: Any) -> bool:
    """Whether its agent would answer."""
    return instance.state == "running"
