"""Permissions of a controller in AWS, as plain data: those that Systems Manager requires, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "ShellAccessDomainController"
"""Name of the role, its instance profile and its policy."""

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
"""Actions of the AWS managed policy AmazonSSMManagedInstanceCore, without `ssm:GetParameter` and `ssm:GetParameters`,
which let an instance read every parameter of the account, including secrets of other systems.
"""

Policy = dict[str, Any]
Statement = dict[str, Any]


def agent_policy(more: Sequence[Statement] = ()) -> Policy:
    """Return the policy for SSM Agent; most actions support no resource (Service Authorization Reference).

    `more` are the statements that the operation of controllers needs.
    """
    statement = {"Sid": "BeManaged", "Effect": "Allow", "Action": list(AGENT_ACTIONS), "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement, *more]}


def trust_policy(partition: str) -> Policy:
    """Return a trust policy that lets only EC2 assume the role."""
    service = f"ec2.amazonaws.com{'.cn' * (partition == 'aws-cn')}"
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}
