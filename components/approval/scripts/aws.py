"""Calls to AWS that the runbooks' scripts share. Data: see `components.approval.script`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

Json = dict[str, Any]
LEFT_TO = "was left to the run"
"""Text with which the release of a grant reports that another run grants the same."""


class RefusedError(Exception):
    """The request is not granted; the text says why."""


def client(service: str, region: str | None = None) -> Any:
    """Return a client that gives up in time for the step."""
    # Imported here, because the policy pack and commands use the scripts' functions about documents alone.
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    make: Any = getattr(boto3, "client")  # noqa: B009 -- its overloads name every service there is
    patience = Config(connect_timeout=3, read_timeout=8, retries={"mode": "standard", "max_attempts": 5})
    return make(service, region_name=region, config=patience)


def code_of(failure: ClientError) -> str:
    """Return the code of an error."""
    return failure.response.get("Error", {}).get("Code", "")


def get_run(ssm: Any, execution: str) -> Json:
    """Return a run as Systems Manager shows it."""
    return ssm.get_automation_execution(AutomationExecutionId=execution)["AutomationExecution"]


def listed(value: Any) -> list[Any]:
    """Return a value as a list: policies and decisions hold one or several."""
    return cast("list[Any]", value) if isinstance(value, list) else [value]
