"""What a preferences document names, looked at as it is before the document goes live.

A session fails, or goes unlogged, where its key cannot be used or its log group or bucket is not there or not encrypted
as the document asks (Systems Manager User Guide, "Logging session activity" and "Turn on KMS key encryption of session
data").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from components.aws_failures import NOT_DONE, Cause, code_of
from components.documents.errors import DocumentError, why_not
from components.session_manager.document import DOCUMENT_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.aws_session import AwsClients
    from components.session_manager.document import Preferences

_NO_KEY: Final = frozenset({"NotFoundException"})
_NO_BUCKET: Final = frozenset({"404", "NoSuchBucket", "NotFound"})
_NOT_ENCRYPTED: Final = frozenset({"ServerSideEncryptionConfigurationNotFoundError"})
_FORBIDDEN: Final = frozenset({"403", "AccessDenied", "Forbidden"})


class Prerequisites:
    """Looks at the key, the log group and the bucket of one Region."""

    def __init__(self, clients: AwsClients, region: str) -> None:
        self._clients = clients
        self._region = region

    def check(self, wanted: Preferences) -> None:
        """Everything that the preferences name is there and as they ask.

        Args:
            wanted: about to be published.

        Raises:
            DocumentError: something is not, or cannot be told; all of it is listed, with the cause of the first.
        """
        problems = list(self._problems(wanted))
        if problems:
            listed = "; ".join(f"{cause}: {text}" for cause, text in problems)
            raise DocumentError(
                f"{DOCUMENT_NAME} in {self._region} is not published, and what is live stays as it is: {listed}",
                problems[0][0],
            )

    def _problems(self, wanted: Preferences) -> Iterator[tuple[Cause, str]]:
        if wanted["kmsKeyId"]:
            yield from self._of_key(wanted["kmsKeyId"], "key for session data")
        if wanted["cloudWatchLogGroupName"]:
            yield from self._of_log_group(
                wanted["cloudWatchLogGroupName"], encrypted=wanted["cloudWatchEncryptionEnabled"]
            )
        if wanted["s3BucketName"]:
            yield from self._of_bucket(wanted["s3BucketName"], encrypted=wanted["s3EncryptionEnabled"])

    def _of_key(self, key_id: str, what: str) -> Iterator[tuple[Cause, str]]:
        named = f"the {what} {key_id}"
        try:
            key = self._client("kms").describe_key(KeyId=key_id)["KeyMetadata"]
        except NOT_DONE as failed:
            if _code(failed) in _NO_KEY:
                yield Cause.ENCRYPTION, f"{named} does not exist"
            else:
                yield self._failure(named, "kms", failed)
            return
        if key["KeyState"] != "Enabled":
            until = f", it goes on {key['DeletionDate']:%Y-%m-%d}" if key.get("DeletionDate") else ""
            yield Cause.ENCRYPTION, f"{named} is {key['KeyState']}{until}; enable it, or cancel its deletion"
        if (key.get("KeySpec"), key.get("KeyUsage")) != ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"):
            kind = f"{key.get('KeySpec')}, {key.get('KeyUsage')}"
            yield Cause.ENCRYPTION, f"{named} is not symmetric ({kind}); name one for encryption and decryption"

    def _of_log_group(self, name: str, *, encrypted: bool) -> Iterator[tuple[Cause, str]]:
        try:
            pages = self._client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
            group = next((each for page in pages for each in page["logGroups"] if each["logGroupName"] == name), None)
        except NOT_DONE as failed:
            yield self._failure(f"the log group {name}", "logs", failed)
            return
        if group is None:
            yield Cause.MISSING, f"the log group {name} does not exist"
        elif encrypted and not group.get("kmsKeyId"):
            remedy = "give it a KMS key, or set shell-access:sessionManager.cwEncryptionEnabled to false"
            yield Cause.ENCRYPTION, f"the log group {name} is not encrypted, and sessions require it; {remedy}"
        elif encrypted:
            yield from self._of_key(group["kmsKeyId"], f"key of the log group {name}")

    def _of_bucket(self, name: str, *, encrypted: bool) -> Iterator[tuple[Cause, str]]:
        s3 = self._client("s3")
        try:
            if encrypted:
                s3.get_bucket_encryption(Bucket=name)
            else:
                s3.head_bucket(Bucket=name)
        except NOT_DONE as failed:
            code = _code(failed)
            if code in _NO_BUCKET:
                yield Cause.MISSING, f"the bucket {name} does not exist"
            elif code in _NOT_ENCRYPTED:
                yield Cause.ENCRYPTION, f"the bucket {name} is not encrypted, and sessions require it"
            elif encrypted or code not in _FORBIDDEN:
                yield self._failure(f"the bucket {name}", "s3", failed)
            # A bucket that refuses is there; whether nodes may write to it cannot be seen from here.

    def _failure(self, what: str, service: str, failed: Exception) -> tuple[Cause, str]:
        why = why_not(failed, service, self._region, lambda: self._clients.caller_arn(self._region))
        return why.cause, f"{what} cannot be looked at: {why.reason}; {why.remedy}"

    def _client(self, service: str) -> Any:
        return self._clients.client(service, self._region)


def _code(failed: Exception) -> str:
    return code_of(failed) if isinstance(failed, ClientError) else ""
