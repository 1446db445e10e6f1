"""Endpoints (Terraform AWS provider: internal/service/ec2/vpc_endpoint.go)."""

import json
from typing import Any

import pytest

from tests.local.aws_provider.conftest import refusals

endpoint = "aws:ec2/vpcEndpoint:VpcEndpoint"
ssm, s3 = "com.amazonaws.eu-west-1.ssm", "com.amazonaws.eu-west-1.s3"


@pytest.fixture
def net(aws: Any) -> Any:
    """A network: its id, two subnets, a route table and a security group."""
    client = aws("ec2")
    vpc = client.describe_vpcs()["Vpcs"][0]["VpcId"]
    subnets = [item["SubnetId"] for item in client.describe_subnets()["Subnets"]]
    table = client.describe_route_tables()["RouteTables"][0]["RouteTableId"]
    group = client.create_security_group(GroupName="g", Description="d", VpcId=vpc)["GroupId"]
    return {"vpc": vpc, "subnets": subnets[:2], "table": table, "group": group}


def interface(net: dict[str, Any], **change: Any) -> Any:
    base = {"vpcId": net["vpc"], "serviceName": ssm, "vpcEndpointType": "Interface", "privateDnsEnabled": True}
    return {**base, "subnetIds": net["subnets"], "securityGroupIds": [net["group"]], **change}


test_endpoint_refuses = refusals(
    endpoint,
    {"vpcId": "v", "serviceName": ssm},
    ({"vpcEndpointType": "Tunnel"}, "GatewayLoadBalancer"),
    ({"serviceName": None}, "one of `serviceName,resourceConfigurationArn,serviceNetworkArn`"),
    ({"vpcId": None}, "vpcId: missing"),
    ({"policy": "{"}, "invalid JSON"),
)


def test_interface_endpoint(provider: Any, net: dict[str, Any]) -> None:
    made = provider.up(endpoint, "e", interface(net, tags={"a": "b"}))
    assert made.id.startswith("vpce-")
    assert made["arn"] == f"arn:aws:ec2:eu-west-1:123456789012:vpc-endpoint/{made.id}"
    assert made["state"] == "available"
    assert made["dnsEntries"][0]["dnsName"]
    turned = interface(net, tags={"a": "b"}, subnetIds=net["subnets"][::-1])
    assert provider.unchanged(endpoint, "e", turned)


def test_gateway_endpoint_is_the_default(provider: Any, net: dict[str, Any]) -> None:
    inputs = {"vpcId": net["vpc"], "serviceName": s3, "routeTableIds": [net["table"]]}
    made = provider.up(endpoint, "e", inputs)
    assert made["vpcEndpointType"] == "Gateway"
    assert made["routeTableIds"] == [net["table"]]
    assert provider.unchanged(endpoint, "e", inputs)


def test_members_and_policy_change_in_place(provider: Any, aws: Any, net: dict[str, Any]) -> None:
    made = provider.up(endpoint, "e", interface(net))
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ssm:*", "Resource": "*"}],
    }
    inputs = interface(net, subnetIds=net["subnets"][:1], policy=json.dumps(policy, indent=1))
    assert not provider.diff(endpoint, "e", inputs).replaces
    assert provider.up(endpoint, "e", inputs).id == made.id
    found = aws("ec2").describe_vpc_endpoints(VpcEndpointIds=[made.id])["VpcEndpoints"][0]
    assert found["SubnetIds"] == net["subnets"][:1]
    assert json.loads(found["PolicyDocument"]) == policy
    assert provider.unchanged(endpoint, "e", inputs)


@pytest.mark.parametrize("change", [{"vpcId": "vpc-1"}, {"serviceName": s3}, {"vpcEndpointType": "Gateway"}])
def test_network_service_and_type_replace_create_first(
    provider: Any, net: dict[str, Any], change: dict[str, Any]
) -> None:
    provider.up(endpoint, "e", interface(net))
    answer = provider.diff(endpoint, "e", interface(net, **change))
    assert list(answer.replaces) == list(change)
    assert not answer.deleteBeforeReplace


def test_unset_inputs_accept_any_value(provider: Any, net: dict[str, Any]) -> None:
    provider.up(endpoint, "e", interface(net))
    fewer = {"vpcId": net["vpc"], "serviceName": ssm, "vpcEndpointType": "Interface"}
    assert not provider.diff(endpoint, "e", fewer).diffs


def test_endpoint_deletion_is_read(provider: Any, aws: Any, net: dict[str, Any]) -> None:
    made = provider.up(endpoint, "e", interface(net))
    aws("ec2").delete_vpc_endpoints(VpcEndpointIds=[made.id])
    assert provider.refresh(endpoint, "e") is None
    provider.destroy(endpoint, "e")


def test_endpoint_destroy_waits_for_the_deletion(provider: Any, aws: Any, net: dict[str, Any]) -> None:
    made = provider.up(endpoint, "e", interface(net))
    provider.destroy(endpoint, "e")
    listed = aws("ec2").describe_vpc_endpoints()["VpcEndpoints"]
    assert made.id not in [item["VpcEndpointId"] for item in listed if item["State"] != "deleted"]


def test_endpoint_is_imported_by_id(provider: Any, net: dict[str, Any]) -> None:
    made = provider.up(endpoint, "e", interface(net))
    taken = provider.take_over(endpoint, "f", made.id)
    assert taken.inputs["serviceName"] == ssm
    assert not provider.diff(endpoint, "f", interface(net)).diffs
