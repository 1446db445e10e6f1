"""Algorithms and key references, each with the value that its source gives."""

from datetime import UTC, datetime
from typing import Any

import pytest

from components.session_manager.log_encryption import (
    DefaultEncryption,
    algorithm_problem,
    default_encryption,
    key_problem,
    key_reference,
    managed_key_problem,
)

HERE, THERE = "123456789012", "210987654321"
KEY_ID = "1234abcd-12ab-34cd-56ef-1234567890ab"
USABLE = {
    "KeyState": "Enabled",
    "KeySpec": "SYMMETRIC_DEFAULT",
    "KeyUsage": "ENCRYPT_DECRYPT",
    "KeyManager": "CUSTOMER",
    "AWSAccountId": HERE,
}


@pytest.mark.parametrize(
    ("algorithm", "accepted"),
    # agent/s3util/s3util.go of SSM Agent compares with these two and no others.
    [("AES256", True), ("aws:kms", True), ("aws:kms:dsse", False), (None, False), ("aws:kms:new", False)],
)
def test_algorithm_problem_follows_the_agent(algorithm: str | None, accepted: bool) -> None:  # noqa: FBT001
    assert (algorithm_problem(algorithm) is None) == accepted


@pytest.mark.parametrize(
    ("reference", "region", "account", "aws_managed"),
    [
        (KEY_ID, "eu-west-1", HERE, False),
        ("mrk-1234abcd12ab34cd56ef1234567890ab", "eu-west-1", HERE, False),
        ("alias/logs", "eu-west-1", HERE, False),
        ("alias/aws/s3", "eu-west-1", HERE, True),
        (f"arn:aws:kms:us-east-1:{THERE}:key/{KEY_ID}", "us-east-1", THERE, False),
        (f"arn:aws-cn:kms:cn-north-1:{THERE}:alias/logs", "cn-north-1", THERE, False),
        (f"arn:aws:kms:us-east-1:{THERE}:alias/aws/s3", "us-east-1", THERE, True),
        ("arn:aws:kms", "eu-west-1", HERE, False),
        ("", "eu-west-1", HERE, False),
    ],
)
def test_key_reference_reads_every_form(
    reference: str,
    region: str,
    account: str,
    aws_managed: bool,  # noqa: FBT001
) -> None:
    found = key_reference(reference, region="eu-west-1", account_id=HERE)
    assert (found.key_id, found.region, found.account_id) == (reference, region, account)
    assert found.is_aws_managed == aws_managed


@pytest.mark.parametrize(
    ("configuration", "found"),
    [
        ({}, None),
        ({"Rules": []}, None),
        ({"Rules": [{"BucketKeyEnabled": True}]}, None),
        (
            {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]},
            DefaultEncryption(algorithm="AES256"),
        ),
        (
            {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY_ID}}]},
            DefaultEncryption(algorithm="aws:kms", key=KEY_ID),
        ),
    ],
)
def test_default_encryption_is_of_the_first_rule(
    configuration: dict[str, Any], found: DefaultEncryption | None
) -> None:
    assert default_encryption(configuration) == found


@pytest.mark.parametrize(
    ("algorithm", "key", "owner", "works"),
    [
        ("AES256", "", THERE, True),
        ("aws:kms", "", HERE, True),
        ("aws:kms", "alias/aws/s3", HERE, True),
        ("aws:kms", "", THERE, False),
        ("aws:kms", "alias/aws/s3", THERE, False),
        ("aws:kms", f"arn:aws:kms:eu-west-1:{THERE}:alias/aws/s3", THERE, False),
        ("aws:kms", f"arn:aws:kms:eu-west-1:{THERE}:alias/aws/s3", HERE, False),
        ("aws:kms", f"arn:aws:kms:eu-west-1:{THERE}:key/{KEY_ID}", THERE, True),
        ("aws:kms", f"arn:aws:kms:eu-west-1:{THERE}:alias/logs", THERE, True),
    ],
)
def test_managed_key_serves_its_own_account_only(
    algorithm: str,
    key: str,
    owner: str,
    works: bool,  # noqa: FBT001
) -> None:
    encryption = DefaultEncryption(algorithm=algorithm, key=key)
    found = managed_key_problem(encryption, region="eu-west-1", account_id=HERE, owner=owner)
    assert (found is None) == works


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, None),
        ({"AWSAccountId": THERE}, None),
        ({"KeyManager": "AWS"}, None),
        ({"KeyManager": "AWS", "AWSAccountId": THERE}, f"AWS managed key of account {THERE}"),
        ({"KeyState": "Disabled"}, "is Disabled; enable it"),
        ({"KeyState": "PendingImport"}, "is PendingImport"),
        (
            {"KeyState": "PendingDeletion", "DeletionDate": datetime(2031, 2, 3, tzinfo=UTC)},
            "is PendingDeletion, to be deleted on 2031-02-03",
        ),
        ({"KeySpec": "RSA_2048"}, "is not symmetric (RSA_2048, ENCRYPT_DECRYPT)"),
        ({"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}, "is not symmetric"),
    ],
)
def test_key_problem_names_what_is_wrong(changes: dict[str, Any], said: str | None) -> None:
    found = key_problem(USABLE | changes, account_id=HERE)
    assert found is None if said is None else said in (found or "")
