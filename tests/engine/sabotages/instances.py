"""Changes of controllers and their volumes."""

from functools import partial
from typing import Any

from tests.engine.sabotages.resource import Live, Resource, Undo
from tests.engine.sabotages.sabotage import REFRESH, Sabotage, do
from tests.engine.sabotages.tags import ec2_tag


def metadata(live: Live, each: Resource, **change: Any) -> Undo:
    modify = partial(live.aws("ec2", each.region).modify_instance_metadata_options, InstanceId=each.id)
    modify(**change)
    return lambda: modify(HttpEndpoint="enabled", HttpTokens="required", HttpPutResponseHopLimit=1)


def instance_attribute(live: Live, each: Resource, change: dict[str, Any], back: dict[str, Any]) -> Undo:
    modify = partial(live.aws("ec2", each.region).modify_instance_attribute, InstanceId=each.id)
    modify(**change)
    return lambda: modify(**back)


def instance_groups(live: Live, each: Resource) -> Undo:
    groups = each.inputs["vpcSecurityGroupIds"]
    return instance_attribute(live, each, {"Groups": groups[:1]}, {"Groups": groups})


def instance_type(live: Live, each: Resource) -> Undo:
    ec2 = live.aws("ec2", each.region)

    def resize(kind: str) -> None:
        ec2.stop_instances(InstanceIds=[each.id])
        ec2.modify_instance_attribute(InstanceId=each.id, InstanceType={"Value": kind})
        ec2.start_instances(InstanceIds=[each.id])

    resize("t3.small")
    return lambda: resize(each.inputs["instanceType"])


def instance_profile(live: Live, each: Resource) -> Undo:
    ec2 = live.aws("ec2", each.region)

    def put(name: str) -> None:
        by_instance = [{"Name": "instance-id", "Values": [each.id]}]
        found = ec2.describe_iam_instance_profile_associations(Filters=by_instance)["IamInstanceProfileAssociations"]
        profile = {"Name": name}
        ec2.replace_iam_instance_profile_association(
            AssociationId=found[0]["AssociationId"], IamInstanceProfile=profile
        )

    put("WorkloadInstance")
    return lambda: put(each.inputs["iamInstanceProfile"])


def stopped(live: Live, each: Resource) -> Undo:
    ec2 = live.aws("ec2", each.region)
    ec2.stop_instances(InstanceIds=[each.id])
    return lambda: ec2.start_instances(InstanceIds=[each.id])


def volume_type(live: Live, each: Resource) -> Undo:
    modify = partial(live.aws("ec2", each.region).modify_volume, VolumeId=each.id)
    modify(VolumeType="gp2")
    return lambda: modify(VolumeType="gp3")


def volume_detached(live: Live, each: Resource) -> Undo:
    ec2, inputs = live.aws("ec2", each.region), each.inputs
    given = {"VolumeId": inputs["volumeId"], "InstanceId": inputs["instanceId"], "Device": inputs["deviceName"]}
    ec2.detach_volume(**given)
    return lambda: ec2.attach_volume(**given)


def volume_grown(live: Live, each: Resource) -> None:
    live.aws("ec2", each.region).modify_volume(VolumeId=each.id, Size=each.inputs["size"] + 1)


SABOTAGES: tuple[Sabotage, ...] = (
    Sabotage("Instance", "metadataOptions", do(metadata, HttpTokens="optional")),
    Sabotage("Instance", "metadataOptions", do(metadata, HttpEndpoint="disabled")),
    Sabotage("Instance", "metadataOptions", do(metadata, HttpPutResponseHopLimit=2)),
    Sabotage(
        "Instance",
        "disableApiTermination",
        do(
            instance_attribute,
            change={"DisableApiTermination": {"Value": True}},
            back={"DisableApiTermination": {"Value": False}},
        ),
    ),
    Sabotage(
        "Instance",
        "sourceDestCheck",
        do(instance_attribute, change={"SourceDestCheck": {"Value": False}}, back={"SourceDestCheck": {"Value": True}}),
    ),
    Sabotage("Instance", "vpcSecurityGroupIds", instance_groups),
    Sabotage("Instance", "instanceType", instance_type),
    Sabotage("Instance", "iamInstanceProfile", instance_profile),
    Sabotage("Instance", "state", stopped, "{}-state"),
    Sabotage("Instance", "role tag", do(ec2_tag, key="Role")),
    Sabotage("Instance", "tags", ec2_tag, REFRESH),
    Sabotage("Volume", "type", volume_type),
    Sabotage("Volume", "role tag", do(ec2_tag, key="Role")),
    Sabotage("Volume", "tags", ec2_tag, REFRESH),
    Sabotage("VolumeAttachment", "deviceName", volume_detached),
    Sabotage("Instance", "patch group tag", do(ec2_tag, key="PatchGroup")),
)


def excluded_from_scans(live: Live, each: Resource) -> Undo:
    ec2, tag = live.aws("ec2", each.region), {"Key": "InspectorEc2Exclusion", "Value": "true"}
    ec2.create_tags(Resources=[each.id], Tags=[tag])
    return lambda: ec2.delete_tags(Resources=[each.id], Tags=[tag])


EXCLUSIONS: tuple[Sabotage, ...] = (Sabotage("Instance", "exclusion tag", excluded_from_scans),)

LAST: tuple[Sabotage, ...] = (Sabotage("Volume", "size", volume_grown),)
