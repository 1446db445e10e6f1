"""Network ACLs (Terraform AWS provider: internal/service/ec2/vpc_network_acl.go)."""

from typing import Any

import pytest

from tests.local.aws_provider.conftest import lifecycle

acl = "aws:ec2/networkAcl:NetworkAcl"
https = {"action": "allow", "protocol": "tcp", "fromPort": 443, "toPort": 443, "ruleNo": 100, "cidrBlock": "10.0.0.0/8"}


@pytest.fixture
def net(aws: Any) -> Any:
    """A network with two subnets, and its default ACL."""
    client = aws("ec2")
    vpc = client.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        client.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{number}.0/24")["Subnet"]["SubnetId"] for number in (0, 1)
    ]
    (default,) = client.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NetworkAcls"]
    return {"vpc": vpc, "subnets": subnets, "default": default["NetworkAclId"]}


def placed(aws: Any, subnet: str) -> Any:
    """The ACL that a subnet is under."""
    by_subnet = [{"Name": "association.subnet-id", "Values": [subnet]}]
    (found,) = aws("ec2").describe_network_acls(Filters=by_subnet)["NetworkAcls"]
    return found["NetworkAclId"]


def rules_of(aws: Any, acl_id: str) -> Any:
    (found,) = aws("ec2").describe_network_acls(NetworkAclIds=[acl_id])["NetworkAcls"]
    return [(item["RuleNumber"], item["Egress"], item["Protocol"], item["RuleAction"]) for item in found["Entries"]]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"action": "permit"}, "allow"),
        ({"protocol": "tcpp"}, "unsupported protocol: tcpp"),
        ({"ruleNo": 32767}, "range"),
        ({"toPort": 65536}, "range"),
        ({"cidrBlock": "10.0.0.0"}, "not a valid CIDR"),
        ({"fromPort": None}, "missing required"),
    ],
)
def test_inline_rule_refuses(provider: Any, change: dict[str, Any], reason: str) -> None:
    with pytest.raises(Exception, match=reason):
        provider.check(acl, "a", {"vpcId": "vpc-1", "ingress": [{**https, **change}]})


def test_acl_with_rules_and_subnets(provider: Any, aws: Any, net: dict[str, Any]) -> None:
    inputs = {"vpcId": net["vpc"], "ingress": [https], "subnetIds": net["subnets"], "tags": {"a": "b"}}
    made = provider.up(acl, "a", inputs)
    assert made["arn"] == f"arn:aws:ec2:eu-west-1:123456789012:network-acl/{made.id}"
    assert made["ownerId"] == "123456789012"
    assert [placed(aws, subnet) for subnet in net["subnets"]] == [made.id, made.id]
    assert provider.unchanged(acl, "a", {**inputs, "subnetIds": net["subnets"][::-1]})


def test_actions_and_protocols_have_many_spellings(provider: Any, net: dict[str, Any]) -> None:
    provider.up(acl, "a", {"vpcId": net["vpc"], "ingress": [https]})
    same = {**https, "action": "ALLOW", "protocol": "6"}
    assert not provider.diff(acl, "a", {"vpcId": net["vpc"], "ingress": [same]}).diffs


def test_rule_that_denies_the_rest_is_not_shown(provider: Any, aws: Any, net: dict[str, Any]) -> None:
    made = provider.up(acl, "a", {"vpcId": net["vpc"]})
    assert (made["ingress"], made["egress"]) == ([], [])
    assert (32767, False, "-1", "deny") in rules_of(aws, made.id)


def test_rules_and_subnets_change_in_place(provider: Any, aws: Any, net: dict[str, Any]) -> None:
    inputs = {"vpcId": net["vpc"], "ingress": [https], "subnetIds": net["subnets"]}
    made = provider.up(acl, "a", inputs)
    ping = {**https, "protocol": "icmp", "icmpType": 8, "icmpCode": -1, "fromPort": 0, "toPort": 0, "ruleNo": 110}
    changed = {**inputs, "ingress": [{**https, "action": "deny"}], "egress": [ping], "subnetIds": net["subnets"][:1]}
    assert not provider.diff(acl, "a", changed).replaces
    provider.up(acl, "a", changed)
    own = [item for item in rules_of(aws, made.id) if item[0] < 32767]
    assert sorted(own) == [(100, False, "6", "deny"), (110, True, "1", "allow")]
    assert [placed(aws, subnet) for subnet in net["subnets"]] == [made.id, net["default"]]
    assert provider.unchanged(acl, "a", changed)


def test_deletion_moves_the_subnets_first(provider: Any, aws: Any, net: dict[str, Any]) -> None:
    provider.up(acl, "a", {"vpcId": net["vpc"], "subnetIds": net["subnets"]})
    provider.destroy(acl, "a")
    assert {placed(aws, subnet) for subnet in net["subnets"]} == {net["default"]}


def test_acl_leaves_unset_rules_and_subnets_alone(provider: Any, aws: Any, net: dict[str, Any]) -> None:
    made = provider.up(acl, "a", {"vpcId": net["vpc"]})
    entry = {"RuleNumber": 100, "Protocol": "6", "RuleAction": "allow", "PortRange": {"From": 389, "To": 389}}
    aws("ec2").create_network_acl_entry(NetworkAclId=made.id, Egress=False, CidrBlock="10.0.0.0/8", **entry)
    by_subnet = [{"Name": "association.subnet-id", "Values": net["subnets"][:1]}]
    (found,) = aws("ec2").describe_network_acls(Filters=by_subnet)["NetworkAcls"]
    (one,) = (each for each in found["Associations"] if each["SubnetId"] == net["subnets"][0])
    aws("ec2").replace_network_acl_association(AssociationId=one["NetworkAclAssociationId"], NetworkAclId=made.id)
    assert provider.unchanged(acl, "a", {"vpcId": net["vpc"]})
    assert placed(aws, net["subnets"][0]) == made.id


def test_acl_sends_type_and_code_of_icmp(provider: Any, aws: Any, net: dict[str, Any]) -> None:
    ping = {**https, "protocol": "icmp", "icmpType": 3, "icmpCode": 4, "fromPort": 0, "toPort": 0}
    made = provider.up(acl, "a", {"vpcId": net["vpc"], "ingress": [ping]})
    (found,) = aws("ec2").describe_network_acls(NetworkAclIds=[made.id])["NetworkAcls"]
    assert [item["IcmpTypeCode"] for item in found["Entries"] if item["RuleNumber"] == 100] == [{"Code": 4, "Type": 3}]
    assert provider.unchanged(acl, "a", {"vpcId": net["vpc"], "ingress": [ping]})


def test_acl_rule_for_all_protocols_has_no_ports(provider: Any, net: dict[str, Any]) -> None:
    everything = {**https, "protocol": "all", "fromPort": 0, "toPort": 0, "cidrBlock": None, "ipv6CidrBlock": "::/0"}
    made = provider.up(acl, "a", {"vpcId": net["vpc"], "egress": [everything]})
    assert made["egress"][0]["protocol"] in {"all", "-1"}
    assert provider.unchanged(acl, "a", {"vpcId": net["vpc"], "egress": [everything]})


@pytest.fixture
def ruled(net: dict[str, Any]) -> dict[str, Any]:
    return {"vpcId": net["vpc"], "ingress": [https]}


TestNetworkAcl = lifecycle(
    acl,
    "ruled",
    delete=lambda aws, made: aws("ec2").delete_network_acl(NetworkAclId=made.id),
    imported_by="{id}",
    replacing=({"vpcId": "vpc-2"},),
    delete_first=False,
)
