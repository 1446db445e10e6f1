"""Keys and aliases (Terraform AWS provider: internal/service/kms)."""

import json
import re
from typing import Any

import pytest

from local.aws_provider.wire import UNKNOWN
from tests.local.aws_provider.conftest import lifecycle, refusals

key = "aws:kms/key:Key"
alias = "aws:kms/alias:Alias"
document = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "kms:*", "Resource": "*"}
    ],
}


def test_defaults_of_a_key(provider: Any) -> None:
    checked = provider.check(key, "k", {})
    assert checked["__defaults"] == [
        "bypassPolicyLockoutSafetyCheck",
        "customerMasterKeySpec",
        "enableKeyRotation",
        "isEnabled",
        "keyUsage",
    ]
    assert "deletionWindowInDays" not in checked


test_key_refuses = refusals(
    key,
    {},
    ({"deletionWindowInDays": 6}, "range \\(7 - 30\\)"),
    ({"description": "x" * 8193}, "length"),
    ({"keyUsage": "SIGN_VERIFY"}, "keyUsage: is not supported .* except for its default"),
    ({"policy": "{"}, "invalid JSON"),
    ({"policy": {}}, "expected a string"),
)


def test_key_is_known_by_its_bare_id(provider: Any) -> None:
    made = provider.up(key, "k", {"description": "d"})
    assert re.fullmatch(r"[0-9a-f-]{36}", made.id)
    assert made["keyId"] == made.id
    assert made["arn"] == f"arn:aws:kms:eu-west-1:123456789012:key/{made.id}"
    assert json.loads(made["policy"])["Statement"]
    assert provider.unchanged(key, "k", {"description": "d"})


def test_rotation_and_disabling_follow_the_creation(provider: Any, aws: Any) -> None:
    inputs = {"enableKeyRotation": True, "isEnabled": False}
    made = provider.up(key, "k", inputs)
    assert aws("kms").get_key_rotation_status(KeyId=made.id)["KeyRotationEnabled"]
    assert not aws("kms").describe_key(KeyId=made.id)["KeyMetadata"]["Enabled"]


def test_everything_but_the_nature_of_a_key_changes_in_place(provider: Any, aws: Any) -> None:
    made = provider.up(key, "k", {"isEnabled": False})
    inputs = {
        "description": "new",
        "enableKeyRotation": True,
        "isEnabled": True,
        "policy": json.dumps(document),
        "deletionWindowInDays": 7,
    }
    changed = provider.up(key, "k", inputs)
    assert changed.id == made.id
    found = aws("kms").describe_key(KeyId=made.id)["KeyMetadata"]
    assert (found["Description"], found["Enabled"]) == ("new", True)
    assert provider.unchanged(key, "k", inputs)


def test_policy_written_in_another_way_is_no_difference(provider: Any) -> None:
    made = provider.up(key, "k", {"policy": json.dumps(document, indent=4)})
    assert made["policy"] == json.dumps(document, separators=(",", ":"), sort_keys=True)
    other = {"Statement": document["Statement"][0], "Version": "2012-10-17"}
    assert provider.unchanged(key, "k", {"policy": json.dumps(other)})


def test_key_policy_drift_is_read(provider: Any, aws: Any) -> None:
    made = provider.up(key, "k", {"policy": json.dumps(document)})
    widened = {**document, "Statement": [{**document["Statement"][0], "Principal": "*"}]}
    aws("kms").put_key_policy(KeyId=made.id, PolicyName="default", Policy=json.dumps(widened))
    provider.refresh(key, "k")
    assert list(provider.diff(key, "k", {"policy": json.dumps(document)}).diffs) == ["policy"]


def test_window_is_used_when_it_is_set(provider: Any, aws: Any) -> None:
    made = provider.up(key, "k", {"deletionWindowInDays": 7})
    provider.destroy(key, "k")
    found = aws("kms").describe_key(KeyId=made.id)["KeyMetadata"]
    assert found["KeyState"] == "PendingDeletion"
    assert (found["DeletionDate"] - found["CreationDate"]).days <= 7


def test_imported_key_has_no_deletion_window(provider: Any, aws: Any) -> None:
    made = aws("kms").create_key()["KeyMetadata"]["KeyId"]
    taken = provider.take_over(key, "k", made)
    assert not {"deletionWindowInDays", "bypassPolicyLockoutSafetyCheck"} & set(taken.inputs)
    assert not provider.diff(key, "k", {}).replaces


@pytest.mark.parametrize("name", ["data", "alias/aws/x", "alias/a b"])
def test_alias_refuses_a_wrong_name(provider: Any, name: str) -> None:
    with pytest.raises(Exception, match="name must"):
        provider.check(alias, "a", {"name": name, "targetKeyId": "k"})


def test_alias_keeps_the_bare_id_of_its_key(provider: Any) -> None:
    target = provider.up(key, "k", {})
    made = provider.up(alias, "a", {"name": "alias/a", "targetKeyId": target["arn"]})
    assert (made.id, made["targetKeyId"], made["targetKeyArn"]) == ("alias/a", target.id, target["arn"])
    assert provider.unchanged(alias, "a", {"name": "alias/a", "targetKeyId": target["arn"]})
    assert provider.unchanged(alias, "a", {"name": "alias/a", "targetKeyId": target.id})


def test_alias_moves_to_another_key_in_place(provider: Any) -> None:
    first, second = provider.up(key, "k", {}), provider.up(key, "l", {})
    provider.up(alias, "a", {"name": "alias/a", "targetKeyId": first.id})
    planned = provider.preview(alias, "a", {"name": "alias/a", "targetKeyId": second.id})
    assert planned["targetKeyArn"] is UNKNOWN
    assert provider.up(alias, "a", {"name": "alias/a", "targetKeyId": second.id})["targetKeyArn"] == second["arn"]


@pytest.fixture
def named(provider: Any) -> dict[str, Any]:
    return {"name": "alias/a", "targetKeyId": provider.up(key, "k", {}).id}


TestKeyPendingDeletion = lifecycle(key, {}, delete=lambda aws, made: aws("kms").schedule_key_deletion(KeyId=made.id))
TestAlias = lifecycle(
    alias,
    "named",
    delete=lambda aws, _: aws("kms").delete_alias(AliasName="alias/a"),
    imported_by="alias/a",
    exists="kms:CreateAlias failed with AlreadyExistsException",
)
