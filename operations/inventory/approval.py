"""Resources of the approval workflow: documents, schedule, alarms and tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from components.approval.names import RUNBOOK_NAME, TAG_KEY
from operations.approval.lookups import OperatorTag, tags_without_grant
from operations.approval.requests import ApprovalRequest, parse_request
from operations.inventory.iam import NO_ENTITY
from operations.inventory.reader import Answer, returns_failure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from operations.approval.principals import Principal
    from operations.inventory.reader import Reader


_HOLDING: Final = ("InProgress", "Waiting", "Cancelling")
"""Status values of an execution that may hold a tag."""


@returns_failure
def read_schedule(reader: Reader, group: str, name: str) -> Answer | None:
    """Read a schedule in the format of the API."""
    absent = ("ResourceNotFoundException",)
    return reader.find("scheduler", "get_schedule", absent=absent, GroupName=group, Name=name)


@returns_failure
def read_stray_tags(reader: Reader, principals: Iterable[Principal]) -> tuple[OperatorTag, ...]:
    """Read the approval tags without an active grant.

    Args:
        reader: Reader of the workflow's Region.
        principals: Principals that may carry the tag.
    """
    before = _tags(reader, principals)
    if not before:
        return ()
    stray = tags_without_grant(before, _live_requests(reader))
    # An execution may have ended in between, which removes its tag.
    after = _tags(reader, [each.principal for each in stray])
    return tuple(each for each in stray if each in after)


def _tags(reader: Reader, principals: Iterable[Principal]) -> tuple[OperatorTag, ...]:
    found: list[OperatorTag] = []
    for principal in principals:
        kind = principal.kind
        name = {f"{kind.capitalize()}Name": principal.name}
        answer = reader.find("iam", f"list_{kind}_tags", absent=NO_ENTITY, **name) or {}
        # IAM treats keys that differ only in case as the same key.
        found += [
            OperatorTag(principal=principal, value=each["Value"], key=each["Key"])
            for each in answer.get("Tags", ())
            if each["Key"].lower() == TAG_KEY.lower()
        ]
    return tuple(found)


def _live_requests(reader: Reader) -> list[ApprovalRequest]:
    chosen = [
        {"Key": "DocumentNamePrefix", "Values": [RUNBOOK_NAME]},
        {"Key": "ExecutionStatus", "Values": list(_HOLDING)},
    ]
    key = "AutomationExecutionMetadataList"
    listed = reader.items("ssm", "describe_automation_executions", key, Filters=chosen)
    ids = [each["AutomationExecutionId"] for each in listed if each.get("DocumentName") == RUNBOOK_NAME]
    runs = (reader.get("ssm", "get_automation_execution", AutomationExecutionId=each) for each in ids)
    return [parse_request(each["AutomationExecution"]) for each in runs]
