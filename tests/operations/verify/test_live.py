"""One thing broken at a time in an account that is otherwise right: just that is found."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from operations.verify.run import verify_stack
from tests.operations.arrangement import Account, StackConfiguration, configuration, encrypt_bucket, findings_of, not_ok

POLICY_ARN = "arn:aws:iam::123456789012:policy/ShellAccessSessionManagerNode"
BUCKET = "session-logs"
GROUP = "ssm-sessionmanager-logs"
OPEN = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": False, "RestrictPublicBuckets": True}


@dataclass(frozen=True)
class Breakage:
    do: Callable[[Any], object]
    check: str
    found: str
    remedy: str = "pulumi up --refresh --stack dev"
    status: str = "different"
    also: dict[str, str] = field(default_factory=dict)
    has_endpoints: bool = False

    @property
    def needs_network(self) -> bool:
        return self.has_endpoints or self.check.startswith("endpoint-")


def set_input(account: Account, name: str, value: Any) -> None:
    content = account.content()
    content["inputs"][name] = value
    account.publish(content)


def newer_version(account: Account) -> None:
    content = account.content()
    content["inputs"]["runAsEnabled"] = True
    account.publish(content, default=False)


def replace_key(account: Account) -> None:
    new = account.key()["KeyId"]
    account.client("kms").enable_key_rotation(KeyId=new)
    account.client("kms").update_alias(AliasName="alias/session-manager/data", TargetKeyId=new)


def asymmetric_key(account: Account) -> None:
    kms = account.client("kms")
    kms.delete_alias(AliasName="alias/session-manager/logs")
    made = account.key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")["KeyId"]
    kms.create_alias(AliasName="alias/session-manager/logs", TargetKeyId=made)


def move_bucket(account: Account) -> None:
    account.client("s3").delete_bucket(Bucket=BUCKET)
    account.client("s3", "us-east-1").create_bucket(Bucket=BUCKET)


def widen_policy(account: Account) -> None:
    iam = account.client("iam")
    version = iam.get_policy(PolicyArn=POLICY_ARN)["Policy"]["DefaultVersionId"]
    content = iam.get_policy_version(PolicyArn=POLICY_ARN, VersionId=version)["PolicyVersion"]["Document"]
    for statement in content["Statement"]:
        if statement["Sid"] == "WriteSessionLogObject":
            statement["Action"] = "s3:*"
    iam.create_policy_version(PolicyArn=POLICY_ARN, PolicyDocument=json.dumps(content), SetAsDefault=True)


def delete_policy(account: Account) -> None:
    iam = account.client("iam")
    iam.detach_role_policy(RoleName="Node", PolicyArn=POLICY_ARN)
    iam.delete_policy(PolicyArn=POLICY_ARN)


def endpoint(account: Account, service: str) -> dict[str, Any]:
    [found] = account.client("ec2").describe_vpc_endpoints(
        Filters=[{"Name": "service-name", "Values": [f"com.amazonaws.eu-west-1.{service}"]}]
    )["VpcEndpoints"]
    return found


def change_endpoint(account: Account, service: str, **changes: Any) -> None:
    account.client("ec2").modify_vpc_endpoint(VpcEndpointId=endpoint(account, service)["VpcEndpointId"], **changes)


def one_subnet_less(account: Account) -> None:
    ec2 = account.client("ec2")
    [b] = ec2.describe_subnets(Filters=[{"Name": "tag:Name", "Values": ["private-b"]}])["Subnets"]
    change_endpoint(account, "kms", RemoveSubnetIds=[b["SubnetId"]])


def off_the_main_table(account: Account) -> None:
    found = endpoint(account, "s3")
    mains = [{"Name": "association.main", "Values": ["true"]}, {"Name": "vpc-id", "Values": [found["VpcId"]]}]
    [main] = account.client("ec2").describe_route_tables(Filters=mains)["RouteTables"]
    change_endpoint(account, "s3", RemoveRouteTableIds=[main["RouteTableId"]])


def second_vpc(account: Account) -> None:
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "workloads"}]}]
    account.client("ec2").create_vpc(CidrBlock="10.99.0.0/16", TagSpecifications=tags)


def rename_subnet(account: Account) -> None:
    ec2 = account.client("ec2")
    [b] = ec2.describe_subnets(Filters=[{"Name": "tag:Name", "Values": ["private-b"]}])["Subnets"]
    ec2.create_tags(Resources=[b["SubnetId"]], Tags=[{"Key": "Name", "Value": "other"}])


def schedule_deletion(account: Account) -> None:
    account.client("kms").schedule_key_deletion(KeyId=account.key_id(), PendingWindowInDays=7)


def remove_document_tag(account: Account, key: str) -> None:
    account.client("ssm").remove_tags_from_resource(
        ResourceType="Document", ResourceId="SSM-SessionManagerRunShell", TagKeys=[key]
    )


def remove_policy_tag(account: Account) -> None:
    account.client("iam").untag_policy(PolicyArn=POLICY_ARN, TagKeys=["shell-access:owner"])


RECORD = "arn:aws:iam::123456789012:policy/ShellAccessGoverningStack"


def delete_record(account: Account) -> None:
    account.client("iam").delete_policy(PolicyArn=RECORD)


def retag_record(account: Account) -> None:
    tags = [{"Key": "shell-access:owner", "Value": "organization/x/other"}]
    account.client("iam").tag_policy(PolicyArn=RECORD, Tags=tags)


def encrypt_twice(account: Account) -> None:
    default = {"SSEAlgorithm": "aws:kms:dsse"}
    account.client("s3").put_bucket_encryption(
        Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
    )


BREAKAGES = [
    Breakage(lambda a: remove_document_tag(a, "shell-access:owner"), "document-owner", "no tag shell-access:owner"),
    Breakage(
        lambda a: remove_document_tag(a, "shell-access:prior-version"),
        "document-prior-version",
        "no tag shell-access:prior-version",
    ),
    Breakage(delete_record, "governing-stack", "no such policy"),
    Breakage(retag_record, "governing-stack", "shell-access:owner is organization/x/other"),
    Breakage(remove_policy_tag, "instance-policy-owner", "no tag shell-access:owner"),
    Breakage(
        encrypt_twice,
        "bucket-encryption",
        "encrypted with aws:kms:dsse, and SSM Agent accepts only AES256 and aws:kms",
        "aws s3api put-bucket-encryption",
    ),
    Breakage(
        lambda a: a.client("ssm").delete_document(Name="SSM-SessionManagerRunShell"), "document", "no such document"
    ),
    Breakage(
        lambda a: set_input(a, "idleSessionTimeout", "45"),
        "document-content",
        "idleSessionTimeout: 20 expected, 45 found",
    ),
    Breakage(
        lambda a: set_input(a, "shellProfile", {"windows": "x"}),
        "document-content",
        'shellProfile: {"linux": "umask 077"} expected, {"windows": "x"} found',
    ),
    Breakage(
        newer_version, "document-default-version", "default 1, latest 2", also={"document-latest-content": "different"}
    ),
    Breakage(
        lambda a: a.client("kms").delete_alias(AliasName="alias/session-manager/data"), "data-key", "no such alias"
    ),
    Breakage(
        lambda a: a.client("kms").disable_key(KeyId=a.key_id()), "data-key", "Disabled", "aws kms enable-key --key-id"
    ),
    Breakage(schedule_deletion, "data-key", "PendingDeletion", "aws kms cancel-key-deletion --key-id"),
    Breakage(replace_key, "document-content", "kmsKeyId: ", also={"data-key-parameter": "different"}),
    Breakage(lambda a: a.client("kms").disable_key_rotation(KeyId=a.key_id()), "data-key-rotation", "rotation is off"),
    Breakage(
        lambda a: a.client("ssm").put_parameter(
            Name="/session-manager/session-data-key", Value="other", Overwrite=True
        ),
        "data-key-parameter",
        "it holds other",
    ),
    Breakage(
        lambda a: a.client("ssm").delete_parameter(Name="/session-manager/session-data-key"),
        "data-key-parameter",
        "no such parameter",
    ),
    Breakage(
        lambda a: a.client("kms").delete_alias(AliasName="alias/session-manager/logs"), "logs-key", "no such alias"
    ),
    Breakage(
        asymmetric_key,
        "logs-key",
        "RSA_2048",
        also={"log-group-encryption": "different", "logs-key-policy": "different"},
    ),
    Breakage(
        lambda a: a.client("kms").disable_key_rotation(KeyId=a.key_id("logs")), "logs-key-rotation", "rotation is off"
    ),
    Breakage(
        lambda a: (
            a.client("logs").delete_log_group(logGroupName=GROUP),
            a.client("logs").create_log_group(logGroupName=f"{GROUP}-2"),
        ),
        "log-group",
        "no such log group",
    ),
    Breakage(
        lambda a: a.client("logs").put_retention_policy(logGroupName=GROUP, retentionInDays=1),
        "log-group-retention",
        "1 day",
    ),
    Breakage(lambda a: a.client("logs").delete_retention_policy(logGroupName=GROUP), "log-group-retention", "no end"),
    Breakage(lambda a: a.client("logs").disassociate_kms_key(logGroupName=GROUP), "log-group-encryption", "no KMS key"),
    Breakage(
        lambda a: a.client("s3").delete_bucket(Bucket=BUCKET),
        "bucket",
        "no such bucket",
        "create the bucket, or correct shell-access:sessionManager.s3BucketName",
    ),
    Breakage(move_bucket, "bucket", "in us-east-1, which", "regionOverrides", "warning", has_endpoints=True),
    Breakage(
        lambda a: encrypt_bucket(a, BUCKET, a.key()["Arn"]),
        "bucket-encryption",
        "does not allow nodes to use",
        "set shell-access:sessionManager.s3KmsKeyArn to that key",
        "warning",
    ),
    Breakage(
        lambda a: a.client("s3").put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=OPEN),
        "bucket-public-access",
        "off: BlockPublicPolicy",
        "aws s3api put-public-access-block --bucket session-logs",
        "warning",
    ),
    Breakage(
        lambda a: a.client("s3").delete_public_access_block(Bucket=BUCKET),
        "bucket-public-access",
        "off: BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets",
        "aws s3api put-public-access-block --bucket session-logs",
        "warning",
    ),
    Breakage(delete_policy, "instance-policy", "no such policy"),
    Breakage(
        widen_policy, "instance-policy-content", 'WriteSessionLogObject.Action: "s3:PutObject" expected, "s3:*" found'
    ),
    Breakage(
        lambda a: a.client("iam").detach_role_policy(RoleName="Node", PolicyArn=POLICY_ARN),
        "instance-policy-roles",
        "not attached to Node",
    ),
    Breakage(
        lambda a: a.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[endpoint(a, "ssm")["VpcEndpointId"]]),
        "endpoint-ssm",
        "no such endpoint",
    ),
    Breakage(lambda a: change_endpoint(a, "logs", PrivateDnsEnabled=False), "endpoint-logs", "private DNS is off"),
    Breakage(one_subnet_less, "endpoint-kms", "not in private-b"),
    Breakage(off_the_main_table, "endpoint-s3", "not in the route table of private-b"),
]


@pytest.mark.usefixtures("untouched")
def test_verify_matching_account_reports_only_ok(stack: StackConfiguration) -> None:
    verification = verify_stack(stack)
    assert not_ok(verification) == {}
    assert [finding.check for finding in verification.regions["eu-west-1"]] == [
        *("document", "document-status", "document-default-version", "document-content"),
        *("document-owner", "document-prior-version"),
        *("data-key", "data-key-rotation", "data-key-policy", "data-key-parameter"),
        *("logs-key", "logs-key-rotation", "logs-key-policy"),
        *("log-group", "log-group-retention", "log-group-encryption"),
        *("bucket", "bucket-encryption", "bucket-public-access"),
        *("network", "endpoint-security-group", "endpoint-ec2messages", "endpoint-kms", "endpoint-logs"),
        *(
            "endpoint-ssm",
            "endpoint-ssmmessages",
            "endpoint-s3",
            "instance-policy",
            "instance-policy-content",
            "instance-policy-owner",
        ),
        *("instance-policy-roles", "governing-stack"),
    ]
    assert not any(finding.remedy for finding in verification.regions["eu-west-1"])


@pytest.mark.parametrize("broken", BREAKAGES, ids=lambda each: f"{each.check}: {each.found}")
def test_broken_resource_is_one_finding(
    account: Account, stack: StackConfiguration, stack_without_network: StackConfiguration, broken: Breakage
) -> None:
    stack = stack if broken.needs_network else stack_without_network
    account.arrange(stack)
    broken.do(account)
    verification = verify_stack(stack)
    finding = findings_of(verification)[broken.check]
    assert not_ok(verification) == {broken.check: broken.status} | broken.also
    assert broken.found in finding.found
    assert broken.remedy in finding.remedy
    assert verification.exit_code == (0 if broken.status == "warning" else 1)


@pytest.mark.parametrize(
    ("do", "found"), [(second_vpc, "2 such VPCs: vpc-"), (rename_subnet, "no subnet private-b in vpc-")]
)
def test_endpoints_without_network_are_not_compared(
    right: Account, stack: StackConfiguration, do: Callable[[Account], None], found: str
) -> None:
    do(right)
    verification = verify_stack(stack)
    assert not_ok(verification) == {"network": "different"}
    assert found in findings_of(verification)["network"].found
    assert not any(check.startswith("endpoint-") for check in findings_of(verification))


def test_network_may_be_named_by_ids(right: Account, stack: StackConfiguration) -> None:
    ec2 = right.client("ec2")
    [vpc] = ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": ["workloads"]}])["Vpcs"]
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["Subnets"]
    named = {"vpc": vpc["VpcId"], "subnets": [each["SubnetId"] for each in subnets], "allowedCidrs": ["10.20.0.0/16"]}
    by_id = configuration(session_manager=json.loads(stack.values["shell-access:sessionManager"]), endpoints={})
    by_id.values["shell-access:endpoints"] = json.dumps({"eu-west-1": named})
    assert not_ok(verify_stack(by_id)) == {}
