"""`orphans` against the local AWS: what carries the stack's tags and its state lacks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner, Result

from components.adoption.document_ownership import OWNER_TAG
from components.adoption.owned_resources import RESOURCE_TAG
from components.nodes.names import HOST_ROLE_NAME
from components.session_manager.names import INSTANCE_POLICY_NAME
from operations.cli import app
from operations.command_line import CommandContext
from operations.inventory.orphans import find_orphans, removal_command
from operations.inventory.reader import Identity
from operations.stack import StackState
from tests.operations.arrangement import ACCOUNT, REGION, TRUST, Account, Fail, configuration, refusal

OWNER, OTHER = "organization/shell-access/dev", "organization/shell-access/other"
STACK = configuration(session_manager={})
IAM_LISTS = {"list_roles": "Roles", "list_policies": "Policies", "list_instance_profiles": "InstanceProfiles"}


@pytest.fixture
def orphans() -> Callable[..., Result]:
    """Run the command with the ARNs of the resources in the state."""

    def run(*arguments: str, in_state: tuple[str, ...] = ()) -> Result:
        resources: list[dict[str, Any]] = [{"type": "aws:x/y:Z", "outputs": {"arn": arn}} for arn in in_state]
        document: dict[str, Any] = {
            "type": "pulumi-python:dynamic/ssm:Document",
            "outputs": {"region": REGION, "name": "Runbook"},
        }
        state = StackState(stack="shell-access/dev", resources=(*resources, document))
        surroundings = CommandContext(
            read_stack=lambda _directory, _name: STACK, read_state=lambda _directory, _name: state
        )
        environment = {"COLUMNS": "200", "TERM": "dumb"}
        return CliRunner().invoke(app, ["orphans", *arguments], obj=surroundings, env=environment)

    return run


def tags(owner: str = OWNER, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    return [{key: OWNER_TAG, value: owner}, {key: RESOURCE_TAG, value: "name"}]


def make_key(account: Account, owner: str = OWNER) -> str:
    made = account.client("kms").create_key(Tags=tags(owner, "TagKey", "TagValue"))["KeyMetadata"]
    return made["Arn"]


def make_group(account: Account, owner: str = OWNER) -> str:
    ec2 = account.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    specification = [{"ResourceType": "security-group", "Tags": tags(owner)}]
    made = ec2.create_security_group(GroupName="g", Description="d", VpcId=vpc, TagSpecifications=specification)
    return f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group/{made['GroupId']}"


def make_role(account: Account, owner: str = OWNER, name: str = HOST_ROLE_NAME) -> str:
    made = account.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=TRUST, Tags=tags(owner))
    return made["Role"]["Arn"]


def make_policy(account: Account, owner: str = OWNER) -> str:
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
    given = {"PolicyName": f"{INSTANCE_POLICY_NAME}-2", "PolicyDocument": policy, "Tags": tags(owner)}
    return account.client("iam").create_policy(**given)["Policy"]["Arn"]


@pytest.mark.parametrize("make", [make_key, make_group, make_role, make_policy])
def test_orphan_is_listed_with_its_removal(
    account: Account, orphans: Callable[..., Result], make: Callable[[Account], str]
) -> None:
    arn = make(account)
    result = orphans("--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    region = "global" if make in (make_role, make_policy) else REGION
    expected = {"region": region, "arn": arn, "resource": "name", "removal": removal_command(arn)}
    assert (found["orphans"], found["cannotTell"]) == ([expected], [])
    shown = orphans()
    assert shown.exit_code == 1
    assert removal_command(arn) in shown.stdout
    assert shown.stdout.splitlines()[-1] == "1 orphan"


@pytest.mark.parametrize("make", [make_key, make_group, make_role])
def test_resource_in_state_is_no_orphan(
    account: Account, orphans: Callable[..., Result], make: Callable[[Account], str]
) -> None:
    result = orphans(in_state=(make(account),))
    assert (result.exit_code, result.stdout) == (0, "0 orphans\n")


@pytest.mark.parametrize(
    ("arn", "place", "action"),
    [
        (f"arn:aws:ec2:{REGION}:999988887777:security-group/sg-1", REGION, "ec2:DescribeTags"),
        (f"arn:aws:iam::999988887777:role/{HOST_ROLE_NAME}", "global", "iam:ListRoles"),
    ],
)
@pytest.mark.usefixtures("account")
def test_list_without_the_state_is_incomplete(
    orphans: Callable[..., Result], arn: str, place: str, action: str
) -> None:
    result = orphans("--json", in_state=(arn,))
    (why,) = json.loads(result.stdout)["cannotTell"]
    assert (result.exit_code, why["region"], why["action"]) == (1, place, action)
    assert why["cause"].startswith("none of the 1 resources that the state has is listed")


@pytest.mark.parametrize("make", [make_key, make_group, make_role])
def test_resource_of_another_stack_is_no_orphan(
    account: Account, orphans: Callable[..., Result], make: Callable[[Account, str], str]
) -> None:
    make(account, OTHER)
    assert orphans().exit_code == 0


def test_document_in_state_is_no_orphan(account: Account, orphans: Callable[..., Result]) -> None:
    content = json.dumps({"schemaVersion": "0.3", "mainSteps": [{"name": "wait", "action": "aws:sleep", "inputs": {}}]})
    content = content.replace('"inputs": {}', '"inputs": {"Duration": "PT1S"}')
    ssm = account.client("ssm")
    for name in ("Runbook", "Orphan"):
        ssm.create_document(Name=name, DocumentType="Automation", Content=content, Tags=tags())
    found = json.loads(orphans("--json").stdout)["orphans"]
    assert [each["arn"].rpartition("/")[2] for each in found] == ["Orphan"]


def test_key_pending_deletion_is_no_orphan(account: Account, orphans: Callable[..., Result]) -> None:
    account.client("kms").schedule_key_deletion(KeyId=make_key(account))
    assert orphans().exit_code == 0


def test_retained_bucket_is_no_orphan(account: Account, orphans: Callable[..., Result]) -> None:
    """A destroyed stack has left its records, which Object Lock protects."""
    s3, names = account.client("s3"), (f"shell-access-evidence-{ACCOUNT}-{REGION}", f"logs-{ACCOUNT}-{REGION}")
    for name in names:
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags()})
    found = json.loads(orphans("--json").stdout)
    assert found["retained"] == [{"region": REGION, "arn": f"arn:aws:s3:::{names[0]}"}]
    assert [each["arn"] for each in found["orphans"]] == [f"arn:aws:s3:::{names[1]}"]
    s3.delete_bucket(Bucket=names[1])
    result = orphans()
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "0 orphans")
    assert f"{names[0]} in {REGION} is retained" in result.stdout
    assert "delete-bucket" not in result.stdout


class TaggedInEc2:
    """Clients of an account with one tagged resource, described by EC2 in a given state."""

    def __init__(self, resource: str, described: dict[str, Any] | ClientError) -> None:
        self.answers: dict[str, Any] = {
            "describe_tags": {"Tags": [{"ResourceId": resource, **each} for each in tags()]},
            "describe_instances": described,
            "describe_vpc_endpoints": described,
            "get_resources": {"ResourceTagMappingList": []},
            **{name: {key: []} for name, key in IAM_LISTS.items()},
        }

    def client(self, service: str, region: str) -> TaggedInEc2:  # noqa: ARG002 -- one for all
        return self

    def can_paginate(self, _operation: str) -> bool:
        return False

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**_arguments: Any) -> Any:
            answer = self.answers[operation]
            if isinstance(answer, ClientError):
                raise answer
            return answer

        return call


def instance_in(state: str) -> tuple[str, dict[str, Any]]:
    return "i-0123456789abcdef0", {"Reservations": [{"Instances": [{"State": {"Name": state}}]}]}


def endpoint_in(state: str) -> tuple[str, dict[str, Any]]:
    return "vpce-0123456789abcdef0", {"VpcEndpoints": [{"State": state}]}


@pytest.mark.parametrize(
    ("resource", "described", "is_orphan"),
    [
        (*instance_in("running"), True),
        (*instance_in("stopped"), True),
        (*instance_in("shutting-down"), False),
        (*instance_in("terminated"), False),
        (instance_in("")[0], refusal("InvalidInstanceID.NotFound"), False),
        (*endpoint_in("available"), True),
        (*endpoint_in("Deleting"), False),
        (*endpoint_in("deleting"), False),
        (*endpoint_in("deleted"), False),
        (endpoint_in("")[0], refusal("InvalidVpcEndpointId.NotFound"), False),
    ],
)
def test_resource_being_deleted_is_no_orphan(
    resource: str, described: dict[str, Any] | ClientError, *, is_orphan: bool
) -> None:
    identity = Identity(account_id=ACCOUNT, partition="aws", arn=f"arn:aws:iam::{ACCOUNT}:user/operator")
    found = find_orphans(TaggedInEc2(resource, described), identity, "shell-access/dev", [REGION], [])
    assert not found.unread
    assert [each.arn.rpartition("/")[2] for each in found.all] == [resource] * is_orphan


@pytest.mark.usefixtures("account")
def test_region_that_cannot_be_read_fails(orphans: Callable[..., Result], fail: Fail) -> None:
    fail("resourcegroupstaggingapi", "GetResources", refusal("AccessDeniedException", "not authorized"))
    result = orphans("--json")
    assert result.exit_code == 1
    (why,) = json.loads(result.stdout)["cannotTell"]
    assert (why["region"], why["action"]) == (REGION, "tag:GetResources")


@pytest.mark.parametrize(
    ("arn", "expected"),
    [
        ("arn:aws:ec2:eu-west-1:1:volume/vol-1", "aws ec2 delete-volume --volume-id vol-1 --region eu-west-1"),
        ("arn:aws:iam::1:role/path/R", "aws iam delete-role --role-name R"),
        ("arn:aws:iam::1:policy/P", "aws iam delete-policy --policy-arn arn:aws:iam::1:policy/P"),
        ("arn:aws:sns:eu-west-1:1:t", "aws sns delete-topic --topic-arn arn:aws:sns:eu-west-1:1:t --region eu-west-1"),
        ("arn:aws:s3:::b", "aws s3api delete-bucket --bucket b"),
        (
            "arn:aws:logs:eu-west-1:1:log-group:/a/b",
            "aws logs delete-log-group --log-group-name /a/b --region eu-west-1",
        ),
        (
            "arn:aws:ssm:eu-west-1:1:parameter/a/b",
            "aws ssm delete-parameter --name /a/b --region eu-west-1",
        ),
    ],
)
def test_removal_command(arn: str, expected: str) -> None:
    assert removal_command(arn) == expected
