"""Prerequisites of a preferences document: key, log group and bucket, checked before the document is published.

A session fails, or is not logged, if its key cannot be used, or if its log group or bucket does not exist or is not
encrypted as the document requires (Systems Manager User Guide, "Logging session activity" and "Turn on KMS key
encryption of session data"). `log_encryption.py` defines what SSM Agent accepts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from common.aws.failures import NOT_DONE, FailureCause, ResourceError, code_of, why_not
from components.session_manager.document import DOCUMENT_NAME
from components.session_manager.log_encryption import (
    DefaultEncryption,
    algorithm_problem,
    default_encryption,
    key_problem,
    key_reference,
    managed_key_problem,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from common.aws.session import AwsClients
    from components.session_manager.document import Preferences

_NO_KEY: Final = frozenset({"NotFoundException"})
_NO_BUCKET: Final = frozenset({"404", "NoSuchBucket", "NotFound"})
_NOT_ENCRYPTED: Final = frozenset({"ServerSideEncryptionConfigurationNotFoundError"})
_FORBIDDEN: Final = frozenset({"403", "AccessDenied", "Forbidden"})
_SECTION: Final = "shell-access:sessionManager"

Problem = tuple[FailureCause, str]


@dataclass(frozen=True, kw_only=True)
class LogBucket:
    """Bucket for session logs, as configured.

    The name is empty where sessions are not logged to a bucket. With a `key_arn`, no other key may encrypt it.
    """

    name: str
    owner: str
    key_arn: str = ""
    is_encrypted: bool = False


class _AnotherOwnerError(Exception):
    """The caller can read the bucket, but its owner is not the expected one."""


class PrerequisiteReader:
    """Reads the key, the log group and the bucket of one Region."""

    def __init__(self, clients: AwsClients, region: str, account_id: str, *, reads_keys: bool = True) -> None:
        """Initialize without a call."""
        self._clients = clients
        self._region = region
        self._account_id = account_id
        self._reads_keys = reads_keys

    def check(self, desired: Preferences, bucket: LogBucket) -> None:
        """Check that every resource of the preferences exists and is configured as they require.

        Raises:
            ResourceError: A check fails, or a resource cannot be read; lists all problems, with the cause of the first.
        """
        problems = list(self._problems(desired, bucket))
        if problems:
            listed = "; ".join(f"{cause}: {text}" for cause, text in problems)
            raise ResourceError(
                f"{DOCUMENT_NAME} in {self._region} is not published, and the live document is unchanged: {listed}",
                problems[0][0],
            )

    def _problems(self, desired: Preferences, bucket: LogBucket) -> Iterator[Problem]:
        if desired["kmsKeyId"]:
            yield from self._of_key(desired["kmsKeyId"], "key for session data", self._region)
        if desired["cloudWatchLogGroupName"]:
            yield from self.problems_of_log_group(
                desired["cloudWatchLogGroupName"], encrypted=desired["cloudWatchEncryptionEnabled"]
            )
        if bucket.name:
            yield from self.problems_of_bucket(bucket)

    def _of_key(self, key_id: str, what: str, region: str, expected_arn: str = "") -> Iterator[Problem]:
        named = f"the {what} {key_id}"
        correct = f"{named} is not {expected_arn}; correct {_SECTION}.s3KmsKeyArn or the bucket"
        if not self._reads_keys:
            # The ID of a key and an alias do not show the ARN.
            if expected_arn and ":key/" in key_id and key_id != expected_arn:
                yield FailureCause.ENCRYPTION, correct
            return
        try:
            key = self._client("kms", region).describe_key(KeyId=key_id)["KeyMetadata"]
        except NOT_DONE as failed:
            if _code(failed) in _NO_KEY:
                yield FailureCause.ENCRYPTION, f"{named} does not exist"
            else:
                yield self._failure(named, "kms", failed, region)
            return
        problem = key_problem(key, account_id=self._account_id)
        if problem:
            yield FailureCause.ENCRYPTION, f"{named} {problem}"
        if expected_arn and key["Arn"] != expected_arn:
            yield FailureCause.ENCRYPTION, correct

    def problems_of_log_group(self, name: str, *, encrypted: bool) -> Iterator[Problem]:
        """Return why sessions, which may have to be encrypted, cannot be logged to a log group."""
        try:
            pages = (
                self._client("logs", self._region)
                .get_paginator("describe_log_groups")
                .paginate(logGroupNamePrefix=name)
            )
            group = next((each for page in pages for each in page["logGroups"] if each["logGroupName"] == name), None)
        except NOT_DONE as failed:
            yield self._failure(f"the log group {name}", "logs", failed, self._region)
            return
        if group is None:
            yield FailureCause.MISSING, f"the log group {name} does not exist"
        elif encrypted and not group.get("kmsKeyId"):
            remedy = "give it a KMS key, or set shell-access:sessionManager.cwEncryptionEnabled to false"
            yield FailureCause.ENCRYPTION, f"the log group {name} is not encrypted, and sessions require it; {remedy}"
        elif encrypted:
            yield from self._of_key(group["kmsKeyId"], f"key of the log group {name}", self._region)

    def problems_of_bucket(self, bucket: LogBucket) -> Iterator[Problem]:
        """Return why sessions cannot be logged to a bucket.

        The owner is checked first: an account that claims the bucket's name first would receive the logs.
        """
        named = f"the bucket {bucket.name}"
        try:
            encryption = self._encryption(bucket)
        except _AnotherOwnerError:
            name, owner = f"{_SECTION}.s3BucketName", f"{_SECTION}.s3BucketOwner"
            text = f"{named} is not owned by account {bucket.owner}; correct {name}, or name its owner in {owner}"
            yield FailureCause.MISSING, text
            return
        except NOT_DONE as failed:
            yield self._bucket_failure(bucket, failed)
            return
        problem = algorithm_problem(encryption.algorithm if encryption else None)
        if problem and bucket.is_encrypted:
            yield FailureCause.ENCRYPTION, f"{named} {problem}"
        elif encryption:
            yield from self._of_bucket_key(bucket, encryption)

    def _encryption(self, bucket: LogBucket) -> DefaultEncryption | None:
        """Return the default encryption; a denial gives no reason, so the owner is verified as the reason."""

        def read(**owner: str) -> DefaultEncryption | None:
            try:
                answer = self._client("s3", self._region).get_bucket_encryption(Bucket=bucket.name, **owner)
            except ClientError as failed:
                if _code(failed) in _NOT_ENCRYPTED:
                    return None
                raise
            return default_encryption(answer["ServerSideEncryptionConfiguration"])

        try:
            return read(ExpectedBucketOwner=bucket.owner)
        except ClientError as refused:
            if _code(refused) not in _FORBIDDEN:
                raise
            try:
                read()
            except NOT_DONE:
                raise refused from None
            try:
                return read(ExpectedBucketOwner=bucket.owner)
            except ClientError as again:
                raise _AnotherOwnerError from again

    def _of_bucket_key(self, bucket: LogBucket, encryption: DefaultEncryption) -> Iterator[Problem]:
        # The owner of the AWS managed key does not depend on its Region.
        problem = managed_key_problem(encryption, region=self._region, account_id=self._account_id, owner=bucket.owner)
        if problem:
            yield FailureCause.ENCRYPTION, f"the bucket {bucket.name} {problem}; encrypt it with a customer managed key"
        elif encryption.key:
            what = f"key of the bucket {bucket.name}"
            try:
                region = self._key_region(bucket, encryption.key) if self._reads_keys else ""
            except NOT_DONE as failed:
                yield self._bucket_failure(bucket, failed)
                return
            yield from self._of_key(encryption.key, what, region, bucket.key_arn)
        elif bucket.key_arn:
            correct = f"correct {_SECTION}.s3KmsKeyArn or the bucket"
            has = f"is encrypted with {encryption.algorithm} and not with {bucket.key_arn}"
            yield FailureCause.ENCRYPTION, f"the bucket {bucket.name} {has}; {correct}"

    def _key_region(self, bucket: LogBucket, key: str) -> str:
        """Return the Region of the key: that of its ARN, else the bucket's, where KMS resolves IDs and aliases."""
        if key.startswith("arn:"):
            return key_reference(key, region=self._region, account_id=self._account_id).region
        found = self._client("s3", self._region).head_bucket(Bucket=bucket.name, ExpectedBucketOwner=bucket.owner)
        return found.get("BucketRegion") or self._region

    def _bucket_failure(self, bucket: LogBucket, failed: Exception) -> Problem:
        named, owner = f"the bucket {bucket.name}", f"{_SECTION}.s3BucketOwner"
        if _code(failed) in _NO_BUCKET:
            return FailureCause.MISSING, f"{named} does not exist"
        cause, text = self._failure(named, "s3", failed, self._region)
        if _code(failed) in _FORBIDDEN:
            text += f"; where another account than {bucket.owner} owns it, set {owner}"
        return cause, text

    def _failure(self, what: str, service: str, failed: Exception, region: str) -> Problem:
        why = why_not(failed, service, region, lambda: self._clients.caller_arn(region))
        return why.cause, f"{what} cannot be read: {why.reason}; {why.remedy}"

    def _client(self, service: str, region: str) -> Any:
        return self._clients.client(service, region)


def _code(failed: Exception) -> str:
    return code_of(failed) if isinstance(failed, ClientError) else ""
