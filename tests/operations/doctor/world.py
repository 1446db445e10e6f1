"""A node on the local AWS that is just as the settings need it, and the ways to break it, each of which can be undone."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from components.session_manager.document import document, serialized
from components.session_manager.endpoint_services import interface_services, service_name
from components.session_manager.instance_policy import instance_policy
from components.session_manager.names import INSTANCE_POLICY_NAME
from components.session_manager.settings import preferences
from local.emulator.extension.nodes import AGENT_VERSION_TAG, PING_STATUS_TAG
from local.emulator.fixtures import LINUX_IMAGE
from operations.stack import StackConfiguration
from tests.operations.arrangement import ACCOUNT, DOCUMENT, REGION, configuration, named, refusal

SETTINGS: dict[str, Any] = {
    "s3Logging": True,
    "s3BucketName": "session-logs",
    "maxSessionDuration": 60,
    "linuxShellProfile": "umask 077",
}
STACK = configuration(session_manager=SETTINGS)
CORE = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
INSTANCE_POLICY = f"arn:aws:iam::{ACCOUNT}:policy/{INSTANCE_POLICY_NAME}"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}

SERVICES = ("ec2", "iam", "kms", "logs", "organizations", "s3", "ssm")

Found = set[tuple[str, str]]
"""Causes with what they are about."""

Break = Callable[["World"], AbstractContextManager[Found]]
"""Break one thing, yield the expected findings, and repair it on exit."""


@dataclass
class World:
    """Resources of the world."""

    client: Callable[..., Any]
    vpc: str = ""
    subnets: dict[str, str] = field(default_factory=dict)
    table: str = ""
    endpoints: dict[str, str] = field(default_factory=dict)
    node: str = ""
    node_group: str = ""
    endpoint_group: str = ""
    key: str = ""
    logs_key: str = ""

    @property
    def ec2(self) -> Any:
        return self.client("ec2")

    @property
    def iam(self) -> Any:
        return self.client("iam")


def build(client: Callable[..., Any], stack: StackConfiguration = STACK) -> World:
    """Everything that a session on the node `app-1` needs."""
    world = World(client)
    settings = stack.settings().session_manager[REGION]
    _network(world, interface_services(settings))
    kms, logs = client("kms"), client("logs")
    world.key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/session-manager/data", TargetKeyId=world.key)
    logs_key = kms.create_key()["KeyMetadata"]
    world.logs_key = logs_key["KeyId"]
    kms.create_alias(AliasName="alias/session-manager/logs", TargetKeyId=world.logs_key)
    logs.create_log_group(logGroupName=settings.cw_log_group_name, kmsKeyId=logs_key["Arn"])
    logs.put_retention_policy(logGroupName=settings.cw_log_group_name, retentionInDays=90)
    client("s3").create_bucket(Bucket="session-logs", CreateBucketConfiguration={"LocationConstraint": REGION})
    _encrypt_bucket(world)
    wanted = preferences(settings, account_id=ACCOUNT, region=REGION, kms_key_id=world.key)
    client("ssm").create_document(
        Name=DOCUMENT, DocumentType="Session", DocumentFormat="JSON", Content=serialized(document(wanted))
    )
    policy = instance_policy({REGION: settings}, partition="aws", account_id=ACCOUNT)
    world.iam.create_policy(PolicyName=INSTANCE_POLICY_NAME, PolicyDocument=json.dumps(policy))
    world.iam.create_role(RoleName="Node", AssumeRolePolicyDocument=json.dumps(TRUST))
    for arn in (CORE, INSTANCE_POLICY):
        world.iam.attach_role_policy(RoleName="Node", PolicyArn=arn)
    world.iam.create_instance_profile(InstanceProfileName="Node")
    world.iam.add_role_to_instance_profile(InstanceProfileName="Node", RoleName="Node")
    world.node = launch(world, "app-1", "a")
    return world


def launch(world: World, name: str, subnet: str, *, profile: bool = True, tags: dict[str, str] | None = None) -> str:
    """A running instance."""
    labels = [
        *named("instance", name)[0]["Tags"],
        *({"Key": key, "Value": value} for key, value in (tags or {}).items()),
    ]
    made = world.ec2.run_instances(
        ImageId=LINUX_IMAGE,
        MinCount=1,
        MaxCount=1,
        SubnetId=world.subnets[subnet],
        SecurityGroupIds=[world.node_group],
        TagSpecifications=[{"ResourceType": "instance", "Tags": labels}],
        **({"IamInstanceProfile": {"Name": "Node"}} if profile else {}),
    )
    return made["Instances"][0]["InstanceId"]


def _network(world: World, services: tuple[str, ...]) -> None:
    ec2 = world.ec2
    world.vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16", TagSpecifications=named("vpc", "workloads"))["Vpc"]["VpcId"]
    for attribute in ("EnableDnsSupport", "EnableDnsHostnames"):
        ec2.modify_vpc_attribute(VpcId=world.vpc, **{attribute: {"Value": True}})
    world.table = ec2.create_route_table(VpcId=world.vpc)["RouteTable"]["RouteTableId"]
    for zone, cidr in (("a", "10.20.0.0/20"), ("b", "10.20.16.0/20"), ("c", "10.20.32.0/20")):
        made = ec2.create_subnet(VpcId=world.vpc, CidrBlock=cidr, AvailabilityZone=f"{REGION}{zone}")["Subnet"]
        world.subnets[zone] = made["SubnetId"]
        ec2.associate_route_table(RouteTableId=world.table, SubnetId=made["SubnetId"])
    world.node_group = _group(world, "node")
    world.endpoint_group = _group(world, "endpoints")
    ec2.authorize_security_group_ingress(GroupId=world.endpoint_group, IpPermissions=[https("10.20.0.0/16")])
    for service in services:
        made = ec2.create_vpc_endpoint(
            VpcId=world.vpc,
            ServiceName=service_name(REGION, service),
            VpcEndpointType="Interface",
            SubnetIds=[world.subnets["a"], world.subnets["b"]],
            SecurityGroupIds=[world.endpoint_group],
        )
        world.endpoints[service] = made["VpcEndpoint"]["VpcEndpointId"]
    made = ec2.create_vpc_endpoint(
        VpcId=world.vpc, ServiceName=service_name(REGION, "s3"), VpcEndpointType="Gateway", RouteTableIds=[world.table]
    )
    world.endpoints["s3"] = made["VpcEndpoint"]["VpcEndpointId"]


def _group(world: World, name: str) -> str:
    return world.ec2.create_security_group(GroupName=name, Description=name, VpcId=world.vpc)["GroupId"]


def https(cidr: str) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": cidr}]}


def _encrypt_bucket(world: World, algorithm: str = "AES256", key: str = "") -> None:
    default: dict[str, Any] = {"SSEAlgorithm": algorithm, **({"KMSMasterKeyID": key} if key else {})}
    world.client("s3").put_bucket_encryption(
        Bucket="session-logs",
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": default}]},
    )


@contextmanager
def hooked(world: World, call: str, handler: Callable[..., Any], region: str = REGION) -> Iterator[None]:
    """Let a handler of botocore answer a call, such as `iam.GetRole`, or note it; empty: all calls."""
    events = [world.client(each, region).meta.events for each in SERVICES]
    for each in events:
        each.register(f"before-call.{call}".rstrip("."), handler)
    try:
        yield
    finally:
        for each in events:
            each.unregister(f"before-call.{call}".rstrip("."), handler)


def refusing(call: str) -> Callable[..., None]:
    """A handler that refuses a call, such as `iam.GetRole`."""

    def refuse(**_: object) -> None:
        raise refusal("AccessDenied", operation=call.partition(".")[2])

    return refuse


@contextmanager
def bucket_encrypted(world: World, algorithm: str, key: str = "") -> Iterator[None]:
    """The bucket with another default encryption."""
    _encrypt_bucket(world, algorithm, key)
    yield
    _encrypt_bucket(world)


@contextmanager
def stopped(world: World) -> Iterator[Found]:
    world.ec2.stop_instances(InstanceIds=[world.node])
    yield {("stopped", "")}
    world.ec2.start_instances(InstanceIds=[world.node])


@contextmanager
def offline(world: World) -> Iterator[Found]:
    tag = {"Key": PING_STATUS_TAG, "Value": "ConnectionLost"}
    world.ec2.create_tags(Resources=[world.node], Tags=[tag])
    yield {("offline", "")}
    world.ec2.delete_tags(Resources=[world.node], Tags=[tag])


@contextmanager
def old_agent(world: World, node: str = "") -> Iterator[Found]:
    tag = {"Key": AGENT_VERSION_TAG, "Value": "2.3.100.0"}
    world.ec2.create_tags(Resources=[node or world.node], Tags=[tag])
    yield {("agent", "")}
    world.ec2.delete_tags(Resources=[node or world.node], Tags=[tag])


@contextmanager
def no_profile(world: World) -> Iterator[Found]:
    world.iam.remove_role_from_instance_profile(InstanceProfileName="Node", RoleName="Node")
    yield {("no-instance-profile", "")}
    world.iam.add_role_to_instance_profile(InstanceProfileName="Node", RoleName="Node")


@contextmanager
def no_core(world: World) -> Iterator[Found]:
    world.iam.detach_role_policy(RoleName="Node", PolicyArn=CORE)
    yield {
        ("permission", f"{each}")
        for each in (
            "ssm:UpdateInstanceInformation",
            "ssmmessages:CreateControlChannel",
            "ssmmessages:CreateDataChannel",
            "ssmmessages:OpenControlChannel",
            "ssmmessages:OpenDataChannel",
        )
    }
    world.iam.attach_role_policy(RoleName="Node", PolicyArn=CORE)


@contextmanager
def denied(world: World) -> Iterator[Found]:
    statement = {"Sid": "NoLogs", "Effect": "Deny", "Action": "logs:Put*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    world.iam.put_role_policy(RoleName="Node", PolicyName="quarantine", PolicyDocument=document)
    yield {("permission", "logs:PutLogEvents")}
    world.iam.delete_role_policy(RoleName="Node", PolicyName="quarantine")


@contextmanager
def bounded(world: World) -> Iterator[Found]:
    allowed = {"Effect": "Allow", "NotAction": "kms:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    arn = world.iam.create_policy(PolicyName="Bound", PolicyDocument=document)["Policy"]["Arn"]
    world.iam.put_role_permissions_boundary(RoleName="Node", PermissionsBoundary=arn)
    yield {("permission", "kms:Decrypt")}
    world.iam.delete_role_permissions_boundary(RoleName="Node")
    world.iam.delete_policy(PolicyArn=arn)


@contextmanager
def second_alias(world: World) -> Iterator[Found]:
    """`ForAllValues` wants every alias of the key to be the one that the policy names."""
    world.client("kms").create_alias(AliasName="alias/other", TargetKeyId=world.key)
    yield {("permission", "kms:Decrypt")}
    world.client("kms").delete_alias(AliasName="alias/other")


@contextmanager
def key_disabled(world: World) -> Iterator[Found]:
    world.client("kms").disable_key(KeyId=world.key)
    yield {("data-key", "")}
    world.client("kms").enable_key(KeyId=world.key)


@contextmanager
def key_pending(world: World) -> Iterator[Found]:
    world.client("kms").schedule_key_deletion(KeyId=world.key)
    yield {("data-key", "")}
    world.client("kms").cancel_key_deletion(KeyId=world.key)
    world.client("kms").enable_key(KeyId=world.key)


@contextmanager
def key_policy_shut(world: World) -> Iterator[Found]:
    kms = world.client("kms")
    before = kms.get_key_policy(KeyId=world.key, PolicyName="default")["Policy"]
    only = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/admin"},
        "Action": "kms:*",
        "Resource": "*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [only]})
    kms.put_key_policy(KeyId=world.key, PolicyName="default", Policy=policy)
    yield {("data-key-policy", "kms:Decrypt")}
    kms.put_key_policy(KeyId=world.key, PolicyName="default", Policy=before)


@contextmanager
def endpoint_missing(world: World) -> Iterator[Found]:
    world.ec2.delete_vpc_endpoints(VpcEndpointIds=[world.endpoints["kms"]])
    yield {("endpoint-missing", "kms")}
    made = world.ec2.create_vpc_endpoint(
        VpcId=world.vpc,
        ServiceName=service_name(REGION, "kms"),
        VpcEndpointType="Interface",
        SubnetIds=[world.subnets["a"], world.subnets["b"]],
        SecurityGroupIds=[world.endpoint_group],
    )
    world.endpoints["kms"] = made["VpcEndpoint"]["VpcEndpointId"]


@contextmanager
def private_dns_off(world: World) -> Iterator[Found]:
    endpoint = world.endpoints["logs"]
    world.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, PrivateDnsEnabled=False)
    yield {("endpoint-private-dns", endpoint)}
    world.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, PrivateDnsEnabled=True)


@contextmanager
def endpoint_group_shut(world: World) -> Iterator[Found]:
    world.ec2.revoke_security_group_ingress(GroupId=world.endpoint_group, IpPermissions=[https("10.20.0.0/16")])
    yield {("endpoint-security-group", world.endpoint_group)}
    world.ec2.authorize_security_group_ingress(GroupId=world.endpoint_group, IpPermissions=[https("10.20.0.0/16")])


@contextmanager
def endpoint_policy_shut(world: World) -> Iterator[Found]:
    endpoint = world.endpoints["ssmmessages"]
    other = {"Effect": "Allow", "Principal": {"AWS": "999988887777"}, "Action": "*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [other]})
    world.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, PolicyDocument=policy)
    yield {("endpoint-policy", endpoint)}
    world.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, ResetPolicy=True)


@contextmanager
def gateway_elsewhere(world: World) -> Iterator[Found]:
    endpoint = world.endpoints["s3"]
    world.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, RemoveRouteTableIds=[world.table])
    yield {("endpoint-route-table", endpoint)}
    world.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, AddRouteTableIds=[world.table])


@contextmanager
def own_group_shut(world: World) -> Iterator[Found]:
    everything = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    world.ec2.revoke_security_group_egress(GroupId=world.node_group, IpPermissions=[everything])
    yield {("security-group", world.node_group)}
    world.ec2.authorize_security_group_egress(GroupId=world.node_group, IpPermissions=[everything])


@contextmanager
def acl_shut(world: World) -> Iterator[Found]:
    """Answers from the other subnet and from S3 do not come back; what stays in the subnet passes."""
    acl = world.ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [world.vpc]}])["NetworkAcls"][0]
    entry: dict[str, Any] = {"NetworkAclId": acl["NetworkAclId"], "RuleNumber": 50, "Egress": False}
    rule = {"Protocol": "6", "RuleAction": "deny", "CidrBlock": "0.0.0.0/0", "PortRange": {"From": 1024, "To": 65535}}
    world.ec2.create_network_acl_entry(**entry, **rule)
    yield {("network-acl", acl["NetworkAclId"])}
    world.ec2.delete_network_acl_entry(**entry)


@contextmanager
def log_group_missing(world: World) -> Iterator[Found]:
    logs = world.client("logs")
    group = logs.describe_log_groups()["logGroups"][0]
    logs.delete_log_group(logGroupName=group["logGroupName"])
    yield {("log-group", "")}
    logs.create_log_group(logGroupName=group["logGroupName"], kmsKeyId=group["kmsKeyId"])


@contextmanager
def log_group_open(world: World) -> Iterator[Found]:
    logs = world.client("logs")
    group = logs.describe_log_groups()["logGroups"][0]
    logs.disassociate_kms_key(logGroupName=group["logGroupName"])
    yield {("log-group-encryption", "")}
    logs.associate_kms_key(logGroupName=group["logGroupName"], kmsKeyId=group["kmsKeyId"])


@contextmanager
def log_group_key_disabled(world: World) -> Iterator[Found]:
    world.client("kms").disable_key(KeyId=world.logs_key)
    yield {("log-group-key", "")}
    world.client("kms").enable_key(KeyId=world.logs_key)


@contextmanager
def bucket_missing(world: World) -> Iterator[Found]:
    world.client("s3").delete_bucket(Bucket="session-logs")
    yield {("bucket", "")}
    world.client("s3").create_bucket(Bucket="session-logs", CreateBucketConfiguration={"LocationConstraint": REGION})
    _encrypt_bucket(world)


@contextmanager
def bucket_with_a_strange_key(world: World) -> Iterator[Found]:
    """Nodes have to use the bucket's key, of which the instance policy knows nothing."""
    _encrypt_bucket(world, "aws:kms", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{world.logs_key}")
    yield {("permission", "kms:GenerateDataKey")}
    _encrypt_bucket(world)


@contextmanager
def bucket_policy_shut(world: World) -> Iterator[Found]:
    deny = {
        "Sid": "OnlyArchivists",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::session-logs/*",
        "Condition": {"StringNotEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/Archivist"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    world.client("s3").put_bucket_policy(Bucket="session-logs", Policy=policy)
    yield {("bucket-policy", "s3:PutObject")}
    world.client("s3").delete_bucket_policy(Bucket="session-logs")


@contextmanager
def document_changed(world: World) -> Iterator[Found]:
    ssm = world.client("ssm")
    content = json.loads(ssm.get_document(Name=DOCUMENT)["Content"])
    _publish(world, {**content, "inputs": {**content["inputs"], "idleSessionTimeout": "59"}})
    yield {("document", "")}
    _publish(world, {**content, "description": content["description"] + " "})
    _publish(world, content)


def _publish(world: World, content: dict[str, Any]) -> None:
    ssm = world.client("ssm")
    for version in ssm.list_document_versions(Name=DOCUMENT)["DocumentVersions"]:
        if not version["IsDefaultVersion"]:
            ssm.delete_document(Name=DOCUMENT, DocumentVersion=version["DocumentVersion"])
    made = ssm.update_document(Name=DOCUMENT, Content=serialized(content), DocumentVersion="$LATEST")
    ssm.update_document_default_version(Name=DOCUMENT, DocumentVersion=made["DocumentDescription"]["DocumentVersion"])


CAUSES = (
    *(stopped, offline, old_agent, no_profile, no_core, denied, bounded, second_alias),
    *(key_disabled, key_pending, key_policy_shut, endpoint_missing, private_dns_off, endpoint_group_shut),
    *(endpoint_policy_shut, gateway_elsewhere, own_group_shut, acl_shut, log_group_missing, log_group_open),
    *(log_group_key_disabled, bucket_missing, bucket_with_a_strange_key, bucket_policy_shut),
    document_changed,
)
