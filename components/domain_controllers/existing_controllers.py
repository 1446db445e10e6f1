"""Changes of existing controllers, and of the trail's bucket, that AWS refuses. Pure.

Sources:
    Amazon EC2 User Guide, "Change instance termination protection": an instance with protection is not terminated.
    Amazon EBS User Guide, "Modify an Amazon EBS volume": the size of a volume cannot be decreased.
    Amazon S3 User Guide, "Deleting a general purpose bucket": a bucket with objects is not deleted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from common.problems import Problem, SettingPath
from components.adoption.inventory import type_and_name
from components.domain_controllers.names import SYSTEM, controllers_name, site_name
from components.domain_controllers.operations.settings import BACKUP_DEVICE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from components.domain_controllers.settings import ControllerSettings, DomainControllersSection, VolumeSettings
    from components.network import Subnet

_INSTANCE: Final = "aws:ec2/instance:Instance"
_VOLUME: Final = "aws:ebs/volume:Volume"
_BUCKET: Final = "aws:s3/bucket:Bucket"
_DEVICE: Final = re.compile(r"xvd[b-z]")

Outputs = dict[tuple[str, str], "Mapping[str, Any]"]


def change_problems(
    section: DomainControllersSection | None,
    subnets: Mapping[str, Mapping[str, Subnet]],
    trail_bucket: str,
    state: Mapping[str, Mapping[str, Any]],
) -> list[Problem]:
    """Return problems of settings with the controllers in the stack's state.

    Without a section, the stack has no controllers any more. `subnets` are by Region and name in the settings.
    """
    outputs: Outputs = {type_and_name(urn): each for urn, each in state.items()}
    problems: list[Problem] = []
    planned: set[str] = set()
    for region, site in section.sites.items() if section else ():
        for position, controller in enumerate(site.controllers):
            name = f"{controllers_name(site_name(region))}-{controller.name}"
            planned.add(name)
            subnet = subnets[region][controller.subnet]
            path = ("domainControllers", "sites", region, "controllers", position)
            problems += _moved(outputs.get((_INSTANCE, name), {}), subnet, (*path, "subnet"))
            volumes = section.volumes_of(controller) if section else []
            problems += _shrunk(controller, volumes, outputs, name, (subnet.zone, path))
            if outputs.get((_INSTANCE, name), {}).get("disableApiTermination"):
                problems += _removed_volumes(controller, volumes, outputs, name, path)
    return [*problems, *_removed(section, outputs, planned), *_deleted_bucket(section, outputs, trail_bucket)]


def _moved(instance: Mapping[str, Any], subnet: Subnet, path: SettingPath) -> Iterator[Problem]:
    current = instance.get("subnetId")
    if instance.get("disableApiTermination") and current != subnet.id:
        message = f"expected {current} while termination protection is on, as another subnet replaces the instance, got {subnet.id}. {_FIX}"
        yield Problem(path=path, message=message)


def _shrunk(
    controller: ControllerSettings,
    volumes: Sequence[VolumeSettings],
    outputs: Outputs,
    name: str,
    place: tuple[str, SettingPath],
) -> Iterator[Problem]:
    zone, path = place
    for position, volume in enumerate(volumes):
        current = outputs.get((_VOLUME, f"{name}-{volume.device_name}"), {})
        size = int(current.get("size") or 0)
        # In another Availability Zone it is a new volume.
        if volume.size < size and current.get("availabilityZone") == zone:
            is_of_backups = position >= len(controller.volumes)
            backups = ("domainControllers", "backups", "volumeSize")
            message = f"expected at least {size}, the size of the volume, which cannot be reduced, got {volume.size}."
            yield Problem(path=backups if is_of_backups else (*path, "volumes", position, "size"), message=message)


def _removed_volumes(
    controller: ControllerSettings,
    volumes: Sequence[VolumeSettings],
    outputs: Outputs,
    name: str,
    path: SettingPath,
) -> Iterator[Problem]:
    planned = {f"{name}-{each.device_name}" for each in volumes}
    for token, volume in sorted(outputs):
        device = volume.removeprefix(f"{name}-")
        if token == _VOLUME and _DEVICE.fullmatch(device) and volume not in planned:
            message = (
                f"expected the volume {device} of the controller {controller.name}, whose termination protection is on, got none. "
                "Create a snapshot if its data are needed, set domainControllers.terminationProtection to false, run pulumi up, "
                "and then make this change"
            )
            key = ("domainControllers", "backups") if device == BACKUP_DEVICE else (*path, "volumes")
            yield Problem(path=key, message=message)


_FIX: Final = "Demote the controller, set domainControllers.terminationProtection to false, run pulumi up, and then make this change"


def _removed(section: DomainControllersSection | None, outputs: Outputs, planned: set[str]) -> Iterator[Problem]:
    for (token, name), each in sorted(outputs.items()):
        if token != _INSTANCE or not name.startswith(f"{SYSTEM}-") or name in planned:
            continue
        if each.get("disableApiTermination"):
            region = str(each.get("region"))
            if section is None:
                path: SettingPath = ("domainControllers",)
            else:
                path = ("domainControllers", "sites", *((region, "controllers") if region in section.sites else ()))
            controller = name.removeprefix(f"{controllers_name(site_name(region))}-")
            message = f"expected the controller {controller} in {region}, whose termination protection is on, got none. {_FIX}"
            yield Problem(path=path, message=message)


def _deleted_bucket(section: DomainControllersSection | None, outputs: Outputs, planned: str) -> Iterator[Problem]:
    bucket = outputs.get((_BUCKET, f"{SYSTEM}-trail-logs"), {})
    if not bucket or bucket.get("forceDestroy"):
        return
    path: SettingPath = ("domainControllers",)
    if section and not section.sites:
        path = (*path, "sites")
    elif section and section.monitoring.existing_trail:
        path = (*path, "monitoring", "existingTrail")
    elif section and bucket.get("bucket") != planned:
        path = ("regions",)
    elif section:
        return
    message = (
        f"expected the stack's trail in the Region of its bucket {bucket.get('bucket')}, which termination protection retains, "
        "got none. Set domainControllers.terminationProtection to false and run pulumi up, so that the bucket can be deleted "
        "with its logs, and then make this change"
    )
    yield Problem(path=path, message=message)
