"""Authorization requests that the local AWS records for each call."""

import json
import tomllib
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from tests.local.emulator.conftest import Connect
from tests.support.api_calls import UNKNOWN, nested
from tests.support.authorization.requests import TABLE
from tests.support.emulator import Emulator
from tests.support.recorder import begin, end, recorded

ACCOUNT = "123456789012"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)


@pytest.fixture(autouse=True)
def recording(emulator: Emulator, empty: None) -> Iterator[None]:  # noqa: ARG001 -- begins with nothing
    begin(emulator.endpoint_url)
    yield
    end(emulator.endpoint_url)


@pytest.fixture
def asked(emulator: Emulator) -> Any:
    """Return the recorded requests of an action: resource and keys."""

    def of(action: str) -> list[tuple[str, dict[str, Any]]]:
        found = recorded(emulator.endpoint_url)
        return [(each["resource"], each["keys"]) for each in found if each["action"] == action]

    return of


def test_request_has_caller_action_resource_and_region(connect: Connect, emulator: Emulator) -> None:
    connect("ssm").put_parameter(Name="/session-manager/key", Value="1", Type="String")
    assert recorded(emulator.endpoint_url) == [
        {
            "caller": "local",
            "action": "ssm:PutParameter",
            "resource": f"arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter/session-manager/key",
            "keys": {"aws:RequestedRegion": "eu-west-1"},
        }
    ]
    assert connect("ssm").get_parameter(Name="/session-manager/key")["Parameter"]["Value"] == "1"


def test_same_request_is_recorded_once_until_the_end(connect: Connect, emulator: Emulator) -> None:
    for _ in range(2):
        connect("sts").get_caller_identity()
    assert len(recorded(emulator.endpoint_url)) == 1
    end(emulator.endpoint_url)
    connect("sts").get_caller_identity()
    assert recorded(emulator.endpoint_url) == []


def test_tags_are_recorded_with_the_request(connect: Connect, asked: Any) -> None:
    connect("ssm").put_parameter(Name="plain", Value="1", Type="String", Tags=[{"Key": "owner", "Value": "security"}])
    keys = {
        "aws:RequestedRegion": "eu-west-1",
        "aws:RequestTag/owner": "security",
        "aws:TagKeys": ["owner"],
    }
    assert asked("ssm:AddTagsToResource") == [(f"arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter/plain", keys)]


def test_ec2_records_resource_types_and_create_action(connect: Connect, asked: Any) -> None:
    ec2 = connect("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    tags = [{"ResourceType": "security-group", "Tags": [{"Key": "owner", "Value": "security"}]}]
    group = ec2.create_security_group(GroupName="a", Description="a", VpcId=vpc, TagSpecifications=tags)["GroupId"]
    requests = dict(asked("ec2:CreateSecurityGroup"))
    assert requests[f"arn:aws:ec2:eu-west-1:{ACCOUNT}:security-group/*"]["aws:RequestTag/owner"] == "security"
    assert "aws:RequestTag/owner" not in requests[f"arn:aws:ec2:eu-west-1:{ACCOUNT}:vpc/{vpc}"]
    ((_, keys),) = asked("ec2:CreateTags")
    assert keys["ec2:CreateAction"] == "CreateSecurityGroup"
    ec2.delete_security_group(GroupId=group)
    ((resource, keys),) = asked("ec2:DeleteSecurityGroup")
    assert resource.endswith(f"security-group/{group}")
    assert keys["aws:ResourceTag/owner"] == "security"


def test_alias_is_recorded_as_key_with_its_aliases(connect: Connect, asked: Any) -> None:
    kms = connect("kms")
    key = kms.create_key(Tags=[{"TagKey": "owner", "TagValue": "security"}])["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/ours", TargetKeyId=key)
    kms.describe_key(KeyId="alias/ours")
    ((resource, keys),) = asked("kms:DescribeKey")
    assert resource == key
    assert (keys["aws:ResourceTag/owner"], keys["kms:ResourceAliases"]) == ("security", ["alias/ours"])
    assert {resource for resource, _ in asked("kms:CreateAlias")} == {
        key,
        f"arn:aws:kms:eu-west-1:{ACCOUNT}:alias/ours",
    }


def test_passed_role_records_service_and_boundary(connect: Connect, asked: Any) -> None:
    iam = connect("iam")
    nothing = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
    limit = iam.create_policy(PolicyName="Limit", PolicyDocument=json.dumps(nothing))
    arn = limit["Policy"]["Arn"]
    iam.create_role(RoleName="Node", AssumeRolePolicyDocument=TRUST, PermissionsBoundary=arn)
    iam.create_instance_profile(InstanceProfileName="Node")
    iam.add_role_to_instance_profile(InstanceProfileName="Node", RoleName="Node")
    iam.put_role_policy(RoleName="Node", PolicyName="any", PolicyDocument=json.dumps(nothing))
    role = f"arn:aws:iam::{ACCOUNT}:role/Node"
    ((resource, keys),) = asked("iam:PassRole")
    assert (resource, keys["iam:PassedToService"]) == (role, "ec2.amazonaws.com")
    for action in ("iam:CreateRole", "iam:PutRolePolicy"):
        ((resource, keys),) = asked(action)
        assert (resource, keys["iam:PermissionsBoundary"]) == (role, arn)


def test_bucket_settings_are_distinguished_by_path(connect: Connect, asked: Any) -> None:
    s3 = connect("s3")
    s3.create_bucket(Bucket="logs", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_bucket_versioning(Bucket="logs", VersioningConfiguration={"Status": "Enabled"})
    s3.head_bucket(Bucket="logs")
    for action in ("s3:CreateBucket", "s3:PutBucketVersioning", "s3:ListBucket"):
        assert [resource for resource, _ in asked(action)] == ["arn:aws:s3:::logs"]


def test_session_is_recorded_by_its_role(connect: Connect, emulator: Emulator) -> None:
    role = connect("iam").create_role(RoleName="Deployer", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    given = connect("sts").assume_role(RoleArn=role, RoleSessionName="any")["Credentials"]
    boto3.client(
        "sts",
        region_name="eu-west-1",
        endpoint_url=emulator.endpoint_url,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    ).get_caller_identity()
    assert recorded(emulator.endpoint_url)[-1]["caller"] == "Deployer"


def test_operation_missing_in_table_is_recorded_as_unknown(connect: Connect, asked: Any) -> None:
    connect("sqs").list_queues()
    assert [resource for resource, _ in asked(UNKNOWN)] == ["sqs:ListQueues"]


def test_table_is_sorted_and_each_of_its_resources_is_used() -> None:
    table = tomllib.loads(TABLE.read_text())
    assert list(table["operations"]) == sorted(table["operations"])
    for name in table["resources"]:
        service, resource = name.split(".", 1)
        of_service = [
            line for each, several in table["operations"].items() if each.startswith(f"{service}:") for line in several
        ]
        assert any(resource in line.split() for line in of_service), name


def test_lists_of_query_parameters_are_read_back() -> None:
    assert nested({"Tags.member.1.Key": "a", "Tags.member.2.Key": "b", "Name": "c"}) == {
        "Tags": [{"Key": "a"}, {"Key": "b"}],
        "Name": "c",
    }


def test_private_dns_of_endpoint_records_route_53_via_ec2(connect: Connect, asked: Any) -> None:
    ec2 = connect("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    for setting in ("EnableDnsSupport", "EnableDnsHostnames"):
        ec2.modify_vpc_attribute(VpcId=vpc, **{setting: {"Value": True}})
    for service, kind, private in (("s3", "Gateway", None), ("ssm", "Interface", True)):
        given = {"PrivateDnsEnabled": True} if private else {}
        ec2.create_vpc_endpoint(
            VpcId=vpc, ServiceName=f"com.amazonaws.eu-west-1.{service}", VpcEndpointType=kind, **given
        )
    ((resource, keys),) = asked("route53:AssociateVPCWithHostedZone")
    assert resource == "arn:aws:route53:::hostedzone/*"
    assert keys == {"aws:RequestedRegion": "us-east-1", "aws:ViaAWSService": "true"}


def test_groups_of_an_interface_are_recorded_with_its_subnet(connect: Connect, asked: Any) -> None:
    ec2 = connect("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="a", Description="a", VpcId=vpc)["GroupId"]
    name = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    ec2.modify_network_interface_attribute(NetworkInterfaceId=name, Groups=[group])
    own = f"arn:aws:ec2:eu-west-1:{ACCOUNT}"
    found = dict(asked("ec2:ModifyNetworkInterfaceAttribute"))
    assert set(found) == {f"{own}:network-interface/{name}", f"{own}:security-group/{group}"}
    keys = found[f"{own}:network-interface/{name}"]
    assert (keys["ec2:Subnet"], keys["ec2:Vpc"]) == (f"{own}:subnet/{subnet}", f"{own}:vpc/{vpc}")


def test_tags_of_a_bucket_are_recorded_on_creation(connect: Connect, asked: Any) -> None:
    configuration = {"LocationConstraint": "eu-west-1", "Tags": [{"Key": "owner", "Value": "security"}]}
    connect("s3").create_bucket(Bucket="tagged", CreateBucketConfiguration=configuration)
    connect("s3").create_bucket(Bucket="plain", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    ((resource, keys),) = asked("s3:TagResource")
    assert (resource, keys["aws:RequestTag/owner"]) == ("arn:aws:s3:::tagged", "security")
    assert len(asked("s3:CreateBucket")) == 2
