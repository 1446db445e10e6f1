"""Endpoints, prefix lists and flow logs (Terraform AWS provider: internal/service/ec2/vpc_*.go)."""

import json
from typing import Any

import pytest

from tests.local.aws_provider.conftest import lifecycle, refusals

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


def test_unset_inputs_accept_any_value(provider: Any, net: dict[str, Any]) -> None:
    provider.up(endpoint, "e", interface(net))
    fewer = {"vpcId": net["vpc"], "serviceName": ssm, "vpcEndpointType": "Interface"}
    assert not provider.diff(endpoint, "e", fewer).diffs


@pytest.fixture
def placed(net: dict[str, Any]) -> dict[str, Any]:
    return interface(net)


TestEndpoint = lifecycle(
    endpoint,
    "placed",
    delete=lambda aws, made: aws("ec2").delete_vpc_endpoints(VpcEndpointIds=[made.id]),
    imported_by="{id}",
    replacing=({"vpcId": "vpc-1"}, {"serviceName": s3}, {"vpcEndpointType": "Gateway"}),
    delete_first=False,
)


# Prefix lists: internal/service/ec2/vpc_managed_prefix_list.go.


prefix_list = "aws:ec2/managedPrefixList:ManagedPrefixList"
one, two = {"cidr": "10.0.0.0/16", "description": "one"}, {"cidr": "10.1.0.0/16", "description": "two"}


def given(*entries: dict[str, str], **change: Any) -> dict[str, Any]:
    return {"name": "clients", "addressFamily": "IPv4", "maxEntries": 5, "entries": list(entries), **change}


def entries(aws: Any, made: Any) -> dict[str, str]:
    found = aws("ec2").get_managed_prefix_list_entries(PrefixListId=made.id)["Entries"]
    return {item["Cidr"]: item.get("Description", "") for item in found}


test_list_refuses = refusals(
    prefix_list,
    given(one),
    ({"addressFamily": "ipv4"}, "IPv4"),
    ({"maxEntries": 0}, "range"),
    ({"entries": [{"cidr": "10.0.0.0"}]}, "not a valid CIDR block"),
    ({"entries": [{"cidr": "10.0.0.0/16", "description": "d" * 256}]}, "length"),
    ({"maxEntries": None}, "maxEntries: missing"),
)


def test_outputs_of_a_list(provider: Any) -> None:
    made = provider.up(prefix_list, "l", given(one, two, tags={"a": "b"}))
    assert made.id.startswith("pl-")
    assert made["arn"] == f"arn:aws:ec2:eu-west-1:123456789012:prefix-list/{made.id}"
    assert (made["ownerId"], made["version"]) == ("123456789012", 1)
    assert provider.unchanged(prefix_list, "l", given(two, one, tags={"a": "b"}))


def test_name_is_made_of_the_logical_name(provider: Any) -> None:
    made = provider.up(prefix_list, "clients", {"addressFamily": "IPv4", "maxEntries": 1})
    assert made["name"].startswith("clients-")


def test_entries_and_the_name_change_in_place(provider: Any, aws: Any) -> None:
    made = provider.up(prefix_list, "l", given(one))
    assert list(provider.diff(prefix_list, "l", given(two, name="other")).replaces) == []
    changed = provider.up(prefix_list, "l", given(two, name="other"))
    assert (changed.id, changed["version"], changed["name"]) == (made.id, 2, "other")
    assert entries(aws, made) == {"10.1.0.0/16": "two"}


def test_another_description_takes_two_versions(provider: Any, aws: Any) -> None:
    made = provider.up(prefix_list, "l", given(one, two))
    changed = provider.up(prefix_list, "l", given({**one, "description": "new"}, two))
    assert changed["version"] == 3
    assert entries(aws, made) == {"10.0.0.0/16": "new", "10.1.0.0/16": "two"}


def test_version_is_unknown_while_entries_change(provider: Any) -> None:
    provider.up(prefix_list, "l", given(one))
    assert repr(provider.preview(prefix_list, "l", given(two))["version"]) == "UNKNOWN"
    assert provider.preview(prefix_list, "l", given(one, name="other"))["version"] == 1


def test_prefix_list_grows_before_and_shrinks_after_entries(provider: Any, aws: Any) -> None:
    made = provider.up(prefix_list, "l", given(one, maxEntries=1))
    provider.up(prefix_list, "l", given(one, two, maxEntries=2))
    assert len(entries(aws, made)) == 2
    provider.up(prefix_list, "l", given(two, maxEntries=1))
    assert entries(aws, made) == {"10.1.0.0/16": "two"}
    assert provider.unchanged(prefix_list, "l", given(two, maxEntries=1))


def test_size_that_a_group_has_no_room_for_is_an_error(provider: Any, aws: Any) -> None:
    made = provider.up(prefix_list, "l", given(one))
    group = aws("ec2").create_security_group(GroupName="g", Description="d")["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "PrefixListIds": [{"PrefixListId": made.id}]}
    aws("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    with pytest.raises(Exception, match="ModifyManagedPrefixList failed with modify-failed"):
        provider.up(prefix_list, "l", given(one, maxEntries=61))


def test_prefix_list_leaves_unset_entries_alone(provider: Any, aws: Any) -> None:
    bare = {"name": "clients", "addressFamily": "IPv4", "maxEntries": 5}
    made = provider.up(prefix_list, "l", bare)
    aws("ec2").modify_managed_prefix_list(PrefixListId=made.id, CurrentVersion=1, AddEntries=[{"Cidr": "10.9.0.0/16"}])
    assert provider.unchanged(prefix_list, "l", bare)


def test_list_in_use_is_not_deleted(provider: Any, aws: Any) -> None:
    made = provider.up(prefix_list, "l", given(one))
    group = aws("ec2").create_security_group(GroupName="g", Description="d")["GroupId"]
    rule = {"IpProtocol": "-1", "PrefixListIds": [{"PrefixListId": made.id}]}
    aws("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    old = provider.state[prefix_list, "l"]
    with pytest.raises(Exception, match="DependencyViolation"):
        provider.destroy(prefix_list, "l")
    aws("ec2").delete_security_group(GroupId=group)
    provider.state[prefix_list, "l"] = old
    provider.destroy(prefix_list, "l")
    assert provider.take_over(prefix_list, "m", made.id) is None


TestPrefixList = lifecycle(
    prefix_list,
    given(one, two),
    delete=lambda aws, made: aws("ec2").delete_managed_prefix_list(PrefixListId=made.id),
    imported_by="{id}",
    replacing=({"addressFamily": "IPv6"},),
)


# Flow logs: internal/service/ec2/vpc_flow_log.go.


flow_log = "aws:ec2/flowLog:FlowLog"
role = "arn:aws:iam::123456789012:role/flow-logs"
group = "arn:aws:logs:eu-west-1:123456789012:log-group:flows"


@pytest.fixture
def vpc(aws: Any) -> Any:
    aws("logs").create_log_group(logGroupName="flows")
    aws("s3").create_bucket(Bucket="flows", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return aws("ec2").create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]


def to_logs(vpc: str, **change: Any) -> dict[str, Any]:
    return {"vpcId": vpc, "trafficType": "ALL", "logDestination": group, "iamRoleArn": role, **change}


def to_bucket(vpc: str, **change: Any) -> dict[str, Any]:
    base = {"vpcId": vpc, "trafficType": "REJECT", "logDestination": "arn:aws:s3:::flows", "logDestinationType": "s3"}
    return {**base, **change}


test_flow_log_refuses = refusals(
    flow_log,
    to_logs("vpc-1"),
    ({"vpcId": None}, "one of `vpcId,subnetId,eniId"),
    ({"subnetId": "subnet-1"}, "must be specified, got vpcId,subnetId"),
    ({"trafficType": "SOME"}, "REJECT"),
    ({"logDestinationType": "file"}, "kinesis-data-firehose"),
    ({"logDestination": "flows"}, "invalid ARN"),
    ({"logGroupName": "flows"}, "unknown property 'logGroupName'"),
)


def test_outputs_of_a_flow_log(provider: Any, vpc: str) -> None:
    made = provider.up(flow_log, "f", to_logs(vpc, tags={"a": "b"}))
    assert made.id.startswith("fl-")
    assert made["arn"] == f"arn:aws:ec2:eu-west-1:123456789012:vpc-flow-log/{made.id}"
    assert (made["logDestinationType"], made["maxAggregationInterval"]) == ("cloud-watch-logs", 600)
    assert made["logFormat"].startswith("${version}")
    assert provider.unchanged(flow_log, "f", to_logs(vpc, tags={"a": "b"}))


def test_log_destination_with_stars_always_differs(provider: Any, aws: Any, vpc: str) -> None:
    made = provider.up(flow_log, "f", to_logs(vpc, logDestination=f"{group}:*"))
    (found,) = aws("ec2").describe_flow_logs(FlowLogIds=[made.id])["FlowLogs"]
    assert (found["LogDestination"], made["logDestination"]) == (group, group)
    assert found["DeliverLogsStatus"] == "SUCCESS"
    assert list(provider.diff(flow_log, "f", to_logs(vpc, logDestination=f"{group}:*")).replaces) == ["logDestination"]
    assert provider.unchanged(flow_log, "f", to_logs(vpc, logDestination=group))


@pytest.mark.parametrize("change", [{"trafficType": "REJECT"}, {"iamRoleArn": f"{role}-2"}])
def test_everything_but_tags_replaces_create_first(provider: Any, vpc: str, change: dict[str, Any]) -> None:
    provider.up(flow_log, "f", to_logs(vpc, tags={"a": "b"}))
    answer = provider.diff(flow_log, "f", to_logs(vpc, tags={"a": "c"}, **change))
    assert (list(answer.replaces), answer.deleteBeforeReplace) == (list(change), False)


def test_subnet_has_a_flow_log_too(provider: Any, aws: Any, vpc: str) -> None:
    subnet = aws("ec2").create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24")["Subnet"]["SubnetId"]
    inputs = {**to_logs(vpc), "vpcId": None, "subnetId": subnet}
    provider.up(flow_log, "f", inputs)
    assert provider.unchanged(flow_log, "f", inputs)


def test_what_could_not_be_made_is_an_error(provider: Any, vpc: str) -> None:
    with pytest.raises(Exception, match=r"ec2:CreateFlowLogs failed with 400: LogDestination: nowhere does not exist"):
        provider.up(flow_log, "f", to_bucket(vpc, logDestination="arn:aws:s3:::nowhere"))


@pytest.fixture
def logged(vpc: str) -> dict[str, Any]:
    return to_logs(vpc)


TestFlowLog = lifecycle(
    flow_log,
    "logged",
    delete=lambda aws, made: aws("ec2").delete_flow_logs(FlowLogIds=[made.id]),
    imported_by="{id}",
)
