"""EventBridge Scheduler schedules and groups. Source: Terraform AWS provider, `internal/service/scheduler`."""

from typing import Final

from local.aws_provider import validators
from local.aws_provider.aws import Aws
from local.aws_provider.model import Code, Item, Operation, ResourceType, Tagging, fixed, name, record, text
from local.aws_provider.wire import Values

delete_seconds: Final = 300
"""Time to wait for the deletion of a group: AWS deletes its schedules first."""
_not_found: Final = "ResourceNotFoundException"
_name_form: Final = validators.matches(r"[0-9A-Za-z_.-]*", "must hold only alphanumeric characters and _.-")
_arn: Final = text(validators.arn, required=True)


def _schedule_id(values: Values) -> str:
    return f"{values.get('groupName') or 'default'}/{values['name']}"


SCHEDULE = ResourceType(
    name="aws:scheduler/schedule:Schedule",
    service="scheduler",
    properties={
        "description": text(validators.length(0, 512)),
        "flexibleTimeWindow": record(
            {"mode": text(validators.one_of("OFF", "FLEXIBLE"), required=True)}, required=True
        ),
        "groupName": text(validators.length(1, 64), _name_form, computed=True, replaces=True),
        "name": name(validators.length(1, 64), _name_form),
        "scheduleExpression": text(validators.length(1, 256), required=True),
        "scheduleExpressionTimezone": fixed("UTC"),
        "state": text(validators.one_of("ENABLED", "DISABLED"), default="ENABLED"),
        "target": record({"arn": _arn, "input": text(validators.length(1, 256_000)), "roleArn": _arn}, required=True),
    },
    outputs="actionAfterCompletion arn",
    refused="actionAfterCompletion endDate kmsKeyArn namePrefix startDate",
    id=_schedule_id,
    import_id="{groupName}/{name}",
    create=(Operation("CreateSchedule"),),
    read=(Operation("GetSchedule"),),
    update=(Operation("UpdateSchedule"),),
    delete=(Operation("DeleteSchedule"),),
    gone=frozenset({_not_found}),
)


def _wait_for_deletion(aws: Aws, group: Item) -> None:
    aws.wait_until_gone(lambda: aws.call("GetScheduleGroup", Name=group.id), {_not_found}, group.id, delete_seconds)


SCHEDULE_GROUP = ResourceType(
    name="aws:scheduler/scheduleGroup:ScheduleGroup",
    service="scheduler",
    properties={"name": name(validators.length(1, 64), _name_form, longest=64)},
    outputs="arn creationDate lastModificationDate state",
    refused="namePrefix",
    id="{name}",
    create=(Operation("CreateScheduleGroup"),),
    read=(Operation("GetScheduleGroup"),),
    delete=(Operation("DeleteScheduleGroup"), Code(_wait_for_deletion, "GetScheduleGroup")),
    tagging=Tagging(),
    gone=frozenset({_not_found}),
)

RESOURCES = (SCHEDULE, SCHEDULE_GROUP)
