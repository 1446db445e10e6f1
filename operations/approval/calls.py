"""Calls to AWS whose errors state the cause in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from common.aws.failures import IncompleteListingError, MalformedAnswerError
from operations.inventory.reader import code_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_REFUSED: Final = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")


class CallError(Exception):
    """A call to AWS failed; the message has the call, the cause and the fix.

    Attributes:
        read_so_far: Results of a listing's earlier pages, by the names of its lists; None: none, or not a listing.
    """

    read_so_far: Mapping[str, list[Any]] | None = None


def called(action: str, call: Callable[..., Any], **arguments: Any) -> Any:
    """Call AWS.

    Args:
        action: IAM action, such as `ssm:SendAutomationSignal`.
        call: Method of a boto3 client.
        arguments: Arguments of the method.

    Raises:
        CallError: The call failed.
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
