"""Properties of an EC2 instance, and the changes that replace it.

Source: Terraform AWS provider, `internal/service/ec2/ec2_instance.go`. Properties that a server in a private subnet
does not need (launch templates, Spot, placement, further interfaces, hibernation and so on) are an error.
"""

import re
from typing import Any, Final

from local.aws_provider import diff, validators
from local.aws_provider.model import Property, flag, output, record, records, text, text_map, texts, whole
from local.aws_provider.wire import UNKNOWN, Values, is_list

volume_types: Final = ("standard", "io1", "io2", "gp2", "gp3", "sc1", "st1")
_arm_family: Final = re.compile(r"a1|[a-z]+\d+[a-z]*g[a-z]*")
"""Families with Graviton processors have a `g` after the number of their generation."""


def architecture(instance_type: str) -> str:
    """Return the architecture of an instance type, derived from its name."""
    return "arm64" if _arm_family.fullmatch(instance_type.split(".", 1)[0].split("-", 1)[0]) else "x86_64"


def _only_false(value: Any) -> str | None:
    return validators.refused(value) if value else None


_refused_text = text(computed=True, checks=(validators.refused,))
_refused_flag = flag(computed=True, checks=(validators.refused,))
_refused_number = whole(computed=True, checks=(validators.refused,))
_refused_texts = texts(computed=True, checks=(validators.refused,))
_refused_object = Property(kind="map", items=Property(), computed=True, checks=(validators.refused,))
_refused_list = Property(
    kind="list", items=Property(kind="map", items=Property()), computed=True, checks=(validators.refused,)
)

_any_volume: Final = {
    "deleteOnTermination": flag(default=True),
    "encrypted": flag(computed=True),
    "iops": whole(computed=True),
    "kmsKeyId": text(computed=True),
    "tags": text_map(),
    "tagsAll": text_map(computed=True),
    "throughput": whole(computed=True),
    "volumeId": text(computed=True),
    "volumeSize": whole(computed=True),
    "volumeType": text(computed=True, checks=(validators.one_of(*volume_types),)),
}
_further_volumes = records(
    {**_any_volume, "deviceName": text(required=True), "snapshotId": text(computed=True)},
    computed=True,
    unordered=True,
)
_on_or_off = validators.one_of("enabled", "disabled")

properties: Final[dict[str, Property]] = {
    "ami": text(replaces=True, computed=True),
    "arn": output(),
    "associatePublicIpAddress": flag(replaces=True, computed=True),
    "availabilityZone": text(replaces=True, computed=True),
    "capacityReservationSpecification": _refused_object,
    "cpuOptions": _refused_object,
    "creditSpecification": _refused_object,
    "disableApiStop": flag(computed=True),
    "disableApiTermination": flag(computed=True),
    "ebsBlockDevices": _further_volumes,
    "ebsOptimized": flag(replaces=True),
    "enablePrimaryIpv6": _refused_flag,
    "enclaveOptions": _refused_object,
    "ephemeralBlockDevices": _refused_list,
    "forceDestroy": flag(default=False, local=True),
    "getPasswordData": flag(default=False, local=True, checks=(_only_false,)),
    "hibernation": _refused_flag,
    "hostId": _refused_text,
    "hostResourceGroupArn": _refused_text,
    "iamInstanceProfile": text(computed=True),
    "instanceInitiatedShutdownBehavior": text(computed=True),
    "instanceLifecycle": output(),
    "instanceMarketOptions": _refused_object,
    "instanceState": output(),
    "instanceType": text(computed=True),
    "ipv6AddressCount": _refused_number,
    "ipv6Addresses": _refused_texts,
    "keyName": text(replaces=True, computed=True),
    "launchTemplate": _refused_object,
    "maintenanceOptions": _refused_object,
    "metadataOptions": record(
        {
            "httpEndpoint": text(default="enabled", checks=(_on_or_off,)),
            "httpProtocolIpv6": text(default="disabled", checks=(_on_or_off,)),
            "httpPutResponseHopLimit": whole(computed=True, checks=(validators.between(1, 64),)),
            "httpTokens": text(computed=True, checks=(validators.one_of("optional", "required"),)),
            "instanceMetadataTags": text(computed=True, checks=(_on_or_off,)),
        },
        computed=True,
    ),
    "monitoring": flag(),
    "networkInterfaces": _refused_list,
    "outpostArn": output(),
    "passwordData": output(),
    "placementGroup": _refused_text,
    "placementGroupId": _refused_text,
    "placementPartitionNumber": _refused_number,
    "primaryNetworkInterface": _refused_object,
    "primaryNetworkInterfaceId": output(),
    "privateDns": output(),
    "privateDnsNameOptions": _refused_object,
    "privateIp": text(replaces=True, computed=True, checks=(validators.ipv4_address,)),
    "publicDns": output(),
    "publicIp": output(),
    "rootBlockDevice": record({**_any_volume, "deviceName": text(computed=True)}, computed=True),
    "secondaryNetworkInterfaces": _refused_list,
    "secondaryPrivateIps": _refused_texts,
    "securityGroups": _refused_texts,
    "sourceDestCheck": flag(default=True),
    "spotInstanceRequestId": output(),
    "subnetId": text(replaces=True, computed=True),
    "tenancy": _refused_text,
    "userData": text(computed=True, conflicts=("userDataBase64",), checks=(validators.length(0, 16384),)),
    "userDataBase64": text(computed=True, conflicts=("userData",)),
    "userDataReplaceOnChange": flag(default=False, local=True),
    "volumeTags": text_map(),
    "vpcSecurityGroupIds": texts(computed=True),
}


def replaces_when(old: Values, new: Values) -> set[str]:
    """Return the properties whose change replaces the instance in this update."""
    result: set[str] = set()
    if new.get("userDataReplaceOnChange"):
        result |= {"userData", "userDataBase64"}
    before, after = old.get("instanceType"), new.get("instanceType")
    if isinstance(before, str) and isinstance(after, str) and architecture(before) != architecture(after):
        result.add("instanceType")
    if _root_is_another(old.get("rootBlockDevice"), new.get("rootBlockDevice")):
        result.add("rootBlockDevice")
    if diff.differences(_further_volumes, _untagged(old), _untagged(new), "ebsBlockDevices"):
        result.add("ebsBlockDevices")
    return result


def _root_is_another(old: Any, new: Any) -> bool:
    if not old or not new or new is UNKNOWN:
        return False
    return any(new.get(name) is not None and new[name] != old.get(name) for name in ("encrypted", "kmsKeyId"))


def _untagged(values: Values) -> Any:
    listed = values.get("ebsBlockDevices")
    if not is_list(listed):
        return None
    devices: list[Values] = listed
    return [{name: value for name, value in item.items() if name not in {"tags", "tagsAll"}} for item in devices]
