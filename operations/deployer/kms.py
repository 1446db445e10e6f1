"""Permissions for KMS keys, which have no names: a tag and the aliases identify ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

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
    key, value = scope.tag
    with_tag = {f"aws:RequestTag/{key}": value}
    every_key = scope.arn("kms", "key/*")
    return [
        AllowedActions(
            sid="CreateKeys",
            actions=("kms:CreateKey",),
            conditions={"StringEquals": with_tag, "BoolIfExists": {"kms:BypassPolicyLockoutSafetyCheck": "false"}},
        ),
        # KMS requires it for all keys where a key is created with tags (Developer Guide, "Controlling access to tags");
        # one with a Name tag is excluded, and the boundary excludes those with aliases of others.
        AllowedActions(
            sid="TagNewKeys",
            actions=("kms:TagResource",),
            conditions={
                "StringEquals": with_tag,
                "Null": {f"aws:ResourceTag/{each}": "true" for each in (key, "Name")},
            },
        ),
        AllowedActions(
            sid="ChangeKeys",
            actions=_CHANGES,
            resources=(every_key,),
            conditions={"StringEquals": {f"aws:ResourceTag/{key}": value}},
        ),
        AllowedActions(
            sid="UpdateAliases",
            actions=("kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"),
            # An adopted alias is restored to the key that it named, which is not ours.
            resources=(*(scope.arn("kms", each) for each in ALIASES), every_key),
        ),
    ]


def volume_key_permissions(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions to use our key for volumes, which EC2 does on behalf of the caller."""
    key, value = scope.tag
    through_ec2: dict[str, str | list[str]] = {
        "kms:ViaService": [f"ec2.{region}.{scope.domain}" for region in scope.regions]
    }
    ours = {f"aws:ResourceTag/{key}": value}
    return [
        AllowedActions(
            sid="EncryptVolumes",
            actions=(
                "kms:Decrypt",
                "kms:DescribeKey",
                "kms:GenerateDataKeyWithoutPlaintext",
                "kms:ReEncryptFrom",
                "kms:ReEncryptTo",
            ),
            resources=(scope.arn("kms", "key/*"),),
            conditions={"StringEquals": {**ours, **through_ec2}},
        ),
        AllowedActions(
            sid="GrantVolumeKey",
            actions=("kms:CreateGrant",),
            resources=(scope.arn("kms", "key/*"),),
            conditions={"StringEquals": {**ours, **through_ec2}, "Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
    ]
