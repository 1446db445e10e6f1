"""Calls of IAM, S3, STS and Parameter Store that the project uses; each test names the AWS source."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.support.emulator import reset

POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}]}
)
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}],
    }
)
AGENT_POLICY = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"


@pytest.fixture
def policy(iam: Any) -> Any:
    tags = [{"Key": "owner", "Value": "platform"}]
    return iam.create_policy(PolicyName="p", PolicyDocument=POLICY, Tags=tags)["Policy"]["Arn"]


@pytest.fixture
def role(iam: Any) -> Any:
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    return "r"


def test_attached_policy_is_not_deleted(iam: Any, policy: Any, role: Any) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html, DeleteConflict."""
    iam.attach_role_policy(RoleName=role, PolicyArn=policy)
    with pytest.raises(iam.exceptions.DeleteConflictException, match="attached"):
        iam.delete_policy(PolicyArn=policy)
    iam.detach_role_policy(RoleName=role, PolicyArn=policy)
    iam.delete_policy(PolicyArn=policy)
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_policy(PolicyArn=policy)


def test_policy_with_other_versions_is_not_deleted(iam: Any, policy: Any) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html, DeleteConflict."""
    iam.create_policy_version(PolicyArn=policy, PolicyDocument=POLICY, SetAsDefault=True)
    with pytest.raises(iam.exceptions.DeleteConflictException, match="more than one version"):
        iam.delete_policy(PolicyArn=policy)
    iam.delete_policy_version(PolicyArn=policy, VersionId="v1")
    iam.delete_policy(PolicyArn=policy)


def test_policy_has_five_versions_and_tags(iam: Any, policy: Any) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicyVersion.html, LimitExceeded."""
    for _ in range(4):
        iam.create_policy_version(PolicyArn=policy, PolicyDocument=POLICY, SetAsDefault=True)
    with pytest.raises(iam.exceptions.LimitExceededException):
        iam.create_policy_version(PolicyArn=policy, PolicyDocument=POLICY)
    assert iam.get_policy(PolicyArn=policy)["Policy"]["DefaultVersionId"] == "v5"
    assert iam.list_policy_tags(PolicyArn=policy)["Tags"] == [{"Key": "owner", "Value": "platform"}]


def test_policies_that_aws_manages_are_there(iam: Any, role: Any) -> None:
    """https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonSSMManagedInstanceCore.html"""
    iam.attach_role_policy(RoleName=role, PolicyArn=AGENT_POLICY)
    attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    assert attached == [{"PolicyName": "AmazonSSMManagedInstanceCore", "PolicyArn": AGENT_POLICY}]
    version = iam.get_policy(PolicyArn=AGENT_POLICY)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=AGENT_POLICY, VersionId=version)["PolicyVersion"]["Document"]
    assert any("ssm:UpdateInstanceInformation" in statement["Action"] for statement in document["Statement"])
    assert iam.list_policies(Scope="AWS", MaxItems=5)["IsTruncated"] is True


def test_policies_of_ones_own_are_listed_apart_from_those_of_aws(iam: Any, policy: Any) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPolicies.html, Scope."""
    assert [found["Arn"] for found in iam.list_policies(Scope="Local")["Policies"]] == [policy]


def test_how_often_a_policy_of_aws_is_attached_starts_anew(iam: Any, role: Any, emulator: Any) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_Policy.html, AttachmentCount (of this account)."""

    def attached() -> int:
        return iam.get_policy(PolicyArn=AGENT_POLICY)["Policy"]["AttachmentCount"]

    iam.attach_role_policy(RoleName=role, PolicyArn=AGENT_POLICY)
    assert attached() == 1
    reset(emulator.endpoint_url)
    assert attached() == 0


def test_new_bucket_is_encrypted_and_private(s3: Any) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html, create-bucket-faq.html."""
    s3.create_bucket(Bucket="org-x", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})

    def algorithm() -> Any:
        rules = s3.get_bucket_encryption(Bucket="org-x")["ServerSideEncryptionConfiguration"]["Rules"]
        return rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]

    assert algorithm() == "AES256"
    assert all(s3.get_public_access_block(Bucket="org-x")["PublicAccessBlockConfiguration"].values())
    by_key = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]
    s3.put_bucket_encryption(Bucket="org-x", ServerSideEncryptionConfiguration={"Rules": by_key})
    assert algorithm() == "aws:kms"
    s3.delete_bucket_encryption(Bucket="org-x")
    assert algorithm() == "AES256"


def test_bucket_of_another_owner_is_refused(connect: Any) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html: 403, AccessDenied."""
    s3 = connect("s3")
    s3.create_bucket(Bucket="org-x", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    ours, theirs = {"ExpectedBucketOwner": "123456789012"}, {"ExpectedBucketOwner": "210987654321"}
    s3.head_bucket(Bucket="org-x", **ours)
    s3.put_object(Bucket="org-x", Key="k", Body=b"", **ours)
    with pytest.raises(ClientError, match="403"):
        s3.head_bucket(Bucket="org-x", **theirs)
    for refused in (
        lambda: s3.get_bucket_encryption(Bucket="org-x", **theirs),
        lambda: s3.get_public_access_block(Bucket="org-x", **theirs),
        lambda: s3.put_object(Bucket="org-x", Key="k", Body=b"", **theirs),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            refused()
    with pytest.raises(ClientError, match="404"):
        s3.head_bucket(Bucket="org-missing", **theirs)


def test_bucket_is_found_and_located(connect: Any) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html (null in us-east-1), API_HeadBucket."""
    here, there = connect("s3"), connect("s3", "us-east-1")
    here.create_bucket(Bucket="org-x", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    there.create_bucket(Bucket="org-us")
    assert there.get_bucket_location(Bucket="org-x")["LocationConstraint"] == "eu-west-1"
    assert there.get_bucket_location(Bucket="org-us").get("LocationConstraint") is None
    assert here.head_bucket(Bucket="org-x")["BucketRegion"] == "eu-west-1"
    with pytest.raises(ClientError, match="404"):
        here.head_bucket(Bucket="org-missing")


def test_role_of_another_account_sees_only_that_account(connect: Any, emulator: Any, ssm: Any) -> None:
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html"""
    ssm.put_parameter(Name="/a", Value="1", Type="String")
    sts = connect("sts")
    assert sts.get_caller_identity()["Account"] == "123456789012"
    role = "arn:aws:iam::222222222222:role/Deployer"
    given = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    session = boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], "eu-west-1")
    there = session.client("ssm", endpoint_url=emulator.endpoint_url)
    assert session.client("sts", endpoint_url=emulator.endpoint_url).get_caller_identity()["Account"] == "222222222222"
    assert there.describe_parameters()["Parameters"] == []
    there.put_parameter(Name="/a", Value="2", Type="String")
    assert ssm.get_parameter(Name="/a")["Parameter"]["Value"] == "1"


def test_parameter_is_overwritten_only_with_overwrite(ssm: Any) -> None:
    """https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html, ParameterAlreadyExists."""
    tags = [{"Key": "owner", "Value": "platform"}]
    ssm.put_parameter(Name="/a", Value="1", Type="String", Description="d", Tags=tags)
    with pytest.raises(ssm.exceptions.ParameterAlreadyExists):
        ssm.put_parameter(Name="/a", Value="2", Type="String")
    ssm.put_parameter(Name="/a", Value="2", Type="String", Overwrite=True)
    filters = [{"Key": "Name", "Option": "Equals", "Values": ["/a"]}]
    assert ssm.describe_parameters(ParameterFilters=filters)["Parameters"][0]["Version"] == 2
    assert ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId="/a")["TagList"] == tags
    with pytest.raises(ssm.exceptions.ParameterNotFound):
        ssm.delete_parameter(Name="/b")


def test_update_of_a_role_keeps_its_description(iam: Any, role: Any) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateRole.html, Description."""
    iam.update_role(RoleName=role, Description="for servers", MaxSessionDuration=7200)
    iam.update_role(RoleName=role, MaxSessionDuration=3600)
    found = iam.get_role(RoleName=role)["Role"]
    assert (found["Description"], found["MaxSessionDuration"]) == ("for servers", 3600)
    iam.update_role(RoleName=role, Description="")
    assert not iam.get_role(RoleName=role)["Role"].get("Description")


def test_bucket_is_tagged_by_the_call_that_makes_it(s3: Any) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html, CreateBucketConfiguration.Tags."""
    tags = [{"Key": "owner", "Value": "platform"}, {"Key": "empty", "Value": ""}]
    s3.create_bucket(Bucket="tagged", CreateBucketConfiguration={"LocationConstraint": "eu-west-1", "Tags": tags})
    assert s3.get_bucket_tagging(Bucket="tagged")["TagSet"] == tags
    s3.create_bucket(Bucket="plain", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    with pytest.raises(ClientError, match="NoSuchTagSet"):
        s3.get_bucket_tagging(Bucket="plain")


def test_s3_control_is_reached_with_the_account_in_front(emulator: Any, s3: Any) -> None:
    """Its host does not resolve, so the emulator is the proxy, too."""
    s3.create_bucket(Bucket="logs", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    url, proxy = emulator.endpoint_url, Config(proxies={"http": emulator.endpoint_url})
    session = boto3.Session("local", "local", region_name="eu-west-1")
    control = session.client("s3control", endpoint_url=url, config=proxy)
    named = {"AccountId": "123456789012", "ResourceArn": "arn:aws:s3:::logs"}
    control.tag_resource(**named, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    control.untag_resource(**named, TagKeys=["a"])
    assert control.list_tags_for_resource(**named)["Tags"] == [{"Key": "b", "Value": "2"}]
    assert s3.get_bucket_tagging(Bucket="logs")["TagSet"] == [{"Key": "b", "Value": "2"}]


def test_denial_of_a_bucket_policy_has_conditions(connect: Any) -> None:
    """IAM User Guide, "Policy evaluation logic": a Deny statement applies where its conditions hold."""
    s3 = connect("s3")
    s3.create_bucket(Bucket="org-x", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})

    def denies(condition: dict[str, Any]) -> bool:
        statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::org-x/*"}
        document = {"Version": "2012-10-17", "Statement": [{**statement, "Condition": condition}]}
        s3.put_bucket_policy(Bucket="org-x", Policy=json.dumps(document))
        try:
            s3.put_object(Bucket="org-x", Key="k", Body=b"")
        except ClientError:
            return True
        return False

    assert not denies({"Bool": {"aws:SecureTransport": "false"}})
    assert denies({"Bool": {"aws:SecureTransport": "true"}})
    assert denies({"ArnNotEquals": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/another"}})
    assert not denies({"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/another"}})
    # Without the header, a negated operator holds, with IfExists as well.
    header = "s3:x-amz-server-side-encryption"
    assert denies({"StringNotEqualsIfExists": {header: "aws:kms"}})
    assert not denies({"StringNotEquals": {header: "aws:kms"}, "Null": {header: "false"}})


def test_retention_changes_while_a_bucket_has_objects(connect: Any) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLockConfiguration.html."""
    s3 = connect("s3")
    placed = {"LocationConstraint": "eu-west-1"}
    s3.create_bucket(Bucket="org-x", CreateBucketConfiguration=placed, ObjectLockEnabledForBucket=True)
    s3.put_object(Bucket="org-x", Key="k", Body=b"")
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 3}}
    s3.put_object_lock_configuration(
        Bucket="org-x", ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    found = s3.get_object_lock_configuration(Bucket="org-x")["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert (found["Mode"], found["Days"]) == ("GOVERNANCE", 3)
    assert s3.put_object(Bucket="org-x", Key="new", Body=b"")["VersionId"]
    assert s3.head_object(Bucket="org-x", Key="new")["ObjectLockMode"] == "GOVERNANCE"


@pytest.mark.parametrize("names", [(None, None), (None, "named")])
def test_resolver_rules_need_no_name(connect: Any, ec2: Any, names: tuple[str | None, ...]) -> None:
    """https://docs.aws.amazon.com/Route53Resolver/latest/APIReference/API_route53resolver_CreateResolverRule.html, Name."""
    resolver, vpc = connect("route53resolver"), ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    for number, name in enumerate(names):
        given = {"Name": name} if name else {}
        rule = resolver.create_resolver_rule(
            CreatorRequestId=str(number), RuleType="SYSTEM", DomainName=f"{number}.example.com", **given
        )["ResolverRule"]
        resolver.associate_resolver_rule(ResolverRuleId=rule["Id"], VPCId=vpc, **given)
    assert [each.get("Name") or None for each in resolver.list_resolver_rules()["ResolverRules"]] == list(names)
    links = resolver.list_resolver_rule_associations()["ResolverRuleAssociations"]
    assert [each.get("Name") or None for each in links] == list(names)


def test_recreated_resources_do_not_have_the_former_tags(connect: Any) -> None:
    """Tagging AWS resources, "Best practices": tags are a part of the resource, so that a new one has its own only."""
    alarms, glue, groups, athena = (connect(name) for name in ("cloudwatch", "glue", "scheduler", "athena"))
    metric: Any = {"MetricName": "m", "Namespace": "n", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1}
    metric |= {"Threshold": 1, "ComparisonOperator": "LessThanThreshold", "AlarmName": "a"}
    place = "eu-west-1:123456789012"
    found: list[object] = []
    for listed in ([{"Key": "team", "Value": "x"}], []):
        alarms.put_metric_alarm(**metric, Tags=listed)
        glue.create_database(DatabaseInput={"Name": "d"}, Tags={each["Key"]: each["Value"] for each in listed})
        groups.create_schedule_group(Name="g", Tags=listed)
        athena.create_work_group(Name="w", Tags=listed)
        found = [
            alarms.list_tags_for_resource(ResourceARN=f"arn:aws:cloudwatch:{place}:alarm:a")["Tags"],
            [*glue.get_tags(ResourceArn=f"arn:aws:glue:{place}:database/d")["Tags"]],
            groups.list_tags_for_resource(ResourceArn=f"arn:aws:scheduler:{place}:schedule-group/g")["Tags"],
            athena.list_tags_for_resource(ResourceARN=f"arn:aws:athena:{place}:workgroup/w")["Tags"],
        ]
        assert all(found) is bool(listed)
        alarms.delete_alarms(AlarmNames=["a"])
        glue.delete_database(Name="d")
        groups.delete_schedule_group(Name="g")
        athena.delete_work_group(WorkGroup="w")
    assert found == [[], [], [], []]


# Identity and Access Management, where moto lets more through.


ALLOW_ALL = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})


def test_attaching_twice_attaches_once(connect: Callable[..., Any]) -> None:
    iam = connect("iam")
    arn = iam.create_policy(PolicyName="attached-twice", PolicyDocument=ALLOW_ALL)["Policy"]["Arn"]
    iam.create_role(RoleName="attached-twice", AssumeRolePolicyDocument=ALLOW_ALL)
    iam.create_user(UserName="attached-twice")
    for _ in range(2):
        iam.attach_role_policy(RoleName="attached-twice", PolicyArn=arn)
        iam.attach_user_policy(UserName="attached-twice", PolicyArn=arn)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 2
    iam.detach_role_policy(RoleName="attached-twice", PolicyArn=arn)
    iam.detach_user_policy(UserName="attached-twice", PolicyArn=arn)
    iam.delete_policy(PolicyArn=arn)


def test_role_that_a_profile_does_not_have_is_not_found(connect: Callable[..., Any]) -> None:
    iam = connect("iam")
    iam.create_role(RoleName="node", AssumeRolePolicyDocument=ALLOW_ALL)
    iam.create_instance_profile(InstanceProfileName="node")
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.remove_role_from_instance_profile(InstanceProfileName="node", RoleName="node")
    iam.add_role_to_instance_profile(InstanceProfileName="node", RoleName="node")
    iam.remove_role_from_instance_profile(InstanceProfileName="node", RoleName="node")
    assert iam.get_instance_profile(InstanceProfileName="node")["InstanceProfile"]["Roles"] == []
