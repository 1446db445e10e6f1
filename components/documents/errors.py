"""What ends the work on a document, in the words of the person who has to mend it."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from components.aws_failures import NOT_DONE, Cause, Failure, failure_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

_REFUSED_PRINCIPAL: Final = re.compile(r"User: (\S+) is not authorized")


class DocumentError(Exception):
    """The document cannot be brought to what is asked for; the live one has not been weakened.

    Attributes:
        cause: what it has to do with; None where it is about the document itself.
    """

    def __init__(self, message: str, cause: Cause | None = None) -> None:
        super().__init__(message)
        self.cause = cause


@contextmanager
def explained(what: str, service: str, region: str, caller: Callable[[], str]) -> Generator[None]:
    """Turns what botocore raises into a `DocumentError` that says why, and what to do about it.

    Args:
        what: was worked on, `SSM-SessionManagerRunShell in eu-west-1`.
        service: that is called, `ssm`.
        region: that is called.
        caller: gives the ARN of who calls; asked only where AWS does not say it.
    """
    try:
        yield
    except NOT_DONE as failed:
        why = why_not(failed, service, region, caller)
        raise DocumentError(f"{what}: {why.cause}: {why.reason}; {why.remedy}", why.cause) from failed


def why_not(failed: Exception, service: str, region: str, caller: Callable[[], str]) -> Failure:
    """What botocore raised, told apart by what a person has to do about it.

    Args:
        failed: what was raised.
        service: that was called, `ssm`.
        region: that was called.
        caller: gives the ARN of who called; asked only where AWS does not say it.
    """
    operation = failed.operation_name if isinstance(failed, ClientError) else "*"
    return failure_of(f"{service}:{operation}", failed, region, _principal(failed, caller))


def _principal(failed: Exception, caller: Callable[[], str]) -> str:
    named = _REFUSED_PRINCIPAL.search(str(failed))
    if named:
        return named[1]
    return caller() if isinstance(failed, ClientError) else ""
