"""Calls to AWS that tell in one sentence why they failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from operations.reading import code_of

if TYPE_CHECKING:
    from collections.abc import Callable

_REFUSED: Final = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")


class CallError(Exception):
    """AWS did not do what was asked; the text says which call, why, and what helps."""


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
        raise CallError(f"{action} failed ({code}): {said}.") from failed
    except (BotoCoreError, ValueError) as failed:
        raise CallError(f"{action} got no answer: {str(failed).rstrip('.')}.") from failed
