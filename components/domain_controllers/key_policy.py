"""Policy of the key for controllers' volumes, as plain data: administration of the account does not include its use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from common.aws.arns import service_domain

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
"""KMS Developer Guide, "Allows key administrators to administer the KMS key", without `kms:CreateGrant`, which would
let an administrator grant themselves use of the key.
"""

USE = ("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncrypt*")
"""Permissions that EC2 requires of a principal that creates, attaches or copies an encrypted volume (Amazon EBS User
Guide, "Amazon EBS encryption", permissions).
"""


def role_arns(roles: Sequence[str], *, partition: str, account_id: str) -> list[str]:
    """Return ARNs of roles, given with or without their paths (`*` is a wildcard), for conditions with ArnLike."""
    stem = f"arn:{partition}:iam::{account_id}:role/"
    return [arn for role in roles for arn in ([stem + role] if "/" in role else [stem + role, f"{stem}*/{role}"])]


def deployers(roles: Sequence[str], caller_arn: str, *, partition: str, account_id: str) -> list[str]:
    """Return ARNs of the principals that run the program, for conditions with ArnLike.

    Without roles in the settings, it is the caller. STS returns the ARN of the session, which lacks the role's path.
    """
    if not roles and ":assumed-role/" in caller_arn:
        roles = [caller_arn.split("/")[1]]
    return role_arns(roles, partition=partition, account_id=account_id) if roles else [caller_arn]


def controllers_key_policy(*, partition: str, account_id: str, region: str, users: Sequence[str]) -> KeyPolicy:
    """Return a policy that allows use through EC2 only, by the named principals, whose own policies must allow it, too.

    In `users`, ARNs of principals, `*` is a wildcard.
    """
    account = {"AWS": f"arn:{partition}:iam::{account_id}:root"}
    ec2 = service_domain("ec2", region, partition)
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
