"""Nothing is published while what it names is not as it asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import EndpointConnectionError

from components.aws_failures import Cause
from components.documents.errors import DocumentError
from components.session_manager.document import reset_preferences
from components.session_manager.prerequisites import Prerequisites

if TYPE_CHECKING:
    from collections.abc import Callable

    from components.aws_session import AwsClients


def wanted(**changes: Any) -> dict[str, Any]:
    return reset_preferences() | changes


def refusal(clients: AwsClients, **changes: Any) -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        Prerequisites(clients, "eu-west-1").check(wanted(**changes))
    assert "SSM-SessionManagerRunShell in eu-west-1 is not published, and what is live stays as it is" in str(
        caught.value
    )
    return caught.value


def passes(clients: AwsClients, **changes: Any) -> None:
    Prerequisites(clients, "eu-west-1").check(wanted(**changes))


def key(client: Callable[..., Any], **settings: Any) -> dict[str, Any]:
    return client("kms").create_key(**settings)["KeyMetadata"]


def test_nothing_named_is_nothing_to_look_at(clients: AwsClients) -> None:
    passes(clients)


def test_what_is_as_asked_passes(clients: AwsClients, client: Callable[..., Any]) -> None:
    made = key(client)
    client("logs").create_log_group(logGroupName="sessions", kmsKeyId=made["Arn"])
    client("logs").create_log_group(logGroupName="sessions-of-others")
    client("s3").create_bucket(Bucket="logs", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    encryption = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]}
    client("s3").put_bucket_encryption(Bucket="logs", ServerSideEncryptionConfiguration=encryption)
    passes(
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
    said = refusal(clients, kmsKeyId=made)
    assert said.cause is Cause.ENCRYPTION
    assert f"the key for session data {made} is {state}" in str(said)


def test_asymmetric_key_is_refused(clients: AwsClients, client: Callable[..., Any]) -> None:
    made = key(client, KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")["KeyId"]
    assert "is not symmetric (RSA_2048, ENCRYPT_DECRYPT)" in str(refusal(clients, kmsKeyId=made))


def test_key_that_is_not_there_is_refused(clients: AwsClients) -> None:
    said = refusal(clients, kmsKeyId="1234abcd-12ab-34cd-56ef-1234567890ab")
    assert said.cause is Cause.ENCRYPTION
    assert "does not exist" in str(said)


def test_log_group_that_is_not_there_is_refused(clients: AwsClients, client: Callable[..., Any]) -> None:
    client("logs").create_log_group(logGroupName="sessions-of-others")
    said = refusal(clients, cloudWatchLogGroupName="sessions")
    assert said.cause is Cause.MISSING
    assert "the log group sessions does not exist" in str(said)


def test_log_group_is_encrypted_where_sessions_require_it(clients: AwsClients, client: Callable[..., Any]) -> None:
    client("logs").create_log_group(logGroupName="sessions")
    passes(clients, cloudWatchLogGroupName="sessions", cloudWatchEncryptionEnabled=False)
    said = refusal(clients, cloudWatchLogGroupName="sessions", cloudWatchEncryptionEnabled=True)
    assert said.cause is Cause.ENCRYPTION


def test_log_group_whose_key_is_lost_is_refused(clients: AwsClients, client: Callable[..., Any]) -> None:
    made = key(client)
    client("logs").create_log_group(logGroupName="sessions", kmsKeyId=made["Arn"])
    client("kms").disable_key(KeyId=made["KeyId"])
    said = refusal(clients, cloudWatchLogGroupName="sessions", cloudWatchEncryptionEnabled=True)
    assert said.cause is Cause.ENCRYPTION
    assert "the key of the log group sessions" in str(said)


@pytest.mark.parametrize("encrypted", [True, False])
def test_bucket_that_is_not_there_is_refused(clients: AwsClients, encrypted: bool) -> None:  # noqa: FBT001
    said = refusal(clients, s3BucketName="nowhere", s3EncryptionEnabled=encrypted)
    assert said.cause is Cause.MISSING
    assert "the bucket nowhere does not exist" in str(said)


def test_every_problem_is_told_at_once(clients: AwsClients) -> None:
    said = str(refusal(clients, kmsKeyId="alias/none", cloudWatchLogGroupName="none", s3BucketName="none"))
    assert [said.count(part) for part in ("alias/none", "the log group none", "the bucket none")] == [1, 1, 1]


def test_what_cannot_be_told_is_not_published(clients: AwsClients, monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent:
        def client(self, service: str, region: str) -> Any:
            made = clients.client(service, region)
            made.meta.events.register_first(
                "before-send.*", lambda **_: (_ for _ in ()).throw(EndpointConnectionError(endpoint_url="https://kms"))
            )
            return made

        def caller_arn(self, _region: str) -> str:
            return "somebody"

    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    with pytest.raises(DocumentError) as caught:
        Prerequisites(Silent(), "eu-west-1").check(wanted(kmsKeyId="any"))  # pyright: ignore[reportArgumentType]
    assert caught.value.cause is Cause.NETWORK
    assert "cannot be looked at" in str(caught.value)
