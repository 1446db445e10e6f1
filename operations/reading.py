"""Reads from AWS without ever failing: an answer, nothing there, or the reason why it cannot be told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from components.aws_failures import NO_ANSWER, Cause, MalformedAnswerError, action_of, code_of, failure_of, sentence
from components.aws_session import UnsupportedConfigurationError
from operations.errors import UnusableError

Answer = Mapping[str, Any]

_PRINCIPAL: Final = re.compile(r"arn:aws[a-z-]*:(iam|sts)::\d{12}:.+")


class Clients(Protocol):
    """Makes clients, as `components.aws_session.AwsClients` does."""

    def client(self, service: str, region: str) -> Any:
        """A client of `service` (`ssm`, `kms`, ...) in a Region."""


@dataclass(frozen=True, kw_only=True)
class Unread:
    """A fact that cannot be told.

    Attributes:
        action: the IAM action that the call needs, `kms:DescribeKey`.
        cause: why there was no answer.
        remedy: what to do about it.
        refused: somebody may read it, but not the caller.
        read_so_far: Of a listing, by the names of its lists: what the pages before had.
    """

    action: str
    cause: str
    remedy: str
    refused: bool = False
    read_so_far: Answer = field(default_factory=dict[str, Any], compare=False)


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who reads.

    Attributes:
        account_id: 12 digits.
        partition: `aws`, `aws-cn`, `aws-us-gov`.
        arn: of the user or the session.
    """

    account_id: str
    partition: str
    arn: str


class Reader:
    """Reads from one Region."""

    def __init__(self, clients: Clients, region: str, caller: str) -> None:
        """Makes a reader.

        Args:
            clients: to read with.
            region: to read from.
            caller: ARN of who reads, for remedies.
        """
        self.region = region
        self._clients = clients
        self._caller = caller
        self._unreachable: dict[str, Exception] = {}

    def elsewhere(self, region: str) -> Reader:
        """A reader for another Region."""
        return Reader(self._clients, region, self._caller)

    def read(
        self, service: str, operation: str, absent: tuple[str, ...] = (), **arguments: Any
    ) -> Answer | Unread | None:
        """Makes one call, following its pages.

        Args:
            service: as boto3 names it, `ssm`.
            operation: as boto3 names it, `describe_document`.
            absent: error codes that mean that there is nothing; the answer is then None.
            arguments: of the operation.
        """
        action = action_of(service, operation)
        if service in self._unreachable:
            # Each try takes a minute or more, and the others would end the same.
            return self._unread(action, self._unreachable[service])
        try:
            client = self._clients.client(service, self.region)
            if client.can_paginate(operation):
                return client.get_paginator(operation).paginate(**arguments).build_full_result()
            return getattr(client, operation)(**arguments)
        except ClientError as refused:
            return None if code_of(refused) in absent else self._unread(action, refused)
        except NO_ANSWER as failed:
            self._unreachable[service] = failed
            return self._unread(action, failed)
        except (BotoCoreError, ValueError) as failed:
            return self._unread(action, failed)

    def _unread(self, action: str, failed: Exception) -> Unread:
        return unread(action, failed, self.region, self._caller)


def identify(clients: Clients, region: str) -> Identity | Unread:
    """Who the credentials belong to, after the roles that are to be assumed.

    Args:
        clients: to ask with.
        region: whose STS is asked.

    Raises:
        UnusableError: there are no credentials, or the configuration of AWS cannot be followed.
    """
    try:
        return _identity(clients.client("sts", region).get_caller_identity())
    except (ClientError, MalformedAnswerError, *NO_ANSWER) as failed:
        operation = failed.operation_name if isinstance(failed, ClientError) else "GetCallerIdentity"
        return unread(f"sts:{operation}", failed, region, "the credentials in use")
    except (BotoCoreError, ValueError, UnsupportedConfigurationError) as wrong:
        raise UnusableError(
            f"AWS cannot be asked with these credentials and settings: {sentence(str(wrong))}. They are the stack's aws: "
            "settings, the environment and the shared files, as for pulumi."
        ) from None


def _identity(answer: Answer) -> Identity:
    arn = str(answer["Arn"])
    if not _PRINCIPAL.fullmatch(arn):
        raise MalformedAnswerError(operation="GetCallerIdentity", found="no ARN in Arn")
    return Identity(account_id=answer["Account"], partition=arn.split(":")[1], arn=arn)


def unread(action: str, failed: Exception, region: str, caller: str) -> Unread:
    """Why a call gave no answer, and what to do about it.

    Args:
        action: IAM's name of the call.
        failed: what was raised.
        region: that was asked.
        caller: ARN of who asked.
    """
    why = failure_of(action, failed, region, caller)
    so_far: Answer = getattr(failed, "read_so_far", {})
    number = sum(len(each) for each in so_far.values())
    return Unread(
        action=action,
        cause=f"{why.reason}; incomplete, {number} read so far" if number else why.reason,
        remedy=why.remedy,
        refused=why.cause is Cause.PERMISSION,
        read_so_far=so_far,
    )
