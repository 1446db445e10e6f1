"""EventBridge Scheduler groups. Source: Terraform AWS provider, `internal/service/scheduler/schedule_group.go`."""

from typing import Any, Final

from local.aws_provider import validators
from local.aws_provider.aws import Aws
from local.aws_provider.failure import AwsError
from local.aws_provider.model import Naming, ResourceType, output, text
from local.aws_provider.naming import from_prefix
from local.aws_provider.tags import from_pairs, pairs
from local.aws_provider.wire import Values

delete_seconds = 300
"""Time to wait for the deletion of a group: AWS deletes its schedules first."""
_name_form: Final = validators.matches(r"[0-9A-Za-z_.-]*", "must hold only alphanumeric characters and _.-")


def _create(aws: Aws, wanted: Values) -> str:
    name: str = wanted.get("name") or from_prefix(wanted.get("namePrefix", "pulumi-"))
    aws.call("CreateScheduleGroup", Name=name, Tags=pairs(wanted["tagsAll"]) or None)
    return name


def _read(aws: Aws, name: str, known: Values) -> Values | None:
    found = aws.call("GetScheduleGroup", Name=name)
    arn = found["Arn"]
    return {
        "arn": arn,
        "creationDate": _shown(found.get("CreationDate")),
        "lastModificationDate": _shown(found.get("LastModificationDate")),
        "name": found["Name"],
        "namePrefix": known.get("namePrefix"),
        "state": found.get("State"),
        "tags": from_pairs(aws.call("ListTagsForResource", ResourceArn=arn).get("Tags")),
    }


def _shown(value: Any) -> Any:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if hasattr(value, "strftime") else value


def _delete(aws: Aws, name: str, _known: Values) -> None:
    aws.call("DeleteScheduleGroup", Name=name)
    aws.wait_until(lambda: _is_gone(aws, name), f"deletion of schedule group {name}", delete_seconds)


def _is_gone(aws: Aws, name: str) -> bool:
    try:
        aws.call("GetScheduleGroup", Name=name)
    except AwsError as failure:
        if failure.code != "ResourceNotFoundException":
            raise
        return True
    return False


def _retag(aws: Aws, _name: str, known: Values, added: dict[str, str], removed: list[str]) -> None:
    if removed:
        aws.call("UntagResource", ResourceArn=known["arn"], TagKeys=removed)
    if added:
        aws.call("TagResource", ResourceArn=known["arn"], Tags=pairs(added))


SCHEDULE_GROUP = ResourceType(
    name="aws:scheduler/scheduleGroup:ScheduleGroup",
    service="scheduler",
    properties={
        "arn": output(),
        "creationDate": output(),
        "lastModificationDate": output(),
        "name": text(
            replaces=True,
            computed=True,
            naming=Naming(longest=64),
            conflicts=("namePrefix",),
            checks=(validators.length(1, 64), _name_form),
        ),
        "namePrefix": text(
            replaces=True, computed=True, conflicts=("name",), checks=(validators.length(1, 38), _name_form)
        ),
        "state": output(),
    },
    calls={
        "create": ("CreateScheduleGroup",),
        "read": ("GetScheduleGroup", "ListTagsForResource"),
        "update": ("TagResource", "UntagResource"),
        "delete": ("DeleteScheduleGroup", "GetScheduleGroup"),
    },
    create=_create,
    read=_read,
    delete=_delete,
    retag=_retag,
    gone=frozenset({"ResourceNotFoundException"}),
)

RESOURCES = (SCHEDULE_GROUP,)
