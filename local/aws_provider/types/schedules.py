"""EventBridge Scheduler schedules. Source: Terraform AWS provider, `internal/service/scheduler/schedule.go`."""

from typing import Any, Final

from local.aws_provider import validators
from local.aws_provider.aws import Aws
from local.aws_provider.model import Change, Naming, Property, ResourceType, output, record, text, whole
from local.aws_provider.naming import from_prefix
from local.aws_provider.wire import Values

_default_group: Final = "default"
_refused = Property(kind="map", items=Property(), checks=(validators.refused,))
_date_form = validators.matches(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})", "must be a date and time as in RFC 3339"
)
_name_form = validators.matches(r"[0-9A-Za-z_.-]*", "must hold only alphanumeric characters and _.-")
_parts: Final = {
    "description": "Description",
    "endDate": "EndDate",
    "kmsKeyArn": "KmsKeyArn",
    "startDate": "StartDate",
    "actionAfterCompletion": "ActionAfterCompletion",
}


def _arguments(wanted: Values, group: str, name: str) -> Values:
    window: Values = wanted["flexibleTimeWindow"]
    target: Values = wanted["target"]
    retry: Values = target.get("retryPolicy") or {}
    dead_letters: Values = target.get("deadLetterConfig") or {}
    sent: Values = {"Arn": target["arn"], "RoleArn": target["roleArn"]}
    if target.get("input"):
        sent["Input"] = target["input"]
    if retry:
        sent["RetryPolicy"] = {
            "MaximumEventAgeInSeconds": retry["maximumEventAgeInSeconds"],
            "MaximumRetryAttempts": retry["maximumRetryAttempts"],
        }
    if dead_letters:
        sent["DeadLetterConfig"] = {"Arn": dead_letters["arn"]}
    most = window.get("maximumWindowInMinutes")
    return {
        **{theirs: wanted.get(ours) for ours, theirs in _parts.items()},
        "FlexibleTimeWindow": {"Mode": window["mode"], **({"MaximumWindowInMinutes": most} if most else {})},
        "GroupName": group,
        "Name": name,
        "ScheduleExpression": wanted["scheduleExpression"],
        "ScheduleExpressionTimezone": wanted["scheduleExpressionTimezone"],
        "State": wanted["state"],
        "Target": sent,
    }


def _create(aws: Aws, wanted: Values) -> str:
    name = wanted.get("name") or from_prefix(wanted.get("namePrefix", "pulumi-"))
    group = wanted.get("groupName") or _default_group
    aws.call("CreateSchedule", **_arguments(wanted, group, name))
    return f"{group}/{name}"


def _read(aws: Aws, object_id: str, known: Values) -> Values | None:
    group, _, name = object_id.partition("/")
    found = aws.call("GetSchedule", GroupName=group, Name=name)
    window, target = found["FlexibleTimeWindow"], found["Target"]
    retry, dead_letters = target.get("RetryPolicy"), target.get("DeadLetterConfig")
    known_target: Values = known.get("target") or {}
    return {
        **{ours: _shown(found.get(theirs)) for ours, theirs in _parts.items()},
        "arn": found["Arn"],
        "flexibleTimeWindow": {
            "mode": window["Mode"],
            "maximumWindowInMinutes": window.get("MaximumWindowInMinutes"),
        },
        "groupName": found.get("GroupName", group),
        "name": name,
        "namePrefix": known.get("namePrefix"),
        "scheduleExpression": found["ScheduleExpression"],
        "scheduleExpressionTimezone": found.get("ScheduleExpressionTimezone", "UTC"),
        "state": found.get("State", "ENABLED"),
        "target": {
            "arn": target["Arn"],
            "roleArn": target["RoleArn"],
            "input": target.get("Input"),
            "deadLetterConfig": {"arn": dead_letters["Arn"]} if dead_letters else None,
            # Defaults of AWS for properties that the program does not set are not a difference.
            "retryPolicy": {
                "maximumEventAgeInSeconds": retry.get("MaximumEventAgeInSeconds"),
                "maximumRetryAttempts": retry.get("MaximumRetryAttempts"),
            }
            if retry and known_target.get("retryPolicy")
            else None,
        },
    }


def _shown(value: Any) -> Any:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if hasattr(value, "strftime") else value


def _update(aws: Aws, change: Change) -> None:
    group, _, name = change.object_id.partition("/")
    aws.call("UpdateSchedule", **_arguments(change.new, group, name))


def _delete(aws: Aws, object_id: str, _known: Values) -> None:
    group, _, name = object_id.partition("/")
    aws.call("DeleteSchedule", GroupName=group, Name=name)


SCHEDULE = ResourceType(
    name="aws:scheduler/schedule:Schedule",
    service="scheduler",
    properties={
        "actionAfterCompletion": text(computed=True, checks=(validators.one_of("NONE", "DELETE"),)),
        "arn": output(),
        "description": text(checks=(validators.length(0, 512),)),
        "endDate": text(checks=(_date_form,)),
        "flexibleTimeWindow": record(
            {
                "maximumWindowInMinutes": whole(checks=(validators.between(1, 1440),)),
                "mode": text(required=True, checks=(validators.one_of("OFF", "FLEXIBLE"),)),
            },
            required=True,
        ),
        "groupName": text(computed=True, replaces=True, checks=(validators.length(1, 64), _name_form)),
        "kmsKeyArn": text(checks=(validators.arn,)),
        "name": text(
            replaces=True,
            computed=True,
            naming=Naming(),
            conflicts=("namePrefix",),
            checks=(validators.length(1, 64), _name_form),
        ),
        "namePrefix": text(
            replaces=True, computed=True, conflicts=("name",), checks=(validators.length(1, 38), _name_form)
        ),
        "scheduleExpression": text(required=True, checks=(validators.length(1, 256),)),
        "scheduleExpressionTimezone": text(default="UTC", checks=(validators.length(1, 50),)),
        "startDate": text(checks=(_date_form,)),
        "state": text(default="ENABLED", checks=(validators.one_of("ENABLED", "DISABLED"),)),
        "target": record(
            {
                "arn": text(required=True, checks=(validators.arn,)),
                "deadLetterConfig": record({"arn": text(required=True, checks=(validators.arn,))}),
                "ecsParameters": _refused,
                "eventbridgeParameters": _refused,
                "input": text(checks=(validators.length(1, 256_000),)),
                "kinesisParameters": _refused,
                "retryPolicy": record(
                    {
                        "maximumEventAgeInSeconds": whole(default=86400, checks=(validators.between(60, 86400),)),
                        "maximumRetryAttempts": whole(default=185, checks=(validators.between(0, 185),)),
                    }
                ),
                "roleArn": text(required=True, checks=(validators.arn,)),
                "sagemakerPipelineParameters": _refused,
                "sqsParameters": _refused,
            },
            required=True,
        ),
    },
    calls={
        "create": ("CreateSchedule",),
        "read": ("GetSchedule",),
        "update": ("UpdateSchedule",),
        "delete": ("DeleteSchedule",),
    },
    create=_create,
    read=_read,
    update=_update,
    delete=_delete,
    gone=frozenset({"ResourceNotFoundException"}),
)

RESOURCES = (SCHEDULE,)
