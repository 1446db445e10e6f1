"""Resolver endpoints, rules and resource shares: what the real plugin does with each."""

from typing import Any

import pytest

ENDPOINT = "aws:route53/resolverEndpoint:ResolverEndpoint"
RULE = "aws:route53/resolverRule:ResolverRule"
ASSOCIATION = "aws:route53/resolverRuleAssociation:ResolverRuleAssociation"
SHARE = "aws:ram/resourceShare:ResourceShare"
RESOURCE = "aws:ram/resourceAssociation:ResourceAssociation"
PRINCIPAL = "aws:ram/principalAssociation:PrincipalAssociation"


@pytest.fixture
def network(aws: Any) -> dict[str, Any]:
    ec2 = aws("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.77.{number}.0/24", AvailabilityZone=f"eu-west-1{zone}")
        for number, zone in enumerate("ab")
    ]
    group = ec2.create_security_group(GroupName="resolver", Description="d", VpcId=vpc)["GroupId"]
    return {"vpc": vpc, "subnets": [each["Subnet"]["SubnetId"] for each in subnets], "group": group}


def endpoint(network: dict[str, Any], **change: Any) -> dict[str, Any]:
    return {
        "direction": "OUTBOUND",
        "securityGroupIds": [network["group"]],
        "ipAddresses": [{"subnetId": each} for each in network["subnets"]],
        "name": "out",
        **change,
    }


def test_endpoint_gets_its_addresses_and_a_name_in_place(provider: Any, network: dict[str, Any]) -> None:
    made = provider.up(ENDPOINT, "e", endpoint(network, tags={"a": "b"}))
    assert {each["subnetId"] for each in made["ipAddresses"]} == set(network["subnets"])
    assert made["hostVpcId"] == network["vpc"]
    assert provider.unchanged(ENDPOINT, "e", endpoint(network, tags={"a": "b"}))
    assert provider.up(ENDPOINT, "e", endpoint(network, name="other", tags={"a": "c"})).id == made.id
    provider.destroy(ENDPOINT, "e")


@pytest.mark.parametrize("change", [{"direction": "BOTH"}, {"protocols": ["DoH"]}, {"securityGroupIds": None}])
def test_endpoint_refuses_wrong_inputs(provider: Any, network: dict[str, Any], change: dict[str, Any]) -> None:
    with pytest.raises(Exception, match=next(iter(change))):
        provider.check(ENDPOINT, "e", endpoint(network, **change))


def test_rule_changes_targets_in_place_and_loses_its_dot(provider: Any, network: dict[str, Any]) -> None:
    out = provider.up(ENDPOINT, "e", endpoint(network)).id
    inputs = {
        "domainName": "corp.example.com",
        "ruleType": "FORWARD",
        "name": "corp",
        "resolverEndpointId": out,
        "targetIps": [{"ip": "10.77.0.10"}, {"ip": "10.77.1.10"}],
    }
    made = provider.up(RULE, "r", inputs)
    assert made["domainName"] == "corp.example.com"
    assert provider.unchanged(RULE, "r", inputs)
    changed = inputs | {"targetIps": [{"ip": "10.77.0.11"}]}
    assert provider.up(RULE, "r", changed).id == made.id
    assert [each["ip"] for each in provider.refresh(RULE, "r")["targetIps"]] == ["10.77.0.11"]
    linked = provider.up(ASSOCIATION, "a", {"resolverRuleId": made.id, "vpcId": network["vpc"]})
    assert linked.id
    provider.destroy(ASSOCIATION, "a")
    provider.destroy(RULE, "r")
    provider.destroy(ENDPOINT, "e")


def test_share_has_resources_and_principals(provider: Any, aws: Any) -> None:
    share = provider.up(SHARE, "s", {"name": "rules", "allowExternalPrincipals": False, "tags": {"a": "b"}})
    assert share["arn"] == share.id
    assert provider.unchanged(SHARE, "s", {"name": "rules", "allowExternalPrincipals": False, "tags": {"a": "b"}})
    rule = "arn:aws:route53resolver:eu-west-1:123456789012:resolver-rule/rslvr-rr-1"
    resource = {"resourceShareArn": share.id, "resourceArn": rule}
    principal = {"resourceShareArn": share.id, "principal": "111122223333"}
    assert provider.up(RESOURCE, "r", resource).id == f"{share.id},{rule}"
    assert provider.up(PRINCIPAL, "p", principal).id == f"{share.id},111122223333"
    aws("ram").disassociate_resource_share(resourceShareArn=share.id, principals=["111122223333"])
    assert provider.refresh(PRINCIPAL, "p") is None
    assert provider.unchanged(RESOURCE, "r", resource)
    provider.destroy(RESOURCE, "r")
    provider.destroy(SHARE, "s")
