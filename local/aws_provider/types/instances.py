"""EC2 instances. Source: Terraform AWS provider, `internal/service/ec2/ec2_instance.go`.

Inputs that a server in a private subnet does not need (launch templates, Spot, placement, further interfaces and volumes,
hibernation and so on) are refused.
"""

import base64
import re
from typing import Any, Final

from local.aws_provider import validators
from local.aws_provider.aws import Aws
from local.aws_provider.failure import AwsError, InvalidInputError
from local.aws_provider.model import Code, Item, ResourceType, fixed, flag, record, text, text_map, texts, whole
from local.aws_provider.shapes import from_pairs, tag_list
from local.aws_provider.types.ec2 import tagging
from local.aws_provider.wire import UNKNOWN, Values, fields_of

not_found: Final = "InvalidInstanceID.NotFound"
volume_types: Final = ("standard", "io1", "io2", "gp2", "gp3", "sc1", "st1")
_arm_family: Final = re.compile(r"a1|[a-z]+\d+[a-z]*g[a-z]*")
"""Families with Graviton processors have a `g` after the number of their generation."""
_metadata: Final = ("httpEndpoint", "httpProtocolIpv6", "httpPutResponseHopLimit", "httpTokens")


def _aws_name(name: str) -> str:
    return name[0].upper() + name[1:]


def find(aws: Aws, instance_id: str) -> Values | None:
    """Return an instance as EC2 describes it; None if it is terminated."""
    reservations = aws.call("DescribeInstances", InstanceIds=[instance_id])["Reservations"]
    found: list[Values] = [item for reservation in reservations for item in reservation["Instances"]]
    return None if not found or found[0]["State"]["Name"] == "terminated" else found[0]


def wait_for_state(aws: Aws, instance_id: str, *states: str) -> None:
    """Wait until an instance is in one of these states: running, stopped or terminated."""

    def reached() -> bool:
        try:
            found = find(aws, instance_id)
        except AwsError as failure:
            if failure.code != not_found:
                raise
            # For a moment after the launch, and some time after the termination.
            return "terminated" in states
        current = "terminated" if found is None else found["State"]["Name"]
        if current == "terminated" and current not in states:
            raise AwsError("ec2:RunInstances", "terminated", f"{instance_id} is terminated")
        return current in states

    aws.wait_until(reached, f"{instance_id} being {' or '.join(states)}")


def wait_for_volume(aws: Aws, volume_id: str) -> None:
    """Wait until the change of a volume is in effect."""

    def modified() -> bool:
        found = aws.call("DescribeVolumesModifications", VolumeIds=[volume_id])["VolumesModifications"]
        return not found or found[-1]["ModificationState"] in {"completed", "optimizing"}

    aws.wait_until(modified, f"change of {volume_id}")


# Creation.


def _launch(aws: Aws, instance: Item) -> str:
    new = instance.values
    zone, profile, root = (new.get(each) for each in ("availabilityZone", "iamInstanceProfile", "rootBlockDevice"))
    answer = aws.call(
        "RunInstances",
        MinCount=1,
        MaxCount=1,
        ImageId=new.get("ami"),
        InstanceType=new.get("instanceType"),
        DisableApiTermination=new.get("disableApiTermination"),
        Monitoring={"Enabled": new["monitoring"]} if "monitoring" in new else None,
        UserData=new.get("userData", "").encode() or None,  # botocore encodes it
        IamInstanceProfile={"Name": profile} if profile else None,
        MetadataOptions=_metadata_options(new),
        Placement={"AvailabilityZone": zone} if zone else None,
        BlockDeviceMappings=[_root_mapping(aws, new["ami"], root)] if root else None,
        TagSpecifications=[{"ResourceType": "instance", "Tags": tag_list(new["tagsAll"])}] if new["tagsAll"] else None,
        **_network(new),
    )
    return answer["Instances"][0]["InstanceId"]


def _metadata_options(new: Values) -> Values | None:
    options = fields_of(new.get("metadataOptions"))
    return {_aws_name(each): options[each] for each in _metadata if each in options} or None


def _root_mapping(aws: Aws, image_id: str, root: Values) -> Values:
    images = aws.call("DescribeImages", ImageIds=[image_id])["Images"]
    if not images or not images[0].get("RootDeviceName"):
        raise InvalidInputError(f"finding root device name for AMI ({image_id}): none")
    # Terraform does not distinguish "not encrypted" from unset, and leaves both to the account's default.
    names = ("encrypted", "kmsKeyId", "volumeSize", "volumeType")
    settings = {_aws_name(each): root[each] for each in names if root.get(each)}
    device = {**settings, "DeleteOnTermination": root["deleteOnTermination"]}
    return {"DeviceName": images[0]["RootDeviceName"], "Ebs": device}


def _network(new: Values) -> Values:
    """Return subnet, address and groups: of the instance, or of its interface if a public address is configured."""
    groups = new.get("vpcSecurityGroupIds") or None
    place: Values = {"SubnetId": new.get("subnetId"), "PrivateIpAddress": new.get("privateIp")}
    if not new.get("subnetId") or "associatePublicIpAddress" not in new:
        return {**place, "SecurityGroupIds": groups}
    public: bool = new["associatePublicIpAddress"]
    interface: Values = {**place, "DeviceIndex": 0, "AssociatePublicIpAddress": public, "Groups": groups}
    return {"NetworkInterfaces": [{key: value for key, value in interface.items() if value is not None}]}


def _tag_root(aws: Aws, instance: Item) -> None:
    """Tag the root volume with its own tags, or the default ones, where the program describes it."""
    root = fields_of(instance.values.get("rootBlockDevice"))
    tags = _root_tags(aws, root)
    if root and tags:
        volume = _root_volume(aws, find(aws, instance.id) or {})
        aws.call("CreateTags", Resources=[volume["VolumeId"]], Tags=tag_list(tags))


def _root_tags(aws: Aws, root: Values) -> dict[str, str]:
    return {**aws.session.config.default_tags, **(root.get("tags") or {})}


# Reading.


def _root_volume(aws: Aws, instance: Values) -> Values:
    """Return the root volume with its device name, or nothing if there is none."""
    name = instance.get("RootDeviceName")
    attached = {item["DeviceName"]: item["Ebs"] for item in instance.get("BlockDeviceMappings", [])}
    if name not in attached:
        return {}
    (volume,) = aws.call("DescribeVolumes", VolumeIds=[attached[name]["VolumeId"]])["Volumes"]
    return {**volume, "DeviceName": name, "DeleteOnTermination": attached[name].get("DeleteOnTermination", False)}


def _read(aws: Aws, instance: Item) -> Values | None:
    found = find(aws, instance.id)
    if found is None:
        return None
    _read_type(aws, instance.id, found["InstanceType"])
    primary = _primary_interface(found)
    profile: str = fields_of(found.get("IamInstanceProfile")).get("Arn", "")
    data: str = _attribute(aws, instance.id, "userData") or ""
    return {
        **found,
        "associatePublicIpAddress": bool(primary.get("Association")),
        "disableApiTermination": _attribute(aws, instance.id, "disableApiTermination"),
        "iamInstanceProfile": profile.rsplit("/", 1)[-1],
        "monitoring": fields_of(found.get("Monitoring")).get("State") in {"enabled", "pending"},
        "passwordData": "",
        "primaryNetworkInterfaceId": primary.get("NetworkInterfaceId", ""),
        "PublicIpAddress": found.get("PublicIpAddress", ""),
        "rootBlockDevice": _read_root(aws, found),
        "userData": base64.b64decode(data).decode("utf-8", "replace") or None,
    }


def _read_root(aws: Aws, found: Values) -> Values | None:
    volume = _root_volume(aws, found)
    if not volume:
        return None
    tags = {key: value for key, value in from_pairs(volume.get("Tags")).items() if not key.startswith("aws:")}
    default = aws.session.config.default_tags
    own = {key: value for key, value in tags.items() if default.get(key) != value}
    return {**volume, "Tags": own, "tagsAll": tags, "volumeSize": volume["Size"]}


def _primary_interface(found: Values) -> Values:
    interfaces: list[Values] = found.get("NetworkInterfaces", [])
    first = (item for item in interfaces if fields_of(item.get("Attachment")).get("DeviceIndex") == 0)
    return fields_of(next(first, None))


def _read_type(aws: Aws, instance_id: str, name: str) -> None:
    """Make the calls of the real plugin for CPU credits; a program cannot set them, so the result is discarded."""
    types = aws.call("DescribeInstanceTypes", InstanceTypes=[name])["InstanceTypes"]
    if any(each.get("BurstablePerformanceSupported") for each in types):
        aws.call("DescribeInstanceCreditSpecifications", InstanceIds=[instance_id])


def _attribute(aws: Aws, instance_id: str, name: str) -> Any:
    answer = aws.call("DescribeInstanceAttribute", InstanceId=instance_id, Attribute=name)
    return fields_of(answer.get(_aws_name(name))).get("Value")


# Update and deletion.


def _update(aws: Aws, instance: Item) -> None:
    new = instance.values
    if instance.has("iamInstanceProfile"):
        _change_profile(aws, instance.id, new.get("iamInstanceProfile"))
    if instance.has("vpcSecurityGroupIds"):
        _change_groups(aws, instance.id, new["vpcSecurityGroupIds"])
    if instance.has("instanceType", "userData"):
        _change_stopped(aws, instance)
    for each in ("disableApiTermination", "sourceDestCheck"):
        if instance.has(each):
            _set(aws, instance.id, **{_aws_name(each): {"Value": new[each]}})
    if instance.has("monitoring"):
        aws.call("MonitorInstances" if new.get("monitoring") else "UnmonitorInstances", InstanceIds=[instance.id])
    if instance.has("metadataOptions"):
        aws.call("ModifyInstanceMetadataOptions", InstanceId=instance.id, **(_metadata_options(new) or {}))
    if instance.has("rootBlockDevice"):
        _change_root(aws, instance)


def _set(aws: Aws, instance_id: str, **attribute: Any) -> None:
    aws.call("ModifyInstanceAttribute", InstanceId=instance_id, **attribute)


def _change_profile(aws: Aws, instance_id: str, profile: str | None) -> None:
    by_instance = [{"Name": "instance-id", "Values": [instance_id]}]
    found = aws.pages("DescribeIamInstanceProfileAssociations", "IamInstanceProfileAssociations", Filters=by_instance)
    current: str | None = found[0]["AssociationId"] if found else None
    named = {"IamInstanceProfile": {"Name": profile}}
    if profile and current is None:
        aws.call("AssociateIamInstanceProfile", InstanceId=instance_id, **named)
    elif profile:
        aws.call("ReplaceIamInstanceProfileAssociation", AssociationId=current, **named)
    elif current is not None:
        aws.call("DisassociateIamInstanceProfile", AssociationId=current)


def _change_groups(aws: Aws, instance_id: str, groups: list[str]) -> None:
    """Change the groups of the primary interface: an instance with several interfaces has no groups of its own."""
    primary = _primary_interface(find(aws, instance_id) or {})
    if not primary:
        raise AwsError("ec2:ModifyNetworkInterfaceAttribute", "NotFound", f"{instance_id} has no primary interface")
    aws.call("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=primary["NetworkInterfaceId"], Groups=groups)


def _change_stopped(aws: Aws, instance: Item) -> None:
    aws.call("StopInstances", InstanceIds=[instance.id])
    wait_for_state(aws, instance.id, "stopped")
    if instance.has("instanceType"):
        _set(aws, instance.id, InstanceType={"Value": instance.values["instanceType"]})
    if instance.has("userData"):
        _set(aws, instance.id, UserData={"Value": instance.values.get("userData", "").encode()})
    aws.call("StartInstances", InstanceIds=[instance.id])
    wait_for_state(aws, instance.id, "running")


def _change_root(aws: Aws, instance: Item) -> None:
    old, new = (fields_of(each.get("rootBlockDevice")) for each in (instance.old, instance.values))
    names = {"volumeSize": "Size", "volumeType": "VolumeType"}
    changed = {theirs: new[ours] for ours, theirs in names.items() if new.get(ours) not in (None, old.get(ours))}
    if changed:
        aws.call("ModifyVolume", VolumeId=old["volumeId"], **changed)
        wait_for_volume(aws, old["volumeId"])
    if new and new["deleteOnTermination"] != old.get("deleteOnTermination"):
        device = {"DeviceName": old["deviceName"], "Ebs": {"DeleteOnTermination": new["deleteOnTermination"]}}
        _set(aws, instance.id, BlockDeviceMappings=[device])
    before, after = fields_of(old.get("tagsAll")), _root_tags(aws, new)
    removed = [{"Key": key} for key in before if key not in after]
    added = {key: value for key, value in after.items() if before.get(key) != value}
    if new and removed:
        aws.call("DeleteTags", Resources=[old["volumeId"]], Tags=removed)
    if new and added:
        aws.call("CreateTags", Resources=[old["volumeId"]], Tags=tag_list(added))


def _terminate(aws: Aws, instance: Item) -> None:
    aws.call("TerminateInstances", InstanceIds=[instance.id])
    wait_for_state(aws, instance.id, "terminated")


def architecture(instance_type: str) -> str:
    """Return the architecture of an instance type, derived from its name."""
    return "arm64" if _arm_family.fullmatch(instance_type.split(".", 1)[0].split("-", 1)[0]) else "x86_64"


def _replaces_when(old: Values, new: Values) -> set[str]:
    result: set[str] = set()
    before, after = old.get("instanceType"), new.get("instanceType")
    if isinstance(before, str) and isinstance(after, str) and architecture(before) != architecture(after):
        result.add("instanceType")
    disk, other = old.get("rootBlockDevice"), new.get("rootBlockDevice")
    if disk and other and other is not UNKNOWN:
        fixed_once = ("encrypted", "kmsKeyId")
        result |= {"rootBlockDevice" for each in fixed_once if other.get(each) not in (None, disk.get(each))}
    return result


_on_or_off: Final = validators.one_of("enabled", "disabled")

INSTANCE = ResourceType(
    name="aws:ec2/instance:Instance",
    service="ec2",
    properties={
        "ami": text(replaces=True, computed=True, aws="ImageId"),
        "associatePublicIpAddress": flag(replaces=True, computed=True),
        "availabilityZone": text(replaces=True, computed=True, aws="Placement.AvailabilityZone"),
        "disableApiTermination": flag(computed=True),
        "forceDestroy": fixed(False, local=True),
        "getPasswordData": fixed(False, local=True),
        "iamInstanceProfile": text(computed=True),
        "instanceType": text(computed=True),
        "metadataOptions": record(
            {
                "httpEndpoint": text(_on_or_off, default="enabled"),
                "httpProtocolIpv6": fixed("disabled"),
                "httpPutResponseHopLimit": whole(validators.between(1, 64), computed=True),
                "httpTokens": text(validators.one_of("optional", "required"), computed=True),
            },
            computed=True,
        ),
        "monitoring": flag(),
        "privateIp": text(validators.ipv4_address, replaces=True, computed=True, aws="PrivateIpAddress"),
        "rootBlockDevice": record(
            {
                "deleteOnTermination": flag(default=True),
                "deviceName": text(output=True),
                "encrypted": flag(computed=True),
                "kmsKeyId": text(computed=True),
                "tags": text_map(),
                "tagsAll": text_map(output=True),
                "volumeId": text(output=True),
                "volumeSize": whole(computed=True),
                "volumeType": text(validators.one_of(*volume_types), computed=True),
            },
            computed=True,
        ),
        "sourceDestCheck": fixed(True),
        "subnetId": text(replaces=True, computed=True),
        "userData": text(validators.length(0, 16384), computed=True),
        "userDataReplaceOnChange": fixed(False, local=True),
        "vpcSecurityGroupIds": texts(computed=True, aws="SecurityGroups.GroupId"),
    },
    outputs=(
        "arn instanceLifecycle instanceState=State.Name outpostArn passwordData primaryNetworkInterfaceId "
        "privateDns=PrivateDnsName publicDns=PublicDnsName publicIp=PublicIpAddress spotInstanceRequestId "
        "tenancy=Placement.Tenancy"
    ),
    refused=(
        "capacityReservationSpecification cpuOptions creditSpecification disableApiStop ebsBlockDevices ebsOptimized "
        "enablePrimaryIpv6 enclaveOptions ephemeralBlockDevices hibernation hostId hostResourceGroupArn "
        "instanceInitiatedShutdownBehavior instanceMarketOptions ipv6AddressCount ipv6Addresses keyName launchTemplate "
        "maintenanceOptions networkInterfaces placementGroup placementGroupId placementPartitionNumber "
        "primaryNetworkInterface privateDnsNameOptions secondaryNetworkInterfaces secondaryPrivateIps securityGroups "
        "tenancy userDataBase64 volumeTags"
    ),
    arn="instance/{id}",
    create=(
        Code(_launch, "DescribeImages RunInstances"),
        Code(lambda aws, instance: wait_for_state(aws, instance.id, "running")),
        Code(_tag_root, "CreateTags"),
    ),
    read=(
        Code(
            _read,
            "DescribeInstances DescribeInstanceAttribute DescribeVolumes DescribeInstanceTypes "
            "DescribeInstanceCreditSpecifications",
        ),
    ),
    update=(
        Code(
            _update,
            "DescribeIamInstanceProfileAssociations AssociateIamInstanceProfile "
            "ReplaceIamInstanceProfileAssociation DisassociateIamInstanceProfile ModifyInstanceAttribute "
            "ModifyNetworkInterfaceAttribute StopInstances StartInstances MonitorInstances UnmonitorInstances "
            "ModifyInstanceMetadataOptions ModifyVolume DescribeVolumesModifications",
            on="disableApiTermination iamInstanceProfile instanceType metadataOptions monitoring rootBlockDevice "
            "sourceDestCheck userData vpcSecurityGroupIds",
        ),
    ),
    delete=(Code(_terminate, "TerminateInstances"),),
    tagging=tagging("instance"),
    gone=frozenset({not_found}),
    at_least_one=(("ami", "launchTemplate"), ("instanceType", "launchTemplate")),
    replaces_when=_replaces_when,
)
