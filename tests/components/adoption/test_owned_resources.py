"""Resources with a stack's tags in the local AWS are found, and only those that can stay as they are."""

from collections.abc import Callable
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from common.aws.arns import Scope
from common.aws.failures import MalformedAnswerError
from components.adoption.document_ownership import OWNER_TAG
from components.adoption.inventory import find
from components.adoption.owned_resources import RESOURCE_TAG, TAGGED, OwnedResources

OWNER, OTHER = "organization/shell-access/prod", "organization/shell-access/other"
REGION, ACCOUNT = "eu-west-1", "123456789012"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
ACL = "aws:ec2/networkAcl:NetworkAcl"
KEY = "aws:kms/key:Key"
PROFILE = "aws:iam/instanceProfile:InstanceProfile"
ROLE = "aws:iam/role:Role"
VOLUME = "aws:ebs/volume:Volume"
BASELINE = "aws:ssm/patchBaseline:PatchBaseline"
WINDOW = "aws:ssm/maintenanceWindow:MaintenanceWindow"
TARGET = "aws:ssm/maintenanceWindowTarget:MaintenanceWindowTarget"
TASK = "aws:ssm/maintenanceWindowTask:MaintenanceWindowTask"
RESOLVER_RULE = "aws:route53/resolverRule:ResolverRule"
RULE_ASSOCIATION = "aws:route53/resolverRuleAssociation:ResolverRuleAssociation"
SHARE = "aws:ram/resourceShare:ResourceShare"
TRUST = '{"Version": "2012-10-17", "Statement": []}'


Client = Callable[..., Any]
Find = Callable[..., str | None]


@pytest.fixture
def import_id(client: Client) -> Find:
    """Looks up, each time afresh."""

    def look_up(token: str, name: str, properties: dict[str, Any], **changed: Any) -> str | None:
        arguments: dict[str, Any] = {
            "client": client,
            "existing": lambda kind, region, name: find(kind, client(kind.service, region), region, name),
            "owner": OWNER,
            "scope": Scope(partition="aws", account_id=ACCOUNT, region=REGION),
            "may_write": True,
        }
        return OwnedResources(**arguments | changed).import_id(token, name, REGION, properties)

    return look_up


def tags(name: str, owner: str = OWNER) -> list[dict[str, str]]:
    return [{"Key": OWNER_TAG, "Value": owner}, {"Key": RESOURCE_TAG, "Value": name}]


def specification(kind: str, name: str, owner: str = OWNER) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": tags(name, owner)}]


def make_group(ec2: Any, physical: str, name: str = "group", owner: str = OWNER) -> str:
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    made = ec2.create_security_group(
        GroupName=physical, Description="d", VpcId=vpc, TagSpecifications=specification("security-group", name, owner)
    )
    return made["GroupId"]


def test_group_with_the_stacks_tags_is_found(client: Client, import_id: Find) -> None:
    ec2 = client("ec2")
    make_group(ec2, "another", owner=OTHER)
    group = make_group(ec2, "ours")
    assert import_id(GROUP, "group", {"description": "d"}) == f"{group}@{REGION}"
    assert import_id(GROUP, "other-name", {"description": "d"}) is None
    # The engine could not replace it in the run that imports it.
    assert import_id(GROUP, "group", {"description": "another"}) is None
    make_group(ec2, "second")
    assert import_id(GROUP, "group", {"description": "d"}) is None


@pytest.mark.parametrize("may_write", [True, False])
def test_unfinished_group_loses_its_default_rule(client: Client, import_id: Find, *, may_write: bool) -> None:
    ec2 = client("ec2")
    group = make_group(ec2, "ours")
    import_id(GROUP, "group", {}, may_write=may_write)
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroupRules"]
    assert [rule["IsEgress"] for rule in rules] == ([] if may_write else [True])


def test_finished_group_keeps_a_rule_to_everywhere(client: Client, import_id: Find) -> None:
    ec2 = client("ec2")
    group = make_group(ec2, "ours")
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission("10.0.0.0/8")])
    import_id(GROUP, "group", {})
    filters = [{"Name": "group-id", "Values": [group]}]
    assert len(ec2.describe_security_group_rules(Filters=filters)["SecurityGroupRules"]) == 2


def permission(cidr: str, port: int = 443) -> dict[str, Any]:
    ranges = [{"CidrIp": cidr, "Description": "nodes"}]
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": ranges}


def rule(group: str, **changed: Any) -> dict[str, Any]:
    planned = {
        "ip_protocol": "tcp",
        "from_port": 443,
        "to_port": 443,
        "cidr_ipv4": "10.0.0.0/8",
        "description": "nodes",
    }
    return {"security_group_id": group, **planned, **changed}


def test_rule_without_tags_is_found_by_its_content(client: Client, import_id: Find) -> None:
    ec2 = client("ec2")
    group = make_group(ec2, "ours")
    made = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission("10.0.0.0/8")])
    expected = made["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    assert import_id(INGRESS, "rule", rule(group)) == f"{expected}@{REGION}"
    for changed in (
        {"to_port": 444},
        {"cidr_ipv4": "10.0.0.0/9"},
        {"description": "others"},
        {"ip_protocol": "udp"},
        {"cidr_ipv4": None, "prefix_list_id": "pl-1"},
        {"security_group_id": None},
        {"security_group_id": make_group(ec2, "second", "second")},
    ):
        assert import_id(INGRESS, "rule", rule(group, **changed)) is None, changed


def test_tagged_rule_is_found_whatever_its_ports(client: Client, import_id: Find) -> None:
    ec2 = client("ec2")
    group = make_group(ec2, "ours")
    made = ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[permission("10.0.0.0/8", 444)],
        TagSpecifications=specification("security-group-rule", "rule"),
    )
    expected = made["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    assert import_id(INGRESS, "rule", rule(group)) == f"{expected}@{REGION}"
    # Another kind of source is another rule.
    planned = rule(group, cidr_ipv4=None, prefix_list_id="pl-1")
    assert import_id(INGRESS, "rule", planned) is None


def test_enabled_key_is_found_by_its_tags(client: Client, import_id: Find) -> None:
    kms = client("kms")
    of_kms = [{"TagKey": each["Key"], "TagValue": each["Value"]} for each in tags("key")]
    gone, key = (kms.create_key(Tags=of_kms)["KeyMetadata"]["KeyId"] for _ in range(2))
    assert import_id(KEY, "key", {}) is None
    kms.schedule_key_deletion(KeyId=gone)
    assert import_id(KEY, "key", {}) == f"{key}@{REGION}"
    assert import_id(KEY, "key", {}, owner=OTHER) is None


@pytest.mark.parametrize(("owner", "found"), [(OWNER, "Role"), (None, None)])
def test_role_is_found_by_its_name_and_owner(
    client: Client, import_id: Find, owner: str | None, found: str | None
) -> None:
    marked = tags("role", owner) if owner else []
    client("iam").create_role(RoleName="Role", AssumeRolePolicyDocument=TRUST, Tags=marked)
    assert import_id(ROLE, "role", {"name": "Role"}) == found


@pytest.mark.parametrize("may_write", [True, False])
def test_network_acl_without_subnets_is_made_again(client: Client, import_id: Find, *, may_write: bool) -> None:
    ec2 = client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]
    ids = [
        ec2.create_network_acl(VpcId=subnet["VpcId"], TagSpecifications=specification("network-acl", name))[
            "NetworkAcl"
        ]["NetworkAclId"]
        for name in ("acl", "unfinished")
    ]
    by_subnet = [{"Name": "association.subnet-id", "Values": [subnet["SubnetId"]]}]
    (current,) = ec2.describe_network_acls(Filters=by_subnet)["NetworkAcls"]
    association = next(
        each["NetworkAclAssociationId"] for each in current["Associations"] if each["SubnetId"] == subnet["SubnetId"]
    )
    ec2.replace_network_acl_association(AssociationId=association, NetworkAclId=ids[0])
    found = [import_id(ACL, name, {}, may_write=may_write) for name in ("acl", "unfinished")]
    assert found == [f"{ids[0]}@{REGION}", None]
    left = {each["NetworkAclId"] for each in ec2.describe_network_acls()["NetworkAcls"]}
    assert (ids[1] in left) is not may_write


@pytest.mark.parametrize("may_write", [True, False])
def test_instance_profile_without_a_role_is_created_again(client: Client, import_id: Find, *, may_write: bool) -> None:
    iam = client("iam")
    iam.create_role(RoleName="Role", AssumeRolePolicyDocument=TRUST)
    for name in ("Whole", "Unfinished"):
        iam.create_instance_profile(InstanceProfileName=name, Tags=tags(name))
    iam.add_role_to_instance_profile(InstanceProfileName="Whole", RoleName="Role")
    found = [import_id(PROFILE, name, {"name": name}, may_write=may_write) for name in ("Whole", "Unfinished")]
    assert found == ["Whole", None]
    left = {each["InstanceProfileName"] for each in iam.list_instance_profiles()["InstanceProfiles"]}
    assert ("Unfinished" in left) is not may_write


def test_deleted_volume_is_not_found(client: Client, import_id: Find) -> None:
    ec2 = client("ec2")
    made = ec2.create_volume(
        AvailabilityZone=f"{REGION}a", Size=1, TagSpecifications=specification("volume", "volume")
    )["VolumeId"]
    planned = {"availability_zone": f"{REGION}a"}
    assert import_id(VOLUME, "volume", planned) == f"{made}@{REGION}"
    assert import_id(VOLUME, "volume", {"availability_zone": f"{REGION}b"}) is None
    ec2.delete_volume(VolumeId=made)
    assert import_id(VOLUME, "volume", planned) is None


@pytest.mark.parametrize("token", TAGGED)
def test_resource_that_is_not_described_is_no_absent_one(import_id: Find, token: str) -> None:
    """A second one would be created. Only flow logs that do not exist are left out of the response."""
    tagged = TAGGED[token]
    listed = [{"ResourceId": f"{tagged.prefix}1", **tag} for tag in tags("one")]
    ec2 = SimpleNamespace(
        exceptions=SimpleNamespace(ClientError=ClientError),
        meta=SimpleNamespace(method_to_api_mapping={tagged.operation: "Describe"}),
        get_paginator=lambda _: SimpleNamespace(paginate=lambda **_: [{"Tags": listed}]),
        **{tagged.operation: lambda **_: {}},
    )
    expected = nullcontext() if tagged.prefix == "fl-" else pytest.raises(MalformedAnswerError, match=tagged.prefix)
    with expected:
        assert import_id(token, "one", {}, client=lambda *_: ec2) is None


def test_baseline_with_the_stacks_tags_is_found(client: Client, import_id: Find) -> None:
    ssm = client("ssm")
    ssm.create_patch_baseline(Name="theirs", Tags=tags("patches", OTHER))
    ours = ssm.create_patch_baseline(Name="ours", Tags=tags("patches"))["BaselineId"]
    assert import_id(BASELINE, "patches", {}) == f"{ours}@{REGION}"
    assert import_id(BASELINE, "other-name", {}) is None
    ssm.create_patch_baseline(Name="second", Tags=tags("patches"))
    assert import_id(BASELINE, "patches", {}) is None


def test_window_is_found_with_its_target_and_task(client: Client, import_id: Find) -> None:
    ssm = client("ssm")
    given = {"Schedule": "rate(7 days)", "Duration": 3, "Cutoff": 1, "AllowUnassociatedTargets": False}
    ssm.create_maintenance_window(Name="theirs", Tags=tags("window", OTHER), **given)
    window = ssm.create_maintenance_window(Name="ours", Tags=tags("window"), **given)["WindowId"]
    assert import_id(WINDOW, "window", {}) == f"{window}@{REGION}"
    targets = [{"Key": "InstanceIds", "Values": ["i-0123456789abcdef0"]}]
    target = ssm.register_target_with_maintenance_window(
        WindowId=window, ResourceType="INSTANCE", Targets=targets, Name="patches"
    )["WindowTargetId"]
    task = ssm.register_task_with_maintenance_window(
        WindowId=window, TaskArn="AWS-RunPatchBaseline", TaskType="RUN_COMMAND", Name="patches"
    )["WindowTaskId"]
    parts = {"window_id": window, "name": "patches"}
    assert import_id(TARGET, "target", parts) == f"{window}/{target}@{REGION}"
    assert import_id(TASK, "task", parts) == f"{window}/{task}@{REGION}"
    assert import_id(TASK, "task", parts | {"name": "other"}) is None
    assert import_id(TASK, "task", parts | {"window_id": None}) is None


def test_resolver_rule_is_found_with_its_association(client: Client, import_id: Find) -> None:
    resolver = client("route53resolver")

    def rule(domain: str, owner: str) -> str:
        made = resolver.create_resolver_rule(
            CreatorRequestId=domain, RuleType="FORWARD", DomainName=domain, Name="r", Tags=tags("rule", owner)
        )
        return made["ResolverRule"]["Id"]

    rule("corp.example.net", OTHER)
    ours = rule("corp.example.com", OWNER)
    assert import_id(RESOLVER_RULE, "rule", {}) == f"{ours}@{REGION}"
    vpc = client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    ends = {"resolver_rule_id": ours, "vpc_id": vpc}
    assert import_id(RULE_ASSOCIATION, "association", ends) is None
    made = resolver.associate_resolver_rule(ResolverRuleId=ours, VPCId=vpc, Name="a")["ResolverRuleAssociation"]["Id"]
    assert import_id(RULE_ASSOCIATION, "association", ends) == f"{made}@{REGION}"


def test_share_with_the_stacks_tags_is_found(client: Client, import_id: Find) -> None:
    ram = client("ram")

    def share(name: str, owner: str) -> str:
        pairs = [{"key": each["Key"], "value": each["Value"]} for each in tags("share", owner)]
        return ram.create_resource_share(name=name, tags=pairs)["resourceShare"]["resourceShareArn"]

    share("theirs", OTHER)
    assert import_id(SHARE, "share", {}) is None
    ended = share("ended", OWNER)
    ram.delete_resource_share(resourceShareArn=ended)
    ours = share("ours", OWNER)
    assert import_id(SHARE, "share", {}) == ours
