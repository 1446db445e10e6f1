"""Existing resources that the `dev` stack expects in its account: buckets, networks, users, instances. Data only."""

from dataclasses import dataclass
from typing import Any

ROLE_NAME = "WorkloadInstance"
OTHER_ROLE_NAME = "LegacyInstance"
"""Role that existed before the stack and is in no settings: it has only the permissions that the SSM Agent needs."""

INSTANCE_ROLES = (ROLE_NAME, OTHER_ROLE_NAME)

PROD_ROLES = ("WebServer", "AppServer")
"""Roles that Pulumi.prod.yaml names; no instance has them."""

LOG_ARCHIVE_ACCOUNT = "999988887777"
AGENT_POLICY = "arn:aws:iam::aws:policy/AmazonSSMManagedEC2InstanceDefaultPolicy"
ROLE_TRUST: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}

LINUX_IMAGE = "ami-12c6146b"
"""Image with the same ID in every Region, for instances of any platform."""


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """Private bucket with SSE-S3 encryption, in this account unless another one is named."""

    name: str
    region: str
    account: str = ""


@dataclass(frozen=True, kw_only=True)
class Subnet:
    """Private subnet, by Name tag and letter of its Availability Zone."""

    name: str
    cidr: str
    zone: str


@dataclass(frozen=True, kw_only=True)
class Network:
    """VPC without internet access, by Name tag, with a route table of its own for its subnets."""

    name: str
    region: str
    cidr: str
    subnets: tuple[Subnet, ...]


@dataclass(frozen=True, kw_only=True)
class PersonRole:
    """Role that only one IAM user may assume."""

    name: str
    user: str


@dataclass(frozen=True, kw_only=True)
class Node:
    """Instance with an instance role, by Name tag, in a subnet of a network."""

    name: str
    region: str
    network: str
    subnet: str
    role: str = ROLE_NAME


@dataclass(frozen=True, kw_only=True)
class Recorder:
    """AWS Config recorder of a Region, including IAM, and its delivery bucket."""

    region: str
    bucket: Bucket


BUCKETS = (
    Bucket(name="org-session-logs", region="eu-west-1"),
    Bucket(name="org-session-logs-us", region="us-east-1"),
    # Buckets that Pulumi.prod.yaml names.
    Bucket(name="org-log-archive", region="eu-west-1", account=LOG_ARCHIVE_ACCOUNT),
    Bucket(name="org-log-archive-us", region="us-east-1", account=LOG_ARCHIVE_ACCOUNT),
)

NETWORKS = (
    Network(
        name="workloads",
        region="eu-west-1",
        cidr="10.20.0.0/16",
        subnets=(
            Subnet(name="private-a", cidr="10.20.0.0/20", zone="a"),
            Subnet(name="private-b", cidr="10.20.16.0/20", zone="b"),
        ),
    ),
    Network(
        name="directory",
        region="eu-west-1",
        cidr="10.30.0.0/16",
        subnets=(
            Subnet(name="directory-a", cidr="10.30.0.0/24", zone="a"),
            Subnet(name="directory-b", cidr="10.30.1.0/24", zone="b"),
        ),
    ),
    Network(
        name="workloads",
        region="us-east-1",
        cidr="10.21.0.0/16",
        subnets=(
            Subnet(name="private-a", cidr="10.21.0.0/20", zone="a"),
            Subnet(name="private-b", cidr="10.21.16.0/20", zone="b"),
        ),
    ),
    Network(
        name="directory",
        region="us-east-1",
        cidr="10.31.0.0/16",
        subnets=(
            Subnet(name="directory-a", cidr="10.31.0.0/24", zone="a"),
            Subnet(name="directory-b", cidr="10.31.1.0/24", zone="b"),
        ),
    ),
)

PERSON_ROLES = (PersonRole(name="Operator", user="olivia"), PersonRole(name="Approver", user="anton"))

RECORDER = Recorder(region="eu-west-1", bucket=Bucket(name="org-config-history", region="eu-west-1"))

NODES = (
    Node(name="app-1", region="eu-west-1", network="workloads", subnet="private-a"),
    Node(name="app-2", region="eu-west-1", network="workloads", subnet="private-b"),
    Node(name="legacy-1", region="eu-west-1", network="workloads", subnet="private-b", role=OTHER_ROLE_NAME),
)
"""Two nodes that are ready for governed sessions after the stack is deployed, and one that is not."""
