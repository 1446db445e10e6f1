"""KMS keys and aliases. Source: Terraform AWS provider, `internal/service/kms`."""

from local.aws_provider import policy_json, validators
from local.aws_provider.aws import Aws
from local.aws_provider.model import Change, Naming, ResourceType, flag, output, text, whole
from local.aws_provider.tags import pairs
from local.aws_provider.wire import Values

_usages = ("ENCRYPT_DECRYPT", "SIGN_VERIFY", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT")
_specs = (
    "SYMMETRIC_DEFAULT",
    *(f"RSA_{bits}" for bits in (2048, 3072, 4096)),
    *("ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519"),
    *(f"HMAC_{bits}" for bits in (224, 256, 384, 512)),
    *("SM2", "ML_DSA_44", "ML_DSA_65", "ML_DSA_87"),
)
_gone_states = {"PendingDeletion", "PendingReplicaDeletion"}


def _create_key(aws: Aws, wanted: Values) -> str:
    answer = aws.call(
        "CreateKey",
        BypassPolicyLockoutSafetyCheck=wanted["bypassPolicyLockoutSafetyCheck"],
        CustomKeyStoreId=wanted.get("customKeyStoreId"),
        Description=wanted.get("description"),
        KeySpec=wanted["customerMasterKeySpec"],
        KeyUsage=wanted["keyUsage"],
        MultiRegion=wanted.get("multiRegion"),
        Origin="EXTERNAL_KEY_STORE" if wanted.get("xksKeyId") else None,
        Policy=wanted.get("policy"),
        Tags=pairs(wanted["tagsAll"], "TagKey", "TagValue") or None,
        XksKeyId=wanted.get("xksKeyId"),
    )
    return answer["KeyMetadata"]["KeyId"]


def _settle_key(aws: Aws, key_id: str, wanted: Values) -> None:
    if wanted["enableKeyRotation"]:
        aws.call("EnableKeyRotation", KeyId=key_id, RotationPeriodInDays=wanted.get("rotationPeriodInDays"))
    if not wanted["isEnabled"]:
        aws.call("DisableKey", KeyId=key_id)


def _read_key(aws: Aws, key_id: str, _known: Values) -> Values | None:
    key = aws.call("DescribeKey", KeyId=key_id)["KeyMetadata"]
    if key["KeyState"] in _gone_states:
        return None
    rotation: Values = {}
    if key.get("Origin", "AWS_KMS") == "AWS_KMS":
        rotation = aws.call("GetKeyRotationStatus", KeyId=key_id)
    tags = aws.pages("ListResourceTags", "Tags", marker="NextMarker", KeyId=key_id)
    return {
        "arn": key["Arn"],
        "keyId": key["KeyId"],
        "customKeyStoreId": key.get("CustomKeyStoreId"),
        "customerMasterKeySpec": key.get("KeySpec") or key.get("CustomerMasterKeySpec"),
        "description": key.get("Description", ""),
        "enableKeyRotation": rotation.get("KeyRotationEnabled", False),
        "isEnabled": key["Enabled"],
        "keyUsage": key.get("KeyUsage") or _usages[0],
        "multiRegion": key.get("MultiRegion", False),
        "policy": aws.call("GetKeyPolicy", KeyId=key_id, PolicyName="default")["Policy"],
        "rotationPeriodInDays": rotation.get("RotationPeriodInDays"),
        "tags": {tag["TagKey"]: tag["TagValue"] for tag in tags},
    }


def _update_key(aws: Aws, change: Change) -> None:
    key_id, new = change.object_id, change.new
    # A disabled key cannot be changed otherwise, so it is enabled first and disabled last.
    if change.has("isEnabled") and new["isEnabled"]:
        aws.call("EnableKey", KeyId=key_id)
    if change.has("enableKeyRotation", "rotationPeriodInDays"):
        if new["enableKeyRotation"]:
            aws.call("EnableKeyRotation", KeyId=key_id, RotationPeriodInDays=new.get("rotationPeriodInDays"))
        else:
            aws.call("DisableKeyRotation", KeyId=key_id)
    if change.has("description"):
        aws.call("UpdateKeyDescription", KeyId=key_id, Description=new.get("description", ""))
    if change.has("policy"):
        aws.call(
            "PutKeyPolicy",
            KeyId=key_id,
            PolicyName="default",
            Policy=new["policy"],
            BypassPolicyLockoutSafetyCheck=new["bypassPolicyLockoutSafetyCheck"],
        )
    if change.has("isEnabled") and not new["isEnabled"]:
        aws.call("DisableKey", KeyId=key_id)


def _delete_key(aws: Aws, key_id: str, known: Values) -> None:
    if aws.call("DescribeKey", KeyId=key_id)["KeyMetadata"]["KeyState"] not in _gone_states:
        aws.call("ScheduleKeyDeletion", KeyId=key_id, PendingWindowInDays=known.get("deletionWindowInDays"))


def _retag_key(aws: Aws, key_id: str, _known: Values, added: dict[str, str], removed: list[str]) -> None:
    if removed:
        aws.call("UntagResource", KeyId=key_id, TagKeys=removed)
    if added:
        aws.call("TagResource", KeyId=key_id, Tags=pairs(added, "TagKey", "TagValue"))


KEY = ResourceType(
    name="aws:kms/key:Key",
    service="kms",
    properties={
        "arn": output(),
        "keyId": output(),
        "bypassPolicyLockoutSafetyCheck": flag(default=False, local=True),
        "customKeyStoreId": text(replaces=True, checks=(validators.length(1, 22),)),
        "customerMasterKeySpec": text(default="SYMMETRIC_DEFAULT", replaces=True, checks=(validators.one_of(*_specs),)),
        "deletionWindowInDays": whole(local=True, checks=(validators.between(7, 30),)),
        "description": text(computed=True, checks=(validators.length(0, 8192),)),
        "enableKeyRotation": flag(default=False),
        "isEnabled": flag(default=True),
        "keyUsage": text(default="ENCRYPT_DECRYPT", replaces=True, checks=(validators.one_of(*_usages),)),
        "multiRegion": flag(computed=True, replaces=True),
        "policy": text(
            computed=True,
            checks=(validators.json_text,),
            same=policy_json.same_policy,
            stored_as=policy_json.normal_form,
        ),
        "rotationPeriodInDays": whole(
            computed=True, needs=("enableKeyRotation",), checks=(validators.between(90, 2560),)
        ),
        "xksKeyId": text(replaces=True, local=True, needs=("customKeyStoreId",), checks=(validators.length(1, 128),)),
    },
    calls={
        "create": ("CreateKey", "EnableKeyRotation", "DisableKey"),
        "read": ("DescribeKey", "GetKeyPolicy", "GetKeyRotationStatus", "ListResourceTags"),
        "update": (
            *("EnableKey", "EnableKeyRotation", "DisableKeyRotation", "UpdateKeyDescription"),
            *("PutKeyPolicy", "DisableKey", "TagResource", "UntagResource"),
        ),
        "delete": ("ScheduleKeyDeletion",),
    },
    create=_create_key,
    settle=_settle_key,
    read=_read_key,
    update=_update_key,
    delete=_delete_key,
    retag=_retag_key,
    gone=frozenset({"NotFoundException"}),
)


def _create_alias(aws: Aws, wanted: Values) -> str:
    aws.call("CreateAlias", AliasName=wanted["name"], TargetKeyId=wanted["targetKeyId"])
    return wanted["name"]


def _read_alias(aws: Aws, name: str, known: Values) -> Values | None:
    for alias in aws.pages("ListAliases", "Aliases", marker="NextMarker"):
        if alias["AliasName"] == name and "TargetKeyId" in alias:
            key = aws.call("DescribeKey", KeyId=alias["TargetKeyId"])["KeyMetadata"]
            return {
                "arn": alias["AliasArn"],
                "name": name,
                "namePrefix": known.get("namePrefix"),
                "targetKeyArn": key["Arn"],
                "targetKeyId": alias["TargetKeyId"],
            }
    return None


def _update_alias(aws: Aws, change: Change) -> None:
    aws.call("UpdateAlias", AliasName=change.object_id, TargetKeyId=change.new["targetKeyId"])


def _delete_alias(aws: Aws, name: str, _known: Values) -> None:
    aws.call("DeleteAlias", AliasName=name)


def _key_id(given: str) -> str:
    """Return the key ID in a key's ARN."""
    return given.rsplit("key/", 1)[-1] if given.startswith("arn:") else given


def _same_key(old: str, new: str) -> bool:
    return _key_id(old) == _key_id(new)


_alias_checks = (
    validators.matches(r"alias/[0-9A-Za-z_/-]+", "name must begin with 'alias/' and hold only [0-9A-Za-z_/-]"),
    validators.unlike(r"^alias/aws/", "name must not begin with reserved word 'alias/aws/'"),
)

ALIAS = ResourceType(
    name="aws:kms/alias:Alias",
    service="kms",
    properties={
        "arn": output(),
        "name": text(
            replaces=True,
            computed=True,
            naming=Naming(longest=238, prefix="alias/"),
            conflicts=("namePrefix",),
            checks=_alias_checks,
        ),
        "namePrefix": text(replaces=True, computed=True, conflicts=("name",), checks=_alias_checks),
        "targetKeyArn": output(),
        "targetKeyId": text(required=True, same=_same_key, stored_as=_key_id),
    },
    calls={
        "create": ("CreateAlias",),
        "read": ("ListAliases", "DescribeKey"),
        "update": ("UpdateAlias",),
        "delete": ("DeleteAlias",),
    },
    create=_create_alias,
    read=_read_alias,
    update=_update_alias,
    delete=_delete_alias,
    gone=frozenset({"NotFoundException"}),
    moves={"targetKeyArn": ("targetKeyId",)},
)

RESOURCES = (ALIAS, KEY)
