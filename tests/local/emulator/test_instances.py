"""Actions of https://docs.aws.amazon.com/AWSEC2/latest/APIReference/, named in each test; error codes are in its errors-overview."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

PATH = "/aws/service/ami-windows-latest/"
CORE = "Windows_Server-2022-English-Core-Base"


@pytest.fixture
def image(ssm: Any) -> Any:
    return ssm.get_parameter(Name=PATH + CORE)["Parameter"]["Value"]


@pytest.fixture
def run(ec2: Any, image: str) -> Any:
    def launch(**more: Any) -> Any:
        subnet: Any = (
            {} if "NetworkInterfaces" in more else {"SubnetId": ec2.describe_subnets()["Subnets"][0]["SubnetId"]}
        )
        request = {"ImageId": image, "InstanceType": "t3.large", "MinCount": 1, "MaxCount": 1, **subnet, **more}
        return ec2.run_instances(**request)["Instances"][0]["InstanceId"]

    return launch


def described(ec2: Any, instance: str) -> Any:
    return ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]


def volumes(ec2: Any, instance: str) -> Any:
    attached = [{"Name": "attachment.instance-id", "Values": [instance]}]
    found = ec2.describe_volumes(Filters=attached)["Volumes"]
    return {item["Attachments"][0]["Device"]: item for item in found}


def test_public_parameters_name_windows_images(ec2: Any, ssm: Any, image: str) -> None:
    """https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-public-parameters-ami.html"""
    (found,) = ec2.describe_images(ImageIds=[image])["Images"]
    assert found["Name"].startswith(CORE)
    assert (found["Platform"], found["RootDeviceName"], found["ImageOwnerAlias"]) == ("windows", "/dev/sda1", "amazon")
    assert found["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] == 30
    listed = ssm.get_parameters_by_path(Path=PATH)["Parameters"]
    assert {item["Name"].removeprefix(PATH) for item in listed} >= {CORE, CORE.replace("Core", "Full")}


def test_image_differs_from_region_to_region(connect: Any, image: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/AMIs.html: an image belongs to a Region."""
    other = connect("ssm", "us-east-1").get_parameter(Name=PATH + CORE)["Parameter"]["Value"]
    assert other != image
    with pytest.raises(ClientError, match=r"InvalidAMIID\.NotFound"):
        connect("ec2").describe_images(ImageIds=[other])


def test_root_volume_is_that_of_image_changed_by_request(ec2: Any, run: Any) -> None:
    """API_RunInstances, BlockDeviceMapping; API_EbsBlockDevice: an encrypted one needs no size."""
    root = {"DeviceName": "/dev/sda1", "Ebs": {"Encrypted": True, "VolumeType": "gp3"}}
    data = {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 10, "VolumeType": "io2", "Iops": 500}}
    found = volumes(ec2, run(BlockDeviceMappings=[root, data]))
    assert (found["/dev/sda1"]["Size"], found["/dev/sda1"]["Encrypted"]) == (30, True)
    assert (found["/dev/sda1"]["Iops"], found["/dev/sda1"]["Throughput"]) == (3000, 125)
    assert (found["/dev/sdf"]["Iops"], found["/dev/sdf"]["VolumeType"]) == (500, "io2")
    (plain,) = volumes(ec2, run()).values()
    assert (plain["Size"], plain["VolumeType"], plain["Iops"]) == (30, "gp2", 100)


def test_further_volume_needs_a_size_or_a_snapshot(run: Any) -> None:
    """API_EbsBlockDevice, VolumeSize."""
    with pytest.raises(ClientError, match="MissingParameter"):
        run(BlockDeviceMappings=[{"DeviceName": "/dev/sdf", "Ebs": {"Encrypted": True}}])


def test_protection_is_read_back_and_holds(ec2: Any, run: Any) -> None:
    """API_RunInstances, DisableApiTermination; API_TerminateInstances."""
    instance = run(DisableApiTermination=True)
    shown = ec2.describe_instance_attribute(InstanceId=instance, Attribute="disableApiTermination")
    assert shown["DisableApiTermination"]["Value"] is True
    with pytest.raises(ClientError, match="OperationNotPermitted"):
        ec2.terminate_instances(InstanceIds=[instance])
    ec2.modify_instance_attribute(InstanceId=instance, DisableApiTermination={"Value": False})
    ec2.terminate_instances(InstanceIds=[instance])
    ec2.terminate_instances(InstanceIds=[instance])
    assert described(ec2, instance)["State"]["Name"] == "terminated"


def test_launched_resources_are_deleted_with_the_instance(ec2: Any, run: Any) -> None:
    """API_InstanceNetworkInterfaceSpecification and API_EbsBlockDevice, DeleteOnTermination."""
    group = ec2.create_security_group(GroupName="g", Description="d", VpcId=ec2.describe_vpcs()["Vpcs"][0]["VpcId"])
    instance = run(SecurityGroupIds=[group["GroupId"]])
    with pytest.raises(ClientError, match="DependencyViolation"):
        ec2.delete_security_group(GroupId=group["GroupId"])
    ec2.terminate_instances(InstanceIds=[instance])
    ec2.delete_security_group(GroupId=group["GroupId"])
    assert (ec2.describe_network_interfaces()["NetworkInterfaces"], ec2.describe_volumes()["Volumes"]) == ([], [])


def test_groups_of_the_interface_are_those_of_the_instance(ec2: Any, run: Any) -> None:
    """API_Instance, groupSet; API_ModifyInstanceAttribute, Groups."""
    subnet = ec2.describe_subnets()["Subnets"][0]
    ids = [
        ec2.create_security_group(GroupName=name, Description="d", VpcId=subnet["VpcId"])["GroupId"] for name in "ab"
    ]
    interface = {"DeviceIndex": 0, "SubnetId": subnet["SubnetId"], "Groups": ids[:1], "AssociatePublicIpAddress": False}
    instance = run(NetworkInterfaces=[interface])
    assert [item["GroupId"] for item in described(ec2, instance)["SecurityGroups"]] == ids[:1]
    ec2.modify_instance_attribute(InstanceId=instance, Groups=ids[1:])
    found = described(ec2, instance)
    assert [item["GroupId"] for item in found["SecurityGroups"]] == ids[1:]
    assert [item["GroupId"] for item in found["NetworkInterfaces"][0]["Groups"]] == ids[1:]
    ec2.delete_security_group(GroupId=ids[0])


def test_instance_without_groups_has_the_default_one(ec2: Any, run: Any) -> None:
    """API_RunInstances, SecurityGroupIds."""
    assert [item["GroupName"] for item in described(ec2, run())["SecurityGroups"]] == ["default"]


def test_type_and_user_data_change_while_it_is_stopped(ec2: Any, run: Any) -> None:
    """API_ModifyInstanceAttribute; IncorrectInstanceState."""
    instance = run(UserData="one")
    for attribute in ({"InstanceType": {"Value": "t3.xlarge"}}, {"UserData": {"Value": b"two"}}):
        with pytest.raises(ClientError, match="IncorrectInstanceState"):
            ec2.modify_instance_attribute(InstanceId=instance, **attribute)
    ec2.stop_instances(InstanceIds=[instance])
    ec2.modify_instance_attribute(InstanceId=instance, InstanceType={"Value": "t3.xlarge"})
    ec2.modify_instance_attribute(InstanceId=instance, UserData={"Value": b"two"})
    shown = ec2.describe_instance_attribute(InstanceId=instance, Attribute="userData")
    assert (shown["UserData"]["Value"], described(ec2, instance)["InstanceType"]) == ("dHdv", "t3.xlarge")


def test_other_attributes_change_while_it_runs(ec2: Any, run: Any) -> None:
    """API_ModifyInstanceMetadataOptions, API_MonitorInstances, API_ModifyInstanceAttribute."""
    instance = run(MetadataOptions={"HttpTokens": "required"})
    ec2.modify_instance_metadata_options(InstanceId=instance, HttpPutResponseHopLimit=2)
    options = described(ec2, instance)["MetadataOptions"]
    assert (options["HttpTokens"], options["HttpPutResponseHopLimit"]) == ("required", 2)
    assert ec2.monitor_instances(InstanceIds=[instance])["InstanceMonitorings"][0]["InstanceId"] == instance
    assert described(ec2, instance)["Monitoring"]["State"] == "enabled"
    ec2.unmonitor_instances(InstanceIds=[instance])
    assert described(ec2, instance)["Monitoring"]["State"] == "disabled"
    ec2.modify_instance_attribute(InstanceId=instance, InstanceInitiatedShutdownBehavior={"Value": "terminate"})
    shown = ec2.describe_instance_attribute(InstanceId=instance, Attribute="instanceInitiatedShutdownBehavior")
    assert shown["InstanceInitiatedShutdownBehavior"]["Value"] == "terminate"


def test_profile_is_replaced(ec2: Any, iam: Any, run: Any) -> None:
    """API_ReplaceIamInstanceProfileAssociation; API_IamInstanceProfile, id."""
    ids = {}
    for name in ("first", "second"):
        made = iam.create_instance_profile(InstanceProfileName=name)["InstanceProfile"]
        ids[name] = made["InstanceProfileId"]
    instance = run(IamInstanceProfile={"Name": "first"})
    assert described(ec2, instance)["IamInstanceProfile"]["Id"] == ids["first"]
    (old,) = ec2.describe_iam_instance_profile_associations()["IamInstanceProfileAssociations"]
    ec2.replace_iam_instance_profile_association(
        AssociationId=old["AssociationId"], IamInstanceProfile={"Name": "second"}
    )
    assert described(ec2, instance)["IamInstanceProfile"]["Id"] == ids["second"]
    (new,) = ec2.describe_iam_instance_profile_associations()["IamInstanceProfileAssociations"]
    assert new["AssociationId"] != old["AssociationId"]


def test_volume_does_not_shrink_and_keeps_type_defaults(ec2: Any) -> None:
    """API_ModifyVolume, Size; https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html"""
    made = ec2.create_volume(AvailabilityZone="eu-west-1a", Size=100)
    with pytest.raises(ClientError, match="New size cannot be smaller"):
        ec2.modify_volume(VolumeId=made["VolumeId"], Size=99)
    ec2.modify_volume(VolumeId=made["VolumeId"], Size=200)
    (found,) = ec2.describe_volumes(VolumeIds=[made["VolumeId"]])["Volumes"]
    assert (found["VolumeType"], found["Iops"]) == ("gp2", 600)
    ec2.modify_volume(VolumeId=made["VolumeId"], VolumeType="gp3")
    (found,) = ec2.describe_volumes(VolumeIds=[made["VolumeId"]])["Volumes"]
    assert found["Throughput"] == 125


def test_key_of_a_volume_is_shown_by_arn(ec2: Any, kms: Any) -> None:
    """API_CreateVolume, KmsKeyId: id, alias or ARN; API_Volume, kmsKeyId."""
    key = kms.create_key()["KeyMetadata"]
    kms.create_alias(AliasName="alias/data", TargetKeyId=key["KeyId"])
    for given in (key["KeyId"], "alias/data", key["Arn"]):
        made = ec2.create_volume(AvailabilityZone="eu-west-1a", Size=1, Encrypted=True, KmsKeyId=given)
        assert made["KmsKeyId"] == key["Arn"]


def test_volume_is_attached_once_in_its_zone(ec2: Any, run: Any) -> None:
    """API_AttachVolume and API_DetachVolume; VolumeInUse, InvalidVolume.ZoneMismatch, IncorrectState."""
    instance = run()
    zone = described(ec2, instance)["Placement"]["AvailabilityZone"]
    here = ec2.create_volume(AvailabilityZone=zone, Size=1)["VolumeId"]
    ec2.attach_volume(VolumeId=here, InstanceId=instance, Device="xvdf")
    with pytest.raises(ClientError, match="VolumeInUse"):
        ec2.attach_volume(VolumeId=here, InstanceId=instance, Device="xvdg")
    second = ec2.create_volume(AvailabilityZone=zone, Size=1)["VolumeId"]
    with pytest.raises(ClientError, match="already in use"):
        ec2.attach_volume(VolumeId=second, InstanceId=instance, Device="xvdf")
    other = "eu-west-1b" if zone == "eu-west-1a" else "eu-west-1a"
    away = ec2.create_volume(AvailabilityZone=other, Size=1)["VolumeId"]
    with pytest.raises(ClientError, match="ZoneMismatch"):
        ec2.attach_volume(VolumeId=away, InstanceId=instance, Device="xvdg")
    ec2.detach_volume(VolumeId=here)
    with pytest.raises(ClientError, match="IncorrectState"):
        ec2.detach_volume(VolumeId=here)


def interface(ec2: Any, instance: str) -> Any:
    (found,) = described(ec2, instance)["NetworkInterfaces"]
    return found


def new_group(ec2: Any, name: str) -> str:
    (vpc, *_) = ec2.describe_vpcs()["Vpcs"]
    return ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc["VpcId"])["GroupId"]


def group_ids(shown: dict[str, Any], key: str) -> set[str]:
    return {group["GroupId"] for group in shown[key]}


def test_instance_and_interface_show_the_same_groups(ec2: Any, run: Any) -> None:
    """API_ModifyNetworkInterfaceAttribute and API_ModifyInstanceAttribute, Groups."""
    instance, first, second = run(), new_group(ec2, "first"), new_group(ec2, "second")
    name = interface(ec2, instance)["NetworkInterfaceId"]
    ec2.modify_network_interface_attribute(NetworkInterfaceId=name, Groups=[first])
    assert group_ids(described(ec2, instance), "SecurityGroups") == {first}
    assert group_ids(interface(ec2, instance), "Groups") == {first}
    ec2.modify_instance_attribute(InstanceId=instance, Groups=[second])
    (alone,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[name])["NetworkInterfaces"]
    assert group_ids(described(ec2, instance), "SecurityGroups") == group_ids(alone, "Groups") == {second}
    ec2.delete_security_group(GroupId=first)
    with pytest.raises(ClientError, match="DependencyViolation"):
        ec2.delete_security_group(GroupId=second)


def test_missing_group_is_refused_and_changes_nothing(ec2: Any, run: Any) -> None:
    """Errors overview, InvalidGroup.NotFound."""
    instance = run()
    before = described(ec2, instance)["SecurityGroups"]
    name = interface(ec2, instance)["NetworkInterfaceId"]
    missing = ["sg-00000000000000000"]
    with pytest.raises(ClientError, match=r"InvalidGroup\.NotFound"):
        ec2.modify_network_interface_attribute(NetworkInterfaceId=name, Groups=missing)
    with pytest.raises(ClientError, match=r"InvalidGroup\.NotFound"):
        ec2.modify_instance_attribute(InstanceId=instance, Groups=missing)
    assert described(ec2, instance)["SecurityGroups"] == before


def test_association_is_shown_with_a_public_address_alone(ec2: Any, run: Any) -> None:
    """API_InstanceNetworkInterface. An empty one on the wire would read as a public address."""
    instance = run()
    answers: list[bytes] = []
    ec2.meta.events.register_last(
        "after-call.ec2.DescribeInstances", lambda http_response, **_: answers.append(http_response.content)
    )
    (subnet,) = ec2.describe_subnets(Filters=[{"Name": "availability-zone", "Values": ["eu-west-1a"]}])["Subnets"]
    private = run(
        NetworkInterfaces=[{"DeviceIndex": 0, "SubnetId": subnet["SubnetId"], "AssociatePublicIpAddress": False}]
    )
    assert "Association" not in interface(ec2, private)
    assert b"association>" not in answers[-1]
    assert b"association/>" not in answers[-1]
    address = ec2.allocate_address(Domain="vpc")
    ec2.associate_address(InstanceId=instance, AllocationId=address["AllocationId"])
    assert interface(ec2, instance)["Association"]["PublicIp"] == address["PublicIp"]
