"""VPC endpoints, network ACLs and prefix lists: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/.

Actions are named in each test; error codes are in the reference's errors-overview.
"""

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


# Network ACLs.


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


# Managed prefix lists.


@pytest.fixture
def made(ec2: Any) -> Any:
    request = {"PrefixListName": "clients", "AddressFamily": "IPv4", "MaxEntries": 2}
    return ec2.create_managed_prefix_list(**request, Entries=[{"Cidr": "10.0.0.0/16"}])["PrefixList"]["PrefixListId"]


def described_list(ec2: Any, list_id: str) -> Any:
    return ec2.describe_managed_prefix_lists(PrefixListIds=[list_id])["PrefixLists"][0]


def test_entries_make_a_new_version_and_a_name_does_not(ec2: Any, made: str) -> None:
    """API_ModifyManagedPrefixList."""
    ec2.modify_managed_prefix_list(PrefixListId=made, PrefixListName="others")
    assert (described_list(ec2, made)["PrefixListName"], described_list(ec2, made)["Version"]) == ("others", 1)
    ec2.modify_managed_prefix_list(PrefixListId=made, CurrentVersion=1, AddEntries=[{"Cidr": "10.1.0.0/16"}])
    assert (described_list(ec2, made)["PrefixListName"], described_list(ec2, made)["Version"]) == ("others", 2)
    entries = ec2.get_managed_prefix_list_entries(PrefixListId=made)["Entries"]
    assert [item["Cidr"] for item in entries] == ["10.0.0.0/16", "10.1.0.0/16"]


def test_another_version_than_the_current_one_is_refused(ec2: Any, made: str) -> None:
    """API_ModifyManagedPrefixList: "the request fails"."""
    with pytest.raises(ClientError, match="PrefixListVersionMismatch"):
        ec2.modify_managed_prefix_list(PrefixListId=made, CurrentVersion=2, AddEntries=[{"Cidr": "10.1.0.0/16"}])


def test_entries_and_size_are_not_changed_at_once(ec2: Any, made: str) -> None:
    """API_ModifyManagedPrefixList, MaxEntries."""
    with pytest.raises(ClientError, match="at the same time"):
        ec2.modify_managed_prefix_list(
            PrefixListId=made, CurrentVersion=1, MaxEntries=3, AddEntries=[{"Cidr": "10.1.0.0/16"}]
        )
    ec2.modify_managed_prefix_list(PrefixListId=made, MaxEntries=3)
    assert (described_list(ec2, made)["MaxEntries"], described_list(ec2, made)["Version"]) == (3, 1)


def test_address_is_not_added_and_removed_at_once(ec2: Any, made: str) -> None:
    """API_ModifyManagedPrefixList, as the Terraform provider quotes the answer."""
    entry = {"Cidr": "10.0.0.0/16"}
    with pytest.raises(ClientError, match="in both AddPrefixListEntries and RemovePrefixListEntries"):
        ec2.modify_managed_prefix_list(PrefixListId=made, CurrentVersion=1, AddEntries=[entry], RemoveEntries=[entry])


def test_there_are_not_more_entries_than_the_size(ec2: Any, made: str) -> None:
    """API_CreateManagedPrefixList and API_ModifyManagedPrefixList, MaxEntries."""
    more = [{"Cidr": f"10.{number}.0.0/16"} for number in (1, 2)]
    with pytest.raises(ClientError, match="PrefixListMaxEntriesExceeded"):
        ec2.modify_managed_prefix_list(PrefixListId=made, CurrentVersion=1, AddEntries=more)
    with pytest.raises(ClientError, match="PrefixListMaxEntriesExceeded"):
        ec2.create_managed_prefix_list(PrefixListName="l", AddressFamily="IPv4", MaxEntries=1, Entries=more)


def test_size_that_a_group_has_no_room_for_fails_in_the_state(ec2: Any, made: str) -> None:
    """API_ModifyManagedPrefixList, MaxEntries: "the modify operation fails", see the state message."""
    group = ec2.create_security_group(GroupName="g", Description="d")["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "PrefixListIds": [{"PrefixListId": made}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    ec2.modify_managed_prefix_list(PrefixListId=made, MaxEntries=61)
    found = described_list(ec2, made)
    assert (found["State"], found["MaxEntries"]) == ("modify-failed", 2)
    assert found["StateMessage"]
    ec2.modify_managed_prefix_list(PrefixListId=made, MaxEntries=60)
    assert (described_list(ec2, made)["State"], described_list(ec2, made)["MaxEntries"]) == ("modify-complete", 60)


def test_list_that_is_referred_to_is_not_deleted(ec2: Any, made: str) -> None:
    """API_DeleteManagedPrefixList: references go first (the code is inferred)."""
    group = ec2.create_security_group(GroupName="g", Description="d")["GroupId"]
    rule = {"IpProtocol": "-1", "PrefixListIds": [{"PrefixListId": made}]}
    ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[rule])
    with pytest.raises(ClientError, match="DependencyViolation"):
        ec2.delete_managed_prefix_list(PrefixListId=made)
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[rule])
    ec2.delete_managed_prefix_list(PrefixListId=made)
    for call in (ec2.delete_managed_prefix_list, ec2.get_managed_prefix_list_entries):
        with pytest.raises(ClientError, match=r"InvalidPrefixListID\.NotFound"):
            call(PrefixListId=made)
    with pytest.raises(ClientError, match=r"InvalidPrefixListID\.NotFound"):
        described_list(ec2, made)


def test_lists_of_aws_belong_to_aws(ec2: Any) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/working-with-aws-managed-prefix-lists.html"""
    by_name = [{"Name": "prefix-list-name", "Values": ["com.amazonaws.eu-west-1.s3"]}]
    (found,) = ec2.describe_managed_prefix_lists(Filters=by_name)["PrefixLists"]
    assert found["OwnerId"] == "AWS"
    for call in (ec2.modify_managed_prefix_list, ec2.delete_managed_prefix_list):
        with pytest.raises(ClientError, match="OperationNotPermitted"):
            call(PrefixListId=found["PrefixListId"])
    with pytest.raises(ClientError, match=r"com\.amazonaws"):
        ec2.create_managed_prefix_list(PrefixListName="com.amazonaws.own", AddressFamily="IPv4", MaxEntries=1)
