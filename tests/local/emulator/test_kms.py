"""Actions of https://docs.aws.amazon.com/kms/latest/APIReference/, and the table of key states.

The table: https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html.
"""

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

ALIAS = "alias/session-manager/data"
POLICY = json.dumps({"Version": "2012-10-17", "Statement": []})


@pytest.fixture
def key(kms: Any) -> Any:
    return kms.create_key()["KeyMetadata"]["Arn"]


def test_key_usage_defaults_to_encrypt_decrypt(kms: Any) -> None:
    """API_CreateKey, KeyUsage."""
    assert kms.create_key()["KeyMetadata"]["KeyUsage"] == "ENCRYPT_DECRYPT"
    signing = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    assert kms.describe_key(KeyId=signing["KeyId"])["KeyMetadata"]["KeyUsage"] == "SIGN_VERIFY"


def test_policy_has_the_name_default_by_default(kms: Any, key: Any) -> None:
    """API_GetKeyPolicy and API_PutKeyPolicy, PolicyName."""
    kms.put_key_policy(KeyId=key, Policy=POLICY)
    assert kms.get_key_policy(KeyId=key)["Policy"] == POLICY
    assert kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"] == POLICY
    with pytest.raises(kms.exceptions.NotFoundException):
        kms.get_key_policy(KeyId=key, PolicyName="other")


@pytest.mark.parametrize("policy", ["{", "[]", "{}"])
def test_policy_that_is_none_is_refused(kms: Any, key: Any, policy: Any) -> None:
    """API_PutKeyPolicy and API_CreateKey, MalformedPolicyDocumentException."""
    with pytest.raises(kms.exceptions.MalformedPolicyDocumentException):
        kms.put_key_policy(KeyId=key, Policy=policy)
    with pytest.raises(kms.exceptions.MalformedPolicyDocumentException):
        kms.create_key(Policy=policy)


def test_rotation_has_a_period(kms: Any, key: Any) -> None:
    """API_EnableKeyRotation and API_GetKeyRotationStatus: 365 days by default."""
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is False
    kms.enable_key_rotation(KeyId=key)
    assert kms.get_key_rotation_status(KeyId=key)["RotationPeriodInDays"] == 365
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    status = kms.get_key_rotation_status(KeyId=key)
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, 90)
    assert status["NextRotationDate"] > kms.describe_key(KeyId=key)["KeyMetadata"]["CreationDate"]
    kms.disable_key_rotation(KeyId=key)
    assert "RotationPeriodInDays" not in kms.get_key_rotation_status(KeyId=key)


def test_rotation_of_a_longer_period_is_refused(kms: Any, key: Any) -> None:
    """API_EnableKeyRotation, RotationPeriodInDays from 90 to 2560 (boto3 itself refuses less)."""
    with pytest.raises(ClientError, match="ValidationException"):
        kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=2561)


def test_only_symmetric_keys_rotate(kms: Any) -> None:
    """API_EnableKeyRotation, UnsupportedOperationException."""
    key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    with pytest.raises(kms.exceptions.UnsupportedOperationException):
        kms.enable_key_rotation(KeyId=key)


def test_alias_is_created_once_moved_and_deleted(kms: Any, key: Any) -> None:
    """API_CreateAlias, API_UpdateAlias, API_DeleteAlias: AlreadyExistsException, NotFoundException."""
    other = kms.create_key()["KeyMetadata"]
    with pytest.raises(kms.exceptions.NotFoundException):
        kms.update_alias(AliasName=ALIAS, TargetKeyId=key)
    kms.create_alias(AliasName=ALIAS, TargetKeyId=key)
    with pytest.raises(kms.exceptions.AlreadyExistsException):
        kms.create_alias(AliasName=ALIAS, TargetKeyId=other["KeyId"])
    kms.update_alias(AliasName=ALIAS, TargetKeyId=other["KeyId"])
    assert kms.describe_key(KeyId=ALIAS)["KeyMetadata"]["KeyId"] == other["KeyId"]
    kms.delete_alias(AliasName=ALIAS)
    with pytest.raises(kms.exceptions.NotFoundException):
        kms.delete_alias(AliasName=ALIAS)
    with pytest.raises(kms.exceptions.NotFoundException):
        kms.describe_key(KeyId=ALIAS)


def test_alias_needs_a_key(kms: Any) -> None:
    """API_CreateAlias, NotFoundException."""
    with pytest.raises(kms.exceptions.NotFoundException):
        kms.create_alias(AliasName=ALIAS, TargetKeyId="00000000-0000-0000-0000-000000000000")


USES = {
    "encrypt": {"Plaintext": b"x"},
    "generate_data_key": {"KeySpec": "AES_256"},
    "enable_key_rotation": {},
    "disable_key_rotation": {},
}
CHANGES = {
    "enable_key": {},
    "disable_key": {},
    "schedule_key_deletion": {},
    "tag_resource": {"Tags": [{"TagKey": "a", "TagValue": "b"}]},
    "untag_resource": {"TagKeys": ["a"]},
    "update_key_description": {"Description": "d"},
}


@pytest.mark.parametrize("call", USES)
def test_disabled_key_cannot_be_used(kms: Any, key: Any, call: Any) -> None:
    """Table of key states, [1]."""
    kms.disable_key(KeyId=key)
    with pytest.raises(kms.exceptions.DisabledException, match="is disabled"):
        getattr(kms, call)(KeyId=key, **USES[call])


@pytest.mark.parametrize("call", [name for name in CHANGES if name != "disable_key"])
def test_disabled_key_can_be_changed(kms: Any, key: Any, call: Any) -> None:
    """Table of key states, column Disabled."""
    kms.disable_key(KeyId=key)
    getattr(kms, call)(KeyId=key, **CHANGES[call])


@pytest.mark.parametrize("call", [*USES, *CHANGES])
def test_key_pending_deletion_can_be_neither_used_nor_changed(kms: Any, key: Any, call: Any) -> None:
    """Table of key states, [3]."""
    kms.schedule_key_deletion(KeyId=key)
    with pytest.raises(kms.exceptions.KMSInvalidStateException, match="is pending deletion"):
        getattr(kms, call)(KeyId=key, **{**USES, **CHANGES}[call])


def test_key_pending_deletion_can_still_be_read(kms: Any, key: Any) -> None:
    """Table of key states; API_GetKeyRotationStatus: rotation is off while deletion is pending, and on again after."""
    kms.enable_key_rotation(KeyId=key)
    kms.schedule_key_deletion(KeyId=key)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is False
    kms.put_key_policy(KeyId=key, Policy=POLICY)
    kms.cancel_key_deletion(KeyId=key)
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is True


def test_no_alias_is_pointed_to_a_key_pending_deletion(kms: Any, key: Any) -> None:
    """Table of key states, CreateAlias [3] and UpdateAlias [10]."""
    other = kms.create_key()["KeyMetadata"]["Arn"]
    kms.schedule_key_deletion(KeyId=key)
    with pytest.raises(kms.exceptions.KMSInvalidStateException):
        kms.create_alias(AliasName=ALIAS, TargetKeyId=key)
    kms.create_alias(AliasName=ALIAS, TargetKeyId=other)
    with pytest.raises(kms.exceptions.KMSInvalidStateException):
        kms.update_alias(AliasName=ALIAS, TargetKeyId=key)


def test_nothing_is_decrypted_with_a_disabled_key(kms: Any, key: Any) -> None:
    """Table of key states, Decrypt [1], where the key is only in the ciphertext."""
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    kms.disable_key(KeyId=key)
    with pytest.raises(kms.exceptions.DisabledException):
        kms.decrypt(CiphertextBlob=blob)


def test_deletion_is_scheduled_and_cancelled(kms: Any, key: Any) -> None:
    """API_ScheduleKeyDeletion and API_CancelKeyDeletion; table of key states, [4]."""
    with pytest.raises(kms.exceptions.KMSInvalidStateException, match="is not pending deletion"):
        kms.cancel_key_deletion(KeyId=key)
    for days in (6, 31):
        with pytest.raises(ClientError, match="ValidationException"):
            kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=days)
    answer = kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert (answer["KeyId"], answer["KeyState"], answer["PendingWindowInDays"]) == (key, "PendingDeletion", 7)
    assert kms.cancel_key_deletion(KeyId=key)["KeyId"] == key
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"


def test_key_that_is_not_there_is_not_found(kms: Any) -> None:
    """NotFoundException in the errors of every action on a key."""
    missing = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000"
    for call in ("describe_key", "get_key_policy", "get_key_rotation_status", "enable_key", "schedule_key_deletion"):
        with pytest.raises(kms.exceptions.NotFoundException):
            getattr(kms, call)(KeyId=missing)


def test_describes_a_key_of_another_account_by_its_arn(connect: Any, emulator: Any) -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html: KeyId, "in a different AWS account"."""
    role = "arn:aws:iam::210987654321:role/LogArchive"
    given = connect("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    there = boto3.client(
        "kms",
        "eu-west-1",
        endpoint_url=emulator.endpoint_url,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key="local",
    )
    key = there.create_key()["KeyMetadata"]
    there.create_alias(AliasName="alias/theirs", TargetKeyId=key["KeyId"])
    alias_arn = key["Arn"].replace(f"key/{key['KeyId']}", "alias/theirs")
    kms = connect("kms")
    for reference in (key["Arn"], alias_arn):
        assert kms.describe_key(KeyId=reference)["KeyMetadata"]["Arn"] == key["Arn"]
    for reference in (key["KeyId"], "alias/theirs"):
        with pytest.raises(kms.exceptions.NotFoundException):
            kms.describe_key(KeyId=reference)
    with pytest.raises(kms.exceptions.NotFoundException):
        connect("kms", "us-east-1").describe_key(KeyId=key["Arn"])
