"""Network ACLs (Terraform AWS provider: internal/service/ec2/vpc_network_acl.go, …_rule.go, …_association.go)."""

import zlib
from typing import Any

import pytest

acl = "aws:ec2/networkAcl:NetworkAcl"
rule = "aws:ec2/networkAclRule:NetworkAclRule"
association = "aws:ec2/networkAclAssociation:NetworkAclAssociation"
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
def test_an_inline_rule_refuses(provider: Any, change: dict[str, Any], reason: str) -> None:
    with pytest.raises(Exception, match=reason):
        provider.check(acl, "a", {"vpcId": "vpc-1", "ingress": [{**https, **change}]})


def test_an_acl_with_rules_and_subnets(provider: Any, aws: Any, net: dict[str, Any]) -> None:
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


def test_the_rule_that_denies_the_rest_is_not_shown(provider: Any, aws: Any, net: dict[str, Any]) -> None:
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


def test_another_network_replaces_create_first(provider: Any, net: dict[str, Any]) -> None:
    provider.up(acl, "a", {"vpcId": net["vpc"]})
    answer = provider.diff(acl, "a", {"vpcId": "vpc-2"})
    assert (list(answer.replaces), answer.deleteBeforeReplace) == (["vpcId"], False)


def test_what_other_resources_manage_is_left_alone(provider: Any, aws: Any, net: dict[str, Any]) -> None:
    made = provider.up(acl, "a", {"vpcId": net["vpc"]})
    provider.up(rule, "r", numbered(made))
    provider.up(association, "s", {"networkAclId": made.id, "subnetId": net["subnets"][0]})
    assert provider.unchanged(acl, "a", {"vpcId": net["vpc"]})
    assert placed(aws, net["subnets"][0]) == made.id


def test_deletion_moves_the_subnets_first(provider: Any, aws: Any, net: dict[str, Any]) -> None:
    provider.up(acl, "a", {"vpcId": net["vpc"], "subnetIds": net["subnets"]})
    provider.destroy(acl, "a")
    assert {placed(aws, subnet) for subnet in net["subnets"]} == {net["default"]}


def test_an_acl_is_imported_by_id_and_gone_when_deleted(provider: Any, aws: Any, net: dict[str, Any]) -> None:
    made = provider.up(acl, "a", {"vpcId": net["vpc"], "ingress": [https]})
    provider.take_over(acl, "b", made.id)
    assert not provider.diff(acl, "b", {"vpcId": net["vpc"], "ingress": [https]}).diffs
    aws("ec2").delete_network_acl(NetworkAclId=made.id)
    assert provider.refresh(acl, "a") is None
    provider.destroy(acl, "a")


def numbered(made: Any, **change: Any) -> dict[str, Any]:
    """One rule as a resource."""
    base = {"networkAclId": made.id, "ruleNumber": 100, "ruleAction": "allow", "protocol": "tcp"}
    return {**base, "fromPort": 389, "toPort": 389, "cidrBlock": "10.0.0.0/8", **change}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ruleAction": "permit"}, "allow"),
        ({"ruleAction": "ALLOW"}, "allow"),
        ({"protocol": "x"}, "unsupported protocol"),
        ({"protocol": "256"}, "unsupported protocol"),
        ({"ipv6CidrBlock": "::/0"}, "one of `cidrBlock,ipv6CidrBlock` must be specified"),
        ({"cidrBlock": None}, "one of `cidrBlock,ipv6CidrBlock` must be specified"),
    ],
)
def test_a_rule_refuses(provider: Any, net: dict[str, Any], change: dict[str, Any], reason: str) -> None:
    made = provider.up(acl, "a", {"vpcId": net["vpc"]})
    with pytest.raises(Exception, match=reason):
        provider.check(rule, "r", numbered(made, **change))


def test_a_rule_s_id_is_made_of_its_parts(provider: Any, net: dict[str, Any]) -> None:
    made = provider.up(acl, "a", {"vpcId": net["vpc"]})
    ruled = provider.up(rule, "r", numbered(made))
    assert ruled.id == f"nacl-{zlib.crc32(f'{made.id}-100-false-tcp-'.encode())}"
    assert (ruled["protocol"], ruled["egress"]) == ("6", False)
    assert provider.unchanged(rule, "r", numbered(made))
    assert not provider.diff(rule, "r", numbered(made, protocol="6")).diffs


@pytest.mark.parametrize(
    "change",
    [
        {"cidrBlock": "10.0.0.0/16"},
        {"egress": True},
        {"fromPort": 1},
        {"protocol": "udp"},
        {"ruleAction": "deny"},
        {"ruleNumber": 101},
        {"networkAclId": "acl-1"},
    ],
)
def test_everything_of_a_rule_replaces(provider: Any, net: dict[str, Any], change: dict[str, Any]) -> None:
    made = provider.up(acl, "a", {"vpcId": net["vpc"]})
    provider.up(rule, "r", numbered(made))
    assert list(provider.diff(rule, "r", numbered(made, **change)).replaces) == list(change)


def test_a_rule_for_everything_has_no_ports(provider: Any, net: dict[str, Any]) -> None:
    made = provider.up(acl, "a", {"vpcId": net["vpc"]})
    everything = {"networkAclId": made.id, "ruleNumber": 1, "ruleAction": "deny", "protocol": "all"}
    inputs = {**everything, "ipv6CidrBlock": "::/0", "egress": True}
    assert provider.up(rule, "r", inputs)["protocol"] == "-1"
    assert provider.unchanged(rule, "r", inputs)


def test_icmp_has_type_and_code(provider: Any, aws: Any, net: dict[str, Any]) -> None:
    made = provider.up(acl, "a", {"vpcId": net["vpc"]})
    inputs = numbered(made, protocol="icmp", icmpType=3, icmpCode=4, fromPort=None, toPort=None)
    provider.up(rule, "r", inputs)
    (found,) = aws("ec2").describe_network_acls(NetworkAclIds=[made.id])["NetworkAcls"]
    assert [item["IcmpTypeCode"] for item in found["Entries"] if item["RuleNumber"] == 100] == [{"Code": 4, "Type": 3}]
    assert provider.unchanged(rule, "r", inputs)


def test_a_number_that_is_taken_is_an_error(provider: Any, net: dict[str, Any]) -> None:
    made = provider.up(acl, "a", {"vpcId": net["vpc"]})
    provider.up(rule, "r", numbered(made))
    provider.up(rule, "other direction", numbered(made, egress=True))
    with pytest.raises(Exception, match=f"ingress rule 100 of {made.id} already exists"):
        provider.up(rule, "s", numbered(made))


def test_a_rule_deleted_by_hand_is_gone(provider: Any, aws: Any, net: dict[str, Any]) -> None:
    made = provider.up(acl, "a", {"vpcId": net["vpc"]})
    provider.up(rule, "r", numbered(made))
    aws("ec2").delete_network_acl_entry(NetworkAclId=made.id, RuleNumber=100, Egress=False)
    assert provider.refresh(rule, "r") is None
    provider.destroy(rule, "r")


def test_a_rule_is_imported_by_its_parts(provider: Any, net: dict[str, Any]) -> None:
    made = provider.up(acl, "a", {"vpcId": net["vpc"]})
    ruled = provider.up(rule, "r", numbered(made))
    taken = provider.take_over(rule, "s", f"{made.id}:100:tcp:false")
    assert taken.id == ruled.id
    assert not provider.diff(rule, "s", numbered(made)).diffs
    with pytest.raises(Exception, match="expected NETWORK_ACL_ID:RULE_NUMBER:PROTOCOL:EGRESS"):
        provider.take_over(rule, "t", ruled.id)


def test_an_association_takes_the_place_of_another(provider: Any, aws: Any, net: dict[str, Any]) -> None:
    made = provider.up(acl, "a", {"vpcId": net["vpc"]})
    inputs = {"networkAclId": made.id, "subnetId": net["subnets"][0]}
    joined = provider.up(association, "s", inputs)
    assert joined.id.startswith("aclassoc-")
    assert provider.unchanged(association, "s", inputs)
    assert provider.take_over(association, "t", joined.id).inputs["subnetId"] == net["subnets"][0]
    provider.destroy(association, "s")
    assert placed(aws, net["subnets"][0]) == net["default"]


def test_an_association_moved_by_hand_is_gone(provider: Any, aws: Any, net: dict[str, Any]) -> None:
    made = provider.up(acl, "a", {"vpcId": net["vpc"]})
    joined = provider.up(association, "s", {"networkAclId": made.id, "subnetId": net["subnets"][0]})
    aws("ec2").replace_network_acl_association(AssociationId=joined.id, NetworkAclId=net["default"])
    assert provider.refresh(association, "s") is None
    provider.destroy(association, "s")


def test_another_acl_or_subnet_replaces(provider: Any, net: dict[str, Any]) -> None:
    made = provider.up(acl, "a", {"vpcId": net["vpc"]})
    provider.up(association, "s", {"networkAclId": made.id, "subnetId": net["subnets"][0]})
    answer = provider.diff(association, "s", {"networkAclId": "acl-1", "subnetId": net["subnets"][1]})
    assert list(answer.replaces) == ["networkAclId", "subnetId"]
