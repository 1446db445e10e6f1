"""Functions that find groups, prefix lists, parameters and quotas (Terraform AWS provider: data sources of ec2, ssm, servicequotas)."""

from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from local.aws_provider import wire

group = "aws:ec2/getSecurityGroup:getSecurityGroup"
prefix_list = "aws:ec2/getManagedPrefixList:getManagedPrefixList"
parameter = "aws:ssm/getParameter:getParameter"
quota = "aws:servicequotas/getServiceQuota:getServiceQuota"
table = "aws:ec2/getRouteTable:getRouteTable"
windows = "/aws/service/ami-windows-latest/Windows_Server-2022-English-Core-Base"


def test_a_group_is_found_by_id_name_or_tag(provider: Any, aws: Any) -> None:
    client = aws("ec2")
    vpc = client.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    made = client.create_security_group(GroupName="clients", Description="d", VpcId=vpc)["GroupId"]
    client.create_tags(Resources=[made], Tags=[{"Key": "role", "Value": "client"}])
    found = provider.invoke(group, id=made)
    assert (found["name"], found["vpcId"], found["tags"]) == ("clients", vpc, {"role": "client"})
    assert found["arn"] == f"arn:aws:ec2:eu-west-1:123456789012:security-group/{made}"
    assert provider.invoke(group, name="clients")["id"] == made
    assert provider.invoke(group, tags={"role": "client"})["id"] == made
    with pytest.raises(Exception, match="no matching EC2 Security Group found"):
        provider.invoke(group, name="none")
    with pytest.raises(Exception, match="multiple EC2 Security Groups matched"):
        provider.invoke(group)


def test_a_list_of_aws_is_found_by_name(provider: Any) -> None:
    found = provider.invoke(prefix_list, name="com.amazonaws.eu-west-1.s3")
    assert found["id"].startswith("pl-")
    assert (found["addressFamily"], found["ownerId"]) == ("IPv4", "AWS")
    assert {"cidr", "description"} == set(found["entries"][0])
    assert provider.invoke(prefix_list, id=found["id"])["name"] == "com.amazonaws.eu-west-1.s3"
    wanted = [{"name": "prefix-list-name", "values": ["com.amazonaws.eu-west-1.dynamodb"]}]
    assert provider.invoke(prefix_list, filters=wanted)["ownerId"] == "AWS"
    with pytest.raises(Exception, match="no matching EC2 Managed Prefix List found"):
        provider.invoke(prefix_list, name="com.amazonaws.nowhere.s3")


def test_a_public_parameter_names_an_image(provider: Any, aws: Any) -> None:
    found = provider.invoke(parameter, name=windows)
    (image,) = aws("ec2").describe_images(ImageIds=[found["value"]])["Images"]
    assert image["Name"].startswith("Windows_Server-2022-English-Core-Base")
    assert (found["type"], found["insecureValue"], found["id"]) == ("String", found["value"], windows)
    assert found["arn"].endswith(f":parameter{windows}")


def test_get_parameter_result_is_not_secret(provider: Any) -> None:
    for name in (windows, wire.Secret(windows)):
        request = provider_pb2.InvokeRequest(tok=parameter, args=wire.write({"name": name}))
        answer = wire.read(getattr(provider.stub.Invoke(request), "return"))
        assert answer["value"].startswith("ami-")
        assert not wire.holds_secret(answer)


def test_a_secure_parameter_is_decrypted_unless_told(provider: Any, aws: Any) -> None:
    aws("ssm").put_parameter(Name="/own", Type="SecureString", Value="v")
    found = provider.invoke(parameter, name="/own")
    assert (found["value"], found.get("insecureValue")) == ("v", None)
    assert found["withDecryption"] is True
    assert provider.invoke(parameter, name="/own", withDecryption=False)["value"] != "v"
    with pytest.raises(Exception, match=r"reading SSM Parameter \(/none\): couldn't find resource"):
        provider.invoke(parameter, name="/none")


@pytest.mark.parametrize(
    ("code", "name", "value"),
    [
        ("L-0EA8095F", "Inbound or outbound rules per security group", 60),
        ("L-2AFB9258", "Security groups per network interface", 5),
        ("L-2AEEBF1A", "Rules per network ACL", 20),
    ],
)
def test_a_quota_is_found_by_code_or_name(provider: Any, code: str, name: str, value: int) -> None:
    found = provider.invoke(quota, serviceCode="vpc", quotaCode=code)
    assert (found["value"], found["defaultValue"], found["quotaName"]) == (value, value, name)
    assert found["arn"] == f"arn:aws:servicequotas:eu-west-1:123456789012:vpc/{code}"
    assert found["id"] == f"arn:aws:servicequotas:eu-west-1::vpc/{code}"
    assert provider.invoke(quota, serviceCode="vpc", quotaName=name)["quotaCode"] == code


def test_a_quota_needs_a_code_or_a_name(provider: Any) -> None:
    with pytest.raises(Exception, match="one of `quotaCode,quotaName` must be specified"):
        provider.invoke(quota, serviceCode="vpc")
    with pytest.raises(Exception, match="NoSuchResourceException"):
        provider.invoke(quota, serviceCode="vpc", quotaCode="L-0")
    with pytest.raises(Exception, match="couldn't find resource"):
        provider.invoke(quota, serviceCode="vpc", quotaName="none")


def test_a_subnet_s_route_to_the_internet_is_shown(provider: Any, aws: Any) -> None:
    client = aws("ec2")
    vpc = client.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = client.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    made = client.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    client.associate_route_table(RouteTableId=made, SubnetId=subnet)
    assert provider.invoke(table, subnetId=subnet)["routes"] == []
    gateway = client.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    client.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    client.create_route(RouteTableId=made, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    (route,) = provider.invoke(table, subnetId=subnet)["routes"]
    assert (route["cidrBlock"], route["gatewayId"]) == ("0.0.0.0/0", gateway)
