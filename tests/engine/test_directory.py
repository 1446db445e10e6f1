"""Domain controllers on the real engine: what is built, what a change changes, what comes back, what is refused."""

from __future__ import annotations

import json
from copy import deepcopy
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest

from components.directory.demands import Sources
from components.directory.peers import network_peer
from components.directory.port_tables import Options, Profile
from tests.engine.live_directory import Live, acl_of_subnet

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.engine.stack import Run, Stack

pytestmark = pytest.mark.engine

TAGGED = [{"Name": "tag:Role", "Values": ["DomainController"]}]
SUBNETS = ["directory-a", "directory-b"]
CONTROLLERS = [
    {"name": "DC1", "subnet": "directory-a", "volumes": [{"deviceName": "xvdb", "size": 20}]},
    {"name": "DC2", "subnet": "directory-b"},
]
ONE_SITE: dict[str, Any] = {
    "profile": "modern",
    "clients": {"offices": ["10.10.0.0/16"]},
    "administratorRoles": ["DirectoryAdministrator"],
    "terminationProtection": False,
    "monitoring": {"notificationEmails": ["directory@example.com"]},
    "sites": {"eu-west-1": {"vpc": "directory", "subnets": SUBNETS, "controllers": CONTROLLERS}},
}
TWO_SITES = ONE_SITE | {
    "clients": {"offices": ["10.10.0.0/16"], "aws": ["10.20.0.0/16", "2001:db8:20::/48"]},
    "onPremisesDomainControllers": ["10.1.0.10/32"],
    "sites": ONE_SITE["sites"] | {"us-east-1": {"vpc": "directory", "subnets": SUBNETS}},
}
OWN = {"eu-west-1": ("10.30.0.0/24", "10.30.1.0/24"), "us-east-1": ("10.31.0.0/24", "10.31.1.0/24")}
ADDRESSES = (
    *("10.10.0.1", "10.10.255.254", "10.11.0.1", "10.20.3.4", "2001:db8:20::1", "2001:db8:21::1"),
    *("10.1.0.10", "10.1.0.11", "10.30.0.9", "10.31.1.9", "10.32.0.1", "192.0.2.1"),
)


def directory(section: dict[str, Any], regions: list[str] | None = None) -> dict[str, Any]:
    return {
        "regions": regions or ["eu-west-1"],
        "tags": {"owner": "platform-security"},
        "domainControllers": section,
    }


def sources(region: str) -> Sources:
    other = "us-east-1" if region == "eu-west-1" else "eu-west-1"
    return Sources(
        on_premises=[ip_network("10.1.0.10/32")],
        sites={other: [ip_network(each) for each in OWN[other]]},
        clients={name: [ip_network(each) for each in networks] for name, networks in TWO_SITES["clients"].items()},
        endpoints=[network_peer(each) for each in OWN[region]],
    )


def tagged(ec2: Any) -> dict[str, list[dict[str, Any]]]:
    """What carries the controllers' tag and is not gone."""
    instances = [
        each for found in ec2.describe_instances(Filters=TAGGED)["Reservations"] for each in found["Instances"]
    ]
    return {
        "instances": [each for each in instances if each["State"]["Name"] != "terminated"],
        "volumes": ec2.describe_volumes(Filters=TAGGED)["Volumes"],
        "groups": ec2.describe_security_groups(Filters=TAGGED)["SecurityGroups"],
        "acls": ec2.describe_network_acls(Filters=TAGGED)["NetworkAcls"],
    }


def test_up_builds_two_sites_that_let_pass_just_what_the_tables_list(stack: Stack, aws: Callable[..., Any]) -> None:
    stack.configure(directory(TWO_SITES, ["eu-west-1", "us-east-1"]))
    stack.up().succeeded()
    outputs = stack.outputs()
    assert set(outputs["domainControllerPolicyArns"]) == {"portForwarding", "accessRestriction"}
    options = Options(profile=Profile.MODERN)
    for region in OWN:
        site, ec2 = outputs["domainControllers"][region], aws("ec2", region)
        live = Live.read(ec2, site, "directory-a")
        assert live.wrong(sources(region), options, ADDRESSES) == []
        neighbour = str(ip_network(OWN[region][1])[9])
        assert live.wrong_among_controllers(sources(region), options, neighbour) == []
        assert {acl_of_subnet(ec2, each)[0] for each in SUBNETS} == {site["networkAclId"]}
    assert outputs["domainControllers"]["us-east-1"]["instanceIds"] == []
    stack.preview("--expect-no-changes").succeeded()
    stack.preview("--refresh", "--expect-no-changes").succeeded()
    stack.destroy().succeeded()
    for region in OWN:
        assert tagged(aws("ec2", region)) == {"instances": [], "volumes": [], "groups": [], "acls": []}
        assert aws("ec2", region).describe_flow_logs()["FlowLogs"] == []
        assert aws("events", region).list_rules()["Rules"] == []
        assert aws("sns", region).list_topics()["Topics"] == []
    assert aws("cloudtrail").describe_trails()["trailList"] == []


def test_controllers_are_built_as_the_post_advises_and_stay_when_there_is_a_newer_image(
    stack: Stack, aws: Callable[..., Any]
) -> None:
    stack.configure(directory(ONE_SITE))
    stack.up().succeeded()
    site = stack.outputs()["domainControllers"]["eu-west-1"]
    found = tagged(aws("ec2"))
    instances = {each["InstanceId"]: each for each in found["instances"]}
    assert len(instances) == 2
    assert set(instances) == set(site["instanceIds"])
    assert len({each["Placement"]["AvailabilityZone"] for each in instances.values()}) == 2
    for each in instances.values():
        assert "PublicIpAddress" not in each
        assert each["MetadataOptions"]["HttpTokens"] == "required"
        assert [group["GroupId"] for group in each["SecurityGroups"]] == site["securityGroupIds"]
        assert each["IamInstanceProfile"]["Arn"].endswith("instance-profile/ShellAccessDomainController")
    assert len(found["volumes"]) == 3
    assert {(each["KmsKeyId"], each["Encrypted"], each["VolumeType"]) for each in found["volumes"]} == {
        (site["keyArn"], True, "gp3")
    }
    assert aws("kms").get_key_rotation_status(KeyId=site["keyArn"])["KeyRotationEnabled"]
    attached = aws("iam").list_attached_role_policies(RoleName="ShellAccessDomainController")["AttachedPolicies"]
    assert [each["PolicyName"] for each in attached] == ["ShellAccessDomainController"]
    services = {each["ServiceName"].rsplit(".", 1)[1] for each in aws("ec2").describe_vpc_endpoints()["VpcEndpoints"]}
    assert services == {"ssm", "ssmmessages", "ec2messages", "ec2"}
    watched_and_recorded(aws, site)
    section = deepcopy(ONE_SITE)
    for each in section["sites"]["eu-west-1"]["controllers"]:
        each["imageParameter"] = "/aws/service/ami-windows-latest/Windows_Server-2025-English-Core-Base"
    stack.configure(directory(section))
    stack.preview("--expect-no-changes").succeeded()


def watched_and_recorded(aws: Callable[..., Any], site: dict[str, Any]) -> None:
    patterns = {
        each["Name"].removeprefix("shell-access-domain-controllers-"): json.loads(each["EventPattern"])
        for each in aws("events").list_rules()["Rules"]
    }
    assert set(patterns) == {"state", "commands", "sessions-started", "sessions-ended", "network"}
    assert set(patterns["state"]["detail"]["instance-id"]) == set(site["instanceIds"])
    assert site["networkAclId"] in json.dumps(patterns["network"])
    (topic,) = aws("sns").list_topics()["Topics"]
    attributes = aws("sns").get_topic_attributes(TopicArn=topic["TopicArn"])["Attributes"]
    assert attributes["KmsMasterKeyId"]
    logs = aws("ec2").describe_flow_logs()["FlowLogs"]
    assert [(each["TrafficType"], each["LogDestinationType"]) for each in logs] == [("ALL", "cloud-watch-logs")] * 2
    (group,) = aws("logs").describe_log_groups()["logGroups"]
    assert (group["retentionInDays"], bool(group["kmsKeyId"])) == (90, True)
    (trail,) = aws("cloudtrail").describe_trails()["trailList"]
    assert (trail["IsMultiRegionTrail"], trail["LogFileValidationEnabled"]) == (True, True)
    assert aws("s3").get_bucket_encryption(Bucket=trail["S3BucketName"])


def test_network_of_clients_more_is_rules_more_until_it_is_a_list(stack: Stack, aws: Callable[..., Any]) -> None:
    stack.configure(directory(ONE_SITE))
    stack.up().succeeded()
    stack.configure(directory(ONE_SITE | {"clients": {"offices": ["10.10.0.0/16"], "aws": ["10.40.0.0/16"]}}))
    added = stack.up().succeeded().steps
    rules = {name: step for name, step in added.items() if "Rule:domain-controllers-eu-west-1-sg-" in name}
    assert len(rules) == 15
    # The network ACL gives way to another one, which the alert then watches.
    others = sorted((name.split(":")[0], step) for name, step in added.items() if name not in rules)
    assert others == [("EventRule", "update"), ("NetworkAcl", "create"), ("NetworkAcl", "delete")]
    assert set(rules.values()) == {"create"}
    assert all(name.startswith("SecurityGroupIngressRule:") and name.endswith("-10.40.0.0-16") for name in rules)
    many = {f"office-{number}": [f"10.{number}.0.0/16"] for number in range(40, 60, 2)}
    stack.configure(directory(ONE_SITE | {"clients": {"offices": ["10.10.0.0/16"], **many}}))
    changed_over_before_anything_went(stack.up().succeeded())
    (instance, *_) = tagged(aws("ec2"))["instances"]
    assert len(instance["SecurityGroups"]) > 1
    stack.preview("--refresh", "--expect-no-changes").succeeded()


def changed_over_before_anything_went(run: Run) -> None:
    """New rules first, then the interfaces, then what is of no use any more."""
    steps = list(run.steps.items())
    made = [place for place, (name, step) in enumerate(steps) if step == "create" and "Rule:" in name]
    moved = [place for place, (name, step) in enumerate(steps) if name.startswith("Instance:") and step == "update"]
    gone = [place for place, (_, step) in enumerate(steps) if step == "delete"]
    assert made
    assert gone
    assert len(moved) == 2
    assert max(made) < min(moved)
    assert max(moved) < min(gone)


def test_rules_that_somebody_edits_come_back(stack: Stack, aws: Callable[..., Any]) -> None:
    stack.configure(directory(without_controllers(ONE_SITE)))
    stack.up().succeeded()
    site, ec2 = stack.outputs()["domainControllers"]["eu-west-1"], aws("ec2")
    before = rules_of(ec2, site)
    by_port = {each["FromPort"]: each for each in before if each.get("CidrIpv4") == "10.10.0.0/16"}
    widened = {"IpProtocol": "tcp", "FromPort": 389, "ToPort": 389, "CidrIpv4": "10.0.0.0/8", "Description": "wider"}
    ec2.modify_security_group_rules(
        GroupId=site["securityGroupIds"][0],
        SecurityGroupRules=[
            {
                "SecurityGroupRuleId": next(each for each in before if is_ldap(each))["SecurityGroupRuleId"],
                "SecurityGroupRule": widened,
            }
        ],
    )
    ec2.revoke_security_group_ingress(
        GroupId=site["securityGroupIds"][0], SecurityGroupRuleIds=[by_port[135]["SecurityGroupRuleId"]]
    )
    acl_before = acl_of_subnet(ec2, "directory-a")
    ec2.replace_network_acl_entry(
        NetworkAclId=site["networkAclId"],
        RuleNumber=acl_before[1][0].number,
        Protocol="-1",
        RuleAction="allow",
        Egress=acl_before[1][0].direction == "egress",
        CidrBlock="0.0.0.0/0",
    )
    stack.up("--refresh").succeeded()
    assert [plain(each) for each in rules_of(ec2, site)] == [plain(each) for each in before]
    assert acl_of_subnet(ec2, "directory-a") == acl_before
    stack.preview("--refresh", "--expect-no-changes").succeeded()


def rules_of(ec2: Any, site: dict[str, Any]) -> list[dict[str, Any]]:
    by_group = [{"Name": "group-id", "Values": site["securityGroupIds"]}]
    found = ec2.describe_security_group_rules(Filters=by_group, MaxResults=1000)["SecurityGroupRules"]
    return sorted(found, key=lambda each: json.dumps(plain(each), sort_keys=True))


def plain(rule: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value for key, value in rule.items() if key not in ("SecurityGroupRuleId", "SecurityGroupRuleArn", "Tags")
    }


def is_ldap(rule: dict[str, Any]) -> bool:
    return rule.get("CidrIpv4") == "10.10.0.0/16" and (rule["IpProtocol"], rule["FromPort"]) == ("tcp", 389)


def without_controllers(section: dict[str, Any]) -> dict[str, Any]:
    return section | {"sites": {"eu-west-1": {"vpc": "directory", "subnets": SUBNETS}}}


def test_endpoints_of_the_vpc_are_used_where_they_are_asked_for(stack: Stack, aws: Callable[..., Any]) -> None:
    endpoints = {"vpc": "directory", "subnets": SUBNETS, "allowedCidrs": ["10.30.0.0/16"], "s3Gateway": False}
    stack.configure(directory(without_controllers(ONE_SITE)) | {"endpoints": {"eu-west-1": endpoints}})
    stack.up().succeeded()
    names = [each["ServiceName"].rsplit(".", 1)[1] for each in aws("ec2").describe_vpc_endpoints()["VpcEndpoints"]]
    assert sorted(names) == ["ec2", "ec2messages", "ssm", "ssmmessages"]


def public(ec2: Any) -> None:
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": ["directory"]}])["Vpcs"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc["VpcId"])
    by_name = [{"Name": "tag:Name", "Values": ["directory-private"]}]
    (table,) = ec2.describe_route_tables(Filters=by_name)["RouteTables"]
    ec2.create_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)


def nothing(_ec2: Any) -> None: ...


def site(**changes: Any) -> dict[str, Any]:
    return {"sites": {"eu-west-1": ONE_SITE["sites"]["eu-west-1"] | changes}}


def in_one_zone(ec2: Any) -> None:
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": ["directory"]}])["Vpcs"]
    tags = [{"ResourceType": "subnet", "Tags": [{"Key": "Name", "Value": "directory-a2"}]}]
    ec2.create_subnet(
        VpcId=vpc["VpcId"], CidrBlock="10.30.2.0/24", AvailabilityZone="eu-west-1a", TagSpecifications=tags
    )


@pytest.mark.parametrize(
    ("arrange", "change", "message"),
    [
        pytest.param(
            public,
            {},
            'sites.eu-west-1.subnets.0: "directory-a" given; allowed: private subnets, and rtb-',
            id="public subnet",
        ),
        pytest.param(
            in_one_zone,
            site(
                subnets=["directory-a", "directory-a2"],
                controllers=[{"name": "DC1", "subnet": "directory-a"}, {"name": "DC2", "subnet": "directory-a2"}],
            ),
            "sites.eu-west-1.controllers: 2 in eu-west-1a given; allowed: at least two, in at least two zones",
            id="single zone",
        ),
        pytest.param(
            nothing,
            {"clients": {"offices": ["10.10.0.1/16"]}},
            'clients.offices.0: "10.10.0.1/16" given; allowed: networks such as',
            id="network with host bits",
        ),
        pytest.param(
            nothing,
            {"clients": {"offices": ["10.10.0.0/16"], "branch": ["10.10.3.0/24"]}},
            'clients.branch: "10.10.3.0/24" given; lies within 10.10.0.0/16 of offices',
            id="overlap",
        ),
        pytest.param(
            nothing,
            {"clients": {"offices": ["2001:db8::1/48"]}},
            'clients.offices.0: "2001:db8::1/48" given; allowed: networks such as',
            id="IPv6 network with host bits",
        ),
        pytest.param(
            nothing,
            {"quotas": {"rulesPerSecurityGroup": 10}, "networkAcl": False},
            "quotas: cannot fit:",
            id="quota too small",
        ),
        pytest.param(
            nothing,
            site(controllers=[each | {"imageParameter": "/no/image"} for each in CONTROLLERS[:2]]),
            'sites.eu-west-1.controllers.0.imageParameter: "/no/image" given; allowed: the name of a parameter that exists',
            id="no such image",
        ),
    ],
)
def test_what_cannot_be_built_is_refused_before_anything_is(
    stack: Stack, aws: Callable[..., Any], arrange: Callable[[Any], None], change: dict[str, Any], message: str
) -> None:
    arrange(aws("ec2"))
    stack.configure(directory(ONE_SITE | change) | {"sessionManager": {}})
    refused = stack.up().failed()
    assert f"shell-access:domainControllers.{message}" in refused.text
    assert refused.steps == {}
    assert aws("kms").list_keys()["Keys"] == []
