"""A VPC as EC2 describes it, with the forms that the local AWS does not know."""

from typing import Any

from operations.inventory.network import VpcFacts, read_vpc
from tests.operations.arrangement import FakeReader

Answers = dict[str, dict[str, Any]]


def network(answers: Answers) -> VpcFacts:
    found = read_vpc(FakeReader(answers, default={}), "vpc-1")
    assert isinstance(found, VpcFacts)
    return found


def endpoint(**given: Any) -> dict[str, Any]:
    return {"VpcEndpointId": "vpce-1", "VpcEndpointType": "Interface", "State": "available", **given}


def test_endpoints_for_resources_of_vpc_lattice_have_no_service() -> None:
    (found,) = network({"describe_vpc_endpoints": {"VpcEndpoints": [endpoint(VpcEndpointType="Resource")]}}).endpoints
    assert (found.kind, found.service) == ("Resource", "")


def test_regional_nat_gateway_has_own_route_table() -> None:
    given = {"NatGatewayId": "nat-1", "State": "available", "RouteTableId": "rtb-nat", "AvailabilityMode": "regional"}
    nat = network({"describe_nat_gateways": {"NatGateways": [given]}}).nats["nat-1"]
    assert (nat.subnet_id, nat.table_id, nat.public) == ("", "rtb-nat", True)


def test_s3_endpoint_dns_for_resolvers_only_is_no_private_dns() -> None:
    name = "com.amazonaws.eu-west-1.s3"
    for only, private in ((True, False), (False, True)):
        given = endpoint(
            ServiceName=name, PrivateDnsEnabled=True, DnsOptions={"PrivateDnsOnlyForInboundResolverEndpoint": only}
        )
        (found,) = network({"describe_vpc_endpoints": {"VpcEndpoints": [given]}}).endpoints
        assert found.private_dns is private


def test_subnet_has_owner_and_blocking_mode() -> None:
    given = {
        "SubnetId": "subnet-1",
        "AvailabilityZone": "eu-west-1a",
        "OwnerId": "999988887777",
        "BlockPublicAccessStates": {"InternetGatewayBlockMode": "block-bidirectional"},
    }
    subnet = network({"describe_subnets": {"Subnets": [given]}}).subnets["subnet-1"]
    assert (subnet.owner_id, subnet.blocks, subnet.cidr) == ("999988887777", "block-bidirectional", "")
