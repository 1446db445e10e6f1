"""Creation of the fixtures in a local AWS. Existing resources stay unchanged, so it can run again."""

import json
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from local.emulator.fixtures import (
    AGENT_POLICY,
    BUCKETS,
    INSTANCE_ROLES,
    LINUX_IMAGE,
    NETWORKS,
    NODES,
    PERSON_ROLES,
    PROD_ROLES,
    RECORDER,
    ROLE_TRUST,
    Bucket,
    Network,
    Node,
    PersonRole,
    Recorder,
    Subnet,
)

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_s3 import S3Client

ENCRYPTION: Any = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
PRIVATE: Any = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}


def seed(endpoint_url: str) -> None:
    """Create the buckets, networks, roles, instances and recorder that the `dev` stack expects."""
    for bucket in BUCKETS:
        owner = partial(_client_of, bucket.account) if bucket.account else _client
        _make_bucket(owner("s3", bucket.region, endpoint_url), bucket)
    for network in NETWORKS:
        _make_network(_client("ec2", network.region, endpoint_url), network)
    iam = _client("iam", "us-east-1", endpoint_url)
    for name in INSTANCE_ROLES:
        _make_instance_role(iam, name)
    for name in PROD_ROLES:
        _make_role(iam, name)
    for role in PERSON_ROLES:
        _make_person_role(iam, role)
    for node in NODES:
        _make_node(_client("ec2", node.region, endpoint_url), node)
    _make_bucket(_client("s3", RECORDER.bucket.region, endpoint_url), RECORDER.bucket)
    _make_recorder(_client("config", RECORDER.region, endpoint_url), RECORDER)


@cache
def _session() -> Any:
    return boto3.Session(aws_access_key_id="local", aws_secret_access_key="local")  # noqa: S106 (made up)


@cache
def _client(service: str, region: str, endpoint_url: str) -> Any:
    """Return a client, cached for the next seeding, because creating clients takes longer than using them."""
    return _session().client(service, region, endpoint_url=endpoint_url)


def _client_of(account: str, service: str, region: str, endpoint_url: str) -> Any:
    """Return a client of another account; not cached, because its session ends with a reset of the local AWS."""
    role = f"arn:aws:iam::{account}:role/LogArchive"
    given = _client("sts", region, endpoint_url).assume_role(RoleArn=role, RoleSessionName="seed")["Credentials"]
    return _session().client(
        service,
        region,
        endpoint_url=endpoint_url,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )


def _make_bucket(s3: "S3Client", bucket: Bucket) -> None:
    location: Any = {"CreateBucketConfiguration": {"LocationConstraint": bucket.region}}
    try:
        # us-east-1 is the only Region that must not be named as a location
        s3.create_bucket(Bucket=bucket.name, **(location if bucket.region != "us-east-1" else {}))
    except ClientError as refused:
        _allow(refused, "BucketAlreadyOwnedByYou", "BucketAlreadyExists")
        return
    s3.put_bucket_encryption(Bucket=bucket.name, ServerSideEncryptionConfiguration=ENCRYPTION)
    s3.put_public_access_block(Bucket=bucket.name, PublicAccessBlockConfiguration=PRIVATE)


def _make_network(ec2: "EC2Client", network: Network) -> None:
    found = ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": [network.name]}])["Vpcs"]
    if found:
        return
    vpc = ec2.create_vpc(CidrBlock=network.cidr, TagSpecifications=_named("vpc", network.name))["Vpc"]
    vpc_id = vpc.get("VpcId", "")
    # interface endpoints with private DNS need both attributes
    ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsSupport={"Value": True})
    ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames={"Value": True})
    routes = ec2.create_route_table(VpcId=vpc_id, TagSpecifications=_named("route-table", f"{network.name}-private"))
    table_id = routes["RouteTable"].get("RouteTableId", "")
    for subnet in network.subnets:
        _make_subnet(ec2, network.region, vpc_id, table_id, subnet)


def _make_subnet(ec2: "EC2Client", region: str, vpc_id: str, table_id: str, subnet: Subnet) -> None:
    made = ec2.create_subnet(
        VpcId=vpc_id,
        CidrBlock=subnet.cidr,
        AvailabilityZone=f"{region}{subnet.zone}",
        TagSpecifications=_named("subnet", subnet.name),
    )
    ec2.associate_route_table(RouteTableId=table_id, SubnetId=made["Subnet"].get("SubnetId", ""))


def _make_role(iam: "IAMClient", name: str) -> None:
    try:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(ROLE_TRUST))
    except ClientError as refused:
        _allow(refused, "EntityAlreadyExists")


def _make_instance_role(iam: "IAMClient", name: str) -> None:
    _make_role(iam, name)
    iam.attach_role_policy(RoleName=name, PolicyArn=AGENT_POLICY)
    try:
        iam.create_instance_profile(InstanceProfileName=name)
    except ClientError as refused:
        _allow(refused, "EntityAlreadyExists")
    profile = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    if not profile["Roles"]:
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)


def _make_recorder(config: Any, recorder: Recorder) -> None:
    if config.describe_configuration_recorders()["ConfigurationRecorders"]:
        return
    role = "arn:aws:iam::123456789012:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
    everything = {"allSupported": True, "includeGlobalResourceTypes": True}
    config.put_configuration_recorder(
        ConfigurationRecorder={"name": "default", "roleARN": role, "recordingGroup": everything}
    )
    config.put_delivery_channel(DeliveryChannel={"name": "default", "s3BucketName": recorder.bucket.name})
    config.start_configuration_recorder(ConfigurationRecorderName="default")


def _make_person_role(iam: "IAMClient", role: PersonRole) -> None:
    try:
        iam.create_user(UserName=role.user)
    except ClientError as refused:
        _allow(refused, "EntityAlreadyExists")
    person = iam.get_user(UserName=role.user)["User"].get("Arn", "")
    trust = {"Effect": "Allow", "Principal": {"AWS": person}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    try:
        iam.create_role(RoleName=role.name, AssumeRolePolicyDocument=document)
    except ClientError as refused:
        _allow(refused, "EntityAlreadyExists")


def _make_node(ec2: "EC2Client", node: Node) -> None:
    named: Any = [{"Name": "tag:Name", "Values": [node.name]}]
    if ec2.describe_instances(Filters=named)["Reservations"]:
        return
    vpcs = ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": [node.network]}])["Vpcs"]
    within: Any = [
        {"Name": "tag:Name", "Values": [node.subnet]},
        {"Name": "vpc-id", "Values": [vpcs[0].get("VpcId", "")]},
    ]
    subnet = ec2.describe_subnets(Filters=within)["Subnets"][0]
    ec2.run_instances(
        ImageId=LINUX_IMAGE,
        InstanceType="t3.micro",
        MinCount=1,
        MaxCount=1,
        SubnetId=subnet.get("SubnetId", ""),
        IamInstanceProfile={"Name": node.role},
        TagSpecifications=_named("instance", node.name),
    )


def _allow(refused: ClientError, *codes: str) -> None:
    """Ignore an error that says that the resource already exists."""
    if refused.response.get("Error", {}).get("Code") not in codes:
        raise refused


def _named(resource_type: Any, name: str) -> Any:
    return [{"ResourceType": resource_type, "Tags": [{"Key": "Name", "Value": name}]}]
