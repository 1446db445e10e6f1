"""What the `dev` stack takes as existing in its account: buckets, networks, people, an instance. Data only."""

from dataclasses import dataclass
from typing import Any

ROLE_NAME = "WorkloadInstance"
OTHER_ROLE_NAME = "LegacyInstance"
"""A role that was made before the stack, and is in nobody's settings: it has what the SSM Agent needs, and no more."""

INSTANCE_ROLES = (ROLE_NAME, OTHER_ROLE_NAME)

PROD_ROLES = ("WebServer", "AppServer")
"""What Pulumi.prod.yaml names; no instance has them."""

LOG_ARCHIVE_ACCOUNT = "999988887777"
AGENT_POLICY = "arn:aws:iam::aws:policy/AmazonSSMManagedEC2InstanceDefaultPolicy"
ROLE_TRUST: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}

LINUX_IMAGE = "ami-12c6146b"
"""The same in every Region, for instances that may be anything."""


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A private bucket, encrypted with keys that S3 manages; in this account, unless another one is named."""

    name: str
    region: str
    account: str = ""


@dataclass(frozen=True, kw_only=True)
class Subnet:
    """A private subnet, by Name tag and letter of its zone."""

    name: str
    cidr: str
    zone: str


@dataclass(frozen=True, kw_only=True)
class Network:
    """A VPC without a way to the internet, by Name tag, with a route table of its own for its subnets."""

    name: str
    region: str
    cidr: str
    subnets: tuple[Subnet, ...]


@dataclass(frozen=True, kw_only=True)
class PersonRole:
    """A role that just one IAM user may assume."""

    name: str
    user: str


@dataclass(frozen=True, kw_only=True)
class Node:
    """An instance with an instance role, by Name tag, in a subnet of a network."""

    name: str
    region: str
    network: str
    subnet: str
    role: str = ROLE_NAME


@dataclass(frozen=True, kw_only=True)
class Recorder:
    """What AWS Config records in a Region, IAM included, and the bucket that it delivers to."""

    region: str
    bucket: Bucket


BUCKETS = (
    Bucket(name="org-session-logs", region="eu-west-1"),
    Bucket(name="org-session-logs-us", region="us-east-1"),
    # As Pulumi.prod.yaml names them.
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
"""Two that are ready for governed sessions once the stack is up, and one that is not."""
