"""The document is published only if the key, log group and bucket that it names exist and can be used."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from common.aws.failures import FailureCause, ResourceError
from common.aws.session import AwsClients
from components.session_manager.document import reset_preferences
from components.session_manager.prerequisites import LogBucket, PrerequisiteReader

HERE, THERE = "123456789012", "210987654321"


def check(clients: AwsClients, bucket: dict[str, Any] | None = None, **changes: Any) -> None:
    preferences = reset_preferences() | changes
    described: dict[str, Any] = {
        "name": preferences["s3BucketName"],
        "owner": HERE,
        "is_encrypted": preferences["s3EncryptionEnabled"],
    }
    reader = PrerequisiteReader(clients, "eu-west-1", HERE)
    reader.check(preferences, LogBucket(**described | (bucket or {})))


def refuse(
    clients: AwsClients, cause: FailureCause, reason: str, bucket: dict[str, Any] | None = None, **changes: Any
) -> str:
    """Check that the document is not published, for this reason, and return the message."""
    with pytest.raises(ResourceError) as caught:
        check(clients, bucket, **changes)
    message = str(caught.value)
    assert "SSM-SessionManagerRunShell in eu-west-1 is not published, and the live document is unchanged" in message
    assert caught.value.cause is cause
    assert reason in message
    return message


ENCRYPTION, MISSING = FailureCause.ENCRYPTION, FailureCause.MISSING


def key(client: Callable[..., Any], **settings: Any) -> dict[str, Any]:
    return client("kms").create_key(**settings)["KeyMetadata"]


def test_check_without_resources_passes(clients: AwsClients) -> None:
    check(clients)


def test_check_of_usable_resources_passes(clients: AwsClients, client: Callable[..., Any]) -> None:
    made = key(client)
    client("logs").create_log_group(logGroupName="sessions", kmsKeyId=made["Arn"])
    client("logs").create_log_group(logGroupName="sessions-of-others")
    client("s3").create_bucket(Bucket="logs", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    encryption = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]}
    client("s3").put_bucket_encryption(Bucket="logs", ServerSideEncryptionConfiguration=encryption)
    check(
        clients,
        kmsKeyId=made["KeyId"],
        cloudWatchLogGroupName="sessions",
        cloudWatchEncryptionEnabled=True,
        s3BucketName="logs",
        s3EncryptionEnabled=True,
    )


@pytest.mark.parametrize("state", ["Disabled", "PendingDeletion"])
def test_key_that_cannot_be_used_is_refused(clients: AwsClients, client: Callable[..., Any], state: str) -> None:
    made = key(client)["KeyId"]
    if state == "Disabled":
        client("kms").disable_key(KeyId=made)
    else:
        client("kms").schedule_key_deletion(KeyId=made, PendingWindowInDays=7)
    refuse(clients, ENCRYPTION, f"the key for session data {made} is {state}", kmsKeyId=made)


def test_asymmetric_key_is_refused(clients: AwsClients, client: Callable[..., Any]) -> None:
    made = key(client, KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")["KeyId"]
    refuse(clients, ENCRYPTION, "is not symmetric (RSA_2048, ENCRYPT_DECRYPT)", kmsKeyId=made)


def test_missing_key_is_refused(clients: AwsClients) -> None:
    refuse(clients, ENCRYPTION, "does not exist", kmsKeyId="1234abcd-12ab-34cd-56ef-1234567890ab")


def test_missing_log_group_is_refused(clients: AwsClients, client: Callable[..., Any]) -> None:
    client("logs").create_log_group(logGroupName="sessions-of-others")
    refuse(clients, MISSING, "the log group sessions does not exist", cloudWatchLogGroupName="sessions")


def test_log_group_is_encrypted_where_sessions_require_it(clients: AwsClients, client: Callable[..., Any]) -> None:
    client("logs").create_log_group(logGroupName="sessions")
    check(clients, cloudWatchLogGroupName="sessions", cloudWatchEncryptionEnabled=False)
    refuse(clients, ENCRYPTION, "is not encrypted", cloudWatchLogGroupName="sessions", cloudWatchEncryptionEnabled=True)


def test_log_group_whose_key_is_lost_is_refused(clients: AwsClients, client: Callable[..., Any]) -> None:
    made = key(client)
    client("logs").create_log_group(logGroupName="sessions", kmsKeyId=made["Arn"])
    client("kms").disable_key(KeyId=made["KeyId"])
    names = {"cloudWatchLogGroupName": "sessions", "cloudWatchEncryptionEnabled": True}
    refuse(clients, ENCRYPTION, "the key of the log group sessions", **names)


@pytest.mark.parametrize("encrypted", [True, False])
def test_missing_bucket_is_refused(clients: AwsClients, encrypted: bool) -> None:  # noqa: FBT001
    names = {"s3BucketName": "nowhere", "s3EncryptionEnabled": encrypted}
    refuse(clients, MISSING, "the bucket nowhere does not exist", **names)


def test_prerequisites_report_every_problem_at_once(clients: AwsClients) -> None:
    names = {"kmsKeyId": "alias/none", "cloudWatchLogGroupName": "none", "s3BucketName": "none"}
    said = refuse(clients, ENCRYPTION, "alias/none", **names)
    assert [said.count(part) for part in ("alias/none", "the log group none", "the bucket none")] == [1, 1, 1]


def test_document_is_not_published_where_a_check_fails(clients: AwsClients, monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent:
        def client(self, service: str, region: str) -> Any:
            made = clients.client(service, region)
            made.meta.events.register_first(
                "before-send.*", lambda **_: (_ for _ in ()).throw(EndpointConnectionError(endpoint_url="https://kms"))
            )
            return made

        def caller_arn(self, _region: str) -> str:
            return "caller"

    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    with pytest.raises(ResourceError) as caught:
        check(Silent(), kmsKeyId="any")  # pyright: ignore[reportArgumentType]
    assert caught.value.cause is FailureCause.NETWORK
    assert "cannot be read" in str(caught.value)


@pytest.fixture
def there(client: Callable[..., Any]) -> str:
    """Access key of a role of another account."""
    role = f"arn:aws:iam::{THERE}:role/LogArchive"
    return client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]["AccessKeyId"]


def bucket_of(
    client: Callable[..., Any],
    algorithm: str = "aws:kms",
    key_id: str = "",
    account: str = "local",
    region: str = "eu-west-1",
) -> None:
    """Make the bucket `logs` with this default encryption."""
    s3 = client("s3", region, account)
    s3.create_bucket(Bucket="logs", CreateBucketConfiguration={"LocationConstraint": region})
    default = {"SSEAlgorithm": algorithm} | ({"KMSMasterKeyID": key_id} if key_id else {})
    rules = [{"ApplyServerSideEncryptionByDefault": default}]
    s3.put_bucket_encryption(Bucket="logs", ServerSideEncryptionConfiguration={"Rules": rules})


LOGS: dict[str, Any] = {"s3BucketName": "logs", "s3EncryptionEnabled": True}


@pytest.mark.parametrize(("algorithm", "accepted"), [("AES256", True), ("aws:kms", True), ("aws:kms:dsse", False)])
def test_bucket_encryption_follows_the_agent(
    clients: AwsClients,
    client: Callable[..., Any],
    algorithm: str,
    accepted: bool,  # noqa: FBT001
) -> None:
    bucket_of(client, algorithm)
    check(clients, s3BucketName="logs", s3EncryptionEnabled=False)
    if accepted:
        check(clients, **LOGS)
        return
    reason = "the bucket logs is encrypted with aws:kms:dsse, and SSM Agent accepts only AES256 and aws:kms"
    refuse(clients, ENCRYPTION, reason, **LOGS)


@pytest.mark.parametrize("form", ["id", "arn", "alias", "alias arn"])
@pytest.mark.parametrize("state", ["Enabled", "Disabled", "PendingDeletion"])
def test_bucket_key_has_to_work(clients: AwsClients, client: Callable[..., Any], form: str, state: str) -> None:
    made = key(client)
    client("kms").create_alias(AliasName="alias/logs", TargetKeyId=made["KeyId"])
    forms = {"id": made["KeyId"], "arn": made["Arn"], "alias": "alias/logs"}
    forms["alias arn"] = made["Arn"].replace(f"key/{made['KeyId']}", "alias/logs")
    bucket_of(client, key_id=forms[form])
    if state == "Disabled":
        client("kms").disable_key(KeyId=made["KeyId"])
    elif state == "PendingDeletion":
        client("kms").schedule_key_deletion(KeyId=made["KeyId"])
    if state == "Enabled":
        check(clients, **LOGS)
        check(clients, {"key_arn": made["Arn"]}, **LOGS)
        return
    for encrypted in (True, False):
        reason = f"the key of the bucket logs {forms[form]} is {state}"
        refuse(clients, ENCRYPTION, reason, **LOGS | {"s3EncryptionEnabled": encrypted})


@pytest.mark.parametrize(
    "reference", ["1234abcd-12ab-34cd-56ef-1234567890ab", "alias/gone", f"arn:aws:kms:eu-west-1:{HERE}:key/gone"]
)
def test_bucket_key_that_is_missing_is_refused(clients: AwsClients, client: Callable[..., Any], reference: str) -> None:
    bucket_of(client, key_id=reference)
    refuse(clients, ENCRYPTION, f"the key of the bucket logs {reference} does not exist", **LOGS)


def test_bucket_key_of_another_region_is_read_there(clients: AwsClients, client: Callable[..., Any]) -> None:
    made = client("kms", "eu-central-1").create_key(KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]
    bucket_of(client, key_id=made["KeyId"], region="eu-central-1")
    check(clients, **LOGS)
    client("kms", "eu-central-1").disable_key(KeyId=made["KeyId"])
    refuse(clients, ENCRYPTION, "is Disabled", **LOGS)


def test_bucket_key_other_than_the_named_one_is_refused(clients: AwsClients, client: Callable[..., Any]) -> None:
    other, made = key(client)["Arn"], key(client)["Arn"]
    bucket_of(client, key_id=made)
    reason = f"is not {other}; correct shell-access:sessionManager.s3KmsKeyArn"
    refuse(clients, ENCRYPTION, reason, {"key_arn": other}, **LOGS)


def test_bucket_without_the_named_key_is_refused(clients: AwsClients, client: Callable[..., Any]) -> None:
    bucket_of(client, "AES256")
    named = key(client)["Arn"]
    reason = f"is encrypted with AES256 and not with {named}"
    refuse(clients, ENCRYPTION, reason, {"key_arn": named}, **LOGS)


def test_bucket_of_another_account_needs_its_owner(clients: AwsClients, client: Callable[..., Any], there: str) -> None:
    bucket_of(client, "AES256", account=there)
    for encrypted in (True, False):
        reason = f"the bucket logs is not owned by account {HERE}"
        said = refuse(clients, MISSING, reason, **LOGS | {"s3EncryptionEnabled": encrypted})
        assert "name its owner in shell-access:sessionManager.s3BucketOwner" in said
    check(clients, {"owner": THERE}, **LOGS)
    refuse(clients, MISSING, "is not owned by account 333333333333", {"owner": "333333333333"}, **LOGS)


def test_bucket_of_this_account_under_another_owner_is_refused(clients: AwsClients, client: Callable[..., Any]) -> None:
    bucket_of(client, "AES256")
    refuse(clients, MISSING, f"is not owned by account {THERE}", {"owner": THERE}, **LOGS)


@pytest.mark.parametrize("key_id", ["", "alias/aws/s3"])
def test_aws_managed_key_of_another_account_is_refused(
    clients: AwsClients, client: Callable[..., Any], there: str, key_id: str
) -> None:
    bucket_of(client, key_id=key_id, account=there)
    reason = f"the AWS managed key of account {THERE}, which serves its own account only"
    refuse(clients, ENCRYPTION, reason, {"owner": THERE}, **LOGS)


def test_aws_managed_key_of_this_account_passes(clients: AwsClients, client: Callable[..., Any]) -> None:
    bucket_of(client)
    check(clients, **LOGS)


def test_customer_key_of_another_account_is_read(clients: AwsClients, client: Callable[..., Any], there: str) -> None:
    theirs = client("kms", "eu-west-1", there).create_key(KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]
    bucket_of(client, key_id=theirs["Arn"], account=there)
    check(clients, {"owner": THERE, "key_arn": theirs["Arn"]}, **LOGS)
    client("kms", "eu-west-1", there).disable_key(KeyId=theirs["KeyId"])
    refuse(clients, ENCRYPTION, "is Disabled", {"owner": THERE}, **LOGS)
