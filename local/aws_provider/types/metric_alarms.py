"""CloudWatch alarms on one metric. Source: Terraform AWS provider, `internal/service/cloudwatch/metric_alarm.go`.

Alarms on several metrics and on queries are an error.
"""

from typing import Any, Final

from local.aws_provider import validators
from local.aws_provider.aws import Aws
from local.aws_provider.model import (
    Change,
    Naming,
    Problem,
    Property,
    ResourceType,
    flag,
    output,
    text,
    text_map,
    texts,
    whole,
)
from local.aws_provider.tags import from_pairs, pairs
from local.aws_provider.wire import Values

_parts: Final = {
    "actionsEnabled": "ActionsEnabled",
    "alarmActions": "AlarmActions",
    "alarmDescription": "AlarmDescription",
    "comparisonOperator": "ComparisonOperator",
    "datapointsToAlarm": "DatapointsToAlarm",
    "evaluateLowSampleCountPercentiles": "EvaluateLowSampleCountPercentile",
    "evaluationPeriods": "EvaluationPeriods",
    "extendedStatistic": "ExtendedStatistic",
    "insufficientDataActions": "InsufficientDataActions",
    "metricName": "MetricName",
    "namespace": "Namespace",
    "okActions": "OKActions",
    "period": "Period",
    "statistic": "Statistic",
    "threshold": "Threshold",
    "treatMissingData": "TreatMissingData",
    "unit": "Unit",
}
_lists: Final = ("alarmActions", "insufficientDataActions", "okActions")
_comparisons: Final = (
    *("GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold"),
    *("LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold"),
)
_statistics: Final = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
_short_periods: Final = (10, 20, 30)
_minute: Final = 60


def _put(aws: Aws, wanted: Values, tags: list[dict[str, str]] | None) -> None:
    dimensions: dict[str, str] = wanted.get("dimensions") or {}
    aws.call(
        "PutMetricAlarm",
        AlarmName=wanted["name"],
        **{theirs: wanted[ours] for ours, theirs in _parts.items() if wanted.get(ours) not in (None, "")},
        Dimensions=[{"Name": name, "Value": value} for name, value in sorted(dimensions.items())],
        Tags=tags,
    )


def _create(aws: Aws, wanted: Values) -> str:
    _put(aws, wanted, pairs(wanted["tagsAll"]) or None)
    return str(wanted["name"])


def _read(aws: Aws, name: str, _known: Values) -> Values | None:
    found: Values | None = next(iter(aws.call("DescribeAlarms", AlarmNames=[name]).get("MetricAlarms", [])), None)
    if found is None:
        return None
    arn = found["AlarmArn"]
    return {
        **{ours: found.get(theirs) for ours, theirs in _parts.items()},
        **{ours: found.get(_parts[ours]) or [] for ours in _lists},
        "arn": arn,
        "dimensions": {each["Name"]: each["Value"] for each in found.get("Dimensions", [])},
        "name": found["AlarmName"],
        "tags": from_pairs(aws.call("ListTagsForResource", ResourceARN=arn).get("Tags")),
    }


def _update(aws: Aws, change: Change) -> None:
    _put(aws, {**change.new, "name": change.object_id}, None)


def _delete(aws: Aws, name: str, _known: Values) -> None:
    aws.call("DeleteAlarms", AlarmNames=[name])


def _retag(aws: Aws, _name: str, known: Values, added: dict[str, str], removed: list[str]) -> None:
    if removed:
        aws.call("UntagResource", ResourceARN=known["arn"], TagKeys=removed)
    if added:
        aws.call("TagResource", ResourceARN=known["arn"], Tags=pairs(added))


def _period(value: Any) -> str | None:
    if value in _short_periods or value % _minute == 0:
        return None
    return f"expected period to be one of {list(_short_periods)} or a multiple of {_minute}, got {value}"


def _plan(_old: Values, new: Values) -> list[Problem]:
    needed = ("metricName", "namespace", "period")
    missing = [name for name in needed if not new.get(name)]
    return [Problem(name, "must be set for an alarm on one metric") for name in missing]


_refused = Property(kind="map", items=Property(), checks=(validators.refused,))
_refused_text = text(checks=(validators.refused,))
_actions = texts(checks=(validators.items_at_most(5),))

METRIC_ALARM = ResourceType(
    name="aws:cloudwatch/metricAlarm:MetricAlarm",
    service="cloudwatch",
    properties={
        "actionsEnabled": flag(default=True),
        "alarmActions": _actions,
        "alarmDescription": text(checks=(validators.length(0, 1024),)),
        "arn": output(),
        "comparisonOperator": text(checks=(validators.one_of(*_comparisons),)),
        "datapointsToAlarm": whole(checks=(validators.between(1, 100_000),)),
        "dimensions": text_map(),
        "evaluateLowSampleCountPercentiles": text(computed=True, checks=(validators.one_of("evaluate", "ignore"),)),
        "evaluationCriteria": _refused,
        "evaluationInterval": whole(checks=(validators.refused,)),
        "evaluationPeriods": whole(checks=(validators.between(1, 100_000),)),
        "evaluationWindow": _refused,
        "extendedStatistic": text(conflicts=("statistic",)),
        "insufficientDataActions": _actions,
        "metricName": text(checks=(validators.length(1, 255),)),
        "metricQueries": Property(kind="list", items=_refused, checks=(validators.refused,)),
        "name": text(replaces=True, computed=True, naming=Naming(), checks=(validators.length(1, 255),)),
        "namespace": text(checks=(validators.length(1, 255),)),
        "okActions": _actions,
        "period": whole(checks=(_period,)),
        "statistic": text(conflicts=("extendedStatistic",), checks=(validators.one_of(*_statistics),)),
        "threshold": Property(kind="number"),
        "thresholdMetricId": _refused_text,
        "treatMissingData": text(
            default="missing", checks=(validators.one_of("breaching", "notBreaching", "ignore", "missing"),)
        ),
        "unit": text(),
        "warmUpConfiguration": _refused,
    },
    calls={
        "create": ("PutMetricAlarm",),
        "read": ("DescribeAlarms", "ListTagsForResource"),
        "update": ("PutMetricAlarm", "TagResource", "UntagResource"),
        "delete": ("DeleteAlarms",),
    },
    create=_create,
    read=_read,
    update=_update,
    delete=_delete,
    retag=_retag,
    gone=frozenset({"ResourceNotFound"}),
    plan=_plan,
)

RESOURCES = (METRIC_ALARM,)
