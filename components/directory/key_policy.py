"""The policy of the key for controllers' volumes, as plain data: who manages the account does not thereby use it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

KeyPolicy = dict[str, Any]

ADMINISTRATION = (
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListKeyRotations",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:RevokeGrant",
    "kms:RotateKeyOnDemand",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
)
"""KMS Developer Guide, "Allows key administrators to administer the KMS key", less `kms:CreateGrant`, by which an
administrator would let himself use the key."""

USE = ("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncrypt*")
"""What EC2 needs of whoever creates, attaches or copies an encrypted volume (Amazon EBS User Guide, "Amazon EBS
encryption", permissions)."""


def role_arns(roles: Sequence[str], *, partition: str, account_id: str) -> list[str]:
    """ARNs of roles by name, under whatever path, for conditions with ArnLike.

    Args:
        roles: names, with or without their paths; `*` stands for anything.
        partition: `aws`, `aws-cn`, `aws-us-gov`.
        account_id: 12 digits.
    """
    stem = f"arn:{partition}:iam::{account_id}:role/"
    return [arn for role in roles for arn in ([stem + role] if "/" in role else [stem + role, f"{stem}*/{role}"])]


def deployers(roles: Sequence[str], caller_arn: str, *, partition: str, account_id: str) -> list[str]:
    """ARNs of whoever runs the program, for conditions with ArnLike.

    Args:
        roles: as the settings name them; none: the caller.
        caller_arn: as STS answers: for a role that of the session, which lacks the role's path.
        partition: `aws`, `aws-cn`, `aws-us-gov`.
        account_id: 12 digits.
    """
    if not roles and ":assumed-role/" in caller_arn:
        roles = [caller_arn.split("/")[1]]
    return role_arns(roles, partition=partition, account_id=account_id) if roles else [caller_arn]


def controllers_key_policy(*, partition: str, account_id: str, region: str, users: Sequence[str]) -> KeyPolicy:
    """Through EC2 alone, and only by those named, whose own policies have to allow it, too.

    Args:
        partition: `aws`, `aws-cn`, `aws-us-gov`.
        account_id: 12 digits.
        region: of the key.
        users: ARNs of principals who may use it; `*` stands for anything.
    """
    account = {"AWS": f"arn:{partition}:iam::{account_id}:root"}
    ec2 = f"ec2.{region}.amazonaws.com{'.cn' * (partition == 'aws-cn')}"
    by_users = {"ArnLike": {"aws:PrincipalArn": sorted(set(users))}, "StringEquals": {"kms:ViaService": ec2}}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "AccountAdministers",
                "Effect": "Allow",
                "Principal": account,
                "Action": list(ADMINISTRATION),
                "Resource": "*",
            },
            {
                "Sid": "DirectoryTeamUsesThroughEc2",
                "Effect": "Allow",
                "Principal": account,
                "Action": list(USE),
                "Resource": "*",
                "Condition": by_users,
            },
            {
                "Sid": "DirectoryTeamAttachesThroughEc2",
                "Effect": "Allow",
                "Principal": account,
                "Action": "kms:CreateGrant",
                "Resource": "*",
                "Condition": {**by_users, "Bool": {"kms:GrantIsForAWSResource": "true"}},
            },
        ],
    }
