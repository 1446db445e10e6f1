"""Sites of domain controllers on the local AWS: what is looked for where, and what cannot be verified."""

import json
from typing import Any

import pytest

from operations.verify.run import verify_stack
from tests.operations.arrangement import (
    Account,
    Command,
    Fail,
    StackConfiguration,
    configuration,
    findings_of,
    named,
    not_ok,
    refusal,
)

OF_ACCOUNT = ("directory-trail", "directory-trail-bucket", "directory-trail-key", "directory-port-forwarding-policy")
ENDPOINTS = tuple(f"directory-endpoint-{each}" for each in ("ec2", "ec2messages", "ssm", "ssmmessages"))
SITE = {"vpc": "directory", "subnets": ["directory-a", "directory-b"]}


def stack(*regions: str, secret: tuple[str, ...] = (), **section: Any) -> StackConfiguration:
    given = {"clients": {"offices": ["10.10.0.0/16"]}, "sites": dict.fromkeys(regions, SITE), **section}
    values = {"shell-access__domainControllers": json.dumps(given)}
    return configuration(regions=regions, secret=secret, **values)


def network(account: Account, region: str = "eu-west-1") -> dict[str, str]:
    """The VPC and its subnets: ids by name; the account has its record."""
    account.record()
    ec2 = account.client("ec2", region)
    vpc = ec2.create_vpc(CidrBlock="10.30.0.0/16", TagSpecifications=named("vpc", "directory"))["Vpc"]["VpcId"]
    made = {"vpc": vpc}
    for number, name in enumerate(SITE["subnets"]):
        made[name] = ec2.create_subnet(
            VpcId=vpc,
            CidrBlock=f"10.30.{number}.0/24",
            AvailabilityZone=f"{region}{'ab'[number]}",
            TagSpecifications=named("subnet", name),
        )["Subnet"]["SubnetId"]
    return made


def test_site_that_is_not_deployed_lacks_each_resource(account: Account) -> None:
    network(account)
    assert not_ok(verify_stack(stack("eu-west-1"))) == dict.fromkeys(
        (
            *("directory-groups", "directory-acl", "directory-traffic", "directory-key", "directory-monitoring-key"),
            *("directory-flow-logs", "directory-flow-logs-role", "directory-flow-log-group", "directory-topic"),
            *("directory-alert-network", "directory-endpoint-security-group", *ENDPOINTS),
            *OF_ACCOUNT,
        ),
        "different",
    )


def test_site_without_network_leaves_all_sites_unplanned(account: Account) -> None:
    network(account)
    verification = verify_stack(stack("eu-west-1", "us-east-1"))
    assert findings_of(verification, "us-east-1")["directory-network"].found == "no such VPC"
    assert not_ok(verification) == {
        "directory-network": "different",
        "directory-plan": "cannotTell",
        **dict.fromkeys(OF_ACCOUNT, "different"),
    }
    assert "the network of us-east-1 is not known" in findings_of(verification)["directory-plan"].found


@pytest.mark.parametrize(
    ("tag", "said"), [("directory", "2 such VPCs: vpc-"), ("directory-a", "2 subnets directory-a in vpc-")]
)
def test_ambiguous_network_name_is_reported(account: Account, tag: str, said: str) -> None:
    made = network(account)
    ec2 = account.client("ec2")
    if tag == "directory":
        ec2.create_vpc(CidrBlock="10.40.0.0/16", TagSpecifications=named("vpc", tag))
    else:
        ec2.create_subnet(VpcId=made["vpc"], CidrBlock="10.30.9.0/24", TagSpecifications=named("subnet", tag))
    finding = findings_of(verify_stack(stack("eu-west-1")))["directory-network"]
    assert finding.found.startswith(said)
    assert "shell-access:domainControllers.sites.eu-west-1" in (finding.remedy or "")


def test_route_to_an_internet_gateway_makes_a_subnet_public(account: Account) -> None:
    made = network(account)
    ec2 = account.client("ec2")
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=made["vpc"])
    table = ec2.create_route_table(VpcId=made["vpc"])["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=made["directory-b"])
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    finding = findings_of(verify_stack(stack("eu-west-1")))["directory-network"]
    assert finding.found == f"directory-b ({made['directory-b']}) has a route to {gateway}"
    main = [{"Name": "association.main", "Values": ["true"]}, {"Name": "vpc-id", "Values": [made["vpc"]]}]
    (followed,) = ec2.describe_route_tables(Filters=main)["RouteTables"]
    ec2.create_route(RouteTableId=followed["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    assert "directory-a (" in findings_of(verify_stack(stack("eu-west-1")))["directory-network"].found


@pytest.mark.parametrize(
    ("call", "action"), [("DescribeVpcs", "ec2:DescribeVpcs"), ("DescribeRouteTables", "ec2:DescribeRouteTables")]
)
def test_denied_network_names_the_permission(account: Account, fail: Fail, call: str, action: str) -> None:
    network(account)
    fail("ec2", call, refusal("UnauthorizedOperation"))
    verification = verify_stack(stack("eu-west-1"))
    assert not_ok(verification) == {"directory-network": "cannotTell", **dict.fromkeys(OF_ACCOUNT, "different")}
    assert findings_of(verification)["directory-network"].found.startswith(f"{action}: refused")


REFUSED = {
    ("ec2", "DescribeSecurityGroups"): {"directory-groups", "directory-traffic", *ENDPOINTS},
    ("ec2", "DescribeNetworkAcls"): {"directory-acl", "directory-traffic"},
    ("ec2", "DescribeFlowLogs"): {"directory-flow-logs"},
    ("kms", "DescribeKey"): {"directory-key", "directory-monitoring-key", "directory-trail-key"},
    ("sns", "GetTopicAttributes"): {"directory-topic"},
    ("events", "ListRules"): {"directory-alert-network"},
    ("logs", "DescribeLogGroups"): {"directory-flow-log-group"},
    ("cloudtrail", "GetTrail"): {"directory-trail"},
    ("cloudwatch", "GetMetricData"): {"directory-alert-delivery"},
    ("iam", "GetRole"): {"directory-flow-logs-role"},
    ("iam", "GetPolicy"): {"directory-port-forwarding-policy"},
}


def test_denied_read_names_the_permission(account: Account, fail: Fail) -> None:
    network(account)
    for service, call in REFUSED:
        fail(service, call, refusal("AccessDenied"))
    found = findings_of(verify_stack(stack("eu-west-1")))
    for (service, call), checks in REFUSED.items():
        for check in checks - {"directory-traffic"}:
            assert found[check].status.value == "cannotTell"
            assert found[check].found.startswith(f"{service}:{call}: refused")
    assert found["directory-traffic"].status.value == "cannotTell"


def test_existing_trail_has_to_record(account: Account) -> None:
    network(account)
    account.client("s3", "us-east-1").create_bucket(Bucket="trails")
    trails = account.client("cloudtrail")
    trails.create_trail(Name="organization", S3BucketName="trails")
    named_trail = stack("eu-west-1", monitoring={"existingTrail": "organization"})
    assert findings_of(verify_stack(named_trail))["directory-trail"].found == "it does not record"
    trails.start_logging(Name="organization")
    assert findings_of(verify_stack(named_trail))["directory-trail"].status == "ok"


def test_site_that_cannot_be_planned_is_an_error(account: Account, command: Command) -> None:
    network(account)
    result = command("verify", stack=stack("eu-west-1", quotas={"rulesPerSecurityGroup": 5}, networkAcl=False))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "shell-access:domainControllers.quotas: cannot fit: " in result.stderr


def test_secret_section_is_not_shown(account: Account, command: Command) -> None:
    network(account)
    secret = stack("eu-west-1", secret=("domainControllers",), clients={"hunter2": ["10.77.0.0/16"]})
    result = command("verify", "--json", stack=secret)
    assert result.exit_code == 1
    assert "hunter2" not in result.output
    assert "10.77" not in result.output
    findings = json.loads(result.stdout)["regions"]["eu-west-1"]
    assert {each["expected"] for each in findings if each["check"].startswith("directory-")} == {"[secret]"}
