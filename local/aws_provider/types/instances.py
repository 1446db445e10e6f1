"""EC2 instances. Source: Terraform AWS provider, `internal/service/ec2/ec2_instance.go`."""

import base64
from typing import Any, Final

from local.aws_provider.aws import Aws
from local.aws_provider.failure import AwsError
from local.aws_provider.model import Change, ResourceType
from local.aws_provider.tags import from_pairs
from local.aws_provider.types import ec2_common, instance_volumes
from local.aws_provider.types.instance_properties import properties, replaces_when
from local.aws_provider.wire import Values, fields_of

wait_seconds: Final = 600
not_found: Final = "InvalidInstanceID.NotFound"
_metadata: Final = {
    "httpEndpoint": "HttpEndpoint",
    "httpProtocolIpv6": "HttpProtocolIpv6",
    "httpPutResponseHopLimit": "HttpPutResponseHopLimit",
    "httpTokens": "HttpTokens",
    "instanceMetadataTags": "InstanceMetadataTags",
}


def _create(aws: Aws, wanted: Values) -> str:
    zone, profile = wanted.get("availabilityZone"), wanted.get("iamInstanceProfile")
    tags = ec2_common.tag_specification("instance", wanted["tagsAll"]) or []
    tags += ec2_common.tag_specification("volume", wanted.get("volumeTags") or {}) or []
    answer = aws.call(
        "RunInstances",
        MinCount=1,
        MaxCount=1,
        ImageId=wanted.get("ami"),
        InstanceType=wanted.get("instanceType"),
        KeyName=wanted.get("keyName"),
        EbsOptimized=wanted.get("ebsOptimized"),
        DisableApiStop=wanted.get("disableApiStop"),
        DisableApiTermination=wanted.get("disableApiTermination"),
        InstanceInitiatedShutdownBehavior=wanted.get("instanceInitiatedShutdownBehavior"),
        Monitoring={"Enabled": wanted["monitoring"]} if "monitoring" in wanted else None,
        UserData=_user_data(wanted),
        IamInstanceProfile={"Name": profile} if profile else None,
        MetadataOptions=_metadata_options(wanted),
        Placement={"AvailabilityZone": zone} if zone else None,
        BlockDeviceMappings=instance_volumes.mappings(aws, wanted),
        TagSpecifications=tags or None,
        **_network(wanted),
    )
    return answer["Instances"][0]["InstanceId"]


def _user_data(wanted: Values) -> bytes | None:
    """Return user data as bytes; botocore encodes them for the call."""
    if wanted.get("userDataBase64"):
        return base64.b64decode(wanted["userDataBase64"])
    return wanted["userData"].encode() if wanted.get("userData") else None


def _metadata_options(wanted: Values) -> Values | None:
    options: Values | None = wanted.get("metadataOptions")
    return {theirs: options[ours] for ours, theirs in _metadata.items() if ours in options} if options else None


def _network(wanted: Values) -> Values:
    """Return subnet, address and groups: of the instance, or of its interface if a public address is configured."""
    groups = wanted.get("vpcSecurityGroupIds") or None
    place: Values = {"SubnetId": wanted.get("subnetId"), "PrivateIpAddress": wanted.get("privateIp")}
    if wanted.get("subnetId") and "associatePublicIpAddress" in wanted:
        interface: Values = {
            **place,
            "DeviceIndex": 0,
            "AssociatePublicIpAddress": wanted["associatePublicIpAddress"],
            "Groups": groups,
        }
        return {"NetworkInterfaces": [{key: value for key, value in interface.items() if value is not None}]}
    return {**place, "SecurityGroupIds": groups}


def _settle(aws: Aws, instance_id: str, wanted: Values) -> None:
    wait_for_state(aws, instance_id, "running")
    if not wanted["sourceDestCheck"]:
        _set(aws, instance_id, SourceDestCheck={"Value": False})
    instance = find(aws, instance_id)
    if instance is not None:
        instance_volumes.tag_new(aws, instance, wanted)


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

    aws.wait_until(reached, f"{instance_id} being {' or '.join(states)}", wait_seconds)


_plain_outputs: Final = {
    # property: field of the response
    "ami": "ImageId",
    "ebsOptimized": "EbsOptimized",
    "instanceLifecycle": "InstanceLifecycle",
    "instanceType": "InstanceType",
    "keyName": "KeyName",
    "outpostArn": "OutpostArn",
    "privateDns": "PrivateDnsName",
    "privateIp": "PrivateIpAddress",
    "publicDns": "PublicDnsName",
    "publicIp": "PublicIpAddress",
    "spotInstanceRequestId": "SpotInstanceRequestId",
    "subnetId": "SubnetId",
}


def _read(aws: Aws, instance_id: str, known: Values) -> Values | None:
    found = find(aws, instance_id)
    if found is None:
        return None
    _read_type(aws, instance_id, found["InstanceType"])
    primary = _primary_interface(found)
    profile: str = fields_of(found.get("IamInstanceProfile")).get("Arn", "")
    metadata: Values = found.get("MetadataOptions") or {}
    return {
        **{ours: found.get(theirs) or "" for ours, theirs in _plain_outputs.items()},
        "arn": ec2_common.arn(aws, f"instance/{instance_id}"),
        "associatePublicIpAddress": bool(primary.get("Association")),
        "availabilityZone": found["Placement"]["AvailabilityZone"],
        "disableApiStop": _attribute(aws, instance_id, "disableApiStop"),
        "disableApiTermination": _attribute(aws, instance_id, "disableApiTermination"),
        "ebsOptimized": found.get("EbsOptimized", False),
        "iamInstanceProfile": profile.rsplit("/", 1)[-1],
        "instanceInitiatedShutdownBehavior": _attribute(aws, instance_id, "instanceInitiatedShutdownBehavior"),
        "instanceState": found["State"]["Name"],
        "metadataOptions": {ours: metadata[theirs] for ours, theirs in _metadata.items() if theirs in metadata} or None,
        "monitoring": found.get("Monitoring", {}).get("State") in {"enabled", "pending"},
        "passwordData": "",
        "primaryNetworkInterfaceId": primary.get("NetworkInterfaceId", ""),
        "sourceDestCheck": found.get("SourceDestCheck", True),
        "tags": from_pairs(found.get("Tags")),
        "tenancy": found["Placement"].get("Tenancy") or "default",
        "vpcSecurityGroupIds": [group["GroupId"] for group in found.get("SecurityGroups", [])],
        **instance_volumes.read(aws, found, known),
        **_shown_user_data(_attribute(aws, instance_id, "userData"), known),
    }


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
    return fields_of(answer.get(name[0].upper() + name[1:])).get("Value")


def _shown_user_data(encoded: str | None, known: Values) -> Values:
    """Return user data in the property that the program uses; as text by default."""
    if not encoded:
        return {}
    if "userDataBase64" in known:
        return {"userDataBase64": encoded}
    return {"userData": base64.b64decode(encoded).decode("utf-8", "replace")}


def _set(aws: Aws, instance_id: str, **attribute: Any) -> None:
    aws.call("ModifyInstanceAttribute", InstanceId=instance_id, **attribute)


_attributes: Final = {
    "disableApiStop": "DisableApiStop",
    "disableApiTermination": "DisableApiTermination",
    "instanceInitiatedShutdownBehavior": "InstanceInitiatedShutdownBehavior",
    "sourceDestCheck": "SourceDestCheck",
}


def _update(aws: Aws, change: Change) -> None:
    instance_id, new = change.object_id, change.new
    if change.has("iamInstanceProfile"):
        _change_profile(aws, instance_id, new.get("iamInstanceProfile"))
    if change.has("vpcSecurityGroupIds"):
        _change_groups(aws, instance_id, new["vpcSecurityGroupIds"])
    if change.has("instanceType", "userData", "userDataBase64"):
        _change_stopped(aws, change)
    for name, attribute in _attributes.items():
        if change.has(name):
            _set(aws, instance_id, **{attribute: {"Value": new[name]}})
    if change.has("monitoring"):
        aws.call("MonitorInstances" if new.get("monitoring") else "UnmonitorInstances", InstanceIds=[instance_id])
    if change.has("metadataOptions"):
        aws.call("ModifyInstanceMetadataOptions", InstanceId=instance_id, **(_metadata_options(new) or {}))
    if change.has("rootBlockDevice", "ebsBlockDevices", "volumeTags"):
        instance = find(aws, instance_id)
        if instance is not None:
            instance_volumes.update(aws, instance, change)


def _change_groups(aws: Aws, instance_id: str, groups: list[str]) -> None:
    """Change the groups of the primary interface: an instance with several interfaces has no groups of its own."""
    primary = _primary_interface(find(aws, instance_id) or {})
    if not primary:
        raise AwsError("ec2:ModifyNetworkInterfaceAttribute", "NotFound", f"{instance_id} has no primary interface")
    aws.call("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=primary["NetworkInterfaceId"], Groups=groups)


def _change_profile(aws: Aws, instance_id: str, profile: str | None) -> None:
    by_instance = [{"Name": "instance-id", "Values": [instance_id]}]
    found = aws.pages("DescribeIamInstanceProfileAssociations", "IamInstanceProfileAssociations", Filters=by_instance)
    current: Values | None = found[0] if found else None
    if profile and current is None:
        aws.call("AssociateIamInstanceProfile", InstanceId=instance_id, IamInstanceProfile={"Name": profile})
    elif profile and current is not None:
        aws.call(
            "ReplaceIamInstanceProfileAssociation",
            AssociationId=current["AssociationId"],
            IamInstanceProfile={"Name": profile},
        )
    elif current is not None:
        aws.call("DisassociateIamInstanceProfile", AssociationId=current["AssociationId"])


def _change_stopped(aws: Aws, change: Change) -> None:
    instance_id, new = change.object_id, change.new
    aws.call("StopInstances", InstanceIds=[instance_id])
    wait_for_state(aws, instance_id, "stopped")
    if change.has("instanceType"):
        _set(aws, instance_id, InstanceType={"Value": new["instanceType"]})
    if change.has("userData", "userDataBase64"):
        _set(aws, instance_id, UserData={"Value": _user_data(new) or b""})
    aws.call("StartInstances", InstanceIds=[instance_id])
    wait_for_state(aws, instance_id, "running")


def _delete(aws: Aws, instance_id: str, known: Values) -> None:
    if known.get("forceDestroy"):
        for name, attribute in (
            ("disableApiTermination", "DisableApiTermination"),
            ("disableApiStop", "DisableApiStop"),
        ):
            if known.get(name):
                _set(aws, instance_id, **{attribute: {"Value": False}})
    aws.call("TerminateInstances", InstanceIds=[instance_id])
    wait_for_state(aws, instance_id, "terminated")


INSTANCE = ResourceType(
    name="aws:ec2/instance:Instance",
    service="ec2",
    properties=properties,
    calls={
        "create": ("DescribeImages", "RunInstances", "ModifyInstanceAttribute", "CreateTags"),
        "read": (
            *("DescribeInstances", "DescribeInstanceAttribute", "DescribeVolumes"),
            *("DescribeInstanceTypes", "DescribeInstanceCreditSpecifications"),
        ),
        "update": (
            *("DescribeIamInstanceProfileAssociations", "AssociateIamInstanceProfile"),
            *("ReplaceIamInstanceProfileAssociation", "DisassociateIamInstanceProfile", "ModifyInstanceAttribute"),
            *(
                "ModifyNetworkInterfaceAttribute",
                "StopInstances",
                "StartInstances",
                "MonitorInstances",
                "UnmonitorInstances",
            ),
            *("ModifyInstanceMetadataOptions", "ModifyVolume", "DescribeVolumesModifications"),
            *("CreateTags", "DeleteTags"),
        ),
        "delete": ("ModifyInstanceAttribute", "TerminateInstances"),
    },
    create=_create,
    settle=_settle,
    read=_read,
    update=_update,
    delete=_delete,
    retag=ec2_common.retag,
    gone=frozenset({not_found}),
    at_least_one=(("ami", "launchTemplate"), ("instanceType", "launchTemplate")),
    replaces_when=replaces_when,
)

RESOURCES = (INSTANCE,)
