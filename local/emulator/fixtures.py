"""Existing resources that the `dev` stack expects in its account: buckets, networks, users, instances. Data only."""

from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

ROLE_NAME = "WorkloadInstance"
OTHER_ROLE_NAME = "LegacyInstance"
"""Role that existed before the stack and is in no settings: it has only the permissions that SSM Agent needs."""

INSTANCE_ROLES = (ROLE_NAME, OTHER_ROLE_NAME)

PROD_ROLES = ("WebServer", "AppServer")
"""Roles that Pulumi.prod.yaml names; no instance has them."""

PERSON_ROLES = {"Operator": "olivia", "Approver": "anton"}
"""Roles by name, each with the only IAM user that may assume it."""

EMERGENCY_USER = ("/emergency/", "erin")
"""Path and name of the user for emergency access."""

LOG_ARCHIVE_ACCOUNT = "999988887777"
AGENT_POLICY = "arn:aws:iam::aws:policy/AmazonSSMManagedEC2InstanceDefaultPolicy"
ROLE_TRUST: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}

LINUX_IMAGE = "ami-12c6146b"
"""Image with the same ID in every Region, for instances of any platform."""


@dataclass(frozen=True)
class Bucket:
    """Private bucket, encrypted with SSE-S3 unless a key is named, in this account unless another one is named."""

    name: str
    region: str
    account: str = ""
    locked_days: int = 0
    """Default retention of Object Lock; 0: the bucket has none."""
    key_arn: str = ""
    """Key that encrypts new objects; empty: none. The local AWS does not check that it exists."""


@dataclass(frozen=True)
class VpcFixture:
    """VPC without internet access, by Name tag, with a route table of its own for its private subnets.

    Attributes:
        cidr: Address range.
        subnets: Common part of the Name tags of the two subnets, which end with the letter of their Availability Zone.
        prefix: Prefix length of the subnets.
    """

    name: str
    region: str
    cidr: str
    subnets: str
    prefix: int

    @property
    def ranges(self) -> dict[str, str]:
        """Return the address ranges of the subnets by letter of the Availability Zone."""
        return dict(zip("ab", map(str, ip_network(self.cidr).subnets(new_prefix=self.prefix)), strict=False))


@dataclass(frozen=True)
class NodeFixture:
    """Instance in a subnet of the network `workloads`, by Name tags, with an instance role."""

    name: str
    subnet: str
    role: str = ROLE_NAME


TRAIL_BUCKET = Bucket("organization-trail", "eu-west-1", LOG_ARCHIVE_ACCOUNT)
"""Bucket of the organization's trail: the local AWS writes log files into it while it exists."""
TRAIL_PREFIX = "AWSLogs/o-exampleorgid"
"""Folder with one folder per account."""

BUCKETS = (
    TRAIL_BUCKET,
    Bucket("org-session-logs", "eu-west-1"),
    Bucket("org-session-logs-us", "us-east-1"),
    Bucket("org-directory-backups", "eu-west-1", LOG_ARCHIVE_ACCOUNT, locked_days=30),
    # Buckets that Pulumi.prod.yaml names.
    Bucket(
        "org-log-archive",
        "eu-west-1",
        LOG_ARCHIVE_ACCOUNT,
        key_arn=f"arn:aws:kms:eu-west-1:{LOG_ARCHIVE_ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    ),
    Bucket(
        "org-log-archive-us",
        "us-east-1",
        LOG_ARCHIVE_ACCOUNT,
        key_arn=f"arn:aws:kms:us-east-1:{LOG_ARCHIVE_ACCOUNT}:key/5678efab-56ef-78ab-90cd-5678567856ab",
    ),
)

NETWORKS = (
    VpcFixture("workloads", "eu-west-1", "10.20.0.0/16", "private", 20),
    VpcFixture("directory", "eu-west-1", "10.30.0.0/16", "directory", 24),
    VpcFixture("workloads", "us-east-1", "10.21.0.0/16", "private", 20),
    VpcFixture("directory", "us-east-1", "10.31.0.0/16", "directory", 24),
)

CONFIG_BUCKET = Bucket("org-config-history", "eu-west-1")
"""Delivery bucket of the AWS Config recorders; that of the same Region includes IAM."""

NODE_REGION = "eu-west-1"
NODES = (
    NodeFixture("app-1", "private-a"),
    NodeFixture("app-2", "private-b"),
    NodeFixture("legacy-1", "private-b", OTHER_ROLE_NAME),
)
"""Two nodes that are ready for governed sessions after the stack is deployed, and one that is not."""

KEY_OF_SECRETS = "12345678-90ab-cdef-1234-567890abcdef"
"""ID of the key that encrypts the secrets."""
SECRETS = ("directory/administrator-a1B2c3", "directory/restore-mode-d4E5f6")
"""Names of the secrets for the promotion of domain controllers, without a value. ARNs end with six random characters, which no
settings can know in advance: the local AWS finds a secret without them, too, so that a name ends with those that settings have."""
