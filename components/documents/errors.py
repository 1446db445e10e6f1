"""Errors of document operations, with cause and remedy."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from common.aws.failures import NOT_DONE, Cause, Failure, failure_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

_REFUSED_PRINCIPAL: Final = re.compile(r"User: (\S+) is not authorized")


class DocumentError(Exception):
    """The document cannot be brought to the desired content; the live one has not been weakened.

    Attributes:
        cause: Cause of the failure; None: the document itself.
    """

    def __init__(self, message: str, cause: Cause | None = None) -> None:
        super().__init__(message)
        self.cause = cause


@contextmanager
def explained(what: str, service: str, region: str, caller: Callable[[], str]) -> Generator[None]:
    """Translate exceptions of botocore to a `DocumentError` with cause and remedy.

    Args:
        what: Subject of the operation, `SSM-SessionManagerRunShell in eu-west-1`.
        service: Service that is called, `ssm`.
        region: Region that is called.
        caller: Function that returns the ARN of the caller; called only where AWS' message lacks it.
    """
    try:
        yield
    except NOT_DONE as failed:
        why = why_not(failed, service, region, caller)
        raise DocumentError(f"{what}: {why.cause}: {why.reason}; {why.remedy}", why.cause) from failed


def why_not(failed: Exception, service: str, region: str, caller: Callable[[], str]) -> Failure:
    """Return the failure that an exception of botocore describes, by its remedy.

    Args:
        failed: Exception of botocore.
        service: Service that was called, `ssm`.
        region: Region that was called.
        caller: Function that returns the ARN of the caller; called only where AWS' message lacks it.
    """
    operation = failed.operation_name if isinstance(failed, ClientError) else "*"
    return failure_of(f"{service}:{operation}", failed, region, _principal(failed, caller))


def _principal(failed: Exception, caller: Callable[[], str]) -> str:
    named = _REFUSED_PRINCIPAL.search(str(failed))
    if named:
        return named[1]
    return caller() if isinstance(failed, ClientError) else ""
