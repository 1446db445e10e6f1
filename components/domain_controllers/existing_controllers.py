"""Changes of existing controllers, and of the trail's bucket, that AWS refuses. Pure.

Sources:
    Amazon EC2 User Guide, "Change instance termination protection": an instance with protection is not terminated.
    Amazon EBS User Guide, "Modify an Amazon EBS volume": the size of a volume cannot be decreased.
    Amazon S3 User Guide, "Deleting a general purpose bucket": a bucket with objects is not deleted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from common.problems import Problem, SettingPath, unexpected
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
) -> Iterator[Problem]:
    """Yield problems of settings with the controllers in the stack's state.

    Without a section, the stack has no controllers any more. `subnets` are by Region and name in the settings.
    """
    outputs: Outputs = {type_and_name(urn): each for urn, each in state.items()}
    planned: set[str] = set()
    for region, site in section.sites.items() if section else ():
        for position, controller in enumerate(site.controllers):
            path = ("domainControllers", "sites", region, "controllers", position)
            name = f"{controllers_name(site_name(region))}-{controller.name}"
            planned.add(name)
            subnet, instance = subnets[region][controller.subnet], outputs.get((_INSTANCE, name), {})
            volumes = section.volumes_of(controller) if section else []
            current = instance.get("subnetId")
            if instance.get("disableApiTermination") and current != subnet.id:
                expected = f"{current} while termination protection is on, as another subnet replaces the instance"
                yield unexpected((*path, "subnet"), expected, subnet.id, _FIX)
            yield from _shrunk(controller, volumes, outputs, name, (subnet.zone, path))
            if instance.get("disableApiTermination"):
                yield from _removed_volumes(controller, volumes, outputs, name, path)
    yield from _removed(section, outputs, planned)
    yield from _deleted_bucket(section, outputs, trail_bucket)


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
            key = (
                ("domainControllers", "backups", "volumeSize")
                if is_of_backups
                else (*path, "volumes", position, "size")
            )
            expected = f"at least {size}, the size of the volume, which cannot be reduced"
            yield unexpected(key, expected, str(volume.size))


def _removed_volumes(
    controller: ControllerSettings,
    volumes: Sequence[VolumeSettings],
    outputs: Outputs,
    name: str,
    path: SettingPath,
) -> Iterator[Problem]:
    planned = {f"{name}-{each.device_name}" for each in volumes}
    fix = f"Create a snapshot if its data are needed, {_UNPROTECTED}"
    for token, volume in sorted(outputs):
        device = volume.removeprefix(f"{name}-")
        if token == _VOLUME and _DEVICE.fullmatch(device) and volume not in planned:
            key = ("domainControllers", "backups") if device == BACKUP_DEVICE else (*path, "volumes")
            expected = f"the volume {device} of the controller {controller.name}, whose termination protection is on"
            yield unexpected(key, expected, "none", fix)


_UNPROTECTED: Final = "set domainControllers.terminationProtection to false, run pulumi up, and then make this change"
_FIX: Final = f"Demote the controller, {_UNPROTECTED}"


def _removed(section: DomainControllersSection | None, outputs: Outputs, planned: set[str]) -> Iterator[Problem]:
    for (token, name), each in sorted(outputs.items()):
        is_removed = token == _INSTANCE and name.startswith(f"{SYSTEM}-") and name not in planned
        if not (is_removed and each.get("disableApiTermination")):
            continue
        region = str(each.get("region"))
        path: SettingPath = ("domainControllers",)
        if section is not None:
            path = (*path, "sites", *((region, "controllers") if region in section.sites else ()))
        controller = name.removeprefix(f"{controllers_name(site_name(region))}-")
        expected = f"the controller {controller} in {region}, whose termination protection is on"
        yield unexpected(path, expected, "none", _FIX)


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
    kept = f"its bucket {bucket.get('bucket')}, which termination protection retains"
    fix = (
        "Set domainControllers.terminationProtection to false and run pulumi up, so that the bucket can be deleted with its "
        "logs, and then make this change"
    )
    yield unexpected(path, f"the stack's trail in the Region of {kept}", "none", fix)
