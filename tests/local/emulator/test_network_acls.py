"""Actions of https://docs.aws.amazon.com/AWSEC2/latest/APIReference/, named in each test; error codes are in its errors-overview."""

from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def acl(ec2: Any) -> Any:
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    return ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]


def add(ec2: Any, acl: str, number: int, **change: Any) -> None:
    rule = {"Protocol": "6", "PortRange": {"From": 443, "To": 443}, "RuleAction": "allow", "CidrBlock": "10.0.0.0/8"}
    ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=number, **{**rule, "Egress": False, **change})


def entries(ec2: Any, acl: str) -> Any:
    return ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"][0]["Entries"]


def test_new_acl_denies_everything(ec2: Any, acl: str) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/custom-network-acl.html"""
    found = [(item["RuleNumber"], item["RuleAction"], item["Egress"], item["Protocol"]) for item in entries(ec2, acl)]
    assert sorted(found) == [(32767, "deny", False, "-1"), (32767, "deny", True, "-1")]


def test_network_acl_allows_20_rules_per_direction_and_family(ec2: Any, acl: str) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-nacls"""
    for number in range(1, 20):
        add(ec2, acl, number)
    with pytest.raises(ClientError, match="NetworkAclEntryLimitExceeded"):
        add(ec2, acl, 20)
    with pytest.raises(ClientError, match="NetworkAclEntryAlreadyExists"):
        add(ec2, acl, 19)
    add(ec2, acl, 20, Egress=True)
    ipv6 = {"Protocol": "6", "PortRange": {"From": 443, "To": 443}, "RuleAction": "allow", "Ipv6CidrBlock": "fd00::/8"}
    ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=20, Egress=False, **ipv6)


def test_granted_quota_permits_more_rules(connect: Any, ec2: Any, acl: str) -> None:
    """API_RequestServiceQuotaIncrease"""
    quotas = connect("service-quotas", ec2.meta.region_name)
    rules = {"ServiceCode": "vpc", "QuotaCode": "L-2AEEBF1A"}
    request = quotas.request_service_quota_increase(**rules, DesiredValue=21)["RequestedQuota"]
    assert request["Status"] == "APPROVED"
    assert quotas.get_service_quota(**rules)["Quota"]["Value"] == request["DesiredValue"]
    assert quotas.get_aws_default_service_quota(**rules)["Quota"]["Value"] < request["DesiredValue"]
    for number in range(1, 21):
        add(ec2, acl, number)
    with pytest.raises(ClientError, match="NetworkAclEntryLimitExceeded"):
        add(ec2, acl, 21)


@pytest.mark.parametrize("number", [0, 32767])
def test_other_numbers_are_aws_own(ec2: Any, acl: str, number: int) -> None:
    """API_CreateNetworkAclEntry, RuleNumber."""
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        add(ec2, acl, number)


def test_ports_and_types_are_kept_where_the_protocol_has_them(ec2: Any, acl: str) -> None:
    """API_NetworkAclEntry, portRange and icmpTypeCode."""
    add(ec2, acl, 1)
    add(ec2, acl, 2, Protocol="-1", PortRange={"From": 0, "To": 0})
    add(ec2, acl, 3, Protocol="1", IcmpTypeCode={"Type": 8, "Code": -1})
    found = {item["RuleNumber"]: item for item in entries(ec2, acl)}
    assert found[1]["PortRange"] == {"From": 443, "To": 443}
    assert "PortRange" not in found[2]
    assert found[3]["IcmpTypeCode"] == {"Type": 8, "Code": -1}


def test_missing_resource_has_its_own_error(ec2: Any, acl: str) -> None:
    """InvalidNetworkAclID.NotFound, InvalidNetworkAclEntry.NotFound, InvalidAssociationID.NotFound."""
    with pytest.raises(ClientError, match=r"InvalidNetworkAclID\.NotFound"):
        entries(ec2, "acl-0123456789abcdef0")
    with pytest.raises(ClientError, match=r"InvalidNetworkAclEntry\.NotFound"):
        ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=1, Egress=False)
    with pytest.raises(ClientError, match=r"InvalidAssociationID\.NotFound"):
        ec2.replace_network_acl_association(AssociationId="aclassoc-1", NetworkAclId=acl)


def test_default_acl_is_not_deleted(ec2: Any) -> None:
    """API_DeleteNetworkAcl."""
    default = ec2.describe_network_acls(Filters=[{"Name": "default", "Values": ["true"]}])["NetworkAcls"][0]
    with pytest.raises(ClientError, match="cannot delete default network ACL"):
        ec2.delete_network_acl(NetworkAclId=default["NetworkAclId"])
