"""What a controller may do in AWS: be managed by Systems Manager, and nothing else. Plain data."""

from __future__ import annotations

from typing import Any

NAME = "ShellAccessDomainController"
"""Of the role, its instance profile and its policy."""

AGENT_ACTIONS = (
    "ec2messages:AcknowledgeMessage",
    "ec2messages:DeleteMessage",
    "ec2messages:FailMessage",
    "ec2messages:GetEndpoint",
    "ec2messages:GetMessages",
    "ec2messages:SendReply",
    "ssm:DescribeAssociation",
    "ssm:DescribeDocument",
    "ssm:GetDeployablePatchSnapshotForInstance",
    "ssm:GetDocument",
    "ssm:GetManifest",
    "ssm:ListAssociations",
    "ssm:ListInstanceAssociations",
    "ssm:PutComplianceItems",
    "ssm:PutConfigurePackageResult",
    "ssm:PutInventory",
    "ssm:UpdateAssociationStatus",
    "ssm:UpdateInstanceAssociationStatus",
    "ssm:UpdateInstanceInformation",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
)
"""Those of the AWS managed policy AmazonSSMManagedInstanceCore less `ssm:GetParameter` and `ssm:GetParameters`, which
let an instance read every parameter of the account, other systems' secrets among them."""

Policy = dict[str, Any]


def agent_policy() -> Policy:
    """For the SSM Agent; most of its actions know no smaller resource (Service Authorization Reference)."""
    statement = {"Sid": "BeManaged", "Effect": "Allow", "Action": list(AGENT_ACTIONS), "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def trust_policy(partition: str) -> Policy:
    """Only EC2 hands the role to instances.

    Args:
        partition: `aws`, `aws-cn`, `aws-us-gov`.
    """
    service = f"ec2.amazonaws.com{'.cn' * (partition == 'aws-cn')}"
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}
