"""Functions (Terraform AWS provider: data sources of sts, meta, ec2 and iam)."""

import json
import zlib
from typing import Any

import pytest

identity = "aws:index/getCallerIdentity:getCallerIdentity"
region = "aws:index/getRegion:getRegion"
partition = "aws:index/getPartition:getPartition"
vpc_function = "aws:ec2/getVpc:getVpc"
subnet_function = "aws:ec2/getSubnet:getSubnet"
subnets_function = "aws:ec2/getSubnets:getSubnets"
table_function = "aws:ec2/getRouteTable:getRouteTable"
tables_function = "aws:ec2/getRouteTables:getRouteTables"
document = "aws:iam/getPolicyDocument:getPolicyDocument"


def test_the_caller(provider: Any) -> None:
    found = provider.invoke(identity)
    assert found["accountId"] == found["id"] == "123456789012"
    assert {"arn", "userId"} <= set(found)


def test_the_region_is_the_providers_unless_asked(provider: Any) -> None:
    assert provider.invoke(region) == {
        "region": "eu-west-1",
        "name": "eu-west-1",
        "id": "eu-west-1",
        "description": "Europe (Ireland)",
        "endpoint": "ec2.eu-west-1.amazonaws.com",
    }
    assert provider.invoke(region, name="us-east-1")["endpoint"] == "ec2.us-east-1.amazonaws.com"
    assert provider.invoke(region, endpoint="ec2.us-west-2.amazonaws.com")["id"] == "us-west-2"
    with pytest.raises(Exception, match="region not found for name 'nowhere'"):
        provider.invoke(region, region="nowhere")


def test_the_partition_needs_no_call(provider: Any) -> None:
    found = provider.invoke(partition)
    assert found == {
        "partition": "aws",
        "id": "aws",
        "dnsSuffix": "amazonaws.com",
        "reverseDnsPrefix": "com.amazonaws",
    }


def test_an_unknown_argument_is_a_failure(provider: Any) -> None:
    with pytest.raises(Exception, match="tagz: unknown property 'tagz'; did you mean 'tags'"):
        provider.invoke(vpc_function, tagz={})


@pytest.fixture
def net(aws: Any) -> Any:
    client = aws("ec2")
    vpc = client.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = client.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24", AvailabilityZone="eu-west-1a")["Subnet"][
        "SubnetId"
    ]
    client.create_tags(Resources=[vpc], Tags=[{"Key": "Name", "Value": "workloads"}])
    client.create_tags(Resources=[subnet], Tags=[{"Key": "Name", "Value": "private-a"}])
    return {"vpc": vpc, "subnet": subnet}


def test_a_network_is_found_by_tag_id_or_filter(provider: Any, net: dict[str, Any]) -> None:
    by_tag = provider.invoke(vpc_function, tags={"Name": "workloads"})
    assert by_tag["id"] == net["vpc"]
    assert by_tag["cidrBlock"] == "10.9.0.0/16"
    assert by_tag["arn"] == f"arn:aws:ec2:eu-west-1:123456789012:vpc/{net['vpc']}"
    assert by_tag["enableDnsSupport"] is True
    assert by_tag["mainRouteTableId"].startswith("rtb-")
    assert by_tag["cidrBlockAssociations"][0]["cidrBlock"] == "10.9.0.0/16"
    assert by_tag["region"] == "eu-west-1"
    assert provider.invoke(vpc_function, id=net["vpc"])["tags"] == {"Name": "workloads"}
    wanted = [{"name": "cidr", "values": ["10.9.0.0/16"]}]
    assert provider.invoke(vpc_function, filters=wanted)["id"] == net["vpc"]
    assert provider.invoke(vpc_function, default=True)["default"] is True
    assert provider.invoke(vpc_function, cidrBlock="10.9.0.0/16")["id"] == net["vpc"]


@pytest.mark.usefixtures("net")
def test_a_lookup_needs_exactly_one_match(provider: Any) -> None:
    with pytest.raises(Exception, match=r"invoking .*: no matching EC2 VPC found"):
        provider.invoke(vpc_function, tags={"Name": "none"})
    with pytest.raises(Exception, match="multiple EC2 VPCs matched; use additional constraints"):
        provider.invoke(vpc_function)
    with pytest.raises(Exception, match="multiple EC2 Subnets matched"):
        provider.invoke(subnet_function, state="available")


@pytest.mark.usefixtures("net")
def test_a_lookup_takes_a_region(provider: Any) -> None:
    with pytest.raises(Exception, match="no matching EC2 VPC found"):
        provider.invoke(vpc_function, tags={"Name": "workloads"}, region="us-east-1")


def test_a_subnet_is_found(provider: Any, net: dict[str, Any]) -> None:
    found = provider.invoke(subnet_function, vpcId=net["vpc"], tags={"Name": "private-a"})
    assert (found["id"], found["availabilityZone"], found["cidrBlock"]) == (net["subnet"], "eu-west-1a", "10.9.1.0/24")
    assert found["arn"].endswith(f":subnet/{net['subnet']}")
    assert found["mapPublicIpOnLaunch"] is False


def test_subnets_may_be_none(provider: Any, net: dict[str, Any]) -> None:
    by_vpc = [{"name": "vpc-id", "values": [net["vpc"]]}]
    assert provider.invoke(subnets_function, filters=by_vpc)["ids"] == [net["subnet"]]
    none = provider.invoke(subnets_function, tags={"Name": "none"})
    assert (none["ids"], none["id"]) == ([], "eu-west-1")


def test_route_tables(provider: Any, aws: Any, net: dict[str, Any]) -> None:
    tables = provider.invoke(tables_function, vpcId=net["vpc"])["ids"]
    assert len(tables) == 1
    gateway = aws("ec2").create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    aws("ec2").attach_internet_gateway(InternetGatewayId=gateway, VpcId=net["vpc"])
    aws("ec2").create_route(RouteTableId=tables[0], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    found = provider.invoke(table_function, routeTableId=tables[0])
    assert found["vpcId"] == net["vpc"]
    assert [(route["cidrBlock"], route["gatewayId"]) for route in found["routes"]] == [("0.0.0.0/0", gateway)]
    assert found["associations"][0]["main"] is True
    assert found["id"] == found["routeTableId"] == tables[0]
    with pytest.raises(Exception, match="at least one of"):
        provider.invoke(table_function)


def test_a_policy_document_is_written_in_a_fixed_order(provider: Any) -> None:
    statement = {
        "sid": "One",
        "actions": ["a:x", "a:z", "a:y"],
        "resources": ["*"],
        "principals": [{"type": "AWS", "identifiers": ["111111111111"]}],
        "conditions": [{"test": "StringLike", "variable": "aws:x", "values": ["b", "a"]}],
    }
    found = provider.invoke(document, policyId="Id", statements=[statement])
    parsed = json.loads(found["json"])
    assert list(parsed) == ["Version", "Id", "Statement"]
    assert list(parsed["Statement"][0]) == ["Sid", "Effect", "Action", "Resource", "Principal", "Condition"]
    assert parsed["Statement"][0]["Action"] == ["a:z", "a:y", "a:x"]
    assert parsed["Statement"][0]["Resource"] == "*"
    assert parsed["Statement"][0]["Condition"] == {"StringLike": {"aws:x": ["b", "a"]}}
    assert found["json"].startswith('{\n  "Version": "2012-10-17"')
    assert found["id"] == str(zlib.crc32(found["json"].encode()))
    assert json.loads(found["minifiedJson"]) == parsed
    assert "\n" not in found["minifiedJson"]


@pytest.mark.parametrize(
    ("principal", "written"),
    [(("*", ["*"]), "*"), (("AWS", ["*"]), {"AWS": "*"}), (("AWS", ["1", "2"]), {"AWS": ["2", "1"]})],
)
def test_everyone_and_every_aws_are_written_apart(provider: Any, principal: Any, written: Any) -> None:
    statement = {"actions": ["a:b"], "principals": [{"type": principal[0], "identifiers": principal[1]}]}
    found = provider.invoke(document, statements=[statement])
    assert json.loads(found["json"])["Statement"][0]["Principal"] == written


def test_variables_are_written_with_an_ampersand(provider: Any) -> None:
    statement = {"actions": ["s3:*"], "resources": ["arn:aws:s3:::b/&{aws:username}/*"]}
    found = provider.invoke(document, statements=[statement])
    assert json.loads(found["json"])["Statement"][0]["Resource"] == "arn:aws:s3:::b/${aws:username}/*"
    with pytest.raises(Exception, match="not supported in document version 2008-10-17"):
        provider.invoke(document, version="2008-10-17", statements=[statement])


def test_html_characters_are_escaped(provider: Any) -> None:
    found = provider.invoke(document, statements=[{"actions": ["a:b"], "resources": ["<x>"]}])
    assert "\\u003cx\\u003e" in found["json"]


def test_documents_are_merged_by_sid(provider: Any) -> None:
    def source(sid: Any, action: str) -> Any:
        return json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": sid, "Effect": "Allow", "Action": action}]})

    found = provider.invoke(
        document,
        sourcePolicyDocuments=[source("a", "one"), source("b", "two")],
        statements=[{"sid": "a", "actions": ["own"]}],
        overridePolicyDocuments=[source("b", "over"), source("", "added")],
    )
    actions = [statement["Action"] for statement in json.loads(found["json"])["Statement"]]
    assert actions == ["own", "over", "added"]
    with pytest.raises(Exception, match="duplicate Sid"):
        provider.invoke(document, sourcePolicyDocuments=[source("a", "x"), source("a", "y")])
    with pytest.raises(Exception, match="duplicate Sid"):
        provider.invoke(document, statements=[{"sid": "a", "actions": ["x"]}, {"sid": "a", "actions": ["y"]}])


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"sourceJson": "{}"}, "no longer used"),
        ({"version": "2020-01-01"}, "2008-10-17"),
        ({"statements": [{"effect": "Perhaps"}]}, "Deny"),
        (
            {"statements": [{"action": ["x"]}]},
            r"statements\[0\]\.action: unknown property 'action'; did you mean 'actions'",
        ),
        ({"sourcePolicyDocuments": ["{"]}, "invalid JSON"),
    ],
)
def test_a_policy_document_refuses(provider: Any, arguments: dict[str, Any], reason: str) -> None:
    with pytest.raises(Exception, match=reason):
        provider.invoke(document, **arguments)
