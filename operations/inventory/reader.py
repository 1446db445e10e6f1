"""Calls to AWS that do not raise errors: they return a response, None, or the reason for a failure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from common.aws import failures
from common.aws.answers import ListingLimits
from common.aws.arns import split_arn
from common.aws.session import AwsClients, UnsupportedConfigurationError
from operations.errors import UnusableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from common.aws.session import Clients
    from operations.stack import StackConfiguration

Answer = Mapping[str, Any]
P = ParamSpec("P")
T = TypeVar("T")

_PRINCIPAL: Final = re.compile(r"arn:aws[a-z-]*:(iam|sts)::\d{12}:.+")


@dataclass(frozen=True, kw_only=True)
class ReadFailure:
    """A fact that cannot be read.

    Attributes:
        action: IAM action that the call requires, `kms:DescribeKey`.
        refused: Whether the caller lacks the permission, which others may have.
        read_so_far: For a listing, the items of the pages before, by the names of its lists.
    """

    action: str
    cause: str
    remedy: str
    refused: bool = False
    read_so_far: Answer = field(default_factory=dict[str, Any], compare=False)

    @property
    def explanation(self) -> str:
        """The cause, with the action that the caller needs."""
        return f"{self.action}: {self.cause}"


@dataclass(frozen=True, kw_only=True)
class Identity:
    """The caller.

    Attributes:
        partition: `aws`, `aws-cn`, `aws-us-gov`.
        arn: ARN of the user or the session.
    """

    account_id: str
    partition: str
    arn: str


class ReadError(Exception):
    """A failed read within a function that `returns_failure` decorates."""

    def __init__(self, failure: ReadFailure) -> None:
        super().__init__(failure.cause)
        self.failure = failure


def attempt(read: Callable[[], T]) -> T | ReadFailure:
    """Return what `read` returns, or the failure of a read that it makes."""
    try:
        return read()
    except ReadError as error:
        return error.failure


def returns_failure(read: Callable[P, T]) -> Callable[P, T | ReadFailure]:
    """Return the failure of a read that `read` makes, instead of raising it."""

    @wraps(read)
    def returning(*arguments: P.args, **options: P.kwargs) -> T | ReadFailure:
        return attempt(partial(read, *arguments, **options))

    return returning


def known(value: T | ReadFailure) -> T:
    """Return a value that was read.

    Raises:
        ReadError: It was not read.
    """
    if isinstance(value, ReadFailure):
        raise ReadError(value)
    return value


class Reader:
    """Reader of one Region."""

    def __init__(self, clients: Clients, region: str, caller: str) -> None:
        """Create a reader."""
        self.region = region
        self._clients = clients
        self._caller = caller
        self._unreachable: dict[str, Exception] = {}

    def elsewhere(self, region: str) -> Reader:
        """Return a reader of another Region."""
        return Reader(self._clients, region, self._caller)

    def read(
        self, service: str, operation: str, absent: tuple[str, ...] = (), **arguments: Any
    ) -> Answer | ReadFailure | None:
        """Make one call, with all pages; the names of service and operation are those of boto3.

        `absent` are error codes of an absent resource, for which the result is None.
        """
        action = failures.action_of(service, operation)
        if service in self._unreachable:
            # Each attempt takes a minute or more, and would fail the same way.
            return self.unread(action, self._unreachable[service])
        try:
            client = self._clients.client(service, self.region)
            if client.can_paginate(operation):
                return client.get_paginator(operation).paginate(**arguments).build_full_result()
            return getattr(client, operation)(**arguments)
        except ClientError as refused:
            return None if failures.code_of(refused) in absent else self.unread(action, refused)
        except failures.NO_ANSWER as failed:
            self._unreachable[service] = failed
            return self.unread(action, failed)
        except (BotoCoreError, ValueError) as failed:
            return self.unread(action, failed)

    def find(self, service: str, operation: str, absent: tuple[str, ...] = (), **arguments: Any) -> Answer | None:
        """Make one call as `read`.

        Raises:
            ReadError: The call failed.
        """
        answer = self.read(service, operation, absent, **arguments)
        if isinstance(answer, ReadFailure):
            raise ReadError(answer)
        return answer

    def get(self, service: str, operation: str, **arguments: Any) -> Answer:
        """Make one call as `find`, of an operation without an error code for absent resources."""
        return self.find(service, operation, **arguments) or {}

    def items(self, service: str, operation: str, key: str, **arguments: Any) -> list[Any]:
        """Make one call as `get`, and return the list under a key of the response."""
        return list(self.get(service, operation, **arguments).get(key, ()))

    def pages(self, service: str, operation: str, **arguments: Any) -> Iterator[Answer]:
        """Make the calls of a listing for which botocore has no paginator, and yield the answers.

        Raises:
            ReadError: A call failed, or the listing has no end.
        """
        limits, following = ListingLimits(operation), dict[str, str]()
        while True:
            page = self.get(service, operation, **arguments, **following)
            following = {"NextToken": page["NextToken"]} if page.get("NextToken") else {}
            try:
                limits.check(following.get("NextToken", ""))
            except failures.IncompleteListingError as endless:
                raise ReadError(self.unread(failures.action_of(service, operation), endless)) from None
            yield page
            if not following:
                return

    def unread(self, action: str, failed: Exception) -> ReadFailure:
        """Return the reason why a call failed, or why its answer cannot be used."""
        return read_failure(action, failed, self.region, self._caller)


def aws_clients(stack: StackConfiguration) -> AwsClients:
    """Return clients with the credentials and settings of a stack's AWS provider.

    Raises:
        UnusableError: A setting of the provider is not supported here.
    """
    try:
        return AwsClients(stack.value)
    except UnsupportedConfigurationError as wrong:
        raise UnusableError(str(wrong)) from None


def identify(clients: Clients, region: str) -> Identity | ReadFailure:
    """Return the identity of the credentials, after all configured roles are assumed.

    Raises:
        UnusableError: There are no credentials, or the AWS configuration cannot be used.
    """
    try:
        return _identity(clients.client("sts", region).get_caller_identity())
    except (ClientError, failures.MalformedAnswerError, *failures.NO_ANSWER) as failed:
        operation = failed.operation_name if isinstance(failed, ClientError) else "GetCallerIdentity"
        return read_failure(f"sts:{operation}", failed, region, "the credentials in use")
    except (BotoCoreError, ValueError, UnsupportedConfigurationError) as wrong:
        raise UnusableError(
            f"Cannot call AWS with the configured credentials: {failures.sentence(str(wrong))}. Check the stack's "
            "aws: settings, the environment and the shared files."
        ) from None


def known_identity(clients: Clients, region: str) -> Identity:
    """Return the identity of the credentials.

    Raises:
        UnusableError: As `identify`, or AWS does not return it.
    """
    found = identify(clients, region)
    if isinstance(found, ReadFailure):
        raise UnusableError(
            f"Cannot call AWS with the configured credentials: {found.explanation}. Remedy: {found.remedy}."
        )
    return found


def _identity(answer: Answer) -> Identity:
    arn = str(answer["Arn"])
    if not _PRINCIPAL.fullmatch(arn):
        raise failures.MalformedAnswerError(operation="GetCallerIdentity", found="no ARN in Arn")
    return Identity(account_id=answer["Account"], partition=split_arn(arn).partition, arn=arn)


def read_failure(action: str, failed: Exception, region: str, caller: str) -> ReadFailure:
    """Return the reason why a call failed, and the remediation."""
    why = failures.failure_of(action, failed, region, caller)
    so_far: Answer = getattr(failed, "read_so_far", {})
    number = sum(len(each) for each in so_far.values())
    return ReadFailure(
        action=action,
        cause=f"{why.reason}; incomplete, {number} read so far" if number else why.reason,
        remedy=why.remedy,
        refused=why.cause is failures.FailureCause.PERMISSION,
        read_so_far=so_far,
    )
