"""KMS keys and aliases. Source: Terraform AWS provider, `internal/service/kms`."""

from local.aws_provider import policy_json, validators
from local.aws_provider.aws import Aws
from local.aws_provider.model import (
    Code,
    Item,
    Naming,
    Operation,
    ResourceType,
    Tagging,
    fixed,
    flag,
    name,
    text,
    whole,
)
from local.aws_provider.wire import Values

_gone_states = {"PendingDeletion", "PendingReplicaDeletion"}
_enable = Code(lambda aws, key: _switch(aws, key, on=True), "EnableKey", on="isEnabled")
_disable = Code(lambda aws, key: _switch(aws, key, on=False), "DisableKey", on="isEnabled")
_rotate = Operation("EnableKeyRotation", {"KeyId": "id"}, when="enableKeyRotation", otherwise="DisableKeyRotation")


def _switch(aws: Aws, key: Item, *, on: bool) -> None:
    if key.values["isEnabled"] is on:
        aws.call("EnableKey" if on else "DisableKey", KeyId=key.id)


def _read_rotation(aws: Aws, key: Item) -> Values:
    rotates = key.found.get("Origin", "AWS_KMS") == "AWS_KMS"
    status = aws.call("GetKeyRotationStatus", KeyId=key.id) if rotates else {}
    return {"KeyRotationEnabled": status.get("KeyRotationEnabled", False)}


def _delete(aws: Aws, key: Item) -> None:
    if aws.call("DescribeKey", KeyId=key.id)["KeyMetadata"]["KeyState"] not in _gone_states:
        window = key.values.get("deletionWindowInDays")
        aws.call("ScheduleKeyDeletion", KeyId=key.id, PendingWindowInDays=window)


KEY = ResourceType(
    name="aws:kms/key:Key",
    service="kms",
    properties={
        "bypassPolicyLockoutSafetyCheck": flag(default=False, local=True),
        "customerMasterKeySpec": fixed("SYMMETRIC_DEFAULT", aws="KeySpec", replaces=True),
        "deletionWindowInDays": whole(validators.between(7, 30), local=True),
        "description": text(validators.length(0, 8192), computed=True),
        "enableKeyRotation": flag(default=False, aws="KeyRotationEnabled"),
        "isEnabled": flag(default=True, aws="Enabled"),
        "keyUsage": fixed("ENCRYPT_DECRYPT", replaces=True),
        "policy": policy_json.policy(computed=True),
    },
    outputs="arn keyId",
    refused="customKeyStoreId multiRegion rotationPeriodInDays xksKeyId",
    create=(Operation("CreateKey", result="KeyMetadata.KeyId"), _rotate, Code(_disable.run, "DisableKey")),
    read=(
        Operation("DescribeKey", {"KeyId": "id"}, result="KeyMetadata"),
        Code(_read_rotation, "GetKeyRotationStatus"),
        Operation("GetKeyPolicy", {"KeyId": "id", "PolicyName": lambda _: "default"}),
    ),
    # A disabled key cannot be changed otherwise, so it is enabled first and disabled last.
    update=(
        _enable,
        _rotate,
        Operation("UpdateKeyDescription", {"KeyId": "id"}),
        Operation("PutKeyPolicy", {"KeyId": "id", "PolicyName": lambda _: "default"}),
        _disable,
    ),
    delete=(Code(_delete, "ScheduleKeyDeletion"),),
    tagging=Tagging(listing="ListResourceTags"),
    gone=frozenset({"NotFoundException"}),
    is_gone=lambda key: key["KeyState"] in _gone_states,
)


def _find_alias(aws: Aws, alias: Item) -> Values | None:
    listed = aws.pages("ListAliases", "Aliases")
    return next((each for each in listed if each["AliasName"] == alias.id and "TargetKeyId" in each), None)


def _read_target(aws: Aws, alias: Item) -> Values:
    key = aws.call("DescribeKey", KeyId=alias.found["TargetKeyId"])["KeyMetadata"]
    return {"targetKeyArn": key["Arn"]}


def _key_id(key: str) -> str:
    """Return the key ID in a key's ARN."""
    return key.rsplit("key/", 1)[-1] if key.startswith("arn:") else key


ALIAS = ResourceType(
    name="aws:kms/alias:Alias",
    service="kms",
    properties={
        "name": name(
            validators.matches(r"alias/[0-9A-Za-z_/-]+", "name must begin with 'alias/' and hold only [0-9A-Za-z_/-]"),
            validators.unlike(r"^alias/aws/", "name must not begin with reserved word 'alias/aws/'"),
            naming=Naming(longest=238, prefix="alias/"),
            computed=True,
            aws="AliasName",
        ),
        "targetKeyId": text(required=True, stored_as=_key_id),
    },
    outputs="arn=AliasArn targetKeyArn",
    refused="namePrefix",
    id="{name}",
    create=(Operation("CreateAlias"),),
    read=(Code(_find_alias, "ListAliases"), Code(_read_target, "DescribeKey")),
    update=(Operation("UpdateAlias"),),
    delete=(Operation("DeleteAlias"),),
    gone=frozenset({"NotFoundException"}),
    moves={"targetKeyArn": ("targetKeyId",)},
)
