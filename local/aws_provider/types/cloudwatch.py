"""CloudWatch log groups, metric filters and alarms, EventBridge rules, targets and schedules.

Source: Terraform AWS provider, `internal/service/{logs,cloudwatch,events,scheduler}`.
"""

import json
from typing import Any, Final

from local.aws_provider import policy_json, validators
from local.aws_provider.failure import RejectedValue
from local.aws_provider.model import (
    Operation,
    Property,
    ResourceType,
    Retry,
    Tagging,
    fixed,
    flag,
    name,
    record,
    text,
    text_map,
    texts,
    whole,
)
from local.aws_provider.wire import Values

# Log groups.

_retention_days: Final = (
    *(0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
_retain = Operation(
    "PutRetentionPolicy", {"logGroupName": "id"}, when="retentionInDays", otherwise="DeleteRetentionPolicy"
)


def _without_stars(arn: str) -> str:
    return arn.removesuffix(":*")


LOG_GROUP = ResourceType(
    name="aws:cloudwatch/logGroup:LogGroup",
    service="logs",
    properties={
        "arn": text(output=True, read_as=_without_stars),
        "kmsKeyId": text(),
        "name": name(
            validators.length(1, 512),
            validators.matches(r"[0-9A-Za-z_./#-]+", "must hold only [0-9A-Za-z_./#-]"),
            aws="logGroupName",
        ),
        "retentionInDays": whole(validators.one_of(*_retention_days), default=0),
        "skipDestroy": fixed(False, local=True),
    },
    outputs="deletionProtectionEnabled logGroupClass",
    refused="deletionProtectionEnabled logGroupClass namePrefix",
    id="{name}",
    create=(Operation("CreateLogGroup"), _retain),
    read=(
        Operation("DescribeLogGroups", {"logGroupNamePrefix": "id"}, result="logGroups", match={"logGroupName": "id"}),
    ),
    update=(
        _retain,
        Operation("AssociateKmsKey", {"logGroupName": "id"}, when="kmsKeyId", otherwise="DisassociateKmsKey"),
    ),
    delete=(Operation("DeleteLogGroup"),),
    tagging=Tagging(),
    gone=frozenset({"ResourceNotFoundException"}),
)


# Metric filters. Source: `internal/service/logs/metric_filter.go`.

_filter_name: Final = validators.matches(r"[^:*]+", "must not hold : or *")
_metric_name: Final = validators.matches(r"[^:*$]+", "must not hold :, * or $")


LOG_METRIC_FILTER = ResourceType(
    name="aws:cloudwatch/logMetricFilter:LogMetricFilter",
    service="logs",
    properties={
        "logGroupName": text(validators.length(1, 512), required=True, replaces=True),
        "metricTransformation": record(
            {
                # The API has a number there, the resource a text.
                "defaultValue": text(sent_as=float, read_as="{:g}".format),
                "dimensions": text_map(),
                "name": text(validators.length(1, 255), _metric_name, required=True, aws="metricName"),
                "namespace": text(validators.length(1, 255), _metric_name, required=True, aws="metricNamespace"),
                "unit": text(default="None"),
                "value": text(validators.length(0, 100), required=True, aws="metricValue"),
            },
            required=True,
            aws="metricTransformations",
        ),
        "name": name(validators.length(1, 512), _filter_name, aws="filterName"),
        "pattern": text(
            validators.length(0, 1024), required=True, aws="filterPattern", stored_as=str.strip, sent_as=str.strip
        ),
    },
    refused="applyOnTransformedLogs",
    id="{name}",
    import_id="{logGroupName}:{name}",
    create=(Operation("PutMetricFilter"),),
    read=(
        Operation(
            "DescribeMetricFilters", {"filterNamePrefix": "id"}, result="metricFilters", match={"filterName": "id"}
        ),
    ),
    update=(Operation("PutMetricFilter"),),
    delete=(Operation("DeleteMetricFilter"),),
    gone=frozenset({"ResourceNotFoundException"}),
)


# Alarms on one metric.

_comparisons: Final = (
    *("GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold"),
    *("LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold"),
)
_short_periods: Final = (10, 20, 30)
_minute: Final = 60


def _period(value: Any) -> str | None:
    if value in _short_periods or value % _minute == 0:
        return None
    return f"expected period to be one of {list(_short_periods)} or a multiple of {_minute}, got {value}"


def _plan_alarm(_old: Values, new: Values) -> list[RejectedValue]:
    missing = [each for each in ("metricName", "namespace", "period") if not new.get(each)]
    return [RejectedValue(each, "must be set for an alarm on one metric") for each in missing]


METRIC_ALARM = ResourceType(
    name="aws:cloudwatch/metricAlarm:MetricAlarm",
    service="cloudwatch",
    properties={
        "actionsEnabled": flag(default=True),
        "alarmActions": texts(validators.items_at_most(5)),
        "alarmDescription": text(validators.length(0, 1024)),
        "comparisonOperator": text(validators.one_of(*_comparisons)),
        "dimensions": text_map(),
        "evaluationPeriods": whole(validators.between(1, 100_000)),
        "metricName": text(validators.length(1, 255)),
        "name": name(validators.length(1, 255), aws="AlarmName"),
        "namespace": text(validators.length(1, 255)),
        "period": whole(_period),
        "statistic": text(validators.one_of("SampleCount", "Average", "Sum", "Minimum", "Maximum")),
        "threshold": Property(kind="number"),
        "treatMissingData": text(
            validators.one_of("breaching", "notBreaching", "ignore", "missing"), default="missing"
        ),
    },
    outputs="arn=AlarmArn",
    refused=(
        "datapointsToAlarm evaluateLowSampleCountPercentiles evaluationCriteria evaluationInterval evaluationWindow "
        "extendedStatistic insufficientDataActions metricQueries okActions thresholdMetricId unit warmUpConfiguration"
    ),
    id="{name}",
    create=(Operation("PutMetricAlarm"),),
    read=(Operation("DescribeAlarms", {"AlarmNames": "id"}, result="MetricAlarms"),),
    update=(Operation("PutMetricAlarm"),),
    delete=(Operation("DeleteAlarms", {"AlarmNames": "id"}),),
    tagging=Tagging(),
    gone=frozenset({"ResourceNotFound"}),
    plan=_plan_alarm,
)


# Rules and targets of EventBridge, on the default bus.

_name_form: Final = validators.matches(r"[0-9A-Za-z_.-]+", "must hold only [0-9A-Za-z_.-]")
_enabled_states: Final = ("ENABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS")
_longest_pattern: Final = 4096
_bus = fixed("default", replaces=True)


def _normal_pattern(pattern: str) -> str:
    """Return a pattern as outputs store it: compact, with sorted keys and without needless escapes."""
    return policy_json.compact(json.loads(pattern))


def _pattern(value: Any) -> str | None:
    return policy_json.json_text(value) or validators.length(0, _longest_pattern)(_normal_pattern(value))


EVENT_RULE = ResourceType(
    name="aws:cloudwatch/eventRule:EventRule",
    service="events",
    properties={
        "description": text(validators.length(0, 512)),
        "eventBusName": _bus,
        "eventPattern": text(_pattern, stored_as=_normal_pattern, sent_as=_normal_pattern),
        "forceDestroy": fixed(False, local=True),
        "name": name(validators.length(1, 64), _name_form, longest=64),
        "scheduleExpression": text(validators.length(0, 256)),
        "state": text(validators.one_of("DISABLED", *_enabled_states), computed=True),
    },
    outputs="arn",
    refused="isEnabled namePrefix roleArn",
    id="{name}",
    create=(Operation("PutRule"),),
    read=(Operation("DescribeRule"),),
    update=(Operation("PutRule"),),
    # The real plugin repeats for 5 minutes while the rule has targets.
    delete=(Operation("DeleteRule", retry=Retry(codes=frozenset({"ValidationException"}), seconds=120)),),
    tagging=Tagging(),
    gone=frozenset({"ResourceNotFoundException"}),
    at_least_one=(("eventPattern", "scheduleExpression"),),
)


_put_target = Operation("PutTargets", {"Rule": "rule", "EventBusName": "eventBusName"}, within="Targets")

EVENT_TARGET = ResourceType(
    name="aws:cloudwatch/eventTarget:EventTarget",
    service="events",
    properties={
        "arn": text(validators.arn, required=True),
        "eventBusName": _bus,
        "forceDestroy": fixed(False, local=True),
        "inputTransformer": record(
            {
                "inputPaths": text_map(aws="InputPathsMap"),
                "inputTemplate": text(validators.length(1, 8192), required=True),
            }
        ),
        "roleArn": text(validators.arn),
        "rule": text(validators.length(1, 64), _name_form, required=True, replaces=True),
        "targetId": name(validators.length(1, 64), _name_form, aws="Id"),
    },
    refused=(
        "appsyncTarget batchTarget deadLetterConfig ecsTarget httpTarget input inputPath kinesisTarget "
        "redshiftTarget retryPolicy runCommandTargets sagemakerPipelineTarget sqsTarget"
    ),
    id="{rule}-{targetId}",
    import_id="{rule}/{targetId}",
    create=(_put_target,),
    read=(Operation("ListTargetsByRule", result="Targets", match={"Id": "targetId"}),),
    update=(_put_target,),
    delete=(Operation("RemoveTargets", {"Rule": "rule", "EventBusName": "eventBusName", "Ids": "targetId"}),),
    gone=frozenset({"ResourceNotFoundException"}),
)


# Schedules of EventBridge Scheduler. Source: `internal/service/scheduler`.


_not_found: Final = "ResourceNotFoundException"
_schedule_name: Final = validators.matches(r"[0-9A-Za-z_.-]*", "must hold only alphanumeric characters and _.-")
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
        "groupName": text(validators.length(1, 64), _schedule_name, computed=True, replaces=True),
        "name": name(validators.length(1, 64), _schedule_name),
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


SCHEDULE_GROUP = ResourceType(
    name="aws:scheduler/scheduleGroup:ScheduleGroup",
    service="scheduler",
    properties={"name": name(validators.length(1, 64), _schedule_name, longest=64)},
    outputs="arn creationDate lastModificationDate state",
    refused="namePrefix",
    id="{name}",
    create=(Operation("CreateScheduleGroup"),),
    read=(Operation("GetScheduleGroup"),),
    delete=(Operation("DeleteScheduleGroup"),),
    # AWS deletes its schedules first.
    deletion_seconds=300,
    tagging=Tagging(),
    gone=frozenset({_not_found}),
)
