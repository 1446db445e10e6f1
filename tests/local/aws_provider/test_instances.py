"""Instances (Terraform AWS provider: internal/service/ec2/ec2_instance.go)."""

from typing import Any

import pytest

from local.aws_provider.types.instances import architecture
from local.emulator.extension.images import image_id
from tests.local.aws_provider.conftest import lifecycle

token = "aws:ec2/instance:Instance"
ami = image_id("eu-west-1", "Windows_Server-2022-English-Core-Base")
other_ami = image_id("eu-west-1", "Windows_Server-2025-English-Core-Base")


@pytest.fixture
def net(aws: Any) -> Any:
    """A private subnet, two groups, and two instance profiles."""
    client = aws("ec2")
    vpc = client.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = client.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24", AvailabilityZone="eu-west-1a")["Subnet"][
        "SubnetId"
    ]
    groups = [client.create_security_group(GroupName=name, Description="d", VpcId=vpc)["GroupId"] for name in "ab"]
    for name in ("first", "second"):
        aws("iam").create_instance_profile(InstanceProfileName=name)
    return {"subnet": subnet, "groups": groups}


def controller(net: dict[str, Any], **change: Any) -> dict[str, Any]:
    """Return the inputs of a domain controller."""
    inputs = {
        "ami": ami,
        "instanceType": "t3.large",
        "subnetId": net["subnet"],
        "vpcSecurityGroupIds": net["groups"][:1],
        "iamInstanceProfile": "first",
        "associatePublicIpAddress": False,
        "privateIp": "10.9.1.10",
        "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1},
        "rootBlockDevice": {"encrypted": True, "volumeType": "gp3", "volumeSize": 60},
        "disableApiTermination": True,
        "monitoring": True,
        "userData": "<powershell>Rename-Computer dc1</powershell>",
        "tags": {"Name": "dc1"},
    }
    return {**inputs, **change}


def simple(net: dict[str, Any], **change: Any) -> dict[str, Any]:
    return {"ami": ami, "instanceType": "t3.large", "subnetId": net["subnet"], **change}


def described(aws: Any, made: Any) -> Any:
    return aws("ec2").describe_instances(InstanceIds=[made.id])["Reservations"][0]["Instances"][0]


def volume(aws: Any, made: Any, device: str = "/dev/sda1") -> Any:
    attached = {item["DeviceName"]: item["Ebs"]["VolumeId"] for item in described(aws, made)["BlockDeviceMappings"]}
    return aws("ec2").describe_volumes(VolumeIds=[attached[device]])["Volumes"][0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ami": None}, "one of `ami,launchTemplate` must be specified"),
        ({"instanceType": None}, "one of `instanceType,launchTemplate` must be specified"),
        ({"launchTemplate": {"id": "lt-1"}}, "launchTemplate: is not supported by the local stand-in"),
        ({"networkInterfaces": [{"deviceIndex": 0}]}, "networkInterfaces: is not supported"),
        ({"getPasswordData": True}, "getPasswordData: is not supported"),
        ({"userData": "x" * 16385}, "length"),
        ({"metadataOptions": {"httpPutResponseHopLimit": 65}}, "range"),
        ({"metadataOptions": {"httpTokens": "maybe"}}, "optional"),
        ({"rootBlockDevice": {"volumeType": "gp4"}}, "gp3"),
        ({"privateIp": "10.9.1"}, "valid IPv4 address"),
    ],
)
def test_instance_refuses(provider: Any, net: dict[str, Any], change: dict[str, Any], reason: str) -> None:
    with pytest.raises(Exception, match=reason):
        provider.check(token, "i", controller(net, **change))


def test_defaults_of_an_instance(provider: Any, net: dict[str, Any]) -> None:
    checked = provider.check(token, "i", controller(net))
    assert (checked["sourceDestCheck"], checked["getPasswordData"]) == (True, False)
    assert (checked["userDataReplaceOnChange"], checked["forceDestroy"]) == (False, False)
    assert checked["rootBlockDevice"]["deleteOnTermination"] is True
    assert checked["metadataOptions"]["httpEndpoint"] == "enabled"
    assert checked["metadataOptions"]["httpProtocolIpv6"] == "disabled"
    assert "metadataOptions" not in provider.check(token, "i", simple(net))


def test_domain_controller_is_made_and_does_not_differ(provider: Any, net: dict[str, Any]) -> None:
    made = provider.up(token, "dc", controller(net))
    assert made["arn"] == f"arn:aws:ec2:eu-west-1:123456789012:instance/{made.id}"
    assert (made["instanceState"], made["privateIp"], made["publicIp"]) == ("running", "10.9.1.10", "")
    assert (made["availabilityZone"], made["iamInstanceProfile"]) == ("eu-west-1a", "first")
    assert made["primaryNetworkInterfaceId"].startswith("eni-")
    assert (made["disableApiTermination"], made["monitoring"]) == (True, True)
    assert made["vpcSecurityGroupIds"] == net["groups"][:1]
    assert made["userData"].startswith("<powershell>")
    assert provider.unchanged(token, "dc", controller(net))


def test_root_volume_combines_image_and_program(provider: Any, aws: Any, net: dict[str, Any]) -> None:
    made = provider.up(token, "dc", controller(net, rootBlockDevice={"encrypted": True}))
    assert (made["rootBlockDevice"]["volumeSize"], made["rootBlockDevice"]["deviceName"]) == (30, "/dev/sda1")
    assert made["rootBlockDevice"]["kmsKeyId"].startswith("arn:aws:kms:")
    assert volume(aws, made)["Encrypted"]


def test_unset_inputs_accept_any_value(provider: Any, net: dict[str, Any]) -> None:
    made = provider.up(token, "i", simple(net))
    assert made["rootBlockDevice"]["volumeType"] == "gp2"
    assert made["metadataOptions"]["httpTokens"] == "optional"
    assert provider.unchanged(token, "i", simple(net))


def test_previews_do_not_know_what_aws_decides(provider: Any, net: dict[str, Any]) -> None:
    planned = provider.preview(token, "i", simple(net))
    assert {repr(planned[name]) for name in ("arn", "privateIp", "privateDns", "rootBlockDevice")} == {"UNKNOWN"}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("t3.large", "x86_64"), ("m7i-flex.large", "x86_64"), ("g4dn.xlarge", "x86_64"), ("t4g.micro", "arm64")],
)
def test_architecture_is_known_by_the_family(kind: str, expected: str) -> None:
    assert architecture(kind) == expected


def test_groups_profile_and_metadata_change_in_place(provider: Any, aws: Any, net: dict[str, Any]) -> None:
    made = provider.up(token, "dc", controller(net))
    changed = controller(
        net,
        vpcSecurityGroupIds=net["groups"],
        iamInstanceProfile="second",
        metadataOptions={"httpTokens": "required", "httpPutResponseHopLimit": 2},
        monitoring=False,
    )
    assert not provider.diff(token, "dc", changed).replaces
    assert provider.up(token, "dc", changed).id == made.id
    found = described(aws, made)
    assert {group["GroupId"] for group in found["SecurityGroups"]} == set(net["groups"])
    assert found["IamInstanceProfile"]["Arn"].endswith("/second")
    assert (found["MetadataOptions"]["HttpTokens"], found["MetadataOptions"]["HttpPutResponseHopLimit"]) == (
        "required",
        2,
    )
    assert found["Monitoring"]["State"] == "disabled"
    assert provider.unchanged(token, "dc", changed)


def test_type_and_the_user_data_change_while_it_is_stopped(provider: Any, aws: Any, net: dict[str, Any]) -> None:
    made = provider.up(token, "i", simple(net, userData="one"))
    changed = simple(net, instanceType="t3.xlarge", userData="two")
    assert not provider.diff(token, "i", changed).replaces
    provider.up(token, "i", changed)
    assert (described(aws, made)["InstanceType"], described(aws, made)["State"]["Name"]) == ("t3.xlarge", "running")
    assert provider.unchanged(token, "i", changed)


def test_root_volume_grows_in_place(provider: Any, aws: Any, net: dict[str, Any]) -> None:
    made = provider.up(token, "dc", controller(net))
    root = {"encrypted": True, "volumeType": "gp3", "volumeSize": 80, "deleteOnTermination": False}
    changed = controller(net, rootBlockDevice=root)
    assert not provider.diff(token, "dc", changed).replaces
    provider.up(token, "dc", changed)
    found = volume(aws, made)
    assert found["Size"] == 80
    assert described(aws, made)["BlockDeviceMappings"][0]["Ebs"]["DeleteOnTermination"] is False
    assert provider.unchanged(token, "dc", changed)


def test_default_tags_reach_described_volumes(fresh: Any, aws: Any, net: dict[str, Any]) -> None:
    fresh.configure(defaultTags='{"tags": {"owner": "directory"}}')
    made = fresh.up(token, "i", simple(net, rootBlockDevice={"volumeSize": 40}))
    assert volume(aws, made)["Tags"] == [{"Key": "owner", "Value": "directory"}]
    assert fresh.unchanged(token, "i", simple(net, rootBlockDevice={"volumeSize": 40}))


def test_unprotected_instance_is_terminated(provider: Any, aws: Any, net: dict[str, Any]) -> None:
    provider.up(token, "dc", controller(net))
    provider.up(token, "dc", controller(net, disableApiTermination=False))
    provider.destroy(token, "dc")
    aws("ec2").delete_security_group(GroupId=net["groups"][0])
    assert aws("ec2").describe_volumes()["Volumes"] == []


def test_image_that_is_not_there_is_an_error(provider: Any, net: dict[str, Any]) -> None:
    with pytest.raises(Exception, match=r"ec2:DescribeImages failed with InvalidAMIID\.NotFound"):
        provider.up(token, "dc", controller(net, ami="ami-0123456789abcdef0"))


def test_root_volume_has_its_own_tags(provider: Any, aws: Any, net: dict[str, Any]) -> None:
    root = {"volumeSize": 40, "tags": {"Role": "root", "stage": "dev"}}
    made = provider.up(token, "one", simple(net, rootBlockDevice=root))
    assert {tag["Key"]: tag["Value"] for tag in volume(aws, made)["Tags"]} == {"Role": "root", "stage": "dev"}
    assert provider.unchanged(token, "one", simple(net, rootBlockDevice=root))
    provider.up(token, "one", simple(net, rootBlockDevice={**root, "tags": {"Role": "system"}}))
    assert volume(aws, made)["Tags"] == [{"Key": "Role", "Value": "system"}]


def test_protected_instance_is_not_terminated(provider: Any, net: dict[str, Any]) -> None:
    provider.up(token, "dc", controller(net))
    with pytest.raises(Exception, match="ec2:TerminateInstances failed with OperationNotPermitted"):
        provider.destroy(token, "dc")


def test_source_check_changed_by_hand_is_restored(provider: Any, aws: Any, net: dict[str, Any]) -> None:
    made = provider.up(token, "i", simple(net))
    aws("ec2").modify_instance_attribute(InstanceId=made.id, SourceDestCheck={"Value": False})
    provider.refresh(token, "i")
    assert list(provider.diff(token, "i", simple(net)).diffs) == ["sourceDestCheck"]
    provider.up(token, "i", simple(net))
    assert described(aws, made)["SourceDestCheck"] is True


@pytest.fixture
def unprotected(net: dict[str, Any]) -> dict[str, Any]:
    return controller(net, disableApiTermination=False)


TestInstance = lifecycle(
    token,
    "unprotected",
    delete=lambda aws, made: aws("ec2").terminate_instances(InstanceIds=[made.id]),
    imported_by="{id}",
    replacing=(
        {"ami": other_ami},
        {"subnetId": "subnet-1"},
        {"privateIp": "10.9.1.11"},
        {"associatePublicIpAddress": True},
        {"instanceType": "t4g.large"},
        {"rootBlockDevice": {"encrypted": False, "volumeType": "gp3", "volumeSize": 60}},
    ),
    delete_first=False,
)
