"""Calls to AWS that tell in one sentence why they failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from components.aws_failures import IncompleteListingError, MalformedAnswerError
from operations.reading import code_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_REFUSED: Final = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")


class CallError(Exception):
    """AWS did not do what was asked; the text says which call, why, and what helps.

    Attributes:
        read_so_far: Of a listing, by the names of its lists: what the pages before had; None: nothing, or no listing.
    """

    read_so_far: Mapping[str, list[Any]] | None = None


def called(action: str, call: Callable[..., Any], **arguments: Any) -> Any:
    """Makes a call.

    Args:
        action: IAM's name of it, `ssm:SendAutomationSignal`.
        call: a method of a boto3 client.
        arguments: of the method.

    Raises:
        CallError: it failed.
    """
    try:
        return call(**arguments)
    except ClientError as failed:
        code = code_of(failed)
        said = str(failed.response.get("Error", {}).get("Message") or code).rstrip(".")
        if code in _REFUSED:
            raise CallError(f"Refused: {said}. It takes the permission {action}.") from failed
        problem = CallError(f"{action} failed ({code}): {said}.")
        problem.read_so_far = getattr(failed, "read_so_far", None)
        raise problem from failed
    except (BotoCoreError, ValueError) as failed:
        outcome = "failed" if isinstance(failed, MalformedAnswerError | IncompleteListingError) else "got no answer"
        problem = CallError(f"{action} {outcome}: {str(failed).rstrip('.')}.")
        problem.read_so_far = getattr(failed, "read_so_far", None)
        raise problem from failed
