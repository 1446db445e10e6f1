"""Volumes of domain controllers are encrypted with a customer managed key instead of the account's default key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from pulumi_policy import Severity

from policies.domain_controllers.controller_tags import (
    INSTANCE,
    LAUNCH_TEMPLATE,
    MARKS,
    SPOT_INSTANCE,
    VOLUME,
    on_controllers,
)
from policies.findings import UNKNOWN, Resource, is_given
from policies.rule import Rule

if TYPE_CHECKING:
    from policies.findings import Findings

RULE = Rule(
    id="controller-volumes-encrypted",
    title="Volumes of domain controllers are encrypted with a customer managed KMS key",
    severity=Severity.HIGH,
    risk="a principal that copies a volume or a snapshot reads the password hashes of all users in the directory",
    remedy="Set encrypted to true and kmsKeyId to the key of the directory, for the root volume, too",
    source="AWS Security Hub EC2.3, EC2.181; checkov CKV_AWS_189; NIST SP 800-53 r5 SC-13, SC-28(1); Microsoft "
    '"Securing domain controllers against attack"; AWS post "Securely extend and access on-premises Active Directory '
    'domain controllers in AWS"',
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-3",
    parameters=MARKS,
)

_DEFAULT_KEY: Final = "alias/aws/ebs"
_NO_VOLUMES: Final = "volumes that say that they are encrypted, the root volume among them"


@on_controllers(RULE, VOLUME)
def _is_encrypted(volume: Resource) -> Findings:
    yield from _encrypted(volume)


@on_controllers(RULE, INSTANCE, SPOT_INSTANCE)
def _has_encrypted_volumes(instance: Resource) -> Findings:
    # An unspecified root volume is encrypted only where the account's default is.
    yield from _parts(instance, "rootBlockDevice", instance.value("rootBlockDevice") or {})
    for index, device in enumerate(_listed(instance.value("ebsBlockDevices"))):
        yield from _parts(instance, f"ebsBlockDevices[{index}]", device)


@on_controllers(RULE, LAUNCH_TEMPLATE)
def _makes_encrypted_volumes(template: Resource) -> Findings:
    mappings = _listed(template.value("blockDeviceMappings"))
    if not mappings:
        yield template.violation("blockDeviceMappings", _NO_VOLUMES)
    for index, mapping in enumerate(mappings):
        path = f"blockDeviceMappings[{index}]"
        if mapping is UNKNOWN:
            yield template.unseen(path)
            continue
        device = cast("dict[str, Any]", mapping)
        if "ebs" in device or not (device.get("virtualName") or device.get("noDevice")):
            yield from _parts(template, f"{path}.ebs", device.get("ebs") or {})


def _parts(holder: Resource, path: str, device: Any) -> Findings:
    if device is UNKNOWN:
        yield holder.unseen(path)
        return
    yield from _encrypted(
        Resource(type=holder.type, name=holder.name, properties=device, path=f"{path}.", urn=holder.urn)
    )


def _encrypted(volume: Resource) -> Findings:
    # Launch templates have Booleans as strings.
    yield from volume.require("encrypted", lambda value: value is True or value == "true", "true")
    key = volume.value("kmsKeyId")
    if not is_given(key) or (isinstance(key, str) and key.endswith(_DEFAULT_KEY)):
        yield volume.violation("kmsKeyId", "the ARN of a customer managed KMS key")


def _listed(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [] if value is None else [value]
