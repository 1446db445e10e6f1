"""Actions of https://docs.aws.amazon.com/AWSEC2/latest/APIReference/, named in each test."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

SSM = "com.amazonaws.eu-west-1.ssm"
S3 = "com.amazonaws.eu-west-1.s3"
POLICY = json.dumps({"Version": "2012-10-17", "Statement": []})


@pytest.fixture
def network(ec2: Any) -> Any:
    """A VPC with DNS host names, two subnets, two groups and two route tables."""
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{number}.0/24")["Subnet"]["SubnetId"] for number in (0, 1)]
    groups = [ec2.create_security_group(GroupName=name, Description="d", VpcId=vpc)["GroupId"] for name in ("a", "b")]
    tables = [ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"] for _ in (0, 1)]
    return SimpleNamespace(vpc=vpc, subnets=subnets, groups=groups, tables=tables)


@pytest.fixture
def create(ec2: Any, network: Any) -> Any:
    def create_interface(service: Any = SSM, **more: Any) -> Any:
        request = {
            "VpcId": network.vpc,
            "ServiceName": service,
            "VpcEndpointType": "Interface",
            "SubnetIds": network.subnets[:1],
            "SecurityGroupIds": network.groups[:1],
            **more,
        }
        return ec2.create_vpc_endpoint(**request)["VpcEndpoint"]

    return create_interface


@pytest.fixture
def create_gateway(ec2: Any, network: Any) -> Any:
    def create() -> Any:
        made = ec2.create_vpc_endpoint(VpcId=network.vpc, ServiceName=S3, RouteTableIds=network.tables[:1])
        return made["VpcEndpoint"]

    return create


def described(ec2: Any, endpoint: Any) -> Any:
    return ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint["VpcEndpointId"]])["VpcEndpoints"][0]


def routes_through(ec2: Any, table: Any, endpoint: Any) -> Any:
    routes = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
    return [route for route in routes if route.get("GatewayId") == endpoint["VpcEndpointId"]]


def test_interface_endpoint_is_read_back_as_it_was_made(ec2: Any, network: Any, create: Any) -> None:
    """API_CreateVpcEndpoint and API_VpcEndpoint."""
    tags = [{"ResourceType": "vpc-endpoint", "Tags": [{"Key": "Name", "Value": "ssm"}]}]
    made = create(PolicyDocument=POLICY, PrivateDnsEnabled=True, TagSpecifications=tags, SubnetIds=network.subnets)
    endpoint = described(ec2, made)
    assert endpoint["VpcEndpointType"] == "Interface"
    assert endpoint["PrivateDnsEnabled"] is True
    assert endpoint["SubnetIds"] == network.subnets
    assert [group["GroupId"] for group in endpoint["Groups"]] == network.groups[:1]
    assert endpoint["PolicyDocument"] == POLICY
    assert endpoint["Tags"] == tags[0]["Tags"]
    assert len(endpoint["NetworkInterfaceIds"]) == 2


def test_interface_endpoint_is_changed(ec2: Any, network: Any, create: Any) -> None:
    """API_ModifyVpcEndpoint."""
    made = create(PrivateDnsEnabled=True)
    ec2.modify_vpc_endpoint(
        VpcEndpointId=made["VpcEndpointId"],
        PolicyDocument=POLICY,
        AddSecurityGroupIds=network.groups[1:],
        RemoveSecurityGroupIds=network.groups[:1],
        AddSubnetIds=network.subnets[1:],
        RemoveSubnetIds=network.subnets[:1],
        PrivateDnsEnabled=False,
    )
    endpoint = described(ec2, made)
    assert endpoint["PolicyDocument"] == POLICY
    assert endpoint["PrivateDnsEnabled"] is False
    assert [group["GroupId"] for group in endpoint["Groups"]] == network.groups[1:]
    assert endpoint["SubnetIds"] == network.subnets[1:]
    interfaces = ec2.describe_network_interfaces(NetworkInterfaceIds=endpoint["NetworkInterfaceIds"])
    assert [found["SubnetId"] for found in interfaces["NetworkInterfaces"]] == network.subnets[1:]


def test_policy_is_reset(ec2: Any, create: Any) -> None:
    """API_ModifyVpcEndpoint, ResetPolicy: the default policy allows full access."""
    made = create(PolicyDocument=POLICY)
    ec2.modify_vpc_endpoint(VpcEndpointId=made["VpcEndpointId"], ResetPolicy=True)
    statement = json.loads(described(ec2, made)["PolicyDocument"])["Statement"][0]
    assert (statement["Effect"], statement["Action"], statement["Resource"]) == ("Allow", "*", "*")


def test_endpoint_without_groups_has_the_default_one(ec2: Any, create: Any) -> None:
    """API_CreateVpcEndpoint, SecurityGroupIds: the default group, where none is given."""
    groups = described(ec2, create(SecurityGroupIds=[]))["Groups"]
    assert [group["GroupName"] for group in groups] == ["default"]


def test_group_that_is_not_there_is_refused(ec2: Any, create: Any) -> None:
    """Error codes, InvalidSecurityGroupID.NotFound."""
    with pytest.raises(ClientError, match=r"InvalidSecurityGroupID\.NotFound"):
        create(SecurityGroupIds=["sg-0123456789abcdef0"])
    made = create()
    with pytest.raises(ClientError, match=r"InvalidSecurityGroupID\.NotFound"):
        ec2.modify_vpc_endpoint(VpcEndpointId=made["VpcEndpointId"], AddSecurityGroupIds=["sg-0123456789abcdef0"])


@pytest.mark.parametrize("attribute", ["EnableDnsHostnames", "EnableDnsSupport"])
def test_private_dns_needs_both_dns_attributes_of_the_vpc(ec2: Any, network: Any, create: Any, attribute: Any) -> None:
    """https://docs.aws.amazon.com/vpc/latest/privatelink/manage-dns-names.html"""
    ec2.modify_vpc_attribute(VpcId=network.vpc, **{attribute: {"Value": False}})
    with pytest.raises(ClientError, match="enableDnsSupport and enableDnsHostnames"):
        create(PrivateDnsEnabled=True)
    made = create(PrivateDnsEnabled=False)
    with pytest.raises(ClientError, match="enableDnsSupport and enableDnsHostnames"):
        ec2.modify_vpc_endpoint(VpcEndpointId=made["VpcEndpointId"], PrivateDnsEnabled=True)


def test_private_dns_belongs_to_one_endpoint_of_a_service(create: Any) -> None:
    """https://docs.aws.amazon.com/vpc/latest/privatelink/manage-dns-names.html"""
    create(PrivateDnsEnabled=True)
    with pytest.raises(ClientError, match="conflicting DNS domain"):
        create(PrivateDnsEnabled=True)
    create(PrivateDnsEnabled=False)
    create("com.amazonaws.eu-west-1.logs", PrivateDnsEnabled=True)


def test_endpoint_is_a_gateway_by_default(ec2: Any, network: Any, create_gateway: Any) -> None:
    """API_CreateVpcEndpoint, VpcEndpointType."""
    endpoint = described(ec2, create_gateway())
    assert (endpoint["VpcEndpointType"], endpoint["PrivateDnsEnabled"]) == ("Gateway", False)
    assert endpoint["RouteTableIds"] == network.tables[:1]


def test_gateway_s_routes_follow_its_route_tables(ec2: Any, network: Any, create_gateway: Any) -> None:
    """https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html#gateway-endpoint-routing"""
    first, second = network.tables
    made = create_gateway()
    assert routes_through(ec2, first, made)
    ec2.modify_vpc_endpoint(VpcEndpointId=made["VpcEndpointId"], AddRouteTableIds=[second], RemoveRouteTableIds=[first])
    assert described(ec2, made)["RouteTableIds"] == [second]
    assert not routes_through(ec2, first, made)
    assert routes_through(ec2, second, made)
    assert ec2.delete_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"]])["Unsuccessful"] == []
    assert not routes_through(ec2, second, made)


def test_endpoint_deleted_is_not_found(ec2: Any, create: Any) -> None:
    """API_DeleteVpcEndpoints; error codes, InvalidVpcEndpointId.NotFound."""
    made = create()
    ec2.delete_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"]])
    for call in (
        lambda: described(ec2, made),
        lambda: ec2.modify_vpc_endpoint(VpcEndpointId=made["VpcEndpointId"], ResetPolicy=True),
    ):
        with pytest.raises(ClientError, match=r"InvalidVpcEndpointId\.NotFound"):
            call()
    answer = ec2.delete_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"]])
    assert [item["Error"]["Code"] for item in answer["Unsuccessful"]] == ["InvalidVpcEndpointId.NotFound"]


def test_group_of_an_endpoint_is_in_use(ec2: Any, network: Any, create: Any) -> None:
    """API_DeleteSecurityGroup: DependencyViolation."""
    made = create()
    with pytest.raises(ClientError, match="DependencyViolation"):
        ec2.delete_security_group(GroupId=network.groups[0])
    ec2.delete_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"]])
    ec2.delete_security_group(GroupId=network.groups[0])


def test_route_table_is_found_by_subnet_and_as_the_main_table(ec2: Any, network: Any) -> None:
    """API_DescribeRouteTables, filters association.subnet-id and association.main."""
    ec2.associate_route_table(RouteTableId=network.tables[0], SubnetId=network.subnets[0])

    def found(**filters: Any) -> Any:
        wanted = [{"Name": name, "Values": [value]} for name, value in filters.items()]
        return [table["RouteTableId"] for table in ec2.describe_route_tables(Filters=wanted)["RouteTables"]]

    assert found(**{"association.subnet-id": network.subnets[0]}) == network.tables[:1]
    assert found(**{"association.subnet-id": network.subnets[1]}) == []
    main = found(**{"association.main": "true", "vpc-id": network.vpc})
    assert len(main) == 1
    assert main[0] not in network.tables
