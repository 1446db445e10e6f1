"""Reading of a CloudFormation StackSet from AWS."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from common.aws.session import AwsClients
from operations.errors import UnusableError
from operations.fleet.migration import instances_of, parameters_of
from operations.inventory.reader import read_failure

if TYPE_CHECKING:
    from operations.fleet.migration import StackInstance

_NEEDED = "cloudformation:DescribeStackSet"


def cloudformation_client(region: str | None) -> Any:
    """Return a client with the current credentials.

    Args:
        region: Region of the StackSet. None: the Region of the environment.

    Raises:
        UnusableError: No Region is configured.
    """
    chosen = region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not chosen:
        raise UnusableError("The Region of the StackSet is not known. Give --region, or set AWS_REGION.")
    return AwsClients(lambda _key: None).client("cloudformation", chosen)


def look_up_stack_set(client: Any, name: str, call_as: str) -> tuple[list[tuple[str, str]], list[StackInstance]]:
    """Read parameters and all pages of instances of a StackSet from AWS.

    Args:
        client: CloudFormation client in the Region of the StackSet.
        name: Name of the StackSet.
        call_as: `SELF` or `DELEGATED_ADMIN`.

    Raises:
        UnusableError: AWS did not answer, or the StackSet does not exist.
    """
    whose = {"StackSetName": name, "CallAs": call_as}
    try:
        described = client.describe_stack_set(**whose)["StackSet"]
        listed = client.get_paginator("list_stack_instances").paginate(**whose).build_full_result()
    except (ClientError, BotoCoreError) as failed:
        action = f"cloudformation:{failed.operation_name}" if isinstance(failed, ClientError) else _NEEDED
        why = read_failure(action, failed, str(client.meta.region_name), "the credentials in use")
        raise UnusableError(
            f"The StackSet {name} cannot be read: {why.action}: {why.cause}. Remedy: {why.remedy}. StackSets of an "
            "organization are read from the management account, or with --call-as DELEGATED_ADMIN."
        ) from None
    instances = instances_of(listed.get("Summaries", ()))
    if not instances:
        raise UnusableError(f"The StackSet {name} has no stack instances.")
    return parameters_of(described.get("Parameters", ())), instances
