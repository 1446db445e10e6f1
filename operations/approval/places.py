"""The instance and the operator of a request, resolved before the request is made."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from components.approval.names import OPERATOR_POLICY_NAME
from components.approval.runbook import INSTANCE_PATTERN
from operations.approval.calls import CallError
from operations.approval.runs import recent
from operations.approval.tags import holders
from operations.inventory.instances import Finder, NoConnectionError, UnreadInstanceError
from operations.inventory.reader import Reader, ReadFailure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from operations.approval.asking import Wanted
    from operations.approval.desk import Desk
    from operations.approval.people import Principal


def find_instance(desk: Desk, wanted: str) -> tuple[str, str]:
    """Return ID and name of an instance that is ready for a session.

    Args:
        desk: Context of the command.
        wanted: ID or Name tag. The runbook checks an ID that cannot be resolved here.

    Raises:
        CallError: The instance does not exist, is not online, or several match.
    """
    regions = desk.workflow.regions or (desk.workflow.region,)
    finder = Finder(desk.clients, regions, desk.identity)
    try:
        found = finder.find(wanted)
    except UnreadInstanceError as problem:
        if re.fullmatch(INSTANCE_PATTERN, wanted):
            return wanted, ""
        raise CallError(f"{problem}.") from None
    except NoConnectionError as problem:
        raise CallError(f"{problem}") from None
    problem = finder.problem(found)
    if problem:
        raise CallError(f"{problem}.")
    return found.id, found.name


def find_operator(desk: Desk, principal: Principal) -> Principal:
    """Return an operator with the name as IAM spells it, as the runbook accepts no other case.

    Args:
        desk: Context of the command.
        principal: Role or user. The runbook checks it where the operators cannot be read.

    Raises:
        CallError: The principal does not have the operators' policy.
    """
    reader = Reader(desk.clients, desk.workflow.region, desk.identity.arn)
    operators = holders(desk, reader)
    if isinstance(operators, ReadFailure):
        return principal
    found = next((each for each in operators if each.is_same(principal)), None)
    if found:
        return found
    listed = ", ".join(sorted(map(str, operators))) or "none"
    raise CallError(
        f"{principal} is not an operator: it does not have the policy {OPERATOR_POLICY_NAME}. Operators: {listed}. "
        "Add it to operatorRoles or operatorUsers of shell-access:approval, or name one with --as-role or --as-user."
    )


def check_duplicates(desk: Desk, wanted: Wanted) -> None:
    """Check that the same session is not already requested or granted, as far as the requests can be read.

    Raises:
        CallError: It is already requested or granted.
    """
    try:
        requests = recent(desk, last=0)
    except CallError:
        return
    for each in requests:
        if each.state.is_open and each.instance == wanted.instance and wanted.principal.is_same(each.principal):
            raise CallError(
                f"{wanted.principal} has a request for {wanted.instance} already, which is {each.state}: run {each.id}. "
                f"Follow it: python -m operations status {each.id}{desk.options}. To request another one: --again."
            )


def names_of(desk: Desk, instances: Iterable[str]) -> dict[str, str]:
    """Return the Name tags of instances by ID, as far as they can be read."""
    wanted = sorted({each for each in instances if re.fullmatch(INSTANCE_PATTERN, each)})
    found: dict[str, str] = {}
    for region in (desk.workflow.regions or (desk.workflow.region,)) if wanted else ():
        reader = Reader(desk.clients, region, desk.identity.arn)
        by_id = [{"Name": "instance-id", "Values": wanted}]
        answer = reader.read("ec2", "describe_instances", Filters=by_id)
        if answer is None or isinstance(answer, ReadFailure):
            continue
        for group in answer.get("Reservations", ()):
            for each in group["Instances"]:
                name = next((tag["Value"] for tag in each.get("Tags", ()) if tag["Key"] == "Name"), "")
                found |= {each["InstanceId"]: name} if name else {}
    return found
