"""Domain controllers on the real engine: what is built, what a change changes, what comes back, what is refused."""

import json
import os
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from ipaddress import ip_network
from typing import Any
from unittest.mock import patch

import pytest
import yaml

from components.domain_controllers.packet_evaluation import admitting, packet, passes
from components.domain_controllers.port_tables import Options, Profile, additional_ports
from components.domain_controllers.traffic_requirements import AdditionalPeers, Direction, Sources, network_peer
from operations.findings import Finding
from operations.stack import StackConfiguration
from operations.verify.run import verify_stack
from tests.engine.live_directory import Live, acl_of_subnet
from tests.support.recorder import calls, reset_calls
from tests.support.stack import Run, Stack

pytestmark = pytest.mark.engine

ATTACHMENT = "VolumeAttachment:domain-controllers-eu-west-1-dc-DC1-xvdb"
VOLUME = "Volume:domain-controllers-eu-west-1-dc-DC1-xvdb"
INSTANCE = "Instance:domain-controllers-eu-west-1-dc-DC1"
REPLACED = {"create-replacement", "delete-replaced", "replace"}
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
    "detection": {"guardDuty": {"runtimeMonitoring": True}},
    "sites": {"eu-west-1": {"vpc": "directory", "subnets": SUBNETS, "controllers": CONTROLLERS}},
}
TWO_SITES: dict[str, Any] = ONE_SITE | {
    "clients": {"offices": ["10.10.0.0/16"], "aws": ["10.20.0.0/16", "2001:db8:20::/48"]},
    "onPremisesDomainControllers": ["10.1.0.10/32"],
    "readOnlyDomainControllers": ["10.5.0.10/32"],
    "ipsec": True,
    "resolverEndpoints": {
        "domains": ["corp.example.com", "10.in-addr.arpa"],
        "shareWith": ["210987654321"],
        "sites": {
            "eu-west-1": {"vpcs": ["workloads"], "inboundSources": ["10.1.0.53/32"]},
            "us-east-1": {"controllerAddresses": ["10.31.0.10"]},
        },
    },
    "additionalDestinations": {"authority": {"reason": "Certificates", "networks": ["10.1.0.20/32"], "ports": ["rpc"]}},
    "additionalSources": {
        "monitoring": {"reason": "Health", "networks": ["10.1.0.40/32"], "ports": ["esp", "udp/161"]}
    },
    "sites": ONE_SITE["sites"] | {"us-east-1": {"vpc": "directory", "subnets": SUBNETS}},
}
OWN = {"eu-west-1": ("10.30.0.0/24", "10.30.1.0/24"), "us-east-1": ("10.31.0.0/24", "10.31.1.0/24")}
ADDRESSES = (
    *("10.10.0.1", "10.10.255.254", "10.11.0.1", "10.20.3.4", "2001:db8:20::1", "2001:db8:21::1"),
    *("10.1.0.20", "10.1.0.21", "10.1.0.40", "10.5.0.10"),
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
        has_resolver=True,
        read_only=[ip_network("10.5.0.10/32")],
        additional_sources=[_peers("additionalSources", "monitoring")],
        additional_destinations=[_peers("additionalDestinations", "authority")],
    )


def notes_about_acls(stack: Stack) -> list[str]:
    """Regions of the notes about rules that are wider than the security groups."""
    messages = [each.get("diagnosticEvent", {}).get("message", "") for each in stack.events()]
    return [each.partition(":")[0] for each in messages if "rules of the network ACL permit more" in each]


def _peers(key: str, name: str) -> AdditionalPeers:
    given = TWO_SITES[key][name]
    ports = additional_ports(f"{key}.{name}", given["reason"], given["ports"])
    return AdditionalPeers(name=name, networks=[ip_network(each) for each in given["networks"]], ports=ports)


def tagged(ec2: Any) -> dict[str, list[dict[str, Any]]]:
    """Return the resources with the controllers' tag that exist."""
    instances = [
        each for found in ec2.describe_instances(Filters=TAGGED)["Reservations"] for each in found["Instances"]
    ]
    return {
        "instances": [each for each in instances if each["State"]["Name"] != "terminated"],
        "volumes": ec2.describe_volumes(Filters=TAGGED)["Volumes"],
        "groups": ec2.describe_security_groups(Filters=TAGGED)["SecurityGroups"],
        "acls": ec2.describe_network_acls(Filters=TAGGED)["NetworkAcls"],
    }


def test_two_sites_permit_exactly_the_listed_traffic(stack: Stack, aws: Callable[..., Any]) -> None:
    stack.configure(directory(TWO_SITES, ["eu-west-1", "us-east-1"]))
    stack.up().succeeded()
    assert sorted(notes_about_acls(stack)) == sorted(OWN)
    outputs = stack.outputs()
    assert set(outputs["domainControllerPolicyArns"]) == {"portForwarding", "accessRestriction"}
    options = Options(profile=Profile.MODERN, ipsec=True)
    for region in OWN:
        site, ec2 = outputs["domainControllers"][region], aws("ec2", region)
        live = Live.read(ec2, site, "directory-a")
        assert live.wrong(sources(region), options, ADDRESSES) == []
        neighbor = str(ip_network(OWN[region][1])[9])
        assert live.wrong_from("itself", sources(region), options, neighbor) == []
        assert {acl_of_subnet(ec2, each)[0] for each in SUBNETS} == {site["networkAclId"]}
    assert outputs["domainControllers"]["us-east-1"]["instanceIds"] == []
    verified_by_command(stack)
    without_the_other_site_only_what_names_it_changes(stack)
    stack.preview("--refresh", "--expect-no-changes").succeeded()
    assert notes_about_acls(stack) == []
    stack.destroy().succeeded()
    for region in OWN:
        assert tagged(aws("ec2", region)) == {"instances": [], "volumes": [], "groups": [], "acls": []}
        assert aws("ec2", region).describe_flow_logs()["FlowLogs"] == []
        assert aws("events", region).list_rules()["Rules"] == []
        assert aws("sns", region).list_topics()["Topics"] == []
    assert aws("cloudtrail").describe_trails()["trailList"] == []


def verified_by_command(stack: Stack) -> None:
    done = stack.operate("verify", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    findings = [each for several in json.loads(done.stdout)["regions"].values() for each in several]
    assert sum(each["check"] == "directory-traffic" for each in findings) == 2
    assert {each["status"] for each in findings} == {"ok"}


def verified(stack: Stack) -> dict[str, Finding]:
    """Return the differences from the settings by check, of a stack of one Region."""
    given = yaml.safe_load((stack.folder / f"Pulumi.{stack.name}.yaml").read_text())["config"]
    values = {key: value if isinstance(value, str) else json.dumps(value) for key, value in given.items()}
    with patch.dict(os.environ, stack.full_environment(caller="verify")):
        found = verify_stack(StackConfiguration(name=stack.name, values=values)).regions["eu-west-1"]
    assert any(each.check == "directory-traffic" for each in found)
    return {each.check: each for each in found if each.status != "ok"}


def without_the_other_site_only_what_names_it_changes(stack: Stack) -> None:
    sites = {"eu-west-1": TWO_SITES["sites"]["eu-west-1"]}
    resolver = TWO_SITES["resolverEndpoints"] | {
        "sites": {"eu-west-1": TWO_SITES["resolverEndpoints"]["sites"]["eu-west-1"]}
    }
    changed = TWO_SITES | {"sites": sites, "resolverEndpoints": resolver}
    stack.configure(directory(changed, ["eu-west-1", "us-east-1"]))
    steps = stack.preview().succeeded().steps
    kept = {name: step for name, step in steps.items() if "domain-controllers-us-east-1" not in name}
    kinds = sorted((name.split(":")[0], step) for name, step in kept.items())
    # The other site's two subnets are entries of a list, so that no rule of a group changes.
    assert kinds == [
        *(("EventRule", "update"), ("ManagedPrefixList", "update")),
        *(("NetworkAcl", "create"), ("NetworkAcl", "delete")),
    ]
    stack.configure(directory(TWO_SITES, ["eu-west-1", "us-east-1"]))


@pytest.mark.timeout(600)
def test_controllers_are_built_repaired_and_replaced(stack: Stack, aws: Callable[..., Any], aws_endpoint: str) -> None:
    detector = aws("guardduty").create_detector(Enable=True, Tags={"team": "soc"})["DetectorId"]
    without_runtime = features(aws, detector)
    prior = with_an_acl_of_its_own(aws("ec2"))
    stack.configure(directory(ONE_SITE))
    assert f"has the network ACL {prior}. It is replaced, and restored by destroy." in stack.up().succeeded().text
    # The engine deletes the records after what depends on them, so that they restore last.
    (acl,) = (each for each in stack.state() if each["type"] == "aws:ec2/networkAcl:NetworkAcl")
    assert any("PriorNetworkAcl" in urn for urn in acl["dependencies"])
    # An update that stops controllers stops one at a time.
    *_, last = (each for each in stack.state() if each["type"] == "aws:ec2/instance:Instance")
    assert any(urn.endswith("-DC1") for urn in last["dependencies"])
    assert features(aws, detector) == without_runtime | {"RUNTIME_MONITORING"}
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
    what_is_wrong_with_controllers_and_monitoring_is_found_and_comes_back(stack, aws, site)
    section = deepcopy(ONE_SITE)
    for each in section["sites"]["eu-west-1"]["controllers"]:
        each["imageParameter"] = "/aws/service/ami-windows-latest/Windows_Server-2025-English-Core-Base"
    stack.configure(directory(section))
    reset_calls(aws_endpoint)
    stack.preview("--expect-no-changes").succeeded()
    counted = calls(aws_endpoint)
    assert {name: number for name, number in counted.items() if name.startswith("ec2:")} == {
        "ec2:DescribeRouteTables": 1,
        "ec2:DescribeSubnets": 1,
        "ec2:DescribeVpcAttribute": 2,
        "ec2:DescribeVpcEndpointServices": 1,
        "ec2:DescribeVpcs": 1,
    }
    assert counted["ssm:GetParameter"] == 1
    # The account's record names the stack, so what its state has is not looked up.
    assert counted["iam:GetPolicy"] == 1
    assert [name for name in counted if name.startswith(("kms:", "logs:", "sns:"))] == []
    network_of_clients_is_rules_until_it_is_a_list(
        stack, aws("ec2"), replaced_controller_keeps_its_data_volume(stack, aws("ec2"))
    )
    protected_controllers_keep_all_that_they_have(stack, aws("ec2"))
    stack.destroy().succeeded()
    assert tagged(aws("ec2")) == {"instances": [], "volumes": [], "groups": [], "acls": []}
    assert len(aws("ec2").describe_network_acls(NetworkAclIds=[prior])["NetworkAcls"][0]["Associations"]) == 1
    assert features(aws, detector) == without_runtime
    assert aws("guardduty").get_detector(DetectorId=detector)["Tags"] == {"team": "soc"}


def with_an_acl_of_its_own(ec2: Any) -> str:
    """Return the ID of a network ACL that the first subnet gets."""
    (subnet,) = ec2.describe_subnets(Filters=[{"Name": "tag:Name", "Values": SUBNETS[:1]}])["Subnets"]
    acl = ec2.create_network_acl(VpcId=subnet["VpcId"])["NetworkAcl"]["NetworkAclId"]
    of_subnet = [{"Name": "association.subnet-id", "Values": [subnet["SubnetId"]]}]
    (default,) = ec2.describe_network_acls(Filters=of_subnet)["NetworkAcls"]
    (own,) = (each for each in default["Associations"] if each["SubnetId"] == subnet["SubnetId"])
    ec2.replace_network_acl_association(AssociationId=own["NetworkAclAssociationId"], NetworkAclId=acl)
    return acl


def features(aws: Callable[..., Any], detector: str) -> set[str]:
    """Return the names of the features of GuardDuty that are on."""
    found = aws("guardduty").get_detector(DetectorId=detector)["Features"]
    return {each["Name"] for each in found if each["Status"] == "ENABLED"}


def scans(aws: Callable[..., Any]) -> set[str]:
    """Return the types of resources that Inspector scans."""
    (account,) = aws("inspector2").batch_get_account_status()["accounts"]
    return {name for name, each in account["resourceState"].items() if each["status"] == "ENABLED"}


def what_is_wrong_with_controllers_and_monitoring_is_found_and_comes_back(
    stack: Stack, aws: Callable[..., Any], site: dict[str, Any]
) -> None:
    assert verified(stack) == {}
    ec2, events, (first, second) = aws("ec2"), aws("events"), site["instanceIds"]
    (own,) = ec2.describe_instances(InstanceIds=[first])["Reservations"][0]["Instances"]
    other = bastion_group(ec2)
    ec2.modify_instance_metadata_options(InstanceId=first, HttpTokens="optional")
    ec2.modify_instance_attribute(InstanceId=first, Groups=[*site["securityGroupIds"], other])
    ec2.modify_instance_attribute(InstanceId=first, DisableApiTermination={"Value": True})
    address = ec2.allocate_address(Domain="vpc")
    association = ec2.associate_address(InstanceId=first, AllocationId=address["AllocationId"])["AssociationId"]
    ec2.stop_instances(InstanceIds=[second])
    logs = ec2.describe_flow_logs()["FlowLogs"]
    ec2.delete_flow_logs(FlowLogIds=[each["FlowLogId"] for each in logs if each["ResourceId"] == own["SubnetId"]])
    topic = aws("sns").list_topics()["Topics"][0]["TopicArn"]
    aws("sns").set_topic_attributes(TopicArn=topic, AttributeName="KmsMasterKeyId", AttributeValue="")
    events.disable_rule(Name="shell-access-domain-controllers-network")
    events.put_rule(Name="shell-access-domain-controllers-state", EventPattern=json.dumps({"source": ["aws.ec2"]}))
    events.remove_targets(Rule="shell-access-domain-controllers-commands", Ids=["topic"])
    aws("cloudtrail").stop_logging(Name="shell-access")
    aws("logs").put_retention_policy(logGroupName="/shell-access/domain-controllers/flow-logs", retentionInDays=1)
    found = verified(stack)
    assert {check: each.found for check, each in found.items()} == {
        "directory-controller-DC1": f"{first}: public address {address['PublicIp']}; security groups: has {other} besides; "
        "IMDSv1 is allowed; termination protection on",
        "directory-controller-DC2-state": f"{second} is stopped",
        "directory-flow-logs": "none of directory-a",
        "directory-flow-log-group": "kept for 1 days",
        "directory-topic": "not encrypted",
        "directory-alert-network": "it is disabled",
        "directory-alert-state": "its pattern differs",
        "directory-alert-commands": "it does not send to arn:aws:sns:eu-west-1:123456789012:shell-access-domain-controllers",
        "directory-trail": "it does not record",
    }
    take = f"aws ec2 disassociate-address --association-id {association} --region eu-west-1"
    assert found["directory-controller-DC1"].remedy == f"{take}; pulumi up --refresh --stack test"
    assert found["directory-trail"].remedy == "aws cloudtrail start-logging --name shell-access --region eu-west-1"
    ec2.disassociate_address(AssociationId=association)
    ec2.start_instances(InstanceIds=[second])
    stack.up("--refresh").succeeded()
    assert verified(stack) == {}


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


def data_volume(ec2: Any) -> dict[str, Any]:
    (found,) = [each for each in tagged(ec2)["volumes"] if each["Size"] == 20]
    return found


def urn_of(stack: Stack, step: str) -> str:
    kind, name = step.split(":")
    urns = [each["urn"] for each in stack.state()]
    return next(urn for urn in urns if urn.endswith(f"::{name}") and f":{kind}::" in urn)


def swapped(names: list[str]) -> dict[str, Any]:
    """Each controller in the other one's subnet."""
    section = deepcopy(ONE_SITE)
    site = section["sites"]["eu-west-1"]
    site["subnets"] = names
    for controller, subnet in zip(site["controllers"], reversed(names), strict=True):
        controller["subnet"] = subnet
    return section


def replaced_controller_keeps_its_data_volume(stack: Stack, ec2: Any) -> dict[str, Any]:
    """Replace a controller as docs/domain-controllers.md says, then swap the subnets, and return that section."""
    stack.configure(directory(ONE_SITE))
    volume, before = data_volume(ec2), {each["InstanceId"] for each in tagged(ec2)["instances"]}

    done = stack.up("--replace", urn_of(stack, INSTANCE)).succeeded()
    steps = done.steps
    assert "The volume" not in done.text
    assert {name for name, step in steps.items() if step in REPLACED} == {INSTANCE, ATTACHMENT}
    after = {each["InstanceId"] for each in tagged(ec2)["instances"]}
    assert len(after) == 2
    (new,) = after - before
    attached = data_volume(ec2)
    assert attached["VolumeId"] == volume["VolumeId"]
    assert [each["InstanceId"] for each in attached["Attachments"]] == [new]
    stack.preview("--refresh", "--expect-no-changes").succeeded()

    # Another subnet is in another zone, where the volume cannot follow. That subnets are now given by ID changes nothing else.
    by_name = {"Name": "tag:Name", "Values": SUBNETS}
    found = {each["Tags"][0]["Value"]: each for each in ec2.describe_subnets(Filters=[by_name])["Subnets"]}
    section = swapped([found[name]["SubnetId"] for name in SUBNETS])
    stack.configure(directory(section))
    done = stack.up().succeeded()
    steps = done.steps
    assert f"The volume {volume['VolumeId']} (" in done.text
    assert {name for name, step in steps.items() if step in REPLACED} == {
        INSTANCE,
        INSTANCE.replace("DC1", "DC2"),
        ATTACHMENT,
        VOLUME,
    }
    assert "create" not in steps.values()
    moved = data_volume(ec2)
    assert moved["AvailabilityZone"] == found["directory-b"]["AvailabilityZone"] != volume["AvailabilityZone"]
    (instance,) = [each["InstanceId"] for each in moved["Attachments"]]
    assert instance in {each["InstanceId"] for each in tagged(ec2)["instances"]} - after
    return section


def protected_controllers_keep_all_that_they_have(stack: Stack, ec2: Any) -> None:
    section = stack.configurations[-1]["shell-access:domainControllers"]
    stack.configure(directory(section | {"terminationProtection": True}))
    stack.up().succeeded()
    before, resources = tagged(ec2), [each["urn"] for each in stack.state()]
    refused = stack.destroy().failed()
    assert "domainControllers.terminationProtection protects resources of this stack" in refused.text
    assert (tagged(ec2), [each["urn"] for each in stack.state()]) == (before, resources)
    for each in (INSTANCE, VOLUME, ATTACHMENT):
        assert "marked for protection" in stack.preview("--replace", urn_of(stack, each)).failed().text
    stack.configure(directory(section))
    stack.up().succeeded()


def network_of_clients_is_rules_until_it_is_a_list(stack: Stack, ec2: Any, section: dict[str, Any]) -> None:
    stack.configure(directory(section | {"clients": {"offices": ["10.10.0.0/16"], "aws": ["10.40.0.0/16"]}}))
    added = stack.up().succeeded().steps
    rules = {name: step for name, step in added.items() if "Rule:domain-controllers-eu-west-1-sg-" in name}
    assert len(rules) == 15
    # The network ACL gives way to another one, which the alert then watches.
    others = sorted((name.split(":")[0], step) for name, step in added.items() if name not in rules)
    assert others == [("EventRule", "update"), ("NetworkAcl", "create"), ("NetworkAcl", "delete")]
    assert set(rules.values()) == {"create"}
    assert all(name.startswith("SecurityGroupIngressRule:") and name.endswith("-10.40.0.0-16") for name in rules)
    many = {f"office-{number}": [f"10.{number}.0.0/16"] for number in range(40, 60, 2)}
    stack.configure(directory(section | {"clients": {"offices": ["10.10.0.0/16"], **many}}))
    changed_over_before_anything_went(stack.up().succeeded())
    (instance, *_) = tagged(ec2)["instances"]
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


def test_manual_changes_are_reported_and_repaired(stack: Stack, aws: Callable[..., Any]) -> None:
    endpoints = {"vpc": "directory", "subnets": SUBNETS, "allowedCidrs": ["10.30.0.0/16"], "s3Gateway": False}
    aws("inspector2").enable(resourceTypes=["ECR"])
    section = without_controllers(ONE_SITE) | {
        "detection": ONE_SITE["detection"] | {"inspector": {"cisScans": {}}, "securityHub": {}}
    }
    stack.configure(directory(section) | {"endpoints": {"eu-west-1": endpoints}})
    stack.up().succeeded()
    assert scans(aws) == {"ec2", "ecr"}
    site, ec2 = stack.outputs()["domainControllers"]["eu-west-1"], aws("ec2")
    names = [each["ServiceName"].rsplit(".", 1)[1] for each in ec2.describe_vpc_endpoints()["VpcEndpoints"]]
    # One set serves nodes and controllers.
    assert sorted(names) == ["ec2", "ec2messages", "inspector2", "ssm", "ssmmessages"]
    assert verified(stack) == {}
    before, acl_before = rules_of(ec2, site), acl_of_subnet(ec2, "directory-a")
    edited, deleted, added = edit_by_hand(ec2, site, before)
    aws("inspector2").disable(resourceTypes=["EC2"])
    (scan,) = aws("inspector2").list_cis_scan_configurations()["scanConfigurations"]
    named = {"scanConfigurationArn": scan["scanConfigurationArn"]}
    aws("inspector2").update_cis_scan_configuration(**named, schedule={"oneTime": {}})
    aws("inspector2").untag_resource(resourceArn=named["scanConfigurationArn"], tagKeys=["shell-access:owner"])
    aws("inspector2").tag_resource(resourceArn=named["scanConfigurationArn"], tags={"added": "by hand"})
    (standard,) = aws("securityhub").get_enabled_standards()["StandardsSubscriptions"]
    aws("securityhub").batch_disable_standards(StandardsSubscriptionArns=[standard["StandardsSubscriptionArn"]])
    hub = aws("securityhub").describe_hub()["HubArn"]
    aws("securityhub").untag_resource(ResourceArn=hub, TagKeys=["shell-access:owner"])
    group, repair = site["securityGroupIds"][0], "pulumi up --refresh --stack test"
    revoke = (
        f"aws ec2 revoke-security-group-ingress --group-id {group} --security-group-rule-ids {added} --region eu-west-1"
    )
    found = verified(stack)
    assert {check: each.remedy for check, each in found.items()} == {
        "directory-group-controllers": f"{revoke} && {repair}",
        "directory-acl-rules": repair,
        "directory-detection-inspector2": repair,
        "directory-detection-securityhub": repair,
        "directory-detection-securityhub-owner": repair,
        "directory-detection-cis": repair,
        "directory-detection-cis-owner": repair,
        "directory-traffic": "see the findings about groups, prefix lists and the network ACL; otherwise " + repair,
    }
    said = found["directory-group-controllers"].found
    assert f"missing: {deleted} (offices: " in said
    assert f"is now ingress tcp 389 from 10.0.0.0/8 ({edited})" in said
    assert f"unexpected: ingress tcp 3389 from 0.0.0.0/0 ({added})" in said
    assert "TCP 3389 from 8.8.8.8 passes" in found["directory-traffic"].found
    assert "everything from 0.0.0.0/0" in found["directory-acl-rules"].found
    stack.up("--refresh").succeeded()
    assert scans(aws) == {"ec2", "ecr"}
    assert aws("inspector2").list_cis_scan_configurations()["scanConfigurations"] == [scan]
    assert aws("securityhub").get_enabled_standards()["StandardsSubscriptions"] == [standard]
    # A rule that is added by hand belongs to no resource: the engine keeps it, and verify says how to remove it.
    assert {check: each.remedy for check, each in verified(stack).items()} == {
        "directory-group-controllers": revoke,
        "directory-traffic": "see the findings about groups, prefix lists and the network ACL; otherwise " + repair,
    }
    ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[added])
    assert verified(stack) == {}
    assert [plain(each) for each in rules_of(ec2, site)] == [plain(each) for each in before]
    assert acl_of_subnet(ec2, "directory-a") == acl_before
    stack.preview("--refresh", "--expect-no-changes").succeeded()
    stack.configure(directory(without_controllers(ONE_SITE)) | {"endpoints": {"eu-west-1": endpoints}})
    stack.up().succeeded()
    assert scans(aws) == {"ecr"}


def edit_by_hand(ec2: Any, site: dict[str, Any], rules: list[dict[str, Any]]) -> tuple[str, str, str]:
    """Widens a rule, deletes one, adds one, and opens the ACL: ids, and the name of the deleted one."""
    group = site["securityGroupIds"][0]
    ldap = next(each for each in rules if is_ldap(each))["SecurityGroupRuleId"]
    widened = {"IpProtocol": "tcp", "FromPort": 389, "ToPort": 389, "CidrIpv4": "10.0.0.0/8", "Description": "wider"}
    ec2.modify_security_group_rules(
        GroupId=group, SecurityGroupRules=[{"SecurityGroupRuleId": ldap, "SecurityGroupRule": widened}]
    )
    by_port = {each["FromPort"]: each for each in rules if each.get("CidrIpv4") == "10.10.0.0/16"}
    ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[by_port[135]["SecurityGroupRuleId"]])
    any_source = {"IpProtocol": "tcp", "FromPort": 3389, "ToPort": 3389, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    added = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[any_source])["SecurityGroupRules"]
    first = next(each for each in acl_of_subnet(ec2, "directory-a")[1] if each.direction == "ingress")
    ec2.replace_network_acl_entry(
        NetworkAclId=site["networkAclId"],
        RuleNumber=first.number,
        Protocol="-1",
        RuleAction="allow",
        Egress=False,
        CidrBlock="0.0.0.0/0",
    )
    return ldap, "ingress-tcp-135-10.10.0.0-16", added[0]["SecurityGroupRuleId"]


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


def test_existing_bastions_and_prefix_lists_are_admitted(stack: Stack, aws: Callable[..., Any]) -> None:
    ec2 = aws("ec2")
    bastion, partners = bastion_group(ec2), partners_list(ec2)
    own = (bastion_group(aws("ec2", "us-east-1")), partners_list(aws("ec2", "us-east-1")))
    other = {"bastionSecurityGroupIds": [own[0]], "clientPrefixListIds": {"partners": own[1]}}
    sites = without_controllers(ONE_SITE)["sites"]
    section = without_controllers(ONE_SITE) | {
        "sites": sites | {"us-east-1": sites["eu-west-1"] | other},
        "profile": "post",
        "managementAccess": "bastion",
        "bastionSecurityGroupIds": [bastion],
        "bastionNetworks": ["10.30.9.0/24"],
        "clientPrefixLists": {"partners": {"id": partners, "maxEntries": 3, "networks": ["10.60.0.0/16"]}},
    }
    listed = {"id": "pl-0123456789abcdef0", "maxEntries": 3, "networks": ["10.60.0.0/16"]}
    unknown: dict[str, Any] = {
        "bastionSecurityGroupIds": [bastion, "sg-0123456789abcdef0"],
        "clientPrefixLists": {"partners": listed},
        "monitoring": {"existingTrail": "organization-trial"},
    }
    regions = ["eu-west-1", "us-east-1"]
    stack.configure(directory(section | unknown, regions))
    refused = stack.up().failed()
    assert refused.steps == {}
    for key, kind in (
        ("bastionSecurityGroupIds", "a security group"),
        ("clientPrefixLists.partners.id", "a prefix list"),
    ):
        assert f"shell-access:domainControllers.{key}: expected the ID of {kind} in eu-west-1, got" in refused.text
    assert "expected the name or the ARN of a trail that records us-east-1, got organization-trial" in refused.text
    assert "or set sites.eu-west-1.bastionSecurityGroupIds" in refused.text
    stack.configure(directory(section, regions))
    stack.up().succeeded()
    outputs = stack.outputs()
    of_other = rules_of(aws("ec2", "us-east-1"), outputs["domainControllers"]["us-east-1"])
    peers = {each.get("ReferencedGroupInfo", {}).get("GroupId", each.get("PrefixListId")) for each in of_other}
    assert {*own} <= peers
    assert {bastion, partners}.isdisjoint(peers)
    site = outputs["domainControllers"]["eu-west-1"]
    assert outputs["domainControllerPolicyArns"]["portForwarding"] is None
    live, options = Live.read(ec2, site, "directory-a"), Options(profile=Profile.POST)
    asked = Sources(
        clients={"offices": [ip_network("10.10.0.0/16")], "partners": [ip_network("10.60.0.0/16")]},
        bastions=[bastion],
        sites={"us-east-1": [ip_network(each) for each in OWN["us-east-1"]]},
        endpoints=[network_peer(each) for each in OWN["eu-west-1"]],
    )
    assert live.wrong(asked, options, ("10.10.0.1", "10.60.3.4", "10.61.0.1", "10.30.9.5", "192.0.2.1")) == []
    assert live.wrong_from(bastion, asked, options, "10.30.9.5") == []
    # The gateway that people come in by is in front of the bastion hosts, and known to no controller.
    gateway = packet(Direction.INGRESS, "tcp", 443, "10.30.9.5", bastion)
    assert passes(live.granted, live.acl, gateway, reply_port=50000)
    assert not admitting(live.granted, replace(gateway, groups=frozenset()))
    referred = [each for each in rules_of(ec2, site) if each.get("PrefixListId") == partners]
    assert len(referred) == 16
    assert verified(stack) == {}
    # The owner of the list admits more networks than the ACL has entries for.
    ec2.modify_managed_prefix_list(PrefixListId=partners, CurrentVersion=1, AddEntries=[{"Cidr": "172.16.0.0/16"}])
    said = verified(stack)
    assert set(said) == {"directory-traffic"}
    stack.preview("--expect-no-changes").succeeded()


def bastion_group(ec2: Any) -> str:
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": ["directory"]}])["Vpcs"]
    return ec2.create_security_group(GroupName="bastion", Description="Bastion hosts", VpcId=vpc["VpcId"])["GroupId"]


def partners_list(ec2: Any) -> str:
    made = ec2.create_managed_prefix_list(
        PrefixListName="partners", AddressFamily="IPv4", MaxEntries=3, Entries=[{"Cidr": "10.60.0.0/16"}]
    )
    return made["PrefixList"]["PrefixListId"]


def public(ec2: Any) -> None:
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": ["directory"]}])["Vpcs"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc["VpcId"])
    by_name = [{"Name": "tag:Name", "Values": ["directory-private"]}]
    (table,) = ec2.describe_route_tables(Filters=by_name)["RouteTables"]
    ec2.create_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)


def in_one_zone(ec2: Any) -> None:
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": ["directory"]}])["Vpcs"]
    tags = [{"ResourceType": "subnet", "Tags": [{"Key": "Name", "Value": "directory-a2"}]}]
    ec2.create_subnet(
        VpcId=vpc["VpcId"], CidrBlock="10.30.2.0/24", AvailabilityZone="eu-west-1a", TagSpecifications=tags
    )


def test_invalid_sites_are_refused_before_any_change(stack: Stack, aws: Callable[..., Any]) -> None:
    def refuses(change: dict[str, Any], *messages: str) -> None:
        stack.configure(directory(ONE_SITE | change) | {"sessionManager": {}})
        refused = stack.up().failed()
        for message in messages:
            assert f"shell-access:domainControllers.{message}" in refused.text
        assert refused.steps == {}
        assert aws("kms").list_keys()["Keys"] == []

    refuses(
        {"clients": {"host-bits": ["10.40.0.1/16"], "host-bits-6": ["2001:db8::1/48"]}},
        "clients.host-bits[0]: expected networks such as",
        "clients.host-bits-6[0]: expected networks such as",
    )
    refuses(
        {"clients": {"offices": ["10.10.0.0/16"], "branch": ["10.10.3.0/24"]}},
        'clients.branch: expected networks that do not overlap, got "10.10.3.0/24", which is within 10.10.0.0/16 of offices.',
    )
    refuses({"quotas": {"rulesPerSecurityGroup": 3}, "networkAcl": False}, "quotas: cannot fit:")
    in_one_zone(aws("ec2"))
    controllers = [{"name": "DC1", "subnet": "directory-a"}, {"name": "DC2", "subnet": "directory-a2"}]
    one_zone = {"subnets": ["directory-a", "directory-a2"], "controllers": controllers}
    refuses(
        {"sites": {"eu-west-1": ONE_SITE["sites"]["eu-west-1"] | one_zone}},
        "sites.eu-west-1.controllers: expected at least two controllers, in subnets of at least two Availability Zones, got 2 in eu-west-1a.",
    )
    public(aws("ec2"))
    no_image = [CONTROLLERS[0] | {"imageParameter": "/no/image"}, CONTROLLERS[1] | {"imageId": "ami-0123456789abcdef0"}]
    refuses(
        {"sites": {"eu-west-1": ONE_SITE["sites"]["eu-west-1"] | {"controllers": no_image}}},
        'sites.eu-west-1.subnets[0]: expected private subnets, got "directory-a", whose route table rtb-',
        "sites.eu-west-1.controllers[0].imageParameter: expected the name of a parameter that exists in eu-west-1 and "
        'names an image, got "/no/image".',
        "sites.eu-west-1.controllers[1].imageId: expected the ID of an available Windows image in eu-west-1, got ami-",
    )
