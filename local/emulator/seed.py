"""Creation of the fixtures in a local AWS. Existing resources stay unchanged, so it can run again."""

import json
from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from local.emulator import fixtures

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_s3 import S3Client

SSE_S3 = {"SSEAlgorithm": "AES256"}
PRIVATE: Any = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}
_EXISTS = ("BucketAlreadyOwnedByYou", "BucketAlreadyExists", "EntityAlreadyExists", "ResourceExistsException")


def seed(endpoint_url: str) -> None:
    """Create the buckets, networks, roles, instances and recorder that the `dev` stack expects."""
    for bucket in (*fixtures.BUCKETS, fixtures.CONFIG_BUCKET):
        owner = partial(_client_of, bucket.account) if bucket.account else _client
        _create_bucket(owner("s3", bucket.region, endpoint_url), bucket)
    for network in fixtures.NETWORKS:
        _create_network(_client("ec2", network.region, endpoint_url), network)
    iam = _client("iam", "us-east-1", endpoint_url)
    for name in (*fixtures.INSTANCE_ROLES, *fixtures.PROD_ROLES):
        _create(iam.create_role, RoleName=name, AssumeRolePolicyDocument=json.dumps(fixtures.ROLE_TRUST))
    for name in fixtures.INSTANCE_ROLES:
        _create_profile(iam, name)
    for name, user in fixtures.PERSON_ROLES.items():
        _create_person_role(iam, name, user)
    path, emergency = fixtures.EMERGENCY_USER
    _create(iam.create_user, Path=path, UserName=emergency)
    for node in fixtures.NODES:
        _create_node(_client("ec2", fixtures.NODE_REGION, endpoint_url), node)
    for region in sorted({each.region for each in fixtures.NETWORKS}):
        _create_recorder(_client("config", region, endpoint_url), with_iam=region == fixtures.CONFIG_BUCKET.region)
    for name in fixtures.SECRETS:
        _create(
            _client("secretsmanager", fixtures.NODE_REGION, endpoint_url).create_secret,
            Name=name,
            KmsKeyId=f"arn:aws:kms:{fixtures.NODE_REGION}:123456789012:key/{fixtures.KEY_OF_SECRETS}",
            Tags=[{"Key": "Role", "Value": "DomainController"}],
        )


@cache
def session() -> Any:
    """Return the session of all clients."""
    return boto3.Session(aws_access_key_id="local", aws_secret_access_key="local")  # noqa: S106 (made up)


@cache
def _client(service: str, region: str, endpoint_url: str) -> Any:
    """Return a client, cached for the next seeding, because creating clients takes longer than using them."""
    return session().client(service, region, endpoint_url=endpoint_url)


def _client_of(account: str, service: str, region: str, endpoint_url: str) -> Any:
    """Return a client of another account; not cached, because its session ends with a reset of the local AWS."""
    role = f"arn:aws:iam::{account}:role/LogArchive"
    given = _client("sts", region, endpoint_url).assume_role(RoleArn=role, RoleSessionName="seed")["Credentials"]
    return session().client(
        service,
        region,
        endpoint_url=endpoint_url,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )


def _create(call: Callable[..., Any], **arguments: Any) -> bool:
    """Call an API operation and return whether it created the resource; False if the resource already existed."""
    try:
        call(**arguments)
    except ClientError as refused:
        if refused.response.get("Error", {}).get("Code") not in _EXISTS:
            raise
        return False
    return True


def _create_bucket(s3: "S3Client", bucket: fixtures.Bucket) -> None:
    # us-east-1 is the only Region that must not be named as a location
    given: dict[str, Any] = {"CreateBucketConfiguration": {"LocationConstraint": bucket.region}}
    given = ({} if bucket.region == "us-east-1" else given) | {"ObjectLockEnabledForBucket": bucket.locked_days > 0}
    if _create(s3.create_bucket, Bucket=bucket.name, **given):
        with_key = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": bucket.key_arn}
        default = {"ApplyServerSideEncryptionByDefault": with_key if bucket.key_arn else SSE_S3}
        encryption: Any = {"Rules": [default]}
        s3.put_bucket_encryption(Bucket=bucket.name, ServerSideEncryptionConfiguration=encryption)
        s3.put_public_access_block(Bucket=bucket.name, PublicAccessBlockConfiguration=PRIVATE)
        if bucket.locked_days:
            rule: Any = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": bucket.locked_days}}
            lock: Any = {"ObjectLockEnabled": "Enabled", "Rule": rule}
            s3.put_object_lock_configuration(Bucket=bucket.name, ObjectLockConfiguration=lock)


def _create_network(ec2: "EC2Client", network: fixtures.VpcFixture) -> None:
    if ec2.describe_vpcs(Filters=_name_is(network.name))["Vpcs"]:
        return
    vpc = ec2.create_vpc(CidrBlock=network.cidr, TagSpecifications=_named("vpc", network.name))["Vpc"]
    vpc_id = vpc.get("VpcId", "")
    # interface endpoints with private DNS need both attributes
    ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsSupport={"Value": True})
    ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames={"Value": True})
    routes = ec2.create_route_table(VpcId=vpc_id, TagSpecifications=_named("route-table", f"{network.name}-private"))
    for zone, cidr in network.ranges.items():
        subnet = ec2.create_subnet(
            VpcId=vpc_id,
            CidrBlock=cidr,
            AvailabilityZone=f"{network.region}{zone}",
            TagSpecifications=_named("subnet", f"{network.subnets}-{zone}"),
        )
        table = routes["RouteTable"].get("RouteTableId", "")
        ec2.associate_route_table(RouteTableId=table, SubnetId=subnet["Subnet"].get("SubnetId", ""))


def _create_profile(iam: "IAMClient", name: str) -> None:
    iam.attach_role_policy(RoleName=name, PolicyArn=fixtures.AGENT_POLICY)
    _create(iam.create_instance_profile, InstanceProfileName=name)
    profile = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    if not profile["Roles"]:
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)


def _create_person_role(iam: "IAMClient", name: str, user: str) -> None:
    _create(iam.create_user, UserName=user)
    person = iam.get_user(UserName=user)["User"].get("Arn", "")
    trust = {"Effect": "Allow", "Principal": {"AWS": person}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    _create(iam.create_role, RoleName=name, AssumeRolePolicyDocument=document)


def _create_node(ec2: "EC2Client", node: fixtures.NodeFixture) -> None:
    if ec2.describe_instances(Filters=_name_is(node.name))["Reservations"]:
        return
    subnet = ec2.describe_subnets(Filters=_name_is(node.subnet))["Subnets"][0]
    ec2.run_instances(
        ImageId=fixtures.LINUX_IMAGE,
        InstanceType="t3.micro",
        MinCount=1,
        MaxCount=1,
        SubnetId=subnet.get("SubnetId", ""),
        IamInstanceProfile={"Name": node.role},
        TagSpecifications=_named("instance", node.name),
    )


def _create_recorder(config: Any, *, with_iam: bool) -> None:
    if config.describe_configuration_recorders()["ConfigurationRecorders"]:
        return
    role = "arn:aws:iam::123456789012:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
    everything = {"allSupported": True, "includeGlobalResourceTypes": with_iam}
    config.put_configuration_recorder(
        ConfigurationRecorder={"name": "default", "roleARN": role, "recordingGroup": everything}
    )
    config.put_delivery_channel(DeliveryChannel={"name": "default", "s3BucketName": fixtures.CONFIG_BUCKET.name})
    config.start_configuration_recorder(ConfigurationRecorderName="default")


def _name_is(name: str) -> Any:
    return [{"Name": "tag:Name", "Values": [name]}]


def _named(resource_type: Any, name: str) -> Any:
    return [{"ResourceType": resource_type, "Tags": [{"Key": "Name", "Value": name}]}]
