"""Permissions for KMS keys, which have no names: a tag and the aliases identify ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from common.aws.arns import service_domain
from operations.deployer.statement import AllowedActions

if TYPE_CHECKING:
    from operations.deployer.scope import DeploymentScope

ALIASES: Final = ("alias/session-manager/*", "alias/shell-access/*")
"""Patterns of the aliases of every system."""

_CHANGES: Final = (
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:PutKeyPolicy",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateKeyDescription",
)


def key_permissions(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions to create keys with our tag, change keys that have it, and move our aliases."""
    every_key = scope.arn("kms", "key/*")
    return [
        AllowedActions(
            "CreateKeys",
            ("kms:CreateKey",),
            conditions={
                "StringEquals": scope.requested,
                "BoolIfExists": {"kms:BypassPolicyLockoutSafetyCheck": "false"},
            },
        ),
        # KMS requires it for all keys where a key is created with tags (Developer Guide, "Controlling access to tags");
        # one with a Name tag is excluded, and the boundary excludes those with aliases of others.
        AllowedActions(
            "TagNewKeys",
            ("kms:TagResource",),
            conditions={
                "StringEquals": scope.requested,
                "Null": {f"aws:ResourceTag/{each}": "true" for each in (scope.tag[0], "Name")},
            },
        ),
        AllowedActions("ChangeKeys", _CHANGES, (every_key,), {"StringEquals": scope.tagged}),
        AllowedActions(
            "UpdateAliases",
            ("kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"),
            # An adopted alias is restored to the key that it named, which is not ours.
            (*(scope.arn("kms", each) for each in ALIASES), every_key),
        ),
    ]


def volume_key_permissions(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions to use our key for volumes, which EC2 does on behalf of the caller."""
    services = [service_domain("ec2", region, scope.partition) for region in scope.regions]
    ours: dict[str, str | list[str]] = {**scope.tagged, "kms:ViaService": services}
    return [
        AllowedActions(
            "EncryptVolumes",
            (
                "kms:Decrypt",
                "kms:DescribeKey",
                "kms:GenerateDataKeyWithoutPlaintext",
                "kms:ReEncryptFrom",
                "kms:ReEncryptTo",
            ),
            (scope.arn("kms", "key/*"),),
            {"StringEquals": ours},
        ),
        AllowedActions(
            "GrantVolumeKey",
            ("kms:CreateGrant",),
            (scope.arn("kms", "key/*"),),
            {"StringEquals": ours, "Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
    ]
