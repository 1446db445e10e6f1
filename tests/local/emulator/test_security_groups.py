"""Actions of https://docs.aws.amazon.com/AWSEC2/latest/APIReference/, named in each test."""

from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def vpc(ec2: Any) -> Any:
    return ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]


@pytest.fixture
def group(ec2: Any, vpc: Any) -> Any:
    return ec2.create_security_group(GroupName="a", Description="d", VpcId=vpc)["GroupId"]


@pytest.fixture
def other(ec2: Any, vpc: Any) -> Any:
    return ec2.create_security_group(GroupName="b", Description="d", VpcId=vpc)["GroupId"]


@pytest.fixture
def prefix_list(ec2: Any) -> Any:
    return prefix_list_of(ec2, 10)


def prefix_list_of(ec2: Any, entries: Any, family: Any = "IPv4") -> Any:
    made = ec2.create_managed_prefix_list(PrefixListName="p", MaxEntries=entries, AddressFamily=family)
    return made["PrefixList"]["PrefixListId"]


def tcp(port: Any, **target: Any) -> Any:
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **target}


def cidr(value: Any = "10.0.0.0/8", **more: Any) -> Any:
    return {"IpRanges": [{"CidrIp": value, **more}]}


def every_kind(other: Any, prefix_list: Any) -> Any:
    return [
        tcp(443, IpRanges=[{"CidrIp": "10.0.0.0/8", "Description": "by address"}]),
        tcp(444, Ipv6Ranges=[{"CidrIpv6": "fd00::/8", "Description": "by IPv6 address"}]),
        tcp(445, UserIdGroupPairs=[{"GroupId": other, "Description": "by group"}]),
        tcp(446, PrefixListIds=[{"PrefixListId": prefix_list, "Description": "by list"}]),
    ]


def rules_of(ec2: Any, group: Any, *, egress: Any = False) -> Any:
    found = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    return {rule["FromPort"]: rule for rule in found["SecurityGroupRules"] if rule["IsEgress"] is egress}


@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_every_kind_of_rule_keeps_its_description_and_tags(
    ec2: Any, group: Any, other: Any, prefix_list: Any, direction: Any
) -> None:
    """API_AuthorizeSecurityGroupIngress, API_AuthorizeSecurityGroupEgress, API_SecurityGroupRule."""
    tags = [{"ResourceType": "security-group-rule", "Tags": [{"Key": "k", "Value": "v"}]}]
    authorize = getattr(ec2, f"authorize_security_group_{direction}")
    answer = authorize(GroupId=group, IpPermissions=every_kind(other, prefix_list), TagSpecifications=tags)
    rules = rules_of(ec2, group, egress=direction == "egress")
    texts = {port: rules[port]["Description"] for port in (443, 444, 445, 446)}
    assert texts == {443: "by address", 444: "by IPv6 address", 445: "by group", 446: "by list"}
    assert all(rules[port]["Tags"] == [{"Key": "k", "Value": "v"}] for port in texts)
    returned = {rule["SecurityGroupRuleId"] for rule in answer["SecurityGroupRules"]}
    assert returned == {rules[port]["SecurityGroupRuleId"] for port in texts}


def test_group_shows_the_descriptions_of_its_rules(ec2: Any, group: Any, other: Any, prefix_list: Any) -> None:
    """API_DescribeSecurityGroups, API_IpPermission."""
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=every_kind(other, prefix_list))
    permissions = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]
    by_port = {permission["FromPort"]: permission for permission in permissions}
    assert by_port[443]["IpRanges"][0]["Description"] == "by address"
    assert by_port[444]["Ipv6Ranges"][0]["Description"] == "by IPv6 address"
    assert by_port[445]["UserIdGroupPairs"][0]["Description"] == "by group"
    assert by_port[446]["PrefixListIds"] == [{"PrefixListId": prefix_list, "Description": "by list"}]


def test_rule_with_another_description_is_a_duplicate(ec2: Any, group: Any, other: Any, prefix_list: Any) -> None:
    """API_AuthorizeSecurityGroupIngress: InvalidPermission.Duplicate."""
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=every_kind(other, prefix_list))
    for permission in (
        tcp(443, **cidr(Description="another")),
        tcp(445, UserIdGroupPairs=[{"GroupId": other, "Description": "another"}]),
        tcp(446, PrefixListIds=[{"PrefixListId": prefix_list, "Description": "another"}]),
    ):
        with pytest.raises(ClientError, match=r"InvalidPermission\.Duplicate"):
            ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])


def test_either_all_rules_are_added_or_none(ec2: Any, group: Any) -> None:
    """Error codes, InvalidPermission.Duplicate: the request fails, and with it all of its rules (inferred)."""
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[tcp(443, **cidr())])
    with pytest.raises(ClientError, match=r"InvalidPermission\.Duplicate"):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[tcp(80, **cidr()), tcp(443, **cidr())])
    assert list(rules_of(ec2, group)) == [443]


def test_addresses_are_made_canonical(ec2: Any, group: Any) -> None:
    """API_IpRange: 100.68.0.18/18 becomes 100.68.0.0/18."""
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[tcp(443, **cidr("100.68.0.18/18"))])
    assert rules_of(ec2, group)[443]["CidrIpv4"] == "100.68.0.0/18"


def test_rule_for_all_protocols_has_the_ports_minus_one(ec2: Any, group: Any) -> None:
    """API_SecurityGroupRule, FromPort: -1 where the protocol is -1."""
    everything = [{"IpProtocol": "-1", **cidr()}]
    answer = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=everything)
    rule = answer["SecurityGroupRules"][0]
    assert (rule["FromPort"], rule["ToPort"]) == (-1, -1)


@pytest.mark.parametrize(
    ("port", "target"),
    [
        (443, {"CidrIpv4": "10.1.0.0/16"}),
        (444, {"CidrIpv6": "fd00:1::/32"}),
        (445, {"ReferencedGroupId": "itself"}),
        (446, {"PrefixListId": "another"}),
    ],
    ids=["ipv4", "ipv6", "group", "prefix list"],
)
def test_rule_is_modified_under_its_id(ec2: Any, group: Any, other: Any, port: Any, target: Any) -> None:
    """API_ModifySecurityGroupRules."""
    lists = [prefix_list_of(ec2, 10), prefix_list_of(ec2, 10)]
    names = {"itself": group, "another": lists[1]}
    wanted = {key: names.get(value, value) for key, value in target.items()}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=every_kind(other, lists[0]))
    rule_id = rules_of(ec2, group)[port]["SecurityGroupRuleId"]
    request = {"IpProtocol": "udp", "FromPort": 53, "ToPort": 54, "Description": "new", **wanted}
    change = {"SecurityGroupRuleId": rule_id, "SecurityGroupRule": request}
    ec2.modify_security_group_rules(GroupId=group, SecurityGroupRules=[change])
    rule = rules_of(ec2, group)[53]
    assert rule["SecurityGroupRuleId"] == rule_id
    assert (rule["IpProtocol"], rule["ToPort"], rule["Description"]) == ("udp", 54, "new")
    shown = {**rule, "ReferencedGroupId": rule.get("ReferencedGroupInfo", {}).get("GroupId")}
    assert wanted.items() <= shown.items()


def test_rule_is_not_modified_into_another_kind_or_a_duplicate(
    ec2: Any, group: Any, other: Any, prefix_list: Any
) -> None:
    """API_ModifySecurityGroupRules: the kind of the source or destination stays."""
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=every_kind(other, prefix_list))
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[tcp(80, **cidr())])
    rule_id = rules_of(ec2, group)[443]["SecurityGroupRuleId"]

    def modify(**request: Any) -> Any:
        wanted = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, **request}
        change = {"SecurityGroupRuleId": rule_id, "SecurityGroupRule": wanted}
        ec2.modify_security_group_rules(GroupId=group, SecurityGroupRules=[change])

    with pytest.raises(ClientError, match="InvalidParameterValue"):
        modify(ReferencedGroupId=other)
    with pytest.raises(ClientError, match=r"InvalidPermission\.Duplicate"):
        modify(CidrIpv4="10.0.0.0/8")
    with pytest.raises(ClientError, match="InvalidParameterCombination"):
        modify(CidrIpv4="10.0.0.0/8", ReferencedGroupId=other)


def test_descriptions_are_changed_by_the_ids_of_the_rules(ec2: Any, group: Any, other: Any, prefix_list: Any) -> None:
    """API_UpdateSecurityGroupRuleDescriptionsIngress, SecurityGroupRuleDescriptions."""
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=every_kind(other, prefix_list))
    ids = [rule["SecurityGroupRuleId"] for rule in rules_of(ec2, group).values()]
    changes = [{"SecurityGroupRuleId": rule_id, "Description": "new"} for rule_id in ids]
    ec2.update_security_group_rule_descriptions_ingress(GroupId=group, SecurityGroupRuleDescriptions=changes)
    assert {rule["Description"] for rule in rules_of(ec2, group).values()} == {"new"}


def test_rule_that_is_not_there_is_not_found(ec2: Any, group: Any) -> None:
    """Error codes, InvalidSecurityGroupRuleId.NotFound."""
    missing = "sgr-0123456789abcdef0"
    wanted = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "CidrIpv4": "10.0.0.0/8"}
    for call, arguments in (
        ("revoke_security_group_ingress", {"SecurityGroupRuleIds": [missing]}),
        ("revoke_security_group_egress", {"SecurityGroupRuleIds": [missing]}),
        (
            "modify_security_group_rules",
            {"SecurityGroupRules": [{"SecurityGroupRuleId": missing, "SecurityGroupRule": wanted}]},
        ),
    ):
        with pytest.raises(ClientError, match=r"InvalidSecurityGroupRuleId\.NotFound"):
            getattr(ec2, call)(GroupId=group, **arguments)


def test_rule_is_revoked_by_its_id(ec2: Any, group: Any) -> None:
    """API_RevokeSecurityGroupIngress, SecurityGroupRuleIds."""
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[tcp(443, **cidr()), tcp(80, **cidr())])
    rule_id = rules_of(ec2, group)[443]["SecurityGroupRuleId"]
    ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[rule_id])
    assert list(rules_of(ec2, group)) == [80]


def fill(ec2: Any, group: Any, count: Any) -> None:
    permissions = [tcp(port, **cidr()) for port in range(1, count + 1)]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=permissions)


QUOTA = "RulesPerSecurityGroupLimitExceeded"
"""https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-security-groups"""


def test_group_has_60_rules_of_each_address_family(ec2: Any, group: Any, other: Any) -> None:
    fill(ec2, group, 60)
    with pytest.raises(ClientError, match=QUOTA):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[tcp(61, **cidr())])
    with pytest.raises(ClientError, match=QUOTA):
        ec2.authorize_security_group_ingress(
            GroupId=group, IpPermissions=[tcp(61, UserIdGroupPairs=[{"GroupId": other}])]
        )
    ipv6 = tcp(61, Ipv6Ranges=[{"CidrIpv6": "fd00::/8"}])
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[ipv6])
    assert len(rules_of(ec2, group)) == 61


def test_prefix_list_counts_its_maximum_of_entries(ec2: Any, group: Any) -> None:
    fill(ec2, group, 50)
    small, large = prefix_list_of(ec2, 10), prefix_list_of(ec2, 11)
    with pytest.raises(ClientError, match=QUOTA):
        ec2.authorize_security_group_ingress(
            GroupId=group, IpPermissions=[tcp(61, PrefixListIds=[{"PrefixListId": large}])]
        )
    ec2.authorize_security_group_ingress(
        GroupId=group, IpPermissions=[tcp(61, PrefixListIds=[{"PrefixListId": small}])]
    )


@pytest.mark.parametrize(
    ("name", "weight"), [("com.amazonaws.eu-west-1.s3", 1), ("com.amazonaws.global.cloudfront.origin-facing", 55)]
)
def test_aws_own_prefix_lists_have_their_weights(ec2: Any, group: Any, name: str, weight: int) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/working-with-aws-managed-prefix-lists.html, weights."""
    names = [{"Name": "prefix-list-name", "Values": [name]}]
    own = ec2.describe_managed_prefix_lists(Filters=names)["PrefixLists"][0]["PrefixListId"]
    fill(ec2, group, 60 - weight)
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[tcp(443, PrefixListIds=[{"PrefixListId": own}])])
    with pytest.raises(ClientError, match=QUOTA):
        ec2.authorize_security_group_ingress(
            GroupId=group, IpPermissions=[tcp(444, PrefixListIds=[{"PrefixListId": own}])]
        )


def test_group_in_use_is_not_deleted(ec2: Any, vpc: Any, group: Any, other: Any) -> None:
    """API_DeleteSecurityGroup: DependencyViolation."""
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[tcp(443, UserIdGroupPairs=[{"GroupId": other}])])
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24")["Subnet"]["SubnetId"]
    interface = ec2.create_network_interface(SubnetId=subnet, Groups=[group])["NetworkInterface"]
    for used in (other, group):
        with pytest.raises(ClientError, match="DependencyViolation"):
            ec2.delete_security_group(GroupId=used)
    ec2.delete_network_interface(NetworkInterfaceId=interface["NetworkInterfaceId"])
    ec2.delete_security_group(GroupId=group)
    ec2.delete_security_group(GroupId=other)


def test_group_that_refers_to_itself_is_deleted(ec2: Any, group: Any) -> None:
    """API_DeleteSecurityGroup: a rule of its own does not hold a group."""
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[tcp(443, UserIdGroupPairs=[{"GroupId": group}])])
    ec2.delete_security_group(GroupId=group)
    with pytest.raises(ClientError, match=r"InvalidGroup\.NotFound"):
        ec2.delete_security_group(GroupId=group)


def test_deleted_group_and_rule_have_no_tags(ec2: Any, group: Any) -> None:
    """API_DescribeTags; Using_Tags of the user guide: tags are deleted with their resource."""
    tags = [{"Key": "a", "Value": "b"}]
    rules = [{"ResourceType": "security-group-rule", "Tags": tags}]
    added = ec2.authorize_security_group_ingress(
        GroupId=group, IpPermissions=[tcp(443, **cidr())], TagSpecifications=rules
    )
    rule = added["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    ec2.create_tags(Resources=[group], Tags=tags)

    def tagged() -> set[str]:
        return {each["ResourceId"] for each in ec2.describe_tags()["Tags"]} & {group, rule}

    assert tagged() == {group, rule}
    ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[rule])
    assert tagged() == {group}
    ec2.delete_security_group(GroupId=group)
    assert tagged() == set()


def test_default_group_is_not_deleted(ec2: Any, vpc: Any) -> None:
    """Error codes, CannotDelete."""
    of_vpc = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    default = ec2.describe_security_groups(Filters=of_vpc)["SecurityGroups"][0]["GroupId"]
    with pytest.raises(ClientError, match="CannotDelete"):
        ec2.delete_security_group(GroupId=default)
