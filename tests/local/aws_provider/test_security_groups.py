"""Security groups and their rules (Terraform AWS provider: internal/service/ec2/vpc_security_group*.go)."""

from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from local.aws_provider.types.security_groups import same_protocol
from tests.local.aws_provider.conftest import lifecycle, refusals

group = "aws:ec2/securityGroup:SecurityGroup"
ingress = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
egress = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"


@pytest.fixture
def vpc(aws: Any) -> Any:
    return aws("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]


@pytest.fixture
def group_id(aws: Any, vpc: str) -> Any:
    return aws("ec2").create_security_group(GroupName="given", Description="d", VpcId=vpc)["GroupId"]


def web(**change: Any) -> Any:
    return {"fromPort": 443, "toPort": 443, "protocol": "tcp", "cidrBlocks": ["10.0.0.0/8"], **change}


def test_new_group_lets_nothing_out(provider: Any, aws: Any, vpc: str) -> None:
    made = provider.up(group, "web", {"vpcId": vpc})
    assert made["description"] == "Managed by Pulumi"
    assert made["arn"] == f"arn:aws:ec2:eu-west-1:123456789012:security-group/{made.id}"
    found = aws("ec2").describe_security_groups(GroupIds=[made.id])["SecurityGroups"][0]
    assert found["IpPermissionsEgress"] == []
    assert provider.unchanged(group, "web", {"vpcId": vpc})


test_group_refuses = refusals(
    group,
    {},
    ({"name": "sg-x"}, "must not begin with sg-"),
    ({"description": "x" * 256}, "length"),
    ({"ingress": [web(cidrBlocks=["10.0.0.1/8"])]}, 'did you mean "10.0.0.0/8"'),
    ({"ingress": [web(ipv6CidrBlocks=["10.0.0.0/8"])]}, "not a valid IPv6"),
    ({"ingress": [web(description="tab\t")]}, "does not take"),
    ({"ingress": [{"protocol": "tcp"}]}, "fromPort: missing required property"),
    ({"egress": [web(fromPort="x")]}, r"egress\[0\]\.fromPort: expected a integer"),
)


def test_inline_rules_mean_the_same_in_any_order_and_spelling(provider: Any, vpc: str) -> None:
    rules = [
        web(cidrBlocks=["10.0.0.0/8", "192.168.0.0/16"]),
        web(protocol="udp", fromPort=53, toPort=53),
        web(self=True),
    ]
    provider.up(group, "web", {"vpcId": vpc, "ingress": rules})
    same = [
        web(protocol="17", fromPort=53, toPort=53),
        web(cidrBlocks=["192.168.0.0/16"]),
        web(protocol="6", self=True),
    ]
    assert provider.unchanged(group, "web", {"vpcId": vpc, "ingress": same})


def test_inline_rules_change_in_place(provider: Any, aws: Any, vpc: str) -> None:
    made = provider.up(group, "web", {"vpcId": vpc, "ingress": [web(), web(fromPort=80, toPort=80)]})
    inputs = {"vpcId": vpc, "ingress": [web(description="why")], "egress": [web(protocol="-1", fromPort=0, toPort=0)]}
    assert provider.up(group, "web", inputs).id == made.id
    found = aws("ec2").describe_security_groups(GroupIds=[made.id])["SecurityGroups"][0]
    assert [item["FromPort"] for item in found["IpPermissions"]] == [443]
    assert found["IpPermissions"][0]["IpRanges"][0]["Description"] == "why"
    assert [item["IpProtocol"] for item in found["IpPermissionsEgress"]] == ["-1"]


def test_inline_rules_are_exclusive_only_when_set(provider: Any, aws: Any, vpc: str) -> None:
    made = provider.up(group, "web", {"vpcId": vpc, "ingress": [web()]})
    permission = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    aws("ec2").authorize_security_group_ingress(GroupId=made.id, IpPermissions=[permission])
    provider.refresh(group, "web")
    assert not provider.diff(group, "web", {"vpcId": vpc}).diffs
    assert list(provider.diff(group, "web", {"vpcId": vpc, "ingress": [web()]}).diffs) == ["ingress"]
    provider.up(group, "web", {"vpcId": vpc, "ingress": [web()]})
    assert len(aws("ec2").describe_security_groups(GroupIds=[made.id])["SecurityGroups"][0]["IpPermissions"]) == 1


def test_group_is_imported_by_id(provider: Any, group_id: str) -> None:
    taken = provider.take_over(group, "web", group_id)
    assert (taken.inputs["name"], taken.inputs["description"]) == ("given", "d")


def rule(group_id: str, **change: Any) -> Any:
    return {
        "securityGroupId": group_id,
        "ipProtocol": "tcp",
        "fromPort": 443,
        "toPort": 443,
        "cidrIpv4": "10.0.0.0/8",
        **change,
    }


@pytest.mark.parametrize("token", [ingress, egress])
def test_rule_is_known_by_its_own_id(provider: Any, group_id: str, token: str) -> None:
    made = provider.up(token, "r", rule(group_id, tags={"a": "b"}, description="d"))
    assert made.id.startswith("sgr-")
    assert made["securityGroupRuleId"] == made.id
    assert made["arn"] == f"arn:aws:ec2:eu-west-1:123456789012:security-group-rule/{made.id}"
    assert made["tags"] == {"a": "b"}
    assert provider.unchanged(token, "r", rule(group_id, tags={"a": "b"}, description="d"))


@pytest.mark.parametrize("protocol", ["-1", "50"])
def test_rule_of_a_protocol_without_ports_is_stable(provider: Any, group_id: str, protocol: str) -> None:
    without = rule(group_id, ipProtocol=protocol, fromPort=None, toPort=None)
    assert provider.up(ingress, "r", without).id.startswith("sgr-")
    assert provider.unchanged(ingress, "r", without)


test_rule_refuses = refusals(
    ingress,
    rule("sg-1"),
    ({"cidrIpv4": "10.0.0.1/8"}, "did you mean"),
    ({"cidrIpv4": "::/0"}, "not a valid IPv4"),
    ({"fromPort": 65536}, "range"),
    ({"cidrIpv6": "::/0"}, "one of `cidrIpv4,cidrIpv6,prefixListId,referencedSecurityGroupId`"),
    ({"cidrIpv4": None}, "got none"),
)


def test_ports_protocol_source_and_description_change_in_place(provider: Any, aws: Any, group_id: str) -> None:
    made = provider.up(ingress, "r", rule(group_id))
    news = rule(group_id, ipProtocol="udp", fromPort=1, toPort=2, cidrIpv4="10.1.0.0/16", description="d")
    assert not provider.diff(ingress, "r", news).replaces
    assert provider.up(ingress, "r", news).id == made.id
    found = aws("ec2").describe_security_group_rules(SecurityGroupRuleIds=[made.id])["SecurityGroupRules"][0]
    assert (found["IpProtocol"], found["FromPort"], found["CidrIpv4"]) == ("udp", 1, "10.1.0.0/16")


def test_another_kind_of_source_replaces_and_both_are_named(provider: Any, group_id: str) -> None:
    provider.up(ingress, "r", rule(group_id))
    news = rule(group_id, cidrIpv4=None, referencedSecurityGroupId=group_id)
    answer = provider.diff(ingress, "r", news)
    assert set(answer.replaces) == {"cidrIpv4", "referencedSecurityGroupId"}
    assert answer.detailedDiff["cidrIpv4"].kind == provider_pb2.PropertyDiff.DELETE_REPLACE
    assert not answer.deleteBeforeReplace
    made = provider.up(ingress, "r", news)
    assert made["referencedSecurityGroupId"] == group_id
    assert provider.unchanged(ingress, "r", news)


@pytest.mark.parametrize(("one", "two", "same"), [("tcp", "6", True), ("ALL", "-1", True), ("tcp", "17", False)])
def test_protocol_and_its_number_are_the_same(one: str, two: str, *, same: bool) -> None:
    assert same_protocol(one, two) is same


def test_rule_for_all_protocols_has_no_ports(provider: Any, group_id: str) -> None:
    inputs = {"securityGroupId": group_id, "ipProtocol": "-1", "cidrIpv4": "10.0.0.0/8"}
    made = provider.up(egress, "r", inputs)
    assert not {"fromPort", "toPort"} & set(made.outputs)
    assert provider.unchanged(egress, "r", inputs)


def test_rule_is_imported_by_id_in_its_direction_only(provider: Any, group_id: str) -> None:
    made = provider.up(ingress, "r", rule(group_id))
    assert provider.take_over(ingress, "s", made.id).inputs["cidrIpv4"] == "10.0.0.0/8"
    assert provider.take_over(egress, "s", made.id) is None


@pytest.fixture
def described(vpc: str) -> dict[str, Any]:
    return {"name": "n", "description": "old", "vpcId": vpc}


@pytest.fixture
def ruled(group_id: str) -> dict[str, Any]:
    return rule(group_id)


TestGroup = lifecycle(
    group,
    "described",
    delete=lambda aws, made: aws("ec2").delete_security_group(GroupId=made.id),
    imported_by="{id}",
    replacing=({"description": "new"}, {"vpcId": "vpc-1"}, {"name": "other"}),
)
TestRule = lifecycle(
    ingress,
    "ruled",
    delete=lambda aws, made: aws("ec2").revoke_security_group_ingress(
        GroupId=made["securityGroupId"], SecurityGroupRuleIds=[made.id]
    ),
    imported_by="{id}",
    replacing=({"securityGroupId": "sg-1"},),
    delete_first=False,
    exists=r"AuthorizeSecurityGroupIngress failed with InvalidPermission\.Duplicate",
)
