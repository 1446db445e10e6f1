"""Failures of AWS calls, by remedy."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    PaginationError,
    PartialCredentialsError,
)
from botocore.exceptions import ConnectionError as NoConnectionError

from common.aws.denials import denial_in
from common.problems import clipped, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


NO_ANSWER: Final = (HTTPClientError, NoConnectionError)
"""Exceptions of botocore where no response arrives."""

NOT_DONE: Final = (ClientError, BotoCoreError)
"""All exceptions of botocore."""

MALFORMED_ERROR: Final = "MalformedAnswer"
"""Code of an error whose body is not AWS' format."""

MALFORMED_ANSWERS: Final[list[str]] = []
"""Malformed responses in this process: a command that received one never succeeds."""

_ACTIONS: Final = {
    "organizations:ListAwsServiceAccessForOrganization": "organizations:ListAWSServiceAccessForOrganization",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:ListObjectsV2": "s3:ListBucket",
    "resourcegroupstaggingapi:GetResources": "tag:GetResources",
}
"""IAM actions that are not named like the operation (Service Authorization Reference)."""

_PREFIXES: Final = {"service-quotas": "servicequotas", "sso-admin": "sso"}
"""Prefixes of IAM actions that are not named like the service in boto3."""

_REFUSED: Final = frozenset(
    {
        *("403", "AccessDenied", "AccessDeniedException", "AllAccessDisabled", "AuthorizationError", "Forbidden"),
        *("NotAuthorized", "UnauthorizedOperation"),
    }
)
"""Codes of denials; Amazon SNS has one of its own (API references, "Common Errors")."""
_NOT_KNOWN_HERE: Final = frozenset(
    {"AuthFailure", "InvalidAccessKeyId", "InvalidClientTokenId", "OptInRequired", "UnrecognizedClientException"}
)
"""Codes from a Region that is not enabled (Account Management Reference Guide, "Enable or disable Regions")."""
_WITHOUT_CREDENTIALS: Final = (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError)
_EXPIRED: Final = ("the credentials have expired", "log in again")
_OUT_OF_TIME: Final = ("the time of the request differs from that of AWS", "set the clock of this computer")
_CREDENTIALS: Final = {
    **dict.fromkeys(("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"), _EXPIRED),
    **dict.fromkeys(("RequestExpired", "RequestTimeTooSkewed"), _OUT_OF_TIME),
}
"""Reason and remedy by code of an error about the credentials of a request, or its time."""
_FAULT_OF_THE_SERVICE: Final = 500
_AGAIN: Final = "then try again"
THROTTLED: Final = frozenset(
    {
        *("RequestLimitExceeded", "RequestThrottled", "RequestThrottledException", "SlowDown", "ThrottledException"),
        *("Throttling", "ThrottlingException", "TooManyRequestsException"),
        *("BandwidthLimitExceeded", "EC2ThrottledException", "PriorRequestNotComplete"),
    }
)


class MalformedAnswerError(BotoCoreError):
    """A response does not match the operation."""

    fmt = "{operation}: expected an answer of AWS, got {found}"

    def __init__(self, *, operation: str, found: str) -> None:
        """Initialize and record the error.

        Args:
            operation: Name of the operation, and of the structure if known.
            found: Mismatch, without values, which may be secret.
        """
        super().__init__(operation=operation, found=found)
        MALFORMED_ANSWERS.append(str(self))


class MissingMemberError(MalformedAnswerError, KeyError):
    """A structure of a response lacks a member that AWS always returns; a `KeyError`, as mappings raise."""

    def __str__(self) -> str:
        """Return the message; `KeyError` would return its representation."""
        return str(self.args[0])


class IncompleteListingError(BotoCoreError):
    """A listing exceeds its limits; `read_so_far` has what was read before."""

    fmt = "{operation}: the listing is incomplete: {why}"


class FailureCause(StrEnum):
    """Cause of a failure."""

    ENCRYPTION = "encryption"
    MISSING = "missing"
    PERMISSION = "permission"
    NETWORK = "network"
    REGION = "Region"
    CREDENTIALS = "credentials"
    THROTTLING = "throttling"
    SERVICE = "service"


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A failed call.

    `action` is the IAM action that the call requires, `kms:DescribeKey`; reason and remedy are sentences without a full
    stop.
    """

    action: str
    cause: FailureCause
    reason: str
    remedy: str

    def __str__(self) -> str:
        """Return the failure for a message, without a full stop."""
        return f"{self.cause}: {self.reason}; {self.remedy}"


SERVICE: Final = "Service"
"""Key in the metadata of an error, with the service that was called, as boto3 names it."""

_LONGEST_MESSAGE: Final = 2_000
"""Characters of AWS' message in an error; those of AWS are shorter, and a command may repeat one for each of its checks."""


def action_of(service: str, operation: str) -> str:
    """Return the IAM action that allows an operation: `kms:DescribeKey` for `describe_key`."""
    prefix = _PREFIXES.get(service, service)
    named = f"{prefix}:{''.join(part.capitalize() for part in operation.split('_'))}"
    return _ACTIONS.get(named, named)


def code_of(refused: ClientError) -> str:
    """Return the code of an error."""
    return str(refused.response.get("Error", {}).get("Code", ""))


def failure_of(action: str, failed: Exception, region: str, caller: str) -> Failure:
    """Return why the call of an IAM action, or of an operation in the same form, failed, and the remedy."""
    action = _ACTIONS.get(action, action)
    cause, reason, remedy = (
        _answered(action, failed, region, caller) if isinstance(failed, ClientError) else _unanswered(failed, region)
    )
    return Failure(action=action, cause=cause, reason=reason, remedy=remedy)


def _unanswered(failed: Exception, region: str) -> tuple[FailureCause, str, str]:
    message = sentence(str(failed))
    if isinstance(failed, _WITHOUT_CREDENTIALS):
        remedy = f"provide credentials as for pulumi (aws: settings, environment, shared files), {_AGAIN}"
        return FailureCause.CREDENTIALS, message, remedy
    if isinstance(failed, MalformedAnswerError):
        return FailureCause.SERVICE, f"malformed answer: {message}", _elsewhere(region)
    if isinstance(failed, IncompleteListingError | PaginationError):
        return FailureCause.SERVICE, message, _elsewhere(region)
    remedy = f"check the network path to AWS in {region} (network, proxy, AWS_ENDPOINT_URL, aws:endpoints), {_AGAIN}"
    return FailureCause.NETWORK, f"no answer: {message}", remedy


def _elsewhere(region: str) -> str:
    return (
        f"check for a proxy or another endpoint in place of AWS in {region} (AWS_ENDPOINT_URL, aws:endpoints), {_AGAIN}"
    )


def _answered(action: str, failed: ClientError, region: str, caller: str) -> tuple[FailureCause, str, str]:
    code = code_of(failed)
    message = sentence(str(failed.response.get("Error", {}).get("Message") or code))
    if code in _REFUSED:
        denial = denial_in(message)
        remedy = denial.remedy(action, caller) if denial else f"allow {action} to {caller}"
        return FailureCause.PERMISSION, f"refused: {message}", f"{remedy}, {_AGAIN}"
    if code in _NOT_KNOWN_HERE:
        reason = (
            f"{region} does not know these credentials, which is how a Region that is not enabled answers: {message}"
        )
        remedy = f"aws account enable-region --region-name {region}, or remove {region} from shell-access:regions"
        return FailureCause.REGION, reason, remedy
    if code in _CREDENTIALS:
        reason, remedy = _CREDENTIALS[code]
        return FailureCause.CREDENTIALS, f"{reason}: {message}", f"{remedy}, {_AGAIN}"
    if code in THROTTLED:
        return FailureCause.THROTTLING, f"throttled: {message}", "try again in a few minutes"
    if code == MALFORMED_ERROR:
        return FailureCause.SERVICE, f"malformed answer: {message}", _elsewhere(region)
    status = int(failed.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    remedy = "try again in a few minutes" if status >= _FAULT_OF_THE_SERVICE else f"see the error message, {_AGAIN}"
    return FailureCause.SERVICE, f"{sentence(code)}: {message}", remedy


def sentence(text: str) -> str:
    """Return a text of AWS as one line that can be shown, without a full stop at its end, and clipped if it is very long."""
    return clipped(visible(" ".join(text.split())), _LONGEST_MESSAGE).removesuffix(".")


_REFUSED_PRINCIPAL: Final = re.compile(r"User: (\S+) is not authorized")


class ResourceError(Exception):
    """The document cannot be brought to the desired content; the live one has not been weakened.

    Attributes:
        cause: Cause of the failure; None: the document itself.
    """

    def __init__(self, message: str, cause: FailureCause | None = None) -> None:
        super().__init__(message)
        self.cause = cause


@contextmanager
def explained(what: str, service: str, region: str, caller: Callable[[], str]) -> Generator[None]:
    """Translate exceptions of botocore to a `ResourceError` with cause and remedy.

    `caller` returns the ARN of the caller; it is called only where AWS' message lacks it.
    """
    try:
        yield
    except NOT_DONE as failed:
        why = why_not(failed, service, region, caller)
        raise ResourceError(f"{what}: {why}", why.cause) from failed


def why_not(failed: Exception, service: str, region: str, caller: Callable[[], str]) -> Failure:
    """Return the failure that an exception of botocore describes, by its remedy.

    An error of AWS names its own service. For `caller`, see `explained`.
    """
    operation = "*"
    if isinstance(failed, ClientError):
        operation = failed.operation_name
        service = str(failed.response.get("ResponseMetadata", {}).get(SERVICE, service))
    return failure_of(f"{_PREFIXES.get(service, service)}:{operation}", failed, region, _principal(failed, caller))


def _principal(failed: Exception, caller: Callable[[], str]) -> str:
    named = _REFUSED_PRINCIPAL.search(str(failed))
    if named:
        return named[1]
    return caller() if isinstance(failed, ClientError) else ""
